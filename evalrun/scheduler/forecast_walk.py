"""A run walked through its limits without sending: which lane could send how much at which moment. Pure.

It asks the accounts of `scheduler.windows` as the run itself will, and takes lanes in the dispatcher's order, but books
as many requests at once as fit at one moment. Where a lane has thousands, a limit is taken several spans together, so
that the number of steps stays small and what is rounded is less than a thousandth of the whole.
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evalrun.scheduler.calendar import is_day
from evalrun.scheduler.forecast_state import Line, Load, Reason, ScopeState, ScopeUnderWay, begin, brim
from evalrun.scheduler.windows import Entry

_STEPS_A_LANE = 2000
_MOST_STEPS = 20_000
_NUDGE_S = 1e-6  # rounding must not hold the walk in one moment
_SLACK = 1e-6  # of sums over many requests


@dataclass(slots=True, eq=False)
class Walked:
    """How a lane went. Mutable: only the walk changes it.

    *waited* is seconds by reason; *nights* counts long waits for a day's limit, *nights_before* those before anything
    was sent.
    """

    starts_at: float = math.inf
    ends_at: float = -math.inf
    waited: dict[Reason, float] = field(default_factory=lambda: defaultdict(float))
    nights: int = 0
    nights_before: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """From when to when a run sends until everything left is parked, and how many requests."""

    starts_at: float
    ends_at: float
    requests: int


@dataclass(slots=True, eq=False)
class _Lane:
    """A lane under way. Mutable: only the walk changes it."""

    load: Load
    scopes: list[ScopeUnderWay]
    grain: int
    walked: Walked = field(default_factory=Walked)
    position: int = 0
    started: int = 0
    blocked_since: float = math.inf
    reason: Reason | None = None
    until: float = math.inf
    parked_until: float | None = None
    day_since: float | None = None

    @property
    def left(self) -> int:
        return len(self.load.charges) - self.position


@dataclass(frozen=True, slots=True, order=True)
class _Flying:
    """A block of requests on its way."""

    ends_at: float
    number: int
    lane: _Lane = field(compare=False)
    slots: int = field(compare=False)
    entries: tuple[tuple[Line, Entry, float], ...] = field(compare=False)


def walk(
    loads: Sequence[Load], scopes: Mapping[str, ScopeState], now: float, *, max_wait_s: float, night_s: float
) -> tuple[dict[str, Walked], tuple[Sitting, ...]]:
    """Walk all lanes to their end, beginning anew whenever a sitting would end; requests must all fit by themselves.

    A lane that would wait longer than *max_wait_s* is parked until the sitting is over. A wait for a day's limit is a
    night if it is longer than *night_s*.
    """
    return _Walk(loads, scopes, now, max_wait_s, night_s).run()


class _Walk:
    """Mutable state: the time, the lanes, the scopes and what is in flight."""

    def __init__(
        self, loads: Sequence[Load], scopes: Mapping[str, ScopeState], now: float, max_wait_s: float, night_s: float
    ) -> None:
        self._now = self._began = now
        self._max_wait_s, self._night_s = max_wait_s, night_s
        grains = {load.lane: max(1, len(load.charges) // _STEPS_A_LANE) for load in loads}
        self._scopes: dict[str, ScopeUnderWay] = {}
        for key in dict.fromkeys(key for load in loads for key in load.scopes):
            mine = [load for load in loads if key in load.scopes and load.charges]
            grain = min((grains[load.lane] for load in mine), default=1)
            self._scopes[key] = begin(scopes[key], mine, grain, now)
        self._lanes = [_Lane(load, [self._scopes[key] for key in load.scopes], grains[load.lane]) for load in loads]
        self._flying: list[_Flying] = []
        self._number = 0
        self._sittings: list[Sitting] = []
        self._sat_since, self._sat_requests, self._last_reply = now, 0, now

    def run(self) -> tuple[dict[str, Walked], tuple[Sitting, ...]]:
        """To the end, or for so many steps; what is left then goes on at the pace so far."""
        for _ in range(_MOST_STEPS):
            self._land()
            self._send()
            waiting = [lane.until for lane in self._lanes if lane.left and lane.parked_until is None]
            wake = min([*waiting, self._flying[0].ends_at if self._flying else math.inf])
            if wake < math.inf:
                self._pass_to(max(wake, self._now + _NUDGE_S))
                continue
            self._stop()
            parked = [lane.parked_until for lane in self._lanes if lane.parked_until is not None]
            if not parked:
                break
            self._go_on(max(parked))
        else:
            self._extrapolate()
        return {lane.load.lane: lane.walked for lane in self._lanes}, tuple(self._sittings)

    def _send(self) -> None:
        """All that may start now: who has waited longest first, then who is furthest behind."""
        taken: dict[str, Reason] = {}  # scopes that somebody waits for already
        ready = [lane for lane in self._lanes if lane.left and lane.parked_until is None]
        while ready:
            lane = min(ready, key=lambda each: (each.blocked_since, each.started))
            count = self._may_start(lane, taken)
            if count:
                self._start(lane, count, len(ready))
            if not count or not lane.left:
                ready.remove(lane)

    def _may_start(self, lane: _Lane, taken: dict[str, Reason]) -> int:
        """How many of a lane's next requests may start now; 0: it is blocked, or parked."""
        turn = next((taken[scope.state.id] for scope in lane.scopes if scope.state.id in taken), None)
        if turn is not None:
            return self._block(lane, math.inf, turn)
        found = [self._room(lane, scope) for scope in lane.scopes]
        count = min(fits for fits, _, _ in found)
        if count:
            return count
        blocked = [(until, reason) for fits, until, reason in found if not fits and reason]
        until, reason = max(blocked, key=lambda one: one[0])
        if self._max_wait_s < until - self._now < math.inf:
            lane.parked_until = until
        else:
            taken[reason.scope] = reason
        return self._block(lane, until, reason)

    def _room(self, lane: _Lane, scope: ScopeUnderWay) -> tuple[int, float, Reason | None]:
        """How many of a lane's next requests a scope lets start now, and for none: until when not, and why."""
        state, now = scope.state, self._now
        if state.closed_until is not None and state.closed_until > now:
            return 0, state.closed_until, Reason(state.id, None, closed=True)
        if scope.slots < 1:
            return 0, math.inf, Reason(state.id, None)
        most, until, why = min(lane.left, max(scope.slots, lane.grain)), now, None
        for line in scope.lines:
            sums, at = line.booked[lane.load.lane], lane.position
            fits = bisect_right(sums, sums[at] + line.room(now) + _SLACK) - 1 - at
            block = min(lane.grain, lane.left)
            if fits < block:
                one, whole = sums[at + 1] - sums[at], sums[at + block] - sums[at]
                when = line.account.fits_at(min(whole, max(one, brim(line.limit) / 2)), now)
                fits = max(1, fits) if when <= now else 0
                if when > until:
                    until, why = when, line.reason
            most = min(most, fits)
        return int(most), until, why

    def _block(self, lane: _Lane, until: float, reason: Reason) -> int:
        lane.until, lane.reason = until, reason
        lane.blocked_since = min(lane.blocked_since, self._now)
        if lane.day_since is None and (reason.closed or (reason.limit is not None and is_day(reason.limit))):
            lane.day_since = self._now
        return 0

    def _start(self, lane: _Lane, count: int, sharing: int) -> None:
        """Book one block of at most so many requests, a fair part where others share what there is.

        A large block goes in waves where it needs more slots than there are.
        """
        count = min(count, max(lane.grain, math.ceil(count / sharing)))
        free = min(scope.slots for scope in lane.scopes)
        slots = int(min(count, max(1, free // sharing)))
        first, last, name = lane.position, lane.position + count, lane.load.lane
        entries = []
        for scope in lane.scopes:
            scope.in_flight += slots
            for line in scope.lines:
                sums, taken = line.booked[name], line.taken[name]
                entries.append((line, line.account.take(sums[last] - sums[first]), taken[last] - taken[first]))
        self._note_start(lane)
        lane.position, lane.started, lane.blocked_since = last, lane.started + count, math.inf
        lane.reason, lane.day_since = None, None
        self._sat_requests += count
        self._number += 1
        ends_at = self._now + math.ceil(count / slots) * lane.load.latency_s
        heapq.heappush(self._flying, _Flying(ends_at, self._number, lane, slots, tuple(entries)))

    def _note_start(self, lane: _Lane) -> None:
        night = lane.day_since is not None and self._now - lane.day_since > self._night_s
        if lane.walked.starts_at < math.inf:
            lane.walked.nights += night
        else:
            lane.walked.starts_at, lane.walked.nights_before = self._now, int(night)

    def _land(self) -> None:
        """Settle what is back."""
        while self._flying and self._flying[0].ends_at <= self._now:
            block = heapq.heappop(self._flying)
            for line, entry, taken in block.entries:
                line.account.settle(entry, taken, block.ends_at)
            for scope in block.lane.scopes:
                scope.in_flight -= block.slots
            block.lane.walked.ends_at = self._last_reply = block.ends_at

    def _pass_to(self, at: float) -> None:
        """Time passes, and whoever is blocked waits."""
        for lane in self._lanes:
            if lane.left and lane.reason is not None:
                lane.walked.waited[lane.reason] += at - self._now
        self._now = at

    def _stop(self) -> None:
        """A sitting is over."""
        sitting = Sitting(starts_at=self._sat_since, ends_at=self._last_reply, requests=self._sat_requests)
        self._sittings.append(sitting)

    def _go_on(self, at: float) -> None:
        """The next sitting begins."""
        self._pass_to(max(at, self._now + _NUDGE_S))
        for lane in self._lanes:
            lane.parked_until, lane.started, lane.blocked_since = None, 0, math.inf
        self._sat_since, self._sat_requests, self._last_reply = self._now, 0, self._now

    def _extrapolate(self) -> None:
        """Let every lane that has some left go on at its pace so far."""
        passed_s = self._now - self._began
        for lane in self._lanes:
            if lane.left and lane.position:
                whole = len(lane.load.charges) / lane.position
                lane.walked.ends_at = self._began + passed_s * whole
                lane.walked.nights = round(lane.walked.nights * whole)
            elif lane.left:
                lane.walked.ends_at = math.inf
        self._last_reply = max(lane.walked.ends_at for lane in self._lanes)
        self._sat_requests += sum(lane.left for lane in self._lanes)
        self._stop()
