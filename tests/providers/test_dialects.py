from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun import catalog
from evalrun.providers.send import DIALECTS, open_send
from evalrun.records.message import Message, ToolCall
from evalrun.records.outcome import Failure, FailureKind, Outcome, Response
from evalrun.records.request import Request
from evalrun.records.suite import Provider
from tests.providers.dialects import CANARY, STREAM, WEATHER, asked, parsed, stream
from tests.providers.makers import HandClock
from tests.providers.rawserver import Say, chunked, raw_server, reply

NAMES = ("openai-responses", "openai-completions", "openai-embeddings", "anthropic-messages")
EVENT_STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


async def told(dialect: str, *says: bytes, params: dict[str, Any] | None = None, **more: Any) -> tuple[Outcome, Any]:
    """What becomes of a request that is answered so, and the server that was asked."""
    async with raw_server(*map(Say, says)) as server:
        lab = Provider(id="lab", dialect=dialect, base_url=server.url, api_key_env="LAB_KEY", timeout_s=5.0)
        async with open_send({"lab": lab}, {}, environ={"LAB_KEY": CANARY}, clock=HandClock()) as send:
            return await send(asked(dialect, params=params or {}, **more)), server


def said(dialect: str) -> dict[str, Any]:
    """A short reply in each dialect."""
    part = {"type": "output_text", "text": "A cat."}
    return {
        "openai-responses": {"status": "completed", "output": [{"type": "message", "content": [part]}]},
        "openai-completions": {"choices": [{"text": "A cat.", "index": 0, "finish_reason": "stop"}]},
        "openai-embeddings": {"data": [{"index": 0, "embedding": [0.5, 0.5]}]},
        "anthropic-messages": {"content": [{"type": "text", "text": "A cat."}], "stop_reason": "end_turn"},
    }[dialect]


