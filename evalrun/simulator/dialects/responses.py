"""OpenAI's Responses API, without what needs a memory between requests.  (pure)

Source: the OpenAI API reference, "Create a model response" and "Streaming events".
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from evalrun.simulator.complaints import BadBody, missing, unknown, wrong_type, wrong_value
from evalrun.simulator.dialects.chat import SERVER_ERROR, same_error
from evalrun.simulator.dialects.responses_stream import events_of
from evalrun.simulator.dialects.wire import EVERY_STYLE, Asked, Dialect, Event
from evalrun.simulator.engine import Reply
from evalrun.simulator.pieces import token_logprobs

_SAME = ("model", "temperature", "top_p", "stream", "parallel_tool_calls", "user", "metadata", "store", "service_tier",
         "prompt_cache_key", "safety_identifier")  # fmt: skip
_IGNORED = ("include", "truncation", "max_tool_calls", "background", "prompt_cache_retention", "prompt_cache_options")
_KNOWN = frozenset([*_SAME, *_IGNORED, "input", "instructions", "max_output_tokens", "tools", "tool_choice", "text"])
_KNOWN |= {"reasoning", "stream_options", "top_logprobs", "previous_response_id", "conversation"}
_TEXTS = {"input_text": "text", "output_text": "text", "refusal": "refusal", "text": "text"}
_PARTS = ("input_text", "input_image", "output_text", "refusal")
_ITEMS = ("message", "function_call", "function_call_output", "reasoning")


def translate(asked: Asked) -> dict[str, Any]:
    """The items as messages, the settings under their older names. Raises BadBody."""
    said = asked.body
    if not isinstance(said, Mapping):
        raise BadBody("The request body is not a JSON object.")
    if strange := sorted(str(name) for name in said if name not in _KNOWN):
        raise unknown(strange[0])
    for name in ("previous_response_id", "conversation"):
        if said.get(name) is not None:
            message = f"Previous response with id '{said[name]}' not found: the simulator keeps none."
            raise BadBody(message, name, "previous_response_not_found")
    body = {name: said[name] for name in _SAME if said.get(name) is not None}
    body["messages"] = _messages(said)
    for name, older in (("max_output_tokens", "max_completion_tokens"),):
        if said.get(name) is not None:
            body[older] = said[name]
    if said.get("tools"):
        body["tools"] = _tools(said["tools"])
        if said.get("tool_choice") is not None:
            body["tool_choice"] = _choice(said["tool_choice"])
    else:
        body.pop("parallel_tool_calls", None)
    if (form := _format(said.get("text"))) is not None:
        body["response_format"] = form
    effort = _member(said, "reasoning").get("effort")
    if effort is not None:
        body["reasoning_effort"] = effort
    if _wants_logprobs(said):
        body |= {"logprobs": True, "top_logprobs": said.get("top_logprobs") or 0}
    return body


def _member(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = said.get(name)
    if value is not None and not isinstance(value, Mapping):
        raise wrong_type(name, "an object")
    return value or {}


def _wants_logprobs(said: Mapping[str, Any]) -> bool:
    include = said.get("include")
    return bool(said.get("top_logprobs")) or "message.output_text.logprobs" in (
        include if isinstance(include, list) else []
    )


def _messages(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    given, instructions = said.get("input"), said.get("instructions")
    if instructions is not None and not isinstance(instructions, str):
        raise wrong_type("instructions", "a string")
    messages: list[dict[str, Any]] = [{"role": "system", "content": instructions}] if instructions else []
    if isinstance(given, str):
        return [*messages, {"role": "user", "content": given}]
    if not isinstance(given, list):
        raise missing("input")
    for at, item in enumerate(given):
        _add(messages, item, f"input[{at}]")
    return messages


def _add(messages: list[dict[str, Any]], item: object, path: str) -> None:
    """One more item of the conversation: a call goes into the assistant's message before it."""
    if not isinstance(item, Mapping):
        raise wrong_type(path, "an object")
    kind = item.get("type", "message")
    if kind == "message":
        messages.append({"role": item.get("role"), "content": _content(item.get("content"), f"{path}.content")})
    elif kind == "function_call":
        function = {"name": item.get("name"), "arguments": item.get("arguments")}
        call = {"id": item.get("call_id"), "type": "function", "function": function}
        last = messages[-1] if messages else {}
        if last.get("role") != "assistant":
            last = {"role": "assistant", "content": None}
            messages.append(last)
        last.setdefault("tool_calls", []).append(call)
    elif kind == "function_call_output":
        output = item.get("output")
        content = output if isinstance(output, str) else _content(output, f"{path}.output")
        messages.append({"role": "tool", "tool_call_id": item.get("call_id"), "content": content})
    elif kind != "reasoning":
        raise wrong_value(f"{path}.type", kind, _ITEMS)


def _content(content: object, path: str) -> Any:
    if not isinstance(content, list):
        return content
    return [_part(part, f"{path}[{at}]") for at, part in enumerate(content)]


