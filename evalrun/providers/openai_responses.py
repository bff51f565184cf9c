"""The dialect openai-responses: what a request is in OpenAI's Responses API.  (pure)

Nothing is kept at the vendor's (``store: false``), so a reasoning model's hidden reasoning comes back to it with the
next request, encrypted, as `Response.carried` has it; it is asked for where there are tools, of the models that are
known to reason. How replies are read is in responses_reply.py.

Source: the OpenAI API reference, "Create a model response"; openai-openapi, CreateResponse.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from evalrun.providers.asking import accept, call_id, most_tokens, picture_url, refuse_names, spoken, with_extra
from evalrun.providers.dialect import Auth, Unsupported
from evalrun.providers.responses_reply import parse
from evalrun.records.message import Content, Message, Tool
from evalrun.records.request import Request
from evalrun.records.suite import Provider

__all__ = ["AUTH", "build", "headers", "parse", "path"]

AUTH: Auth = "bearer"

_AS_THEY_ARE = ("temperature", "top_p", "top_logprobs", "parallel_tool_calls", "service_tier", "user", "stream")
_KNOWN = frozenset(_AS_THEY_ARE) | {
    *("max_tokens", "max_completion_tokens", "response_format", "reasoning_effort", "tool_choice", "logprobs")
}

# The others answer 400 where they are asked for encrypted reasoning.
_REASONS = re.compile(r"(?:.*/)?(?:o\d|gpt-[5-9]|gpt-oss|codex)")
_DOES_NOT = re.compile(r"(?:.*/)?gpt-5(?:\.\d+)?-chat")


def path(_request: Request, _provider: Provider) -> str:
    """See Dialect."""
    return "/responses"


def headers(request: Request, _provider: Provider) -> Mapping[str, str]:
    """See Dialect."""
    return accept(request)


def build(request: Request) -> dict[str, Any]:
    """The body to send; extra_body is merged last. Raises Unsupported for what the Responses API has no word for."""
    refuse_names(request)
    said = spoken(request, _KNOWN)
    body: dict[str, Any] = {"model": request.model, "input": _input(request), "store": False}
    body |= {name: said[name] for name in _AS_THEY_ARE if name in said}
    if (most := most_tokens(said)) is not None:
        body["max_output_tokens"] = most
    if "reasoning_effort" in said:
        body["reasoning"] = {"effort": said["reasoning_effort"]}
    if "response_format" in said:
        body["text"] = {"format": _format(said["response_format"])}
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if "tool_choice" in said:
        body["tool_choice"] = _tool_choice(said["tool_choice"])
    if said.get("stream"):
        body["stream_options"] = {"include_obfuscation": False}  # filling that only costs bytes here
    include = []
    if "logprobs" in said or "top_logprobs" in said:
        include.append("message.output_text.logprobs")
    if request.tools and _reasons(request.model, said):
        include.append("reasoning.encrypted_content")
    if include:
        body["include"] = include
    return with_extra(body, request)


def _reasons(model: str, said: Mapping[str, Any]) -> bool:
    """Whether the model reasons: its name is one of OpenAI's that do, or it is told how much to."""
    named = bool(_REASONS.match(model)) and not _DOES_NOT.match(model)
    return named or said.get("reasoning_effort", "none") != "none"


def _input(request: Request) -> list[dict[str, Any]]:
    return [item for message in request.messages for item in _items(message, request)]


def _items(message: Message, request: Request) -> Iterator[dict[str, Any]]:
    """The input items that a message is: itself, the answer to a call, or an assistant's text and then its calls."""
    if message.role == "tool":
        output = _content(message.content, request)
        yield {"type": "function_call_output", "call_id": call_id(message, request), "output": output}
    elif message.role != "assistant":
        yield {"role": message.role, "content": _content(message.content, request)}
    elif message.carried:
        yield from json.loads(message.carried)
    else:
        if message.images:
            raise Unsupported(f"{request.dialect} has no pictures in a message of the assistant")
        if message.text or not message.tool_calls:
            yield {"role": "assistant", "content": message.text}
        for call in message.tool_calls:
            yield {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}


def _content(content: Content, request: Request) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return content
    return [
        {"type": "input_text", "text": part}
        if isinstance(part, str)
        else {"type": "input_image", "image_url": picture_url(part, request), "detail": part.detail}
        for part in content
    ]


def _tool(tool: Tool) -> dict[str, Any]:
    return {
        "type": "function",
        "name": tool.name,
        **({"description": tool.description} if tool.description else {}),
        "parameters": dict(tool.parameters),
        "strict": tool.strict,
    }


def _tool_choice(choice: Any) -> Any:
    """The choice without the level ``function`` that chat completions have in it."""
    if isinstance(choice, Mapping) and isinstance(function := choice.get("function"), Mapping):
        return {"type": "function", "name": function.get("name")}
    return choice


def _format(chosen: Any) -> Any:
    """The response_format without the level ``json_schema`` that chat completions have in it."""
    if isinstance(chosen, Mapping) and isinstance(schema := chosen.get("json_schema"), Mapping):
        return {"type": "json_schema", **schema}
    return chosen
