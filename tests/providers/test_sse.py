from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.providers.sse import Event, Splitter, events

BOM = b"\xef\xbb\xbf"


def in_pieces(body: bytes, *cuts: int) -> list[Event]:
    """The events of a body that comes in pieces, cut at these places."""
    splitter, found = Splitter(), list[Event]()
    for start, end in zip((0, *cuts), (*cuts, len(body)), strict=True):
        found += splitter.feed(body[start:end])
    return found


def slowly(body: bytes) -> list[Event]:
    """The events by the letter of the standard, one byte after the other."""
    found, name, data, line = [], b"", b"", bytearray()
    rest = body.removeprefix(BOM)
    for place, byte in enumerate(rest, start=len(body) - len(rest)):
        if byte == 10 and place and body[place - 1] == 13:
            continue
        if byte not in b"\r\n":
            line.append(byte)
            continue
        field, _, value = bytes(line).partition(b":")
        value = value[1:] if value[:1] == b" " else value
        if not line:
            if data:
                said, kind = data[:-1].decode("utf8", "replace"), (name or b"message").decode("utf8", "replace")
                found.append(Event(name=kind, data=said, end=place + 1))
            name = data = b""
        elif field == b"data":
            data += value + b"\n"
        elif field == b"event":
            name = value
        line.clear()
    return found


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"data: a\n\n", [("message", "a")]),
        (b"data:a\n\n", [("message", "a")]),
        (b"data:  a\n\n", [("message", " a")]),
        (b"data: a\r\rdata: b\r\r", [("message", "a"), ("message", "b")]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [("message", "a"), ("message", "b")]),
        (b"data: a\n\r\ndata: b\r\n\n", [("message", "a"), ("message", "b")]),
        (b"data: a\ndata: b\n\n", [("message", "a\nb")]),
        (b"data: a\ndata\n\n", [("message", "a\n")]),
        (b"data\n\n", [("message", "")]),
        (b"data:\n\n", [("message", "")]),
        (b": OPENROUTER PROCESSING\n\ndata: a\n\n", [("message", "a")]),
        (b"data: a\n: in between\ndata: b\n\n", [("message", "a\nb")]),
        (b"event: error\ndata: {}\n\ndata: b\n\n", [("error", "{}"), ("message", "b")]),
        (b"event: a\nevent: b\ndata: c\n\n", [("b", "c")]),
        (b"event: lost\n\ndata: b\n\n", [("message", "b")]),
        (b"id: 7\nretry: 10\ndata: a\n\n", [("message", "a")]),
        (b"dat: a\nDATA: b\n data: c\n\n", []),
        (b"data: a: b\n\n", [("message", "a: b")]),
        (BOM + b"data: a\n\n", [("message", "a")]),
        (b"data: a\n\n" + BOM + b"data: b\n\n", [("message", "a")]),
        (BOM + BOM + b"data: a\n\n", []),
        ("data: \u00e4\U0001f600\n\n".encode(), [("message", "\u00e4\U0001f600")]),
        (b"data: \xff\xc3\n\n", [("message", "\ufffd\ufffd")]),
        (b"data: a\x0b\x0c\x85\xe2\x80\xa8b\n\n", [("message", "a\x0b\x0c\ufffd\u2028b")]),
        (b"data: a\n\ndata: b\n", [("message", "a")]),
        (b"data: a\n\ndata: b", [("message", "a")]),
        (b"\n\n\r\r\n", []),
        (b"", []),
    ],
)
def test_the_standards_rules(body: bytes, said: list[tuple[str, str]]) -> None:
    """Fields, comments, line ends, the byte-order mark and unfinished events are read as the standard says."""
    assert [(event.name, event.data) for event in events(body)] == said
    assert slowly(body) == list(events(body))


WHOLE = (
    BOM
    + "event: delta\r\ndata: {\u00e4\r\ndata: \U0001f600}\r\n\r\n: ping\n\n".encode()
    + b"data: x\r\rid: 1\ndata\n\n"
)


def test_any_two_cuts() -> None:
    """A stream gives the same events, with the same ends, wherever it is cut."""
    whole = slowly(WHOLE)
    assert [event.data for event in whole] == ["{\u00e4\n\U0001f600}", "x", ""]

    for first in range(len(WHOLE) + 1):
        assert [in_pieces(WHOLE, first, second) for second in range(first, len(WHOLE) + 1)] == [whole] * (
            len(WHOLE) + 1 - first
        )


PIECES = st.sampled_from(
    [b"data", b"event", b":", b" ", b"\n", b"\r", b"\r\n", b"\n\n", BOM, b"\xc3\xa4", b"\xff", b"x"]
)


@given(st.lists(st.one_of(PIECES, st.binary(max_size=3)), max_size=40), st.data())
def test_any_bytes(pieces: list[bytes], data: st.DataObject) -> None:
    """Any bytes, in any pieces, give what the standard's letter gives."""
    body = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))

    assert in_pieces(body, *cuts) == list(events(body)) == slowly(body)


def test_an_event_ends_with_the_byte_that_completes_it() -> None:
    """No event is there before its end, and each is there as soon as that many bytes are."""
    for event in events(WHOLE):
        assert event in events(WHOLE[: event.end])
        assert event not in events(WHOLE[: event.end - 1])


def test_a_line_over_many_pieces() -> None:
    """A line of megabytes in small pieces is put together once, and a body is read across its blocks."""
    text = "0123456789abcdef" * 2**16

    (event,) = in_pieces(f"data: {text}\n\n".encode(), *range(1024, 2**20, 1024))

    assert event.data == text
    assert list(events(f"data: {text}\n\n".encode())) == [event]
