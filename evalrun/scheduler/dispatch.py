"""asyncio: sends jobs when the ledger has room for them, retries, and hands every end to the sink.

A lane is a queue of jobs in order (one model's cells). One plain function, `Dispatcher._advance`, decides what starts.
It runs again whenever anything changes: at the start, when a request comes back, when a timer rings, when somebody says
stop. A lane whose head waits for a scope is first in that scope: nobody passes it there, so no long prompt is starved.
A lane's queue that has nothing now may have something when it is looked at again.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from evalrun.clock import Clock
from evalrun.records.outcome import Attempt, Exchange, Failure, FailureKind, Outcome, Response
from evalrun.records.quota import RateFacts, Refusal
from evalrun.scheduler.jobs import Halt, Job, LaneView, Ledger, Send, Sink, attempt_of, misfit
from evalrun.scheduler.pressure import Pressure
from evalrun.scheduler.retry import NOT_SENT, PASSING, Again, GiveUp, Park, RetryPolicy, decide, unreachable
from evalrun.scheduler.rooms import Booking, Charge, Lesson, Never, Wait

# An endpoint that never answered is given up after so many failures; where nobody listens yet, after so long.
_UNREACHABLE_IN_A_ROW = 5
_PATIENCE_S = 15.0


@dataclass(slots=True)
class _Pending:
    """A job under way: its attempts so far and its waits; *fits* once it is known that it can go at all."""

    job: Job
    since: float
    fits: bool = False
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
    trouble: str = ""
    halt: Halt | None = None
    reason: str = ""
    parked_until: float | None = None
    waiting: str = ""
    until: float = 0.0
    blocked_since: float = float("inf")


class Dispatcher:
    """Sends every lane's jobs and ends when nothing is left to send or to wait for.

    *sink* is awaited with each job's final exchange; the jobs that it returns (a next turn, a judge) go ahead of new
    ones. *draw* gives random numbers in 0..1 for jitter. *settle* says what an outcome really took, None for an unknown
    fate. *pressures* are the endpoints that jobs name. *tell* hears what replies taught about limits.
    """

    def __init__(
        self,
        lanes: Mapping[str, Iterator[Job]],
        *,
        send: Send,
        sink: Sink,
        ledger: Ledger,
        clock: Clock,
        draw: Callable[[], float],
        settle: Callable[[Job, Outcome], Charge | None],
        pressures: Mapping[str, Pressure] | None = None,
        tell: Callable[[Lesson], None] | None = None,
        policy: RetryPolicy | None = None,
    ) -> None:
        self._lanes = {name: _Lane(name, feed) for name, feed in lanes.items()}
        self._send, self._sink, self._ledger, self._clock = send, sink, ledger, clock
        self._draw, self._settle, self._policy = draw, settle, policy or RetryPolicy()
        self._pressures, self._tell = pressures or {}, tell
        self._epoch = clock.time() - clock.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._done = asyncio.Event()
        self._crash: BaseException | None = None
        self._sequence = 0
        self._needless: Callable[[Job], str] = _is_needed

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

    def spare(self, needless: Callable[[Job], str]) -> None:
        """Send no job any more for which *needless* gives a reason. What is in flight comes back, and is not retried.

        Those that wait, for quota or to be tried again, go to the sink as spared, with the attempts that they had.
        """
        self._needless = needless
        now = self.now()
        for lane in self._lanes.values():
            lane.due = [(now if needless(one.job) else at, order, one) for at, order, one in lane.due]
            heapq.heapify(lane.due)

    def views(self) -> list[LaneView]:
        """Every lane as it stands."""
        now = self.now() if any(lane.waiting for lane in self._lanes.values()) else 0.0
        return [
            LaneView(
                lane=lane.name,
                in_flight=lane.in_flight,
                retries=lane.retries,
                halt=lane.halt,
                reason=lane.reason,
                waiting=lane.waiting,
                wait_s=max(0.0, lane.until - now) if lane.waiting and lane.until != float("inf") else None,
                parked_until=lane.parked_until,
            )
            for lane in self._lanes.values()
        ]

    def now(self) -> float:
        """Ledger time, which all windows keep: Unix time at the start plus what passed since; no step of a clock."""
        return self._epoch + self._clock.monotonic()

    # -- deciding: plain code, no await ------------------------------------------------------------------------

    def _advance(self) -> None:
        """Start all that may start, whoever calls: a ledger that fails ends the run with its error."""
        if self._done.is_set():
            return
        try:
            self._start_all()
        except Exception as error:  # noqa: BLE001  it is raised by run, not by a timer that nobody awaits
            self._crash = self._crash or error
            self._done.set()

    def _start_all(self) -> None:
        """Start all that may start: who has waited longest first, then who is furthest behind; ring for the next."""
        now = self.now()
        wake = float("inf")
        taken: set[str] = set()  # scopes that somebody waits for already
        waiting = list(self._lanes.values())
        while waiting:
            lane = min(waiting, key=lambda each: (each.blocked_since, each.started))
            if not self._start_next(lane, now, taken):
                waiting.remove(lane)
                wake = min(wake, lane.until) if lane.waiting else wake
        self._ring(wake - now)
        if not self._tasks and (wake == float("inf") or all(lane.halt for lane in self._lanes.values())):
            self._done.set()

    def _start_next(self, lane: _Lane, now: float, taken: set[str]) -> bool:
        """Start the lane's next job if it may go; else lane.waiting and lane.until say what it waits for."""
        lane.waiting, lane.until = "", float("inf")
        if lane.halt:
            return False
        pending = self._head(lane, now)
        if pending is None:
            if lane.due:
                lane.waiting, lane.until = "retry", lane.due[0][0]
            return False
        job = pending.job
        if needless := self._needless(job):
            self._take(lane, pending)
            self._spawn(self._skip(lane, pending, Failure(kind=FailureKind.SPARED, message=needless)))
            return True
        if not pending.fits:
            if unfit := job.unfit or misfit(self._ledger.never(job.scopes, job.charge)):
                self._take(lane, pending)
                self._spawn(self._skip(lane, pending, unfit))
                return True
            pending.fits = True
        pressure = self._pressures.get(job.endpoint)
        if pressure and (pause := pressure.pause(now)):
            why = f"{lane.trouble}: {pause.why}" if lane.trouble and pressure.down_s(now) else pause.why
            return self._block(lane, why, pause.until, now)
        if not taken.isdisjoint(job.scopes):
            return self._block(lane, "its turn", None, now)
        found = self._ledger.try_book(job.scopes, job.charge, now)
        if isinstance(found, Booking):
            self._start(lane, pending, found, now)
            return True
        if isinstance(found, Never):
            if self._ledger.never(job.scopes, job.charge):
                pending.fits = False  # a limit was learned since: this request is skipped, the lane goes on
                return True
            self._halt(lane, Halt.BUDGET, found.why)
            return False
        taken.add(found.scope)
        until = found.until if isinstance(found, Wait) else None
        if until is not None and until - now > self._policy.max_wait_s:
            taken.discard(found.scope)
            self._park(lane, until, found.why)
            return False
        return self._block(lane, found.why, until, now)

    def _block(self, lane: _Lane, why: str, until: float | None, now: float) -> bool:
        """Note what the lane waits for, and since when; a retry that falls due wakes it too."""
        lane.waiting, lane.until = why, float("inf") if until is None else until
        lane.blocked_since = min(lane.blocked_since, now)
        if lane.due and lane.due[0][0] > now:
            lane.until = min(lane.until, lane.due[0][0])
        return False

    def _head(self, lane: _Lane, now: float) -> _Pending | None:
        """What goes next: retries that are due, then follow-ups, then the feed. It stays there until it starts."""
        if lane.due and lane.due[0][0] <= now:
            return lane.due[0][2]
        if lane.urgent:
            return lane.urgent[0]
        if lane.head is None and (job := next(lane.feed, None)):
            lane.head = _Pending(job, now)
        return lane.head

    def _take(self, lane: _Lane, pending: _Pending) -> None:
        """Remove the lane's next job from where `_head` found it."""
        if pending is lane.head:
            lane.head = None
        elif lane.urgent and pending is lane.urgent[0]:
            lane.urgent.popleft()
        else:
            heapq.heappop(lane.due)

    def _halt(self, lane: _Lane, halt: Halt, reason: str) -> None:
        if lane.halt is None:
            lane.halt, lane.reason = halt, reason

    def _park(self, lane: _Lane, until: float, why: str) -> None:
        lane.parked_until = max(lane.parked_until or until, until)
        self._halt(lane, Halt.PARKED, why)

    def _after(self, lane: _Lane, pending: _Pending, failure: Failure, now: float) -> bool:
        """Act on a failure; whether it is final for its job."""
        lane.trouble = failure.message
        pressure = self._pressures.get(pending.job.endpoint)
        down_s = pressure.down_s(now) if pressure else 0.0
        lane.unreachable = lane.unreachable + 1 if unreachable(failure) else 0
        patient = pressure is not None and failure.kind in PASSING and down_s <= _PATIENCE_S
        if lane.unreachable >= _UNREACHABLE_IN_A_ROW and not lane.answered and not patient:
            self._halt(lane, Halt.REFUSED, failure.message)
            return True
        action = decide(failure, len(pending.attempts), self._policy, self._draw(), down_s=down_s)
        match action:
            case Again(delay_s) if lane.halt is None:
                needless = self._needless(pending.job) != ""
                lane.retries += not needless
                self._sequence += 1
                pending.since = now
                heapq.heappush(lane.due, (now if needless else now + delay_s, self._sequence, pending))
                return False
            case Park(delay_s):
                self._park(lane, now + delay_s, failure.message)
                return False
            case GiveUp(stop_lane):
                if stop_lane:
                    self._halt(lane, Halt.REFUSED, failure.message)
                return True
        return False  # halted while in flight: the cell stays to be asked

    # -- acting: async code -------------------------------------------------------------------------------------

    def _start(self, lane: _Lane, pending: _Pending, booking: Booking, now: float) -> None:
        waited = max(0.0, now - pending.since)
        if pending.attempts:
            pending.retry_wait_s += waited
        else:
            pending.queue_s += waited
            lane.started += 1
        self._take(lane, pending)
        lane.in_flight += 1
        lane.blocked_since = float("inf")
        if pressure := self._pressures.get(pending.job.endpoint):
            pressure.sent()
        self._spawn(self._attempt(lane, pending, booking))

    def _spawn(self, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._crash = self._crash or error
            self._done.set()
        else:
            self._advance()

    async def _skip(self, lane: _Lane, pending: _Pending, why: Failure) -> None:
        """Hand a request that can never be sent, or that nobody needs any more, to the sink."""
        lane.started += 1
        await self._finish(lane, pending, why)

    async def _attempt(self, lane: _Lane, pending: _Pending, booking: Booking) -> None:
        """One sending, booked already: retried or handed to the sink, then settled.

        A reply holds its room until the sink has it on the disk, so that a crash loses at most what was in flight.
        """
        outcome: Outcome | None = None
        sent_at, started = self._clock.time(), self.now()
        received_at = started
        try:
            outcome = await self._send(pending.job.request)
            received_at = self.now()
            pending.attempts += (attempt_of(outcome, sent_at),)
            self._learn(pending.job, outcome, started, received_at)
            if isinstance(outcome, Failure) and not self._after(lane, pending, outcome, received_at):
                return
            if isinstance(outcome, Response):
                lane.unreachable = 0
                lane.answered += 1
            await self._finish(lane, pending, outcome)
        finally:
            self._account(pending.job, booking, outcome, received_at if outcome else self.now())
            lane.in_flight -= 1
            if outcome is None and (pressure := self._pressures.get(pending.job.endpoint)):
                pressure.lost()

    def _account(self, job: Job, booking: Booking, outcome: Outcome | None, at: float) -> None:
        """Tell the ledger what a sending took. None: it was cancelled, its fate is unknown, so it counts as spent."""
        if isinstance(outcome, Failure) and outcome.kind in NOT_SENT:
            self._ledger.cancel(booking, at)
        else:
            self._ledger.settle(booking, self._settle(job, outcome) if outcome else None, at)

    def _learn(self, job: Job, outcome: Outcome, sent_at: float, received_at: float) -> None:
        """Tell the ledger and the endpoint's pressure what came back."""
        rate = outcome.rate
        if isinstance(outcome, Failure):
            if rate is None and outcome.kind is FailureKind.RATE_LIMIT:
                rate = RateFacts(refusal=Refusal.UNKNOWN, retry_after_s=outcome.retry_after_s)
            elif outcome.kind is FailureKind.OVERLOAD and rate is not None and rate.refusal is None:
                rate = replace(rate, refusal=Refusal.OVERLOAD)
        refusal = rate.refusal if rate else None
        if rate is not None:
            refused = isinstance(outcome, Failure) and refusal is not None
            news = self._ledger.observe(job.scopes, rate, sent_at=sent_at, received_at=received_at, refused=refused)
            for lesson in news:
                if self._tell:
                    self._tell(lesson)
        if pressure := self._pressures.get(job.endpoint):
            if isinstance(outcome, Response):
                pressure.answered(received_at - sent_at, received_at)
            else:
                concurrency = refusal is Refusal.CONCURRENCY
                pressure.failed(outcome.kind, received_at, self._draw(), concurrency=concurrency)

    async def _finish(self, lane: _Lane, pending: _Pending, outcome: Outcome) -> None:
        for job in await self._sink(pending.job, _exchange(pending, outcome)):
            lane.urgent.append(_Pending(job, self.now()))

    def _ring(self, delay_s: float) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if delay_s != float("inf"):
            self._timer = asyncio.get_running_loop().call_later(max(0.0, delay_s), self._advance)


def _is_needed(_: Job) -> str:
    return ""


def _exchange(pending: _Pending, outcome: Outcome) -> Exchange:
    return Exchange(
        request_key=pending.job.request.key,
        outcome=outcome,
        attempts=pending.attempts,
        queue_s=pending.queue_s,
        retry_wait_s=pending.retry_wait_s,
    )
