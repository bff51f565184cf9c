"""How many tokens a text, a chat or a picture is: counted where the model's encoding is at hand, else estimated.

A count never touches the network. What is estimated says so.
"""

from evalrun.tokens.chat import count_messages, count_request
from evalrun.tokens.encodings import count, encoding_name, preload
from evalrun.tokens.estimates import cut, estimate
from evalrun.tokens.images import image_tokens

__all__ = ["count", "count_messages", "count_request", "cut", "encoding_name", "estimate", "image_tokens", "preload"]
