"""What a dialect of the simulator is: a request into the core's words, the core's reply into its own.  (pure)"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from evalrun.simulator.engine import Reply
from evalrun.simulator.rules import Style

FIRST_WEIGHT = 3.0  # so much longer than for any later piece is waited for the first


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it came: its body, lower-case headers, the query, and the named parts of its path."""

    body: object
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    place: Mapping[str, str] = field(default_factory=dict)

    @property
    def said(self) -> Mapping[str, Any]:
        """The body, of a request that was translated before and therefore has one."""
        return self.body if isinstance(self.body, Mapping) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event of a stream: *data* is JSON, or a text as it is. A *beat* is a piece of the answer, which takes time;
    *ends* marks what a stream lacks that was broken off."""

    data: dict[str, Any] | str
    name: str = ""
    beat: bool = False
    ends: bool = False

    def encoded(self) -> bytes:
        """As server-sent events have it."""
        data = self.data if isinstance(self.data, str) else json.dumps(self.data, separators=(",", ":"))
        return (f"event: {self.name}\n" if self.name else "").encode("ascii") + f"data: {data}\n\n".encode("ascii")


Error = tuple[int, dict[str, Any]]
"""A status and a body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """A wire form. *translate* makes the core's request and raises BadBody; *reply* and *events* are what status 200
    brings, whole and as a stream; *error* is what any other status brings, and *broken* an error in mid-stream.
    *styles* are the ways of telling limits that it knows, the first of which is meant where the rules say ``openai``.
    *request_id* is the header with the request's name."""

    translate: Callable[[Asked], Any]
    reply: Callable[[Asked, Reply], dict[str, Any]]
    events: Callable[[Asked, Reply], list[Event]]
    error: Callable[[int, dict[str, Any]], Error]
    broken: Callable[[], Event]
    styles: tuple[Style, ...]
    core: Literal["chat", "embeddings"] = "chat"
    request_id: str = "x-request-id"

    def style(self, said: Style) -> Style:
        """How it tells limits where the rules say *said*."""
        return self.styles[0] if said == "openai" or said not in self.styles else said


EVERY_STYLE: tuple[Style, ...] = ("openai", "azure", "github", "groq", "anthropic", "silent")


def no_stream(_: Asked, __: Reply) -> list[Event]:
    """Of a dialect that has none."""
    return []


def pauses(events: Sequence[Event], total_s: float) -> list[float]:
    """How long to wait before each event: the first piece of the answer longest, the others evenly, *total_s* in all.

    Without a piece of the answer, all of it passes before the last event.
    """
    beats = [at for at, event in enumerate(events) if event.beat]
    weights = [0.0] * len(events)
    for at in beats:
        weights[at] = 1.0
    if events:
        weights[beats[0] if beats else -1] = FIRST_WEIGHT
    whole = sum(weights)
    return [total_s * weight / whole for weight in weights] if whole else weights


def spoiled(events: Sequence[Event], fault: str | None, broken: Event) -> tuple[list[Event], bytes | None]:
    """The events that a fault leaves, and how the next one begins where the connection ends in the middle of it."""
    middle = len(events) // 2
    if fault in ("stream-cut", "cut"):
        begun = events[middle].encoded()
        return list(events[:middle]), begun[: len(begun) // 2]
    if fault == "stream-error":
        return [*events[:middle], broken], None
    if fault == "stream-no-end":
        return [event for event in events if not event.ends], None
    return list(events), None
