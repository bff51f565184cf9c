"""The messages of a chat request, checked as OpenAI checks them: texts, pictures, calls of tools and their results.

(pure)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalrun.records.message import Content, Image, Message, ToolCall
from evalrun.simulator.complaints import BadBody, missing, wrong_type, wrong_value
from evalrun.simulator.pictures import NoPicture, look

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
DETAILS = ("auto", "low", "high", "original")
_NOT_ANSWERED = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
    "The following tool_call_ids did not have response messages: "
)
_NOT_CALLED = (
    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
)
_NO_PICTURE = (
    "You uploaded an unsupported image. Please make sure your image has of one the following formats: "
    "['png', 'jpeg', 'gif', 'webp']."
)


def read_messages(said: object) -> tuple[Message, ...]:
    """The conversation. Raises BadBody."""
    if not isinstance(said, list):
        raise missing("messages")
    if not said:
        raise BadBody("Invalid 'messages': empty array. Expected at least one message.", "messages", "empty_array")
    messages = tuple(_message(message, f"messages[{at}]") for at, message in enumerate(said))
    _check_calls(messages)
    return messages


def _message(message: object, path: str) -> Message:
    if not isinstance(message, Mapping):
        raise wrong_type(path, "an object")
    role = message.get("role")
    if role not in ROLES:
        raise wrong_value(f"{path}.role", role, ROLES)
    calls = _calls(message.get("tool_calls"), path) if role == "assistant" else ()
    answers = message.get("tool_call_id") if role == "tool" else None
    if role == "tool" and not isinstance(answers, str):
        raise missing("tool_call_id", path)
    name = message.get("name")
    return Message(
        role=str(role),
        content=_content(message.get("content"), f"{path}.content", str(role)),
        name=name if isinstance(name, str) else None,
        tool_calls=calls,
        tool_call_id=answers if isinstance(answers, str) else None,
    )


def _content(content: object, path: str, role: str) -> Content:
    if isinstance(content, str):
        return content
    if content is None and role == "assistant":
        return ""
    if not isinstance(content, list):
        raise wrong_type(path, "a string or an array of parts")
    parts = [_part(part, f"{path}[{at}]", role) for at, part in enumerate(content)]
    texts = [part for part in parts if isinstance(part, str)]
    return "".join(texts) if len(texts) == len(parts) else tuple(parts)


def _part(part: object, path: str, role: str) -> str | Image:
    kind = part.get("type") if isinstance(part, Mapping) else None
    allowed = ("text", "image_url") if role == "user" else ("text", "refusal")
    if not isinstance(part, Mapping) or kind not in allowed:
        raise wrong_value(f"{path}.type", kind, allowed)
    if kind == "image_url":
        return _image(part.get("image_url"), f"{path}.image_url")
    text = part.get(kind)
    if not isinstance(text, str):
        raise missing(str(kind), path)
    return text


def _image(said: object, path: str) -> Image:
    url = said.get("url") if isinstance(said, Mapping) else None
    if not isinstance(said, Mapping) or not isinstance(url, str):
        raise missing("url", path)
    detail = said.get("detail", "auto")
    if detail not in DETAILS:
        raise wrong_value(f"{path}.detail", detail, DETAILS)
    if not url.startswith(("data:", "http://", "https://")):
        raise BadBody("Invalid URL in an image: expected http, https or data.", f"{path}.url", "invalid_image_url")
    try:
        look(url)
    except NoPicture as reason:
        message = str(reason) if "base64" in str(reason) else _NO_PICTURE
        raise BadBody(message, f"{path}.url", "invalid_image_format") from None
    return Image(source=url, detail=str(detail))


def _calls(said: object, path: str) -> tuple[ToolCall, ...]:
    if said is None:
        return ()
    if not isinstance(said, list) or not said:
        raise wrong_type(f"{path}.tool_calls", "an array with at least one call")
    return tuple(_call(call, f"{path}.tool_calls[{at}]") for at, call in enumerate(said))


def _call(call: object, path: str) -> ToolCall:
    function: Any = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(call, Mapping) or not isinstance(function, Mapping):
        raise missing("function", path)
    identity, name, arguments = call.get("id"), function.get("name"), function.get("arguments")
    if not isinstance(identity, str):
        raise missing("id", path)
    if not isinstance(name, str):
        raise missing("name", f"{path}.function")
    if not isinstance(arguments, str):
        raise missing("arguments", f"{path}.function")
    return ToolCall(id=identity, name=name, arguments=arguments)


def _check_calls(messages: tuple[Message, ...]) -> None:
    """Each call has its result right after it, and no result comes uncalled."""
    waiting: dict[str, None] = {}
    for at, message in enumerate(messages):
        if message.role == "tool":
            if message.tool_call_id not in waiting:
                raise BadBody(_NOT_CALLED, f"messages[{at}].role")
            del waiting[message.tool_call_id]
            continue
        if waiting:
            raise BadBody(_NOT_ANSWERED + ", ".join(waiting), f"messages[{at}].role")
        waiting = {call.id: None for call in message.tool_calls}
    if waiting:
        raise BadBody(_NOT_ANSWERED + ", ".join(waiting), "messages")
