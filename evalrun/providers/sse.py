"""Server-sent events out of bytes, however these are cut.  (pure)

Source: WHATWG HTML, "Server-sent events", 9.2.6 (interpreting an event stream). A field ``id`` or ``retry`` is for
reconnecting, which nobody does here, and says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_BOM = b"\xef\xbb\xbf"
_BLOCK = 64 * 1024  # a body is read in blocks, so that its lines do not all lie in memory beside it


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event: its *name* (``message`` where the stream gives none) and its data, the lines joined by line feeds.

    *end* is how many bytes of the stream had come when it was whole; in a CRLF the CR ends a line already.
    """

    name: str
    data: str
    end: int


class Splitter:
    """Takes a stream piece by piece and gives the events that each piece completes."""

    def __init__(self) -> None:
        self._size = 0
        self._started: list[bytes] = []  # the beginning of a line whose end has not come
        self._after_cr = False
        self._first_line = True
        self._name = ""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that *chunk* completes. Any bytes are a stream: what is no field is passed over."""
        if not chunk:
            return []
        position = self._size
        self._size += len(chunk)
        if self._after_cr and chunk.startswith(b"\n"):  # the second half of a CRLF
            chunk = chunk[1:]
            position += 1
        found: list[Event] = []
        for line in chunk.splitlines(keepends=True):
            position += len(line)
            if not line.endswith((b"\n", b"\r")):
                self._started.append(line)
                break
            if self._started:
                line = b"".join((*self._started, line))
                self._started.clear()
            text = line.rstrip(b"\r\n")
            if text:
                self._field(text)
            else:
                found += self._dispatch(position - 1 if line.endswith(b"\r\n") else position)
            self._first_line = False
        self._after_cr = chunk.endswith(b"\r")
        return found

    def _field(self, line: bytes) -> None:
        if self._first_line:
            line = line.removeprefix(_BOM)
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
        elif name == b"event":
            self._name = value.removeprefix(b" ").decode("utf-8", "replace")

    def _dispatch(self, end: int) -> list[Event]:
        name, data = self._name or "message", self._data
        self._name, self._data = "", []
        if not data:
            return []
        return [Event(name=name, data=b"\n".join(data).decode("utf-8", "replace"), end=end)]


def events(body: bytes) -> Iterator[Event]:
    """The events of a whole stream, in order. One whose closing blank line never came is not among them."""
    splitter = Splitter()
    for start in range(0, len(body), _BLOCK):
        yield from splitter.feed(body[start : start + _BLOCK])
