"""What the tests of the dialects share: replies out of bytes, streams out of events, and anything as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from hypothesis import strategies as st

from evalrun.keys import Secret
from evalrun.providers.dialect import Dialect, encode
from evalrun.providers.reply import Reply
from evalrun.providers.send import DIALECTS
from evalrun.records.message import Image, Message, Picture, Tool
from evalrun.records.outcome import Failure, Outcome, Response
from evalrun.records.request import Request
from evalrun.redact import Redactor
from tests.providers.makers import request

NOW = 1_800_000_000.0
CLEAN = Redactor([])
CANARY = "sk-canary-0123456789abcdef"
STREAM = {"content-type": "text/event-stream; charset=utf-8"}
PICTURE = Picture(media_type="image/png", base64="iVBORw0KGgo=", width=1, height=1, name="dot.png")
SHOWN = Image(source="sha256:ab", detail="low")
LINKED = Image(source="https://example.org/cat.jpg")
WEATHER = Tool(
    name="get_weather",
    description="The weather of a city.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)


def asked(dialect: str, *messages: Message, **more: Any) -> Request:
    """A request in *dialect*, without parameters but those that are said; ``What is this?`` where nothing is."""
    fields: dict[str, Any] = {
        "dialect": dialect,
        "params": {},
        "messages": messages or (Message(role="user", content="What is this?"),),
        "pictures": {SHOWN.source: PICTURE},
    }
    return request(**(fields | more))


def sent(one: Request) -> dict[str, Any]:
    """The body that goes out for it, as it is read at the other end."""
    body: dict[str, Any] = json.loads(encode(DIALECTS[one.dialect].build(one)))
    return body


def parsed(one: Request, body: Any, status: int = 200, **more: Any) -> Outcome:
    """What the request's dialect makes of a reply: JSON or bytes. *more* replaces what else there is of the reply."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    secret = more.pop("secret", None)
    redact = Redactor([Secret(secret)]) if secret else CLEAN
    simulated = more.pop("simulated", False)
    fields: dict[str, Any] = {"status": status, "headers": {}, "body": content, "latency_s": 2.0}
    dialect: Dialect = DIALECTS[one.dialect]
    return dialect.parse(Reply(**(fields | more)), one, now=NOW, redact=redact, simulated=simulated)


def answer(one: Request, body: Any, **more: Any) -> Response:
    """The Response that a reply must be."""
    outcome = parsed(one, body, **more)
    assert isinstance(outcome, Response), outcome
    return outcome


def failure(one: Request, body: Any, status: int = 200, **more: Any) -> Failure:
    """The Failure that a reply must be."""
    outcome = parsed(one, body, status, **more)
    assert isinstance(outcome, Failure), outcome
    return outcome


def stream(events: Iterable[Mapping[str, Any]], *, named: bool = True) -> bytes:
    """A stream of typed events; *named*: each says its type as its name too."""
    lines = (
        (f"event: {event['type']}\n" if named and "type" in event else "") + f"data: {json.dumps(event)}\n\n"
        for event in events
    )
    return "".join(lines).encode()


def arriving(body: bytes, seconds_each: float = 0.5) -> dict[str, Any]:
    """The fields of a reply that came event by event, one each so many seconds."""
    arrivals, position = [], 0
    while (position := body.find(b"\n\n", position) + 2) > 1:
        arrivals.append((position, seconds_each * (len(arrivals) + 1)))
    return {"headers": STREAM, "arrivals": tuple(arrivals)}


_WORDS = st.sampled_from(
    [
        *("error", "choices", "message", "content", "finish_reason", "refusal", "usage", "text", "type"),
        *("output", "status", "response", "delta", "index", "item", "name", "content_block", "stop_reason"),
        *("input", "data", "embedding", "logprobs", "incomplete_details", "summary", "phase", "id"),
        *("call_id", "arguments", "code"),
    ]
)
_VALUES = st.sampled_from(
    [
        *("message", "output_text", "function_call", "reasoning", "refusal", "text", "tool_use"),
        *("thinking", "text_delta", "input_json_delta", "completed", "incomplete", "failed"),
        *("response.completed", "message_start", "message_stop", "content_block_start"),
        *("content_block_delta", "content_block_stop", "message_delta", "error", "stop"),
    ]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | _VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS, inner, max_size=4),
    max_leaves=20,
)
"""Any JSON (NaN too), more often than not with the words of a dialect in it."""
OBJECTS = st.dictionaries(_WORDS, ANYTHING, max_size=4)
