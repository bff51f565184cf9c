"""Anthropic's Messages.  (pure)

Source: the Anthropic API reference, "Create a Message", "Errors" and "Streaming messages".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from evalrun.simulator.body import number
from evalrun.simulator.complaints import BadBody
from evalrun.simulator.dialects.messages_stream import events_of
from evalrun.simulator.dialects.wire import Asked, Dialect, Error, Event
from evalrun.simulator.engine import PROVIDER_PREFIX, Reply
from evalrun.simulator.models import MODELS

_SAME = ("model", "temperature", "top_p", "stream", "metadata")
_IGNORED = ("top_k", "service_tier", "container", "inference_geo", "cache_control", "speed", "diagnostics")
_KNOWN = frozenset([*_SAME, *_IGNORED, "messages", "system", "max_tokens", "stop_sequences", "tools", "tool_choice"])
_KNOWN |= {"thinking", "output_config"}
_STOPS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
_KINDS = {
    400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error",
    404: "not_found_error", 409: "conflict_error", 413: "request_too_large", 429: "rate_limit_error",
    504: "timeout_error", 529: "overloaded_error",
}  # fmt: skip
_EFFORTS = ((4096, "low"), (16_384, "medium"))
_NO_MONEY = (
    "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to purchase credits."
)
_FILTERED = "Output blocked by content filtering policy"


def _complain(path: str, words: str) -> BadBody:
    return BadBody(f"{path}: {words}", path)


def translate(asked: Asked, *, counting: bool = False) -> dict[str, Any]:
    """The system text and the blocks as messages, the settings under OpenAI's names. Raises BadBody.

    Without *counting* the length of the answer must be limited.
    """
    if not asked.headers.get("anthropic-version"):
        raise BadBody("anthropic-version: header is required")
    said = asked.body
    if not isinstance(said, Mapping):
        raise BadBody("The request body is not a JSON object.")
    if strange := sorted(str(name) for name in said if name not in _KNOWN):
        raise _complain(strange[0], "Extra inputs are not permitted")
    for name in ("model", "messages") if counting else ("model", "messages", "max_tokens"):
        if said.get(name) is None:
            raise _complain(name, "Field required")
    number(said, "temperature", (0, 1, False))
    body = {name: said[name] for name in _SAME if said.get(name) is not None}
    body["messages"] = [*_system(said.get("system")), *_messages(said["messages"])]
    if said.get("max_tokens") is not None:
        number(said, "max_tokens", (1, float("inf"), True))
        body["max_completion_tokens"] = said["max_tokens"]
    if said.get("stop_sequences"):
        body["stop"] = said["stop_sequences"]
    return body | _tools(said) | _format(said) | _effort(said)


def _system(said: object) -> list[dict[str, Any]]:
    if not said:
        return []
    texts = [said] if isinstance(said, str) else _texts(said, "system")
    return [{"role": "system", "content": "\n".join(texts)}]


def _texts(blocks: object, path: str) -> list[str]:
    texts = (
        [block.get("text") if isinstance(block, Mapping) else None for block in blocks]
        if isinstance(blocks, list)
        else [None]
    )
    found = [text for text in texts if isinstance(text, str)]
    if len(found) != len(texts):
        raise _complain(path, "Input should be a valid string or a list of text blocks")
    return found


def _messages(said: object) -> list[dict[str, Any]]:
    if not isinstance(said, list) or not said:
        raise _complain("messages", "at least one message is required")
    messages: list[dict[str, Any]] = []
    for at, message in enumerate(said):
        path = f"messages.{at}"
        role = message.get("role") if isinstance(message, Mapping) else None
        if not isinstance(message, Mapping) or role not in ("user", "assistant"):
            raise _complain(f"{path}.role", "Input should be 'user' or 'assistant'")
        content = message.get("content")
        if isinstance(content, str):
            messages.append({"role": role, "content": content})
        elif not isinstance(content, list):
            raise _complain(f"{path}.content", "Input should be a valid string or list")
        elif role == "user":
            messages += _of_user(content, f"{path}.content")
        else:
            messages.append(_of_assistant(content, f"{path}.content"))
    return messages


def _of_user(blocks: list[Any], path: str) -> list[dict[str, Any]]:
    """The results of tools, which are messages of their own, then the rest."""
    results, parts = [], []
    for at, block in enumerate(blocks):
        kind = block.get("type") if isinstance(block, Mapping) else None
        if kind == "tool_result":
            content = block.get("content")
            text = content if isinstance(content, str) else "\n".join(_texts(content or [], f"{path}.{at}.content"))
            results.append({"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": text})
        elif kind == "text":
            parts.append({"type": "text", "text": block.get("text")})
        elif kind == "image":
            parts.append({"type": "image_url", "image_url": {"url": _address(block.get("source"), f"{path}.{at}")}})
        else:
            raise _complain(f"{path}.{at}.type", f"Input tag '{kind}' found does not match any of the expected tags")
    return [*results, *([{"role": "user", "content": parts}] if parts else [])]


def _address(source: object, path: str) -> str:
    if isinstance(source, Mapping) and source.get("type") == "base64":
        return f"data:{source.get('media_type')};base64,{source.get('data')}"
    if isinstance(source, Mapping) and source.get("type") == "url":
        return str(source.get("url"))
    raise _complain(f"{path}.source", "Input should be a base64 or a url source")


def _of_assistant(blocks: list[Any], path: str) -> dict[str, Any]:
    texts, calls = [], []
    for at, block in enumerate(blocks):
        kind = block.get("type") if isinstance(block, Mapping) else None
        if kind == "text":
            texts.append(str(block.get("text")))
        elif kind == "tool_use":
            arguments = json.dumps(block.get("input"), ensure_ascii=False, separators=(",", ":"))
            function = {"name": block.get("name"), "arguments": arguments}
            calls.append({"id": block.get("id"), "type": "function", "function": function})
        elif kind not in ("thinking", "redacted_thinking"):
            raise _complain(f"{path}.{at}.type", f"Input tag '{kind}' found does not match any of the expected tags")
    return {"role": "assistant", "content": "".join(texts), **({"tool_calls": calls} if calls else {})}


def _tools(said: Mapping[str, Any]) -> dict[str, Any]:
    tools, choice = said.get("tools"), said.get("tool_choice")
    if not tools:
        if choice is not None:
            raise _complain("tool_choice", "may only be specified while providing tools")
        return {}
    found = []
    for at, tool in enumerate(tools if isinstance(tools, list) else [None]):
        if not isinstance(tool, Mapping) or tool.get("type", "custom") != "custom":
            raise _complain(f"tools.{at}", "Input should be a tool of type 'custom'")
        function = {"name": tool.get("name"), "parameters": tool.get("input_schema")}
        found.append({"type": "function", "function": {**function, "description": tool.get("description")}})
    made: dict[str, Any] = {"tools": found}
    if choice is None:
        return made
    kind = choice.get("type") if isinstance(choice, Mapping) else None
    plain = {"auto": "auto", "any": "required", "none": "none"}
    if not isinstance(choice, Mapping) or kind not in (*plain, "tool"):
        raise _complain("tool_choice.type", "Input should be 'auto', 'any', 'none' or 'tool'")
    forced = {"type": "function", "function": {"name": choice.get("name")}}
    made["tool_choice"] = forced if kind == "tool" else plain[kind]
    if choice.get("disable_parallel_tool_use") is True:
        made["parallel_tool_calls"] = False
    return made


def _format(said: Mapping[str, Any]) -> dict[str, Any]:
    config = said.get("output_config")
    form = config.get("format") if isinstance(config, Mapping) else None
    if not isinstance(form, Mapping):
        return {}
    if form.get("type") != "json_schema":
        raise _complain("output_config.format.type", "Input should be 'json_schema'")
    schema = {"name": "output", "schema": form.get("schema"), "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _effort(said: Mapping[str, Any]) -> dict[str, Any]:
    """How hard a model that reasons may think: by its own name, or by the tokens that it may spend."""
    model = str(said.get("model")).removeprefix(PROVIDER_PREFIX)
    reasons = model in MODELS and MODELS[model].reasons
    thinking, config = said.get("thinking"), said.get("output_config")
    kind = thinking.get("type", "disabled") if isinstance(thinking, Mapping) else "disabled"
    if kind != "disabled" and not reasons:
        raise _complain("thinking", f"'{model}' does not support thinking")
    if not reasons:
        return {}
    effort = config.get("effort") if isinstance(config, Mapping) else None
    if kind == "enabled" and isinstance(thinking, Mapping):
        budget = thinking.get("budget_tokens")
        if not isinstance(budget, int) or budget < 1024:
            raise _complain("thinking.enabled.budget_tokens", "Input should be greater than or equal to 1024")
        effort = effort or next((name for most, name in _EFFORTS if budget <= most), "high")
    return {"reasoning_effort": effort or ("none" if kind == "disabled" else "medium")}


def whole(asked: Asked, reply: Reply) -> dict[str, Any]:
    """A message with its blocks: what the model thought, said, and asks of its tools."""
    body = reply.body or {}
    choice, usage = body["choices"][0], body["usage"]
    stop = reply.stop if choice["finish_reason"] == "stop" else None
    return {
        "id": body["id"].replace("chatcmpl-", "msg_"),
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": _blocks(asked, reply),
        "stop_reason": "stop_sequence" if stop else _STOPS[choice["finish_reason"]],
        "stop_sequence": stop,
        "usage": {
            "input_tokens": usage["prompt_tokens"],
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": usage["completion_tokens"],
            "service_tier": "standard",
        },
    }


def _blocks(asked: Asked, reply: Reply) -> list[dict[str, Any]]:
    message = (reply.body or {})["choices"][0]["message"]
    blocks: list[dict[str, Any]] = []
    if reply.thoughts and asked.said.get("thinking"):
        blocks.append({"type": "thinking", "thinking": reply.thoughts, "signature": f"sim_{len(reply.thoughts):x}"})
    if message["content"]:
        blocks.append({"type": "text", "text": message["content"]})
    for call in message.get("tool_calls") or []:
        identity = call["id"].replace("call_", "toolu_")
        arguments = _object(call["function"]["arguments"])
        blocks.append({"type": "tool_use", "id": identity, "name": call["function"]["name"], "input": arguments})
    return blocks


def _object(arguments: str) -> dict[str, Any]:
    """A call's arguments; this API has no place for what is no object, so that a model's slip leaves nothing."""
    try:
        found = json.loads(arguments)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def error(status: int, body: dict[str, Any]) -> Error:
    """The core's error in Anthropic's envelope; what its own style of refusing made is in it already."""
    if body.get("type") == "error":
        return status, body
    said = body.get("error")
    said = said if isinstance(said, Mapping) else {"message": body.get("title", "")}
    message = str(said.get("message", ""))
    if said.get("code") == "insufficient_quota":
        status, message = 400, _NO_MONEY
    if said.get("code") == "content_filter":
        message = _FILTERED
    if status == 503:
        status, message = 529, "Overloaded"
    kind = _KINDS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    if said.get("code") == "model_not_found":
        message = "model: " + message.partition("`")[2].partition("`")[0]
    return status, {"type": "error", "error": {"type": kind, "message": message}}


def broken() -> Event:
    """An error in the middle of a stream."""
    error = {"type": "overloaded_error", "message": "Overloaded"}
    return Event(data={"type": "error", "error": error}, name="error")


MESSAGES = Dialect(
    translate=translate,
    reply=whole,
    events=lambda asked, reply: events_of(whole(asked, reply)),
    error=error,
    broken=broken,
    styles=("anthropic", "silent"),
    request_id="request-id",
)