def streamed(dialect: str) -> list[bytes]:
    """The events of the same reply as a stream."""
    delta = {"type": "text_delta", "text": "A cat."}
    events: dict[str, list[dict[str, Any]]] = {
        "openai-responses": [
            {"type": "response.output_text.delta", "delta": "A cat."},
            {"type": "response.completed", "response": said(dialect)},
        ],
        "openai-completions": [said(dialect)],
        "anthropic-messages": [
            {"type": "message_start", "message": {"content": []}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
            {"type": "message_stop"},
        ],
    }
    pieces = [stream([event]) for event in events[dialect]]
    return [*pieces, b"data: [DONE]\n\n"] if dialect == "openai-completions" else pieces


def in_chunks(pieces: list[bytes]) -> bytes:
    """A whole HTTP reply that is a stream of these events."""
    return EVENT_STREAM + chunked(*pieces).partition(b"\r\n\r\n")[2]


def test_each_has_a_version() -> None:
    """Every dialect that goes over HTTP has the version of its wire form in the catalog, as a part of request keys."""
    assert set(DIALECTS) <= set(catalog.DIALECTS)
    assert set(NAMES) <= set(DIALECTS)


@pytest.mark.parametrize(
    ("dialect", "line", "key", "text"),
    [
        ("openai-responses", "POST /v1/responses HTTP/1.1", f"authorization: bearer {CANARY}", "A cat."),
        ("openai-completions", "POST /v1/completions HTTP/1.1", f"authorization: bearer {CANARY}", "A cat."),
        ("openai-embeddings", "POST /v1/embeddings HTTP/1.1", f"authorization: bearer {CANARY}", '{"dimensions": 2}'),
        ("anthropic-messages", "POST /v1/messages HTTP/1.1", f"x-api-key: {CANARY}", "A cat."),
    ],
)
async def test_there_and_back(dialect: str, line: str, key: str, text: str) -> None:
    """A request goes to the dialect's path, with the key as its vendor wants it, and comes back as a Response."""
    outcome, server = await told(dialect, reply(said(dialect)))

    assert isinstance(outcome, Response), outcome
    assert outcome.text == text
    head = server.requests[0].split(b"\r\n\r\n")[0].decode()
    assert head.startswith(line)
    assert key in head.lower()
    assert head.lower().count(CANARY) == 1
    assert ("anthropic-version: 2023-06-01" in head.lower()) is (dialect == "anthropic-messages")


@pytest.mark.parametrize("dialect", [name for name in NAMES if name != "openai-embeddings"])
async def test_a_stream_there_and_back(dialect: str) -> None:
    """A stream that ends is a Response; one that HTTP ends after an earlier event is cut.

    Where only the end mark is missing, two dialects have said by then that the answer ended.
    """
    pieces = streamed(dialect)
    asking = {"stream": True}

    outcomes = [(await told(dialect, in_chunks(pieces[:size]), params=asking))[0] for size in range(len(pieces) + 1)]

    *cuts, unmarked, whole = outcomes
    for outcome in [whole] if dialect == "openai-responses" else [unmarked, whole]:
        assert isinstance(outcome, Response), outcome
        assert (outcome.text, outcome.finish_reason) == ("A cat.", "stop")
    for outcome in [*cuts, unmarked] if dialect == "openai-responses" else cuts:
        assert isinstance(outcome, Failure)
        assert outcome.kind is FailureKind.CUT


@pytest.mark.parametrize(
    ("dialect", "more", "words"),
    [
        ("openai-responses", {"params": {"seed": 7}}, "openai-responses has no seed"),
        ("openai-completions", {"tools": (WEATHER,)}, "openai-completions has no tools"),
        ("openai-embeddings", {"tools": (WEATHER,)}, "openai-embeddings has no tools"),
        ("anthropic-messages", {"params": {"logit_bias": {"1": 1}}}, "anthropic-messages has no logit_bias"),
    ],
)
async def test_what_cannot_be_said_is_not_sent(dialect: str, more: dict[str, Any], words: str) -> None:
    """A request that the dialect has no word for is a failure of its own, and nothing goes out."""
    outcome, server = await told(dialect, reply(said(dialect)), **more)

    assert isinstance(outcome, Failure)
    assert (outcome.kind, outcome.message) == (FailureKind.UNSUPPORTED, words)
    assert server.requests == []


@pytest.mark.parametrize("dialect", NAMES)
def test_a_refusal_of_the_server(dialect: str) -> None:
    """A status that is no 2xx is a failure of its kind in every dialect."""
    body = {"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}}
    outcome = parsed(asked(dialect), body, 429)

    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.RATE_LIMIT


@given(
    dialect=st.sampled_from(NAMES),
    status=st.sampled_from([200, 204]) | st.integers(100, 599),
    body=st.binary(),
    is_stream=st.booleans(),
)
def test_any_bytes(dialect: str, status: int, body: bytes, is_stream: bool) -> None:
    """Any bytes with any status are a Response or a Failure."""
    assert isinstance(parsed(asked(dialect), body, status, headers=STREAM if is_stream else {}), Response | Failure)


@given(texts=st.lists(st.text(), min_size=1, max_size=3), arguments=st.text())
@pytest.mark.parametrize("dialect", NAMES)
def test_any_text_arrives(dialect: str, texts: list[str], arguments: str) -> None:
    """Whatever a prompt's texts and a call's arguments, they arrive unchanged, and in ASCII."""
    messages = [Message(role="user", content=text) for text in texts]
    if dialect in ("openai-responses", "anthropic-messages"):
        call = ToolCall(id="c", name="f", arguments=arguments)
        messages.append(Message(role="assistant", content="", tool_calls=(call,)))
    if dialect == "openai-completions":
        messages = messages[:1]
    one: Request = asked(dialect, *messages)

    sent = json.dumps(DIALECTS[dialect].build(one))

    assert sent.isascii()
    strings = set(_strings(json.loads(sent)))
    assert {message.text for message in messages if message.role == "user"} <= strings
    if messages[-1].tool_calls and dialect == "openai-responses":
        assert arguments in strings


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for part in value.values() for text in _strings(part)]
    if isinstance(value, list):
        return [text for part in value for text in _strings(part)]
    return [value] if isinstance(value, str) else []
