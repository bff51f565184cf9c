"""asyncio: sends jobs when the book has room for them, retries, and hands every end to the sink.

A lane is a queue of jobs in order (one model's cells). One plain function, `Dispatcher._advance`, decides what starts.
It runs again whenever anything changes: at the start, when a request comes back, when a timer rings, when somebody says
stop.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from evalrun.clock import Clock
from evalrun.records.outcome import Attempt, Exchange, Failure, FailureKind, Outcome, Response
from evalrun.records.request import Request
from evalrun.scheduler.quota import Book, Booking, Charge, Go, Never, Wait
from evalrun.scheduler.retry import Again, GiveUp, Park, RetryPolicy, decide, unreachable

Send = Callable[[Request], Awaitable[Outcome]]

_UNREACHABLE_IN_A_ROW = 5


@dataclass(frozen=True, slots=True)
class Job:
    """A request to be sent, for whom (*ticket*, the caller's own), and the scopes that it books in."""

    request: Request
    ticket: Any
    scopes: tuple[str, ...]
    charge: Charge


Sink = Callable[[Job, Exchange], Awaitable[Sequence[Job]]]


class Halt(StrEnum):
    """Why a lane stands still for the rest of the sitting."""

    PARKED = "parked"  # its server asked for a longer wait than the run has patience
    REFUSED = "refused"  # the key, the account or the endpoint is no good
    BUDGET = "budget"
    STOPPED = "stopped"  # somebody said stop


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneView:
    """A lane at one moment, for the progress display. *waiting* says for what, until the monotonic time *until*."""

    lane: str
    in_flight: int
    retries: int
    halt: Halt | None
    reason: str
    waiting: str
    until: float


@dataclass(slots=True)
class _Pending:
    """A job under way: its attempts so far and its waits."""

    job: Job
    since: float
    attempts: tuple[Attempt, ...] = ()
    queue_s: float = 0.0
    retry_wait_s: float = 0.0


@dataclass(slots=True)
class _Lane:
    """A lane's mutable state; only Dispatcher changes it."""

    name: str
    feed: Iterator[Job]
    urgent: deque[_Pending] = field(default_factory=deque)
    due: list[tuple[float, int, _Pending]] = field(default_factory=list)
    head: _Pending | None = None
    started: int = 0
    in_flight: int = 0
    retries: int = 0
    answered: int = 0
    unreachable: int = 0
    hold_until: float = 0.0
    hold_why: str = ""
    halt: Halt | None = None
    reason: str = ""
    parked_s: float = 0.0
    waiting: str = ""
    until: float = 0.0


class Dispatcher:
    """Sends every lane's jobs and ends when nothing is left to send or to wait for.

    *sink* is awaited with each job's final exchange; the jobs that it returns (a next turn, a judge) go ahead of new
    ones. *draw* gives random numbers in 0..1 for jitter. *settle* says what an outcome really took.
    """

    def __init__(
        self,
        lanes: Mapping[str, Iterator[Job]],
        *,
        send: Send,
        sink: Sink,
        book: Book,
        clock: Clock,
        draw: Callable[[], float],
        settle: Callable[[Job, Outcome], Charge],
        policy: RetryPolicy | None = None,
    ) -> None:
        self._lanes = {name: _Lane(name, feed) for name, feed in lanes.items()}
        self._send, self._sink, self._book, self._clock = send, sink, book, clock
        self._draw, self._settle, self._policy = draw, settle, policy or RetryPolicy()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._done = asyncio.Event()
        self._crash: BaseException | None = None
        self._sequence = 0

    async def run(self) -> None:
        """Send until nothing is left. Cancelled, it cancels what is in flight; a sink's error ends it and is raised."""
        try:
            self._advance()
            await self._done.wait()
        finally:
            self._done.set()  # nothing starts any more, whatever ends now
            if self._timer:
                self._timer.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._crash:
            raise self._crash

    def stop(self, reason: str, halt: Halt = Halt.STOPPED) -> None:
        """Start nothing more; what is in flight may come back."""
        for lane in self._lanes.values():
            self._halt(lane, halt, reason)
        self._advance()

    def views(self) -> list[LaneView]:
        """Every lane as it stands."""
        return [
            LaneView(
                lane=lane.name,
                in_flight=lane.in_flight,
                retries=lane.retries,
                halt=lane.halt,
                reason=lane.reason,
                waiting=lane.waiting,
                until=lane.until,
            )
            for lane in self._lanes.values()
        ]

    def parked_s(self) -> float:
        """The longest wait that a server asked of a parked lane, seconds; 0 where none is parked."""
        return max((lane.parked_s for lane in self._lanes.values() if lane.halt is Halt.PARKED), default=0.0)

    # -- deciding: plain code, no await ------------------------------------------------------------------------

    def _advance(self) -> None:
        """Start all that may start, the lane that is furthest behind first; ring again when the next one may."""
        if self._done.is_set():
            return
        now = self._clock.monotonic()
        wake = float("inf")
        waiting = list(self._lanes.values())
        while waiting:
            lane = min(waiting, key=lambda each: each.started)
            ready = self._ready(lane, now)
            if ready is None:
                waiting.remove(lane)
                wake = min(wake, lane.until) if lane.waiting else wake
                continue
            self._start(lane, ready, now)
        self._ring(wake - now)
        if not self._tasks and (wake == float("inf") or all(lane.halt for lane in self._lanes.values())):
            self._done.set()

    def _ready(self, lane: _Lane, now: float) -> _Pending | None:
        """The lane's next job if it may go at *now*; else None, and lane.waiting, lane.until say what for."""
        lane.waiting, lane.until = "", float("inf")
        if lane.halt:
            return None
        pending = self._head(lane, now)
        if pending is None:
            if lane.due:
                lane.waiting, lane.until = "retry", lane.due[0][0]
            return None
        if lane.hold_until > now:
            lane.waiting, lane.until = lane.hold_why, lane.hold_until
            return None
        room = self._book.room(pending.job.scopes, pending.job.charge, now)
        if isinstance(room, Go):
            return pending
        if isinstance(room, Never):
            self._halt(lane, Halt.BUDGET, room.why)
        else:
            lane.waiting = room.why
            lane.until = room.until if isinstance(room, Wait) else float("inf")
        return None

    def _head(self, lane: _Lane, now: float) -> _Pending | None:
        """What goes next: retries that are due, then follow-ups, then the feed. It stays there until it starts."""
        if lane.due and lane.due[0][0] <= now:
            return lane.due[0][2]
        if lane.urgent:
            return lane.urgent[0]
        if lane.head is None and (job := next(lane.feed, None)):
            lane.head = _Pending(job, now)
        return lane.head

    def _halt(self, lane: _Lane, halt: Halt, reason: str) -> None:
        if lane.halt is None:
            lane.halt, lane.reason = halt, reason

    def _after(self, lane: _Lane, pending: _Pending, failure: Failure, now: float) -> bool:
        """Act on a failure; whether it is final for its job."""
        action = decide(failure, len(pending.attempts), self._policy, self._draw())
        match action:
            case Again(delay_s, whole_lane) if lane.halt is None:
                lane.retries += 1
                self._sequence += 1
                pending.since = now
                heapq.heappush(lane.due, (now + delay_s, self._sequence, pending))
                if whole_lane and now + delay_s > lane.hold_until:
                    limited = failure.kind is FailureKind.RATE_LIMIT
                    lane.hold_until, lane.hold_why = now + delay_s, "rate limited" if limited else failure.message
                return False
            case Park(delay_s):
                lane.parked_s = max(lane.parked_s, delay_s)
                self._halt(lane, Halt.PARKED, failure.message)
                return False
            case GiveUp(stop_lane):
                lane.unreachable = lane.unreachable + 1 if unreachable(failure) else 0
                if stop_lane or (lane.unreachable >= _UNREACHABLE_IN_A_ROW and not lane.answered):
                    self._halt(lane, Halt.REFUSED, failure.message)
                return True
        return False  # halted while in flight: the cell stays to be asked

    # -- acting: async code -------------------------------------------------------------------------------------

    def _start(self, lane: _Lane, pending: _Pending, now: float) -> None:
        waited = max(0.0, now - pending.since)
        if pending.attempts:
            pending.retry_wait_s += waited
        else:
            pending.queue_s += waited
            lane.started += 1
        if pending is lane.head:
            lane.head = None
        elif lane.urgent and pending is lane.urgent[0]:
            lane.urgent.popleft()
        else:
            heapq.heappop(lane.due)
        lane.in_flight += 1
        booking = self._book.book(pending.job.scopes, pending.job.charge)
        task = asyncio.get_running_loop().create_task(self._attempt(lane, pending, booking))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._crash = self._crash or error
            self._done.set()
        else:
            self._advance()

    async def _attempt(self, lane: _Lane, pending: _Pending, booking: Booking) -> None:
        """One sending, booked already: retried or handed to the sink, then settled.

        A reply holds its room until the sink has it on the disk, so that a crash loses at most what was in flight.
        """
        outcome: Outcome | None = None
        sent_at = self._clock.time()
        try:
            outcome = await self._send(pending.job.request)
            pending.attempts += (_attempt(outcome, sent_at),)
            if isinstance(outcome, Failure) and not self._after(lane, pending, outcome, self._clock.monotonic()):
                return
            if isinstance(outcome, Response):
                lane.unreachable = 0
                lane.answered += 1
            for job in await self._sink(pending.job, _exchange(pending, outcome)):
                lane.urgent.append(_Pending(job, self._clock.monotonic()))
        finally:
            # A cancelled request's fate is unknown: it counts as spent.
            spent = self._settle(pending.job, outcome) if outcome else pending.job.charge
            self._book.settle(booking, spent, self._clock.monotonic())
            lane.in_flight -= 1

    def _ring(self, delay_s: float) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if delay_s != float("inf"):
            self._timer = asyncio.get_running_loop().call_later(max(0.0, delay_s), self._advance)


def _exchange(pending: _Pending, outcome: Outcome) -> Exchange:
    return Exchange(
        request_key=pending.job.request.key,
        outcome=outcome,
        attempts=pending.attempts,
        queue_s=pending.queue_s,
        retry_wait_s=pending.retry_wait_s,
    )


def _attempt(outcome: Outcome, sent_at: float) -> Attempt:
    if isinstance(outcome, Response):
        return Attempt(sent_at=sent_at, latency_s=outcome.latency_s or 0.0, result="ok", http_status=200)
    return Attempt(
        sent_at=sent_at,
        latency_s=outcome.latency_s,
        result=outcome.kind.value,
        http_status=outcome.http_status,
        message=outcome.message,
    )