def _part(part: object, path: str) -> dict[str, Any]:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if not isinstance(part, Mapping) or kind not in _PARTS:
        raise wrong_value(f"{path}.type", kind, _PARTS)
    if kind == "input_image":
        return {"type": "image_url", "image_url": {"url": part.get("image_url"), "detail": part.get("detail", "auto")}}
    return {"type": "text", "text": part.get(_TEXTS[kind])}


def _tools(said: object) -> Any:
    if not isinstance(said, list):
        raise wrong_type("tools", "an array of objects")
    tools = []
    for at, tool in enumerate(said):
        kind = tool.get("type") if isinstance(tool, Mapping) else None
        if not isinstance(tool, Mapping) or kind != "function":
            raise wrong_value(f"tools[{at}].type", kind, ("function",))
        function = {name: tool[name] for name in ("name", "description", "parameters", "strict") if name in tool}
        tools.append({"type": "function", "function": function})
    return tools


def _choice(said: object) -> Any:
    if isinstance(said, Mapping):
        return {"type": said.get("type"), "function": {"name": said.get("name")}}
    return said


def _format(text: object) -> dict[str, Any] | None:
    form = text.get("format") if isinstance(text, Mapping) else None
    if not isinstance(form, Mapping):
        return None
    if form.get("type") != "json_schema":
        return {"type": form.get("type")}
    members = {name: form[name] for name in ("name", "schema", "strict", "description") if name in form}
    return {"type": "json_schema", "json_schema": members}


def whole(asked: Asked, reply: Reply) -> dict[str, Any]:
    """A response: what the model thought, what it said, and the calls that it makes, an item each."""
    body, said = reply.body or {}, asked.said
    choice, usage = body["choices"][0], body["usage"]
    cut = choice["finish_reason"] == "length"
    text, tools = _member(said, "text"), said.get("tools") or []
    return {
        "id": _id("resp", body),
        "object": "response",
        "created_at": body["created"],
        "status": "incomplete" if cut else "completed",
        "background": False,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "instructions": said.get("instructions"),
        "max_output_tokens": said.get("max_output_tokens"),
        "max_tool_calls": said.get("max_tool_calls"),
        "model": body["model"],
        "output": _output(said, reply, "incomplete" if cut else "completed"),
        "parallel_tool_calls": said.get("parallel_tool_calls") is not False,
        "previous_response_id": None,
        "reasoning": {"effort": _member(said, "reasoning").get("effort"), "summary": None},
        "service_tier": "default",
        "store": said.get("store") is not False,
        "temperature": said.get("temperature", 1.0),
        "text": {"format": {"type": "text"}, **text},
        "tool_choice": said.get("tool_choice") or "auto",
        "tools": [{"strict": True, "parameters": {}, **tool} for tool in tools],
        "top_logprobs": said.get("top_logprobs") or 0,
        "top_p": said.get("top_p", 1.0),
        "truncation": said.get("truncation") or "disabled",
        "usage": {
            "input_tokens": usage["prompt_tokens"],
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": usage["completion_tokens"],
            "output_tokens_details": {"reasoning_tokens": usage["completion_tokens_details"]["reasoning_tokens"]},
            "total_tokens": usage["total_tokens"],
        },
        "user": said.get("user"),
        "metadata": said.get("metadata") or {},
    }


def _id(kind: str, body: Mapping[str, Any], at: int | None = None) -> str:
    return f"{kind}_{body['id'].removeprefix('chatcmpl-')}" + ("" if at is None else f"{at:02d}")


def _output(said: Mapping[str, Any], reply: Reply, status: str) -> list[dict[str, Any]]:
    body = reply.body or {}
    message = body["choices"][0]["message"]
    items: list[dict[str, Any]] = []
    if body["usage"]["completion_tokens_details"]["reasoning_tokens"]:
        wish = _member(said, "reasoning").get("summary")
        summary = [{"type": "summary_text", "text": reply.thoughts}] if wish else []
        item: dict[str, Any] = {"id": _id("rs", body), "type": "reasoning", "summary": summary}
        if "reasoning.encrypted_content" in (said.get("include") or []):
            item["encrypted_content"] = base64.b64encode(reply.thoughts.encode()).decode()
        items.append(item)
    if message["content"] or not (message.get("tool_calls") or items):
        text = message["content"] or ""
        logprobs = token_logprobs(text, said.get("top_logprobs") or 0) if _wants_logprobs(said) else []
        part = {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs}
        items.append(
            {"id": _id("msg", body), "type": "message", "status": status, "role": "assistant", "content": [part]}
        )
    for at, call in enumerate(message.get("tool_calls") or []):
        items.append(
            {
                "id": _id("fc", body, at),
                "type": "function_call",
                "status": "completed",
                "call_id": call["id"],
                "name": call["function"]["name"],
                "arguments": call["function"]["arguments"],
            }
        )
    return items


def broken() -> Event:
    """An error in the middle of a stream."""
    data = {"type": "error", "code": "server_error", "message": SERVER_ERROR, "param": None, "sequence_number": 99}
    return Event(data=data, name="error")


RESPONSES = Dialect(
    translate=translate,
    reply=whole,
    events=lambda asked, reply: events_of(whole(asked, reply)),
    error=same_error,
    broken=broken,
    styles=EVERY_STYLE,
)
