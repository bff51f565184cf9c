"""How much may be sent, and therefore when: every scope of a request is booked at one moment, or none is.

A scope is where a limit applies: the whole run, an account, a model, a named group. Pure: the time is an argument,
*ledger time* (Unix seconds that never step), and whoever asks does the waiting. What a request will cost is an
estimate until `Book.settle` puts the real figures in its place.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from evalrun.records.quota import Budget, Limit, Quota, RateFacts, Scope
from evalrun.scheduler import lessons
from evalrun.scheduler.lessons import NOBODY, Believe, Manner, Place
from evalrun.scheduler.rooms import (
    Booking,
    Busy,
    Charge,
    Go,
    Lesson,
    LimitView,
    Never,
    Room,
    ScopeView,
    Spent,
    Wait,
    worse,
)
from evalrun.scheduler.scope_state import GUESS_S, Line, Origin, ScopeState
from evalrun.scheduler.windows import SLACK, Entry

__all__ = [
    "Believe", "Book", "Booking", "Busy", "Charge", "Go", "Lesson", "LimitView", "Manner", "Never", "Room", "ScopeView",
    "Spent", "Wait",
]  # fmt: skip

_LONGEST_DAY = 1.05  # a day of 25 hours
_REMEMBERED_S = 60.0  # settled requests are remembered at least so long: a limit may be learned that counts them


@dataclass(slots=True, eq=False)
class _Held:
    """One request in all its scopes. Mutable: only Book changes it."""

    scopes: tuple[ScopeState, ...]
    charge: Charge
    booked_at: float
    settled_at: float | None = None
    took: Charge | None = None
    keep_until: float = math.inf
    entries: list[tuple[ScopeState, Line, Entry]] = field(default_factory=list)


@dataclass(slots=True)
class _Reserved:
    """What is in flight of the budget. Mutable: only Book changes it."""

    requests: int = 0
    tokens: int = 0
    cost_usd: float = 0.0

    def add(self, charge: Charge, sign: int) -> None:
        self.requests += sign
        self.tokens += sign * charge.tokens
        self.cost_usd = self.cost_usd + sign * charge.cost_usd if self.requests else 0.0


class Book:
    """All scopes of a run and its budget, and what other processes have in the same scopes.

    *scopes* maps a scope's id to it; a bare Quota is a scope of that name.
    """

    def __init__(
        self, scopes: Mapping[str, Scope | Quota], budget: Budget | None = None, spent: Spent | None = None
    ) -> None:
        self._scopes = {
            name: ScopeState(Scope(id=name, name=name, quota=given) if isinstance(given, Quota) else given)
            for name, given in scopes.items()
        }
        self._budget = budget or Budget()
        # Mutable state: what was settled and what is reserved. book(), settle() and they alone change it.
        self._spent = spent or Spent()
        self._reserved = _Reserved()
        # Mutable state: every request that counts somewhere, and (until when, key) of those that were settled.
        self._held: dict[str, _Held] = {}
        self._leaving: list[tuple[float, str]] = []
        self._number = 0
        self._latest = 0.0

    @property
    def spent(self) -> Spent:
        """What was settled so far."""
        return self._spent

    def room(self, scope_ids: Iterable[str], charge: Charge, now: float) -> Room:
        """Whether a request that takes *charge* may go at *now*; else when, or after what."""
        self._latest = max(self._latest, now)
        worst = self._budget_room(charge)
        for name in scope_ids:
            if isinstance(worst, Never):
                break
            worst = worse(worst, self._scopes[name].room(charge, now))
        return worst

    def never(self, scope_ids: Iterable[str], charge: Charge) -> str | None:
        """Why a request can never fit, in words; None where it can."""
        return next((why for name in scope_ids if (why := self._scopes[name].never(charge))), None)

    def book(self, scope_ids: Iterable[str], charge: Charge, now: float, key: str = "") -> Booking:
        """Take the room that `room` said was there, in every scope at once. *key* is unique; empty makes one."""
        self._number += 1
        booking = Booking(key or f"#{self._number}", tuple(scope_ids), charge, now)
        self._hold(booking.key, booking.scopes, charge, now)
        self._reserved.add(charge, 1)
        return booking

    def settle(self, booking: Booking, took: Charge | None, now: float) -> None:
        """Put what a request really took in the place of its estimate; None: nobody knows, so that stays."""
        self._reserved.add(booking.charge, -1)
        counted = booking.charge if took is None else took
        spent = self._spent
        self._spent = Spent(spent.requests + 1, spent.tokens + counted.tokens, spent.cost_usd + counted.cost_usd)
        if held := self._held.get(booking.key):
            self._land(booking.key, held, took, now)
        self._forget(now)

    def cancel(self, booking: Booking) -> None:
        """Give a reservation back whose request was never sent."""
        self._reserved.add(booking.charge, -1)
        self.drop(booking.key)

    def put(
        self,
        key: str,
        scope_ids: Iterable[str],
        charge: Charge,
        booked_at: float,
        settled_at: float | None,
        took: Charge | None = None,
    ) -> None:
        """Have an entry of the ledger as it is there, another process's or an own one; unknown scopes are ignored."""
        held = self._held.get(key)
        if held and held.charge == charge and held.settled_at == settled_at and held.took == took:
            return
        self.drop(key)
        known = tuple(name for name in scope_ids if name in self._scopes)
        held = self._hold(key, known, charge, booked_at)
        if settled_at is not None:
            self._land(key, held, took, settled_at)

    def drop(self, key: str) -> None:
        """Forget an entry, as if it had never been; an unknown key is one already."""
        held = self._held.pop(key, None)
        if held is None:
            return
        for _, line, entry in held.entries:
            line.account.remove(entry)
        if held.settled_at is None:
            for scope in held.scopes:
                scope.in_flight -= 1

    def close(self, scope: str, until: float, why: str, *, day: bool = False) -> None:
        """Let nothing through a scope before *until*: its server asked for that."""
        self._scopes[scope].close(until, why, day=day)

    def observe(
        self,
        scope_ids: Sequence[str],
        rate: RateFacts,
        *,
        sent_at: float,
        received_at: float,
        refused: bool,
        believe: Believe | Manner = NOBODY,
    ) -> tuple[Lesson, ...]:
        """Learn from a reply, before it is settled; what was news comes back, and is applied already.

        *scope_ids* are in this order: the run's, the account's, the model's, then groups. What a reply says of the
        account is the second's, everything else the third's; of fewer, the last one's.
        """
        scopes = [self._scopes[name] for name in scope_ids if name in self._scopes]
        if not scopes:
            return ()
        manner = believe if isinstance(believe, Manner) else Manner(believe)
        last = len(scopes) - 1
        place = Place(scopes[min(1, last)], scopes[min(2, last)], self._let_through, scopes[3:])
        place.model.clock.follow(place.account.clock)
        if rate.server_time is not None and math.isfinite(rate.server_time):
            for scope in scopes:
                scope.clock.observe(rate.server_time, sent_at, received_at)
        found = lessons.from_headers(place, rate, manner)
        news = [self.learn(lesson, received_at) for lesson in found]
        if refused:
            found = lessons.from_refusal(place, rate, received_at, manner)
        else:
            found = lessons.from_success(place, sent_at, received_at)
        news += [self.learn(lesson, received_at) for lesson in found]
        return tuple(news)

    def learn(self, lesson: Lesson, now: float | None = None) -> Lesson:
        """Apply a lesson, a new one or the ledger's; of a scope that is unknown here it is ignored."""
        scope = self._scopes.get(lesson.scope)
        now = self._latest if now is None else now
        if scope is None or (lesson.until is not None and lesson.until <= now):
            return lesson
        limit = lesson.limit
        axis, per_s = (limit.axis, limit.per_s) if limit else (None, 0.0)
        scope.lessons[lesson.kind, axis, per_s] = lesson
        if lesson.kind == "closed" and lesson.until is not None:
            scope.close(lesson.until, lesson.words, day=lessons.is_long(lesson, now))
        elif lesson.kind == "pace" and limit is not None:
            scope.pace(limit, now)
        elif limit is not None and (lesson.kind != "pace" and lesson.kind != "closed"):
            self._learn_limit(scope, limit, lesson.kind, now)
        return lesson

    def forget(self, scope_id: str) -> None:
        """Forget what a scope was taught; what was stated and what is used stays."""
        if scope := self._scopes.get(scope_id):
            scope.lines = [line for line in scope.lines if line.origin == "stated"]
            for line in scope.lines:
                line.paced = False
            scope.lessons.clear()
            scope.closed_until = -math.inf

    def view(self, scope_id: str, now: float) -> ScopeView:
        """How a scope stands."""
        return self._scopes[scope_id].view(now)

    # -- inside ---------------------------------------------------------------------------------------------------

    def _hold(self, key: str, scope_ids: tuple[str, ...], charge: Charge, at: float) -> _Held:
        held = _Held(tuple(self._scopes[name] for name in scope_ids), charge, at)
        for scope in held.scopes:
            scope.in_flight += 1
            for line in scope.lines:
                held.entries.append((scope, line, line.take(scope.amount(line, charge), at)))
        self._held[key] = held
        return held

    def _land(self, key: str, held: _Held, took: Charge | None, at: float) -> None:
        held.settled_at, held.took = at, took
        longest = _REMEMBERED_S
        for scope in held.scopes:
            scope.in_flight -= 1
        for scope, line, entry in held.entries:
            line.account.settle(entry, scope.amount(line, held.charge, took), at)
            longest = max(longest, _LONGEST_DAY * line.limit.per_s)
        held.keep_until = at + longest
        heapq.heappush(self._leaving, (held.keep_until, key))

    def _forget(self, now: float) -> None:
        """Let go of what has left every window."""
        while self._leaving and self._leaving[0][0] <= now:
            until, key = heapq.heappop(self._leaving)
            held = self._held.get(key)
            if held and held.keep_until <= until:
                del self._held[key]

    def _learn_limit(self, scope: ScopeState, limit: Limit, origin: Origin, now: float) -> None:
        """Have one more limit, which counts what was sent already."""
        line = scope.learn_limit(limit, origin, now)
        if line is None:
            return
        for held in self._held.values():
            if scope in held.scopes:
                entry = line.account.take(scope.amount(line, held.charge))
                held.entries.append((scope, line, entry))
                if held.settled_at is not None:
                    line.account.settle(entry, scope.amount(line, held.charge, held.took), held.settled_at)

    def _let_through(self, scope: ScopeState, now: float) -> int:
        """How many requests came back in the minute before *now*."""
        return sum(
            scope in held.scopes
            for held in self._held.values()
            if held.settled_at is not None and held.settled_at > now - GUESS_S
        )

    def _budget_room(self, charge: Charge) -> Room:
        for limit, settled, held, more, what in (
            (self._budget.max_requests, self._spent.requests, self._reserved.requests, 1, "max_requests"),
            (self._budget.max_tokens, self._spent.tokens, self._reserved.tokens, charge.tokens, "max_tokens"),
            (
                self._budget.max_cost_usd,
                self._spent.cost_usd,
                self._reserved.cost_usd,
                charge.cost_usd,
                "max_cost_usd",
            ),
        ):
            if limit is None or settled + held + more <= limit + SLACK:
                continue
            why = f"budget: {what} {limit:g}"
            return Busy(why, "budget") if self._reserved.requests else Never(f"{why}; {settled:g} used")
        return Go()
