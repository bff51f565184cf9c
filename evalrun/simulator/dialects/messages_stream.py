"""A message as the events of its stream: begun, block by block, done.  (pure)

Source: the Anthropic API reference, "Streaming messages".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from evalrun.simulator.dialects.chat import argument_pieces
from evalrun.simulator.dialects.wire import Event
from evalrun.simulator.pieces import chunks

_EMPTY: Mapping[str, dict[str, Any]] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
}


def events_of(message: dict[str, Any]) -> list[Event]:
    """The events that add up to *message*."""
    usage = message["usage"]
    begun = {**message, "content": [], "stop_reason": None, "stop_sequence": None}
    begun["usage"] = {**usage, "output_tokens": 1}
    events = [_event("message_start", message=begun), _event("ping")]
    for index, block in enumerate(message["content"]):
        events += _block(index, block)
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": message["stop_sequence"]}
    events.append(_event("message_delta", delta=delta, usage={"output_tokens": usage["output_tokens"]}))
    return [*events, _event("message_stop", ends=True)]


def _event(kind: str, *, beat: bool = False, ends: bool = False, **more: Any) -> Event:
    return Event(data={"type": kind, **more}, name=kind, beat=beat, ends=ends)


def _block(index: int, block: dict[str, Any]) -> Iterator[Event]:
    kind = block["type"]
    empty = _EMPTY[kind]
    yield _event("content_block_start", index=index, content_block={**block, **empty})
    for delta in _deltas(block):
        yield _event("content_block_delta", index=index, delta=delta, beat=True)
    yield _event("content_block_stop", index=index)


def _deltas(block: dict[str, Any]) -> Iterator[dict[str, str]]:
    if block["type"] == "tool_use":
        for piece in argument_pieces(json.dumps(block["input"], ensure_ascii=False)):
            yield {"type": "input_json_delta", "partial_json": piece}
        return
    name = "text" if block["type"] == "text" else "thinking"
    for pieces in chunks(block[name]):
        yield {"type": f"{name}_delta", name: "".join(pieces)}
    if name == "thinking":
        yield {"type": "signature_delta", "signature": block["signature"]}
