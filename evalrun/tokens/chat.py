"""How many tokens a chat request's messages and tools are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from evalrun.records.message import Content, Image, Message, Tool
from evalrun.records.outcome import TokensMethod
from evalrun.records.request import Request
from evalrun.tokens.encodings import count, encoding_of, plain_name
from evalrun.tokens.images import image_tokens
from evalrun.tokens.tools import call_tokens, tool_tokens

TOKENS_PER_MESSAGE = 3
TOKENS_PER_NAME = 1
TOKENS_PER_REPLY = 3

# Of this one model a message is framed otherwise, and a name takes the role's place.
_FIRST_CHAT = "gpt-3.5-turbo-0301"
_FIRST_PER_MESSAGE, _FIRST_PER_NAME = 4, -1

# The models whose frame was published; later ones count alike as far as anybody knows, which is an estimate.
_PUBLISHED = re.compile(r"(ft:)?(chatgpt-4o|gpt-4|gpt-3\.?5)")


def count_messages(messages: Sequence[Message], model: str, tools: Iterable[Tool] = ()) -> tuple[int, TokensMethod]:
    """Prompt tokens of a chat request, and how they were found.

    Each message has its role, name and content and 3 tokens more, a name 1, and the reply's beginning 3. Pictures
    count by `image_tokens`, *tools* by the cookbook's rule, tool calls and results by their texts, as an estimate.
    Source: OpenAI cookbook, "How to count tokens with tiktoken", checked there against real usage.
    """
    total, method = tool_tokens(tools, model)
    exact = bool(messages) and method is TokensMethod.EXACT and _is_published(model)
    for message in messages:
        tokens, method = _message(message, model)
        total += tokens
        exact = exact and method is TokensMethod.EXACT
    return total + TOKENS_PER_REPLY, TokensMethod.EXACT if exact else TokensMethod.ESTIMATE


def count_request(request: Request) -> tuple[int, TokensMethod]:
    """Prompt tokens of a chat request as a whole, and how they were found.

    A JSON Schema that the answer must fit is put before the model too; nobody publishes in which form, so it counts as
    its JSON text, as an estimate.
    """
    total, method = count_messages(request.messages, request.model, request.tools)
    asked = request.params.get("response_format")
    named = asked.get("json_schema") if isinstance(asked, Mapping) else None
    if not isinstance(named, Mapping):
        return total, method
    return total + count(json.dumps(named.get("schema"), ensure_ascii=False), request.model)[0], TokensMethod.ESTIMATE


def _message(message: Message, model: str) -> tuple[int, TokensMethod]:
    content, method = _content(message.content, model)
    per_message, per_name = _frame(model)
    total = per_message + _role_tokens(message.role, model) + content
    if message.name:
        total += per_name + count(message.name, model)[0]
    if message.tool_calls or message.tool_call_id:
        return total + call_tokens(message.tool_calls, model), TokensMethod.ESTIMATE
    return total, method


def _content(content: Content, model: str) -> tuple[int, TokensMethod]:
    if isinstance(content, str):
        return count(content, model)
    found = [image_tokens(part, model) if isinstance(part, Image) else count(part, model) for part in content]
    exact = all(method is TokensMethod.EXACT for _, method in found)
    return sum(tokens for tokens, _ in found), TokensMethod.EXACT if exact else TokensMethod.ESTIMATE


@lru_cache(maxsize=256)
def _frame(model: str) -> tuple[int, int]:
    """Tokens of a message besides its role and content, and of a name besides its own."""
    first = plain_name(model) == _FIRST_CHAT
    return (_FIRST_PER_MESSAGE, _FIRST_PER_NAME) if first else (TOKENS_PER_MESSAGE, TOKENS_PER_NAME)


@lru_cache(maxsize=256)
def _is_published(model: str) -> bool:
    return encoding_of(model) is not None and _PUBLISHED.match(plain_name(model)) is not None


@lru_cache(maxsize=256)
def _role_tokens(role: str, model: str) -> int:
    return count(role, model)[0]
