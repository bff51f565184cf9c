"""A response as the events of its stream: begun, item by item, done.  (pure)

Source: the OpenAI API reference, "Streaming events".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evalrun.simulator.dialects.chat import argument_pieces
from evalrun.simulator.dialects.wire import Event
from evalrun.simulator.pieces import chunks

Step = tuple[str, dict[str, Any], bool]
"""An event's type, what it holds besides, and whether it is a piece of the answer."""


def events_of(response: dict[str, Any]) -> list[Event]:
    """The events that add up to *response*."""
    begun = {**response, "status": "in_progress", "incomplete_details": None, "output": [], "usage": None}
    steps: list[Step] = [
        ("response.created", {"response": begun}, False),
        ("response.in_progress", {"response": begun}, False),
    ]
    for index, item in enumerate(response["output"]):
        steps += _item(index, item)
    steps.append((f"response.{response['status']}", {"response": response}, False))
    last = len(steps) - 1
    return [
        Event(data={"type": kind, "sequence_number": at, **more}, name=kind, beat=beat, ends=at == last)
        for at, (kind, more, beat) in enumerate(steps)
    ]


def _item(index: int, item: dict[str, Any]) -> Iterator[Step]:
    empty: dict[str, Any] = {"content": []} if item["type"] == "message" else {}
    if item["type"] == "function_call":
        empty = {"arguments": ""}
    if item["type"] == "reasoning":
        empty = {"summary": []}
    status = {"status": "in_progress"} if "status" in item else {}
    yield "response.output_item.added", {"output_index": index, "item": {**item, **empty, **status}}, False
    where = {"item_id": item["id"], "output_index": index}
    if item["type"] == "message":
        yield from _text(where, item["content"][0])
    elif item["type"] == "function_call":
        for piece in argument_pieces(item["arguments"]):
            yield "response.function_call_arguments.delta", {**where, "delta": piece}, True
        done = {**where, "name": item["name"], "arguments": item["arguments"]}
        yield "response.function_call_arguments.done", done, False
    else:
        yield from _summary(where, item["summary"])
    yield "response.output_item.done", {"output_index": index, "item": item}, False


def _text(where: dict[str, Any], part: dict[str, Any]) -> Iterator[Step]:
    where = {**where, "content_index": 0}
    yield "response.content_part.added", {**where, "part": {**part, "text": "", "logprobs": []}}, False
    at = 0
    for pieces in chunks(part["text"]):
        logprobs = part["logprobs"][at : at + len(pieces)]
        yield "response.output_text.delta", {**where, "delta": "".join(pieces), "logprobs": logprobs}, True
        at += len(pieces)
    yield "response.output_text.done", {**where, "text": part["text"], "logprobs": part["logprobs"]}, False
    yield "response.content_part.done", {**where, "part": part}, False


def _summary(where: dict[str, Any], summary: list[dict[str, Any]]) -> Iterator[Step]:
    for at, part in enumerate(summary):
        place = {**where, "summary_index": at}
        yield "response.reasoning_summary_part.added", {**place, "part": {**part, "text": ""}}, False
        for pieces in chunks(part["text"]):
            yield "response.reasoning_summary_text.delta", {**place, "delta": "".join(pieces)}, True
        yield "response.reasoning_summary_text.done", {**place, "text": part["text"]}, False
        yield "response.reasoning_summary_part.done", {**place, "part": part}, False
