"""What the dialects share in writing a request: parameters, pictures, and what a dialect lacks.  (pure)"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from evalrun.providers.dialect import Unsupported
from evalrun.records.message import Image, Message, Picture
from evalrun.records.request import Request

_SAYS_NOTHING: Mapping[str, Any] = {
    "best_of": 1,
    "echo": False,
    "frequency_penalty": 0,
    "logit_bias": {},
    "logprobs": False,
    "n": 1,
    "presence_penalty": 0,
    "response_format": {"type": "text"},
    "stream": False,
}
"""Parameters with the value that they have unasked: to say it asks for nothing, and no dialect need have a word."""


def spoken(request: Request, known: Collection[str]) -> dict[str, Any]:
    """The parameters of *request* that ask for something, without its extra_body.

    *known* are the names that the dialect has. Raises Unsupported for any other that asks for something.
    """
    said = {
        name: value
        for name, value in request.params.items()
        if name != "extra_body" and value is not None and not _says_nothing(name, value)
    }
    lacking = [name for name in said if name not in known]
    if lacking:
        raise Unsupported(f"{request.dialect} has no {', '.join(sorted(lacking))}")
    return said


def _says_nothing(name: str, value: Any) -> bool:
    unasked = _SAYS_NOTHING.get(name)
    return value == unasked and isinstance(value, bool) is isinstance(unasked, bool)  # logprobs: 0 is not false


def accept(request: Request) -> dict[str, str]:
    """The header that says whether a stream is wanted."""
    return {"accept": "text/event-stream" if request.params.get("stream") else "application/json"}


def with_extra(body: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """The body with what extra_body says: each of its members replaces the whole member of that name."""
    return {**body, **(request.params.get("extra_body") or {})}


def most_tokens(params: Mapping[str, Any]) -> Any:
    """How long the answer may be, in tokens, by either name; None: nothing says."""
    return params.get("max_completion_tokens", params.get("max_tokens"))


def only_texts(request: Request) -> None:
    """Raises Unsupported where the request has tools, messages about their calls, pictures, or names of speakers."""
    if request.tools or any(message.tool_calls or message.role == "tool" for message in request.messages):
        raise Unsupported(f"{request.dialect} has no tools")
    if any(message.images for message in request.messages):
        raise Unsupported(f"{request.dialect} has no pictures")
    refuse_names(request)


def refuse_names(request: Request) -> None:
    """Raises Unsupported where a message says by name who speaks; a tool's message says it by its call."""
    if any(message.name for message in request.messages if message.role != "tool"):
        raise Unsupported(f"{request.dialect} has no names of speakers")


def call_id(message: Message, request: Request) -> str:
    """Which call a tool's message answers. Raises Unsupported where it does not say."""
    if not message.tool_call_id:
        raise Unsupported(f"{request.dialect} has no tool's message without the tool_call_id that it answers")
    return message.tool_call_id


def picture_of(image: Image, request: Request) -> Picture | None:
    """The file that *image* shows; None: it is a URL. Raises Unsupported where the file did not come along."""
    if image.source.startswith(("http://", "https://")):
        return None
    picture = request.pictures.get(image.source)
    if picture is None:
        raise Unsupported(f"the picture {image.source} did not come along with the request")
    return picture


def picture_url(image: Image, request: Request) -> str:
    """The picture's URL, or its file as a data URL. Raises Unsupported where the file did not come along."""
    picture = picture_of(image, request)
    return f"data:{picture.media_type};base64,{picture.base64}" if picture else image.source
