"""A server that counts each request at the worst moment, and a client that asks the Book when it may send."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evalrun.records.quota import Limit, Quota, RateFacts
from evalrun.scheduler.quota import Book, Booking, Busy, Charge, Go, Never, Wait
from evalrun.simulator.windows import Size, window_of


@dataclass(frozen=True)
class Ask:
    """One request: how long after the one before it is wanted, how long it takes, and when in that time it counts.

    *counted* and *dated* are shares of the latency: when the server counts it, and when it writes the Date.
    """

    gap_s: float = 0.0
    latency_s: float = 0.2
    counted: float = 0.0
    dated: float = 1.0
    input_tokens: int = 1
    max_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True)
class Sent:
    """What happened to it, ledger time."""

    ask: Ask
    sent_at: float
    came_at: float


@dataclass(frozen=True, order=True)
class _Flying:
    came_at: float
    number: int
    sent_at: float
    booking: Booking
    ask: Ask


def play(book: Book, asks: Sequence[Ask], start: float, date: Callable[[float], float] | None = None) -> list[Sent]:
    """Send all *asks* in order as early as *book* lets them, in scope ``a``. *date*: the server's clock."""
    now, flying, log = start, list[_Flying](), list[Sent]()

    def land(until: float) -> None:
        while flying and flying[0].came_at <= until:
            each = heapq.heappop(flying)
            if date is not None:
                stamped = each.sent_at + each.ask.dated * (each.came_at - each.sent_at)
                rate = RateFacts(server_time=math.floor(date(stamped)))
                book.observe(("a",), rate, sent_at=each.sent_at, received_at=each.came_at, refused=False)
            took = Charge(each.ask.input_tokens, each.ask.output_tokens)
            book.settle(each.booking, took, each.came_at)

    for number, ask in enumerate(asks):
        now += ask.gap_s
        land(now)
        charge = Charge(ask.input_tokens, ask.max_tokens)
        for _ in range(10_000):
            room = book.room(("a",), charge, now)
            if isinstance(room, Go):
                break
            assert not isinstance(room, Never), room
            coming = flying[0].came_at if flying else math.inf
            until = coming if isinstance(room, Busy) else room.until if isinstance(room, Wait) else now
            assert until > now, f"{room} at {now}"
            now = min(coming, until)
            assert now < math.inf, f"{room}, and nothing is in flight"
            land(now)
        else:
            raise AssertionError("it waits for ever")
        came_at = now + ask.latency_s
        heapq.heappush(flying, _Flying(came_at, number, now, book.book(("a",), charge, now), ask))
        log.append(Sent(ask, now, came_at))
    land(math.inf)
    return log


def refusals(limit: Limit, quota: Quota, log: Sequence[Sent], offset_s: float) -> list[str]:
    """What a server that keeps *limit* would have refused; its clock is ahead by *offset_s*."""
    window = window_of(limit)
    events: list[tuple[float, bool, int, int]] = []
    for number, sent in enumerate(log):
        counted_at = min(sent.came_at, sent.sent_at + sent.ask.counted * (sent.came_at - sent.sent_at))
        # Of what happens at one moment, what has come back by then was first: the client knew it before it sent more.
        events.append((counted_at, counted_at < sent.came_at, number, 0))
        events.append((sent.came_at, False, number, 1))
    booked, found = {}, []
    for moment, _, number, kind in sorted(events):
        at, sent = moment + offset_s, log[number]
        size = Size(input_tokens=sent.ask.input_tokens, max_tokens=sent.ask.max_tokens)
        first = size.at_sending(limit.axis, quota.charge)
        if kind == 0:
            if (wait_s := window.wait_s(at, first)) > 1e-3:
                found.append(f"request {number} at {at}: {wait_s} s too early")
            booked[number] = window.book(at, first)
        else:
            more = size.in_the_end(limit.axis, quota.charge, sent.ask.output_tokens) - first
            window.correct(booked[number], at, more)
    return found
