"""OpenAI's Chat Completions: the core's own words, whole and as a stream.  (pure)

Source: the OpenAI API reference, "The chat completion chunk object".
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from evalrun.simulator.complaints import error_body
from evalrun.simulator.dialects.wire import EVERY_STYLE, Asked, Dialect, Error, Event
from evalrun.simulator.engine import Reply
from evalrun.simulator.pieces import chunks

ARGUMENT_PIECE = 12
SERVER_ERROR = "The server had an error while processing your request."

Step = tuple[dict[str, Any], str | None, dict[str, Any] | None]
"""What one chunk adds to a choice: the delta, the finish reason, the probabilities."""


def whole(_: Asked, reply: Reply) -> dict[str, Any]:
    """The core's reply as it is."""
    return reply.body or {}


def same_error(status: int, body: dict[str, Any]) -> Error:
    """The core's error as it is."""
    return status, body


def broken() -> Event:
    """An error in the middle of a stream."""
    return Event(data=error_body(SERVER_ERROR, "server_error"))


def events(asked: Asked, reply: Reply) -> list[Event]:
    """The chunks of a completion, its choices in turn, then its usage where that was asked for."""
    body = reply.body or {}
    options = asked.said.get("stream_options") or {}
    with_usage = options.get("include_usage") is True
    frame = {key: body[key] for key in ("id", "created", "model", "system_fingerprint")}
    frame = {"id": frame["id"], "object": "chat.completion.chunk", **frame}

    def chunk(choices: list[dict[str, Any]], usage: dict[str, Any] | None = None) -> dict[str, Any]:
        return {**frame, "choices": choices, **({"usage": usage} if with_usage else {})}

    found = []
    rows = zip_longest(*(_steps(choice) for choice in body["choices"]))
    for row in rows:
        for index, step in enumerate(row):
            if step is not None:
                delta, reason, logprobs = step
                choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
                found.append(Event(data=chunk([choice]), beat=reason is None and "role" not in delta))
    if with_usage:
        found.append(Event(data=chunk([], body["usage"])))
    return [*found, Event(data="[DONE]", ends=True)]


def _steps(choice: dict[str, Any]) -> Iterator[Step]:
    message = choice["message"]
    calls = message.get("tool_calls") or []
    yield {"role": "assistant", "content": None if calls else "", "refusal": None}, None, None
    probable = (choice["logprobs"] or {}).get("content")
    at = 0
    for pieces in chunks(message["content"] or ""):
        logprobs = None if probable is None else {"content": probable[at : at + len(pieces)], "refusal": None}
        yield {"content": "".join(pieces)}, None, logprobs
        at += len(pieces)
    for index, call in enumerate(calls):
        function = {"name": call["function"]["name"], "arguments": ""}
        yield {"tool_calls": [{"index": index, "id": call["id"], "type": "function", "function": function}]}, None, None
        for piece in argument_pieces(call["function"]["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}, None, None
    yield {}, choice["finish_reason"], None


def argument_pieces(text: str) -> list[str]:
    """A call's arguments in the pieces in which they come."""
    return [text[at : at + ARGUMENT_PIECE] for at in range(0, len(text), ARGUMENT_PIECE)]


CHAT = Dialect(
    translate=lambda asked: asked.body,
    reply=whole,
    events=events,
    error=same_error,
    broken=broken,
    styles=EVERY_STYLE,
)
