from __future__ import annotations

from typing import Any

import pytest

from evalrun.providers.reading import DONE, Piece, Reading, dumped, figure, string, text
from evalrun.providers.reply import NotJson, Reply
from evalrun.records.outcome import Choice, FailureKind, TokensMethod
from tests.providers.dialects import CLEAN, NOW, asked


def reading(body: bytes = b"", kind: str = "", **params: Any) -> Reading:
    """A reply of this content-type to a request with these parameters."""
    reply = Reply(status=200, headers={"content-type": kind} if kind else {}, body=body, latency_s=1.0)
    return Reading(reply=reply, request=asked("openai-responses", params=params), now=NOW, redact=CLEAN)


@pytest.mark.parametrize(
    ("holder", "found"),
    [
        ({"n": 5}, 5),
        ({"n": 0}, 0),
        ({"n": 5.0}, 5),
        ({"n": 5.5}, None),
        ({"n": -1}, None),
        ({"n": True}, None),
        ({"n": "5"}, None),
        ({"n": None}, None),
        ({"n": 10**12}, 10**12),
        ({"n": 10**12 + 1}, None),
        ({"n": float("inf")}, None),
        ({"n": float("nan")}, None),
        ({}, None),
        ([], None),
        (None, None),
    ],
)
def test_figure(holder: Any, found: int | None) -> None:
    """A figure is a whole number from 0 to what a database holds."""
    assert figure(holder, "n") == found


def test_texts() -> None:
    """An empty text says nothing as a member, and is a text as a piece."""
    assert [text(value) for value in ("a", "", 5, None)] == ["a", None, None, None]
    assert [string(value) for value in ("a", "", 5, None)] == ["a", "", "", ""]


@pytest.mark.parametrize(
    ("kind", "body", "asks", "streamed"),
    [
        ("text/event-stream", b"{}", False, True),
        ("Text/Event-Stream; charset=utf-8", b"", True, True),
        ("application/json", b"data: {}\n\n", True, False),
        ("", b"data: {}\n\n", True, True),
        ("text/plain", b"data: {}\n\n", True, True),
        ("text/plain", b"data: {}\n\n", False, False),
        ("", b' \n{"a": 1}', True, False),
    ],
)
def test_what_is_a_stream(kind: str, body: bytes, asks: bool, streamed: bool) -> None:
    """The content-type says whether a reply is a stream; or else what was asked for does, and how the reply begins."""
    assert reading(body, kind, stream=asks).streamed is streamed


def test_pieces() -> None:
    """An event's type stands in its data or else is its name; the end mark has no data."""
    body = b'event: a\ndata: {"type": "b"}\n\nevent: c\ndata: {}\n\ndata: [DONE]\n\n'

    assert list(reading(body).pieces()) == [
        Piece("b", {"type": "b"}, 30),
        Piece("c", {}, 49),
        Piece(DONE, {}, len(body)),
    ]


@pytest.mark.parametrize("data", ["5", "[]", "{", "null", '{"a": NaN}'])
def test_pieces_that_are_none(data: str) -> None:
    """An event whose data is no JSON object cannot be read."""
    with pytest.raises(NotJson, match="event"):
        list(reading(f"data: {data}\n\n".encode()).pieces())


def test_nested_too_deeply() -> None:
    """What is nested too deeply to be written is no JSON that can be kept."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(NotJson, match="nested too deeply"):
        dumped(deep)


def test_counted_usage() -> None:
    """What is counted is all that the model wrote, of every choice, its calls and its thinking among them."""
    choices = [Choice(text="one two three"), Choice(text=None, refusal="four", reasoning="five six")]

    usage = reading().usage(prompt_tokens=7, completion_tokens=None, choices=choices)

    assert (usage.prompt_tokens, usage.completion_tokens, usage.method) == (7, 6, TokensMethod.ESTIMATE)


def test_unreadable() -> None:
    """A 200 without an answer says why, and how its body begins; what is cut off is told from what is no JSON."""
    one = reading(b"<html> " + b"x" * 1000)

    assert one.unreadable("no JSON").message.startswith("HTTP 200 without an answer: no JSON: <html> xxx")
    assert len(one.unreadable("no JSON").body or "") == 500
    assert one.unreadable(NotJson("ends", cut=True)).kind is FailureKind.CUT
    assert one.unreadable("no JSON", FailureKind.SERVER).kind is FailureKind.SERVER
