"""The dialect anthropic-messages: what a request is in Anthropic's Messages API.  (pure)

How replies are read is in messages_reply.py. Four things are said otherwise than in chat completions:

- Messages of the system and of the developer stand on top, in their order, wherever they were.
- ``max_tokens`` has to be given; it is 4096 where nothing says.
- ``reasoning_effort`` is ``output_config.effort`` with adaptive thinking, as models since Claude 4.6 have it; ``none``
  turns thinking off. Older models have a budget of tokens instead, which extra_body can say (``thinking``).
- A picture has no ``detail``, so that is left out.

Source: Anthropic's API reference, "Create a message"; anthropic-sdk-python 2.13, MessageCreateParams.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from evalrun.providers.asking import accept, call_id, most_tokens, picture_of, refuse_names, spoken, with_extra
from evalrun.providers.dialect import Auth, Unsupported
from evalrun.providers.messages_reply import input_of, parse
from evalrun.records.message import Image, Message, Tool
from evalrun.records.request import Request
from evalrun.records.suite import Provider

__all__ = ["AUTH", "build", "headers", "parse", "path"]

AUTH: Auth = "x-api-key"

MAX_TOKENS = 4096
"""How long an answer may be where nothing says."""

_VERSION = "2023-06-01"
_AS_THEY_ARE = ("temperature", "top_p", "stream")
_KNOWN = frozenset(_AS_THEY_ARE) | {
    *("max_tokens", "max_completion_tokens", "stop", "response_format", "reasoning_effort", "service_tier", "user"),
    *("tool_choice", "parallel_tool_calls"),
}
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_TIERS = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}
_CHOICES = {"auto": "auto", "none": "none", "required": "any"}


def path(_request: Request, _provider: Provider) -> str:
    """See Dialect."""
    return "/messages"


def headers(request: Request, _provider: Provider) -> Mapping[str, str]:
    """See Dialect."""
    return {**accept(request), "anthropic-version": _VERSION}


def build(request: Request) -> dict[str, Any]:
    """The body to send; extra_body is merged last. Raises Unsupported for what the Messages API has no word for."""
    refuse_names(request)
    said = spoken(request, _KNOWN)
    most = most_tokens(said)
    body: dict[str, Any] = {"model": request.model, "max_tokens": MAX_TOKENS if most is None else most}
    if system := "\n\n".join(_system(request)):
        body["system"] = system
    body["messages"] = _messages(request)
    body |= {name: said[name] for name in _AS_THEY_ARE if name in said}
    if "stop" in said:
        body["stop_sequences"] = [said["stop"]] if isinstance(said["stop"], str) else list(said["stop"])
    if "user" in said:
        body["metadata"] = {"user_id": said["user"]}
    if "service_tier" in said:
        body["service_tier"] = _word(said["service_tier"], _TIERS, "service_tier", request)
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        if choice := _tool_choice(said, request):
            body["tool_choice"] = choice
    return with_extra(body | _thinking(said, request), request)


def _system(request: Request) -> Iterator[str]:
    for message in request.messages:
        if message.role in ("system", "developer"):
            if message.images:
                raise Unsupported(f"{request.dialect} has no pictures in a message of the {message.role}")
            yield message.text


def _messages(request: Request) -> list[dict[str, Any]]:
    """The turns of user and assistant; messages of one side that follow each other are one turn."""
    turns: list[tuple[str, list[dict[str, Any]]]] = []
    for message in request.messages:
        if message.role in ("system", "developer") or _is_silence(message):
            continue
        role = "assistant" if message.role == "assistant" else "user"
        if not turns or turns[-1][0] != role:
            turns.append((role, []))
        turns[-1][1].extend(_blocks(message, request))
    if not turns:
        raise Unsupported(f"{request.dialect} has no prompt without a message of the user")
    return [{"role": role, "content": _short(blocks)} for role, blocks in turns]


def _is_silence(message: Message) -> bool:
    """Whether it is a reply without anything in it: the API refuses empty texts, so that turn is left out."""
    return message.role == "assistant" and not (message.content or message.tool_calls or message.carried)


def _short(blocks: list[dict[str, Any]]) -> Any:
    """A single text as a text, everything else as blocks."""
    return blocks[0]["text"] if len(blocks) == 1 and blocks[0].get("type") == "text" else blocks


def _blocks(message: Message, request: Request) -> Iterator[dict[str, Any]]:
    """The content blocks of a message: what a tool answered, or texts and pictures and then the assistant's calls."""
    if message.role == "tool":
        said = message.content if isinstance(message.content, str) else _parts(message, request)
        yield {"type": "tool_result", "tool_use_id": call_id(message, request), "content": said}
        return
    if message.carried:
        yield from json.loads(message.carried)
        return
    if message.role == "assistant" and message.images:
        raise Unsupported(f"{request.dialect} has no pictures in a message of the assistant")
    if not message.tool_calls or message.text.strip():  # a text without words is refused beside a call
        yield from _parts(message, request)
    for call in message.tool_calls:
        yield {"type": "tool_use", "id": call.id, "name": call.name, "input": input_of(call.arguments)}


