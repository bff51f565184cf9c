"""The dialect openai-chat: OpenAI's Chat Completions, as the many services that imitate it speak it.  (pure)

How replies are read is in chat_reply.py. Source: the OpenAI API reference, "Create chat completion".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from evalrun.providers.asking import picture_url, spoken, with_extra
from evalrun.providers.chat_reply import parse
from evalrun.providers.dialect import Auth, Unsupported
from evalrun.records.message import Content, Image, Message, Tool
from evalrun.records.request import Request
from evalrun.records.suite import Provider

__all__ = ["AUTH", "build", "headers", "parse", "path"]

AUTH: Auth = "bearer"

_KNOWN = frozenset(
    {"temperature", "top_p", "max_tokens", "max_completion_tokens", "seed", "stop", "frequency_penalty"}
    | {"presence_penalty", "logit_bias", "logprobs", "top_logprobs", "n", "response_format", "reasoning_effort"}
    | {"service_tier", "tool_choice", "parallel_tool_calls", "user", "stream"}
)


def path(_request: Request, _provider: Provider) -> str:
    """See Dialect."""
    return "/chat/completions"


def headers(_request: Request, _provider: Provider) -> Mapping[str, str]:
    """See Dialect."""
    return {"accept": "application/json"}  # as OpenAI's own client says it for streams too


def build(request: Request) -> dict[str, Any]:
    """The body to send; extra_body is merged last. A stream is asked for its usage, unless extra_body says otherwise
    (null: say nothing of it).

    Raises Unsupported for a parameter that chat completions lack, and for a picture where none may be.
    """
    spoken(request, _KNOWN)
    said = {name: value for name, value in request.params.items() if name in _KNOWN and value is not None}
    body: dict[str, Any] = {**said, "model": request.model}
    body["messages"] = [_message(message, request) for message in request.messages]
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    body = with_extra(body, request)
    if body.get("stream") and body.setdefault("stream_options", {"include_usage": True}) is None:
        del body["stream_options"]
    return body


def _message(message: Message, request: Request) -> dict[str, Any]:
    said: dict[str, Any] = {"role": message.role, "content": _content(message.content, message.role, request)}
    if message.name is not None:
        said["name"] = message.name
    if message.tool_call_id is not None:
        said["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        said["content"] = said["content"] or None
        said["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.carried:
        _carry(said, message.carried)
    return said


def _carry(said: dict[str, Any], carried: str) -> None:
    """Put back what chat_reply.py took out of the reply that this message is."""
    more = json.loads(carried)
    for call, hung in zip(said.get("tool_calls", ()), more.pop("tool_calls", ()), strict=False):
        call.update(hung)
    said.update(more)


def _content(content: Content, role: str, request: Request) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return content
    if role != "user" and any(isinstance(part, Image) for part in content):
        raise Unsupported(f"{request.dialect} has no pictures in a message of the role {role}")
    return [_part(part, request) for part in content]


def _part(part: str | Image, request: Request) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    image = {"url": picture_url(part, request)}
    if part.detail != "auto":
        image["detail"] = part.detail
    return {"type": "image_url", "image_url": image}


def _tool(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = dict(tool.parameters) or {"type": "object", "properties": {}}
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}