def _parts(message: Message, request: Request) -> list[dict[str, Any]]:
    content = (message.content,) if isinstance(message.content, str) else message.content
    return [_image(part, request) if isinstance(part, Image) else {"type": "text", "text": part} for part in content]


def _image(image: Image, request: Request) -> dict[str, Any]:
    picture = picture_of(image, request)
    if picture is None:
        return {"type": "image", "source": {"type": "url", "url": image.source}}
    source = {"type": "base64", "media_type": picture.media_type, "data": picture.base64}
    return {"type": "image", "source": source}


def _tool(tool: Tool) -> dict[str, Any]:
    return {
        "name": tool.name,
        **({"description": tool.description} if tool.description else {}),
        "input_schema": dict(tool.parameters) or {"type": "object", "properties": {}},
        **({"strict": True} if tool.strict else {}),
    }


def _tool_choice(said: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """The choice of tools, with whether several may be called at once; empty where nothing is said of either."""
    one_by_one = {"disable_parallel_tool_use": True} if said.get("parallel_tool_calls") is False else {}
    choice = said.get("tool_choice")
    if choice is None:
        return {"type": "auto", **one_by_one} if one_by_one else {}
    if isinstance(choice, Mapping) and isinstance(function := choice.get("function"), Mapping):
        return {"type": "tool", "name": function.get("name"), **one_by_one}
    kind = _word(choice, _CHOICES, "tool_choice", request)
    return {"type": kind} if kind == "none" else {"type": kind, **one_by_one}


def _thinking(said: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """How much to think, and the form of the answer: both are members of output_config."""
    config: dict[str, Any] = {}
    body: dict[str, Any] = {}
    effort = said.get("reasoning_effort")
    if effort == "none":
        body["thinking"] = {"type": "disabled"}
    elif effort is not None:
        config["effort"] = _word(effort, {name: name for name in _EFFORTS}, "reasoning_effort", request)
        body["thinking"] = {"type": "adaptive"}
    chosen = said.get("response_format")
    if chosen is not None:
        schema = chosen.get("json_schema") if isinstance(chosen, Mapping) else None
        if not isinstance(schema, Mapping) or not isinstance(schema.get("schema"), Mapping):
            kind = chosen.get("type") if isinstance(chosen, Mapping) else chosen
            raise Unsupported(f"{request.dialect} has no response_format {kind}; a json_schema it has")
        config["format"] = {"type": "json_schema", "schema": dict(schema["schema"])}
    return {**body, "output_config": config} if config else body


def _word(value: Any, words: Mapping[str, str], name: str, request: Request) -> str:
    """This dialect's word for *value*. Raises Unsupported where it has none."""
    if not isinstance(value, str) or value not in words:
        raise Unsupported(f"{request.dialect} has no {name} {value} (it has {', '.join(words)})")
    return words[value]
