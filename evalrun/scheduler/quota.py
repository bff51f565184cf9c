"""How much may be sent, and therefore when: every scope of a request is booked at one moment, or none is.

A scope is where a limit applies: the whole run, a provider, a model. Pure: the time is an argument, and whoever
asks does the waiting. What a request will cost is an estimate until `Book.settle` puts the real figures in its place.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from evalrun.records.quota import Budget, Limit, Quota

_SLACK_S = 1e-9


@dataclass(frozen=True, slots=True)
class Charge:
    """What one request takes: always one request, and its tokens and cost as far as they are known."""

    tokens: int
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Go:
    """There is room now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """There is room at *until* (monotonic seconds), and *why* there is none before."""

    until: float
    why: str


@dataclass(frozen=True, slots=True)
class Busy:
    """There is room when something in flight has come back."""

    why: str


@dataclass(frozen=True, slots=True)
class Never:
    """There will be no room in this run."""

    why: str


Room = Go | Wait | Busy | Never


@dataclass(slots=True)
class _Entry:
    """A booked amount. It leaves its window *per_s* after it was settled: the server may have counted it that late."""

    amount: float
    settled_at: float | None = None


@dataclass(slots=True)
class _Window:
    """One rolling limit. Mutable state: the entries, oldest first; only Book changes them."""

    limit: Limit
    entries: deque[_Entry] = field(default_factory=deque)
    total: float = 0.0

    def room(self, amount: float, now: float, name: str) -> Room:
        """Whether *amount* more fits at *now*."""
        self._expire(now)
        why = f"{name}: {self.limit.amount:g} {self.limit.axis} in {self.limit.per_s:g} s"
        if amount > self.limit.amount:
            return Never(f"{why}; one request needs {amount:g}")
        excess = self.total + amount - self.limit.amount
        if excess <= _SLACK_S:
            return Go()
        for entry in self.entries:
            if entry.settled_at is None:
                return Busy(why)
            excess -= entry.amount
            if excess <= _SLACK_S:
                return Wait(entry.settled_at + self.limit.per_s, why)
        return Busy(why)

    def take(self, amount: float) -> _Entry:
        entry = _Entry(amount)
        self.entries.append(entry)
        self.total += amount
        return entry

    def settle(self, entry: _Entry, amount: float, now: float) -> None:
        self.total += amount - entry.amount
        entry.amount = amount
        entry.settled_at = now

    def _expire(self, now: float) -> None:
        while self.entries:
            settled_at = self.entries[0].settled_at
            if settled_at is None or settled_at + self.limit.per_s > now:
                return
            self.total -= self.entries.popleft().amount


@dataclass(slots=True)
class _Scope:
    """One scope's state. Mutable: in_flight, windows, closed_until; only Book changes them."""

    name: str
    quota: Quota
    windows: tuple[_Window, ...]
    in_flight: int = 0
    closed_until: float = 0.0
    closed_why: str = ""

    def room(self, charge: Charge, now: float) -> Room:
        if self.closed_until > now:
            return Wait(self.closed_until, self.closed_why)
        if self.quota.concurrency is not None and self.in_flight >= self.quota.concurrency:
            return Busy(f"{self.name}: {self.quota.concurrency} at once")
        return _worst(window.room(_amount(window.limit, charge), now, self.name) for window in self.windows)


@dataclass(slots=True)
class Booking:
    """A reservation: give it back to `Book.settle` exactly once."""

    scopes: tuple[str, ...]
    charge: Charge
    entries: tuple[tuple[_Window, _Entry], ...]


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run has used of its budget, in all its sittings."""

    requests: int = 0
    tokens: int = 0
    cost_usd: float = 0.0


class Book:
    """All scopes of a run and its budget."""

    def __init__(self, quotas: Mapping[str, Quota], budget: Budget | None = None, spent: Spent | None = None) -> None:
        self._scopes = {
            name: _Scope(name, quota, tuple(_Window(limit) for limit in quota.limits)) for name, quota in quotas.items()
        }
        self._budget = budget or Budget()
        # Mutable state: what was settled and what is reserved. book(), settle() and they alone change it.
        self._spent = spent or Spent()
        self._reserved: dict[int, Charge] = {}

    @property
    def spent(self) -> Spent:
        """What was settled so far."""
        return self._spent

    def room(self, scopes: Iterable[str], charge: Charge, now: float) -> Room:
        """Whether a request that takes *charge* may go at *now*; else when, or after what."""
        budget = self._budget_room(charge)
        if not isinstance(budget, Go):
            return budget
        return _worst(self._scopes[name].room(charge, now) for name in scopes)

    def book(self, scopes: tuple[str, ...], charge: Charge) -> Booking:
        """Take the room that `room` said was there, in every scope at once."""
        entries = []
        for name in scopes:
            scope = self._scopes[name]
            scope.in_flight += 1
            entries += [(window, window.take(_amount(window.limit, charge))) for window in scope.windows]
        booking = Booking(scopes, charge, tuple(entries))
        self._reserved[id(booking)] = charge
        return booking

    def settle(self, booking: Booking, charge: Charge, now: float) -> None:
        """Put what a request really took in the place of its estimate; it has come back, or its fate is unknown."""
        del self._reserved[id(booking)]
        for name in booking.scopes:
            self._scopes[name].in_flight -= 1
        for window, entry in booking.entries:
            window.settle(entry, _amount(window.limit, charge), now)
        spent = self._spent
        self._spent = Spent(spent.requests + 1, spent.tokens + charge.tokens, spent.cost_usd + charge.cost_usd)

    def close(self, scope: str, until: float, why: str) -> None:
        """Let nothing through a scope before *until*: its server asked for that."""
        state = self._scopes[scope]
        if until > state.closed_until:
            state.closed_until, state.closed_why = until, why

    def _budget_room(self, charge: Charge) -> Room:
        reserved = self._reserved.values()
        for limit, settled, held, more, what in (
            (self._budget.max_requests, self._spent.requests, len(self._reserved), 1, "max_requests"),
            (self._budget.max_tokens, self._spent.tokens, sum(c.tokens for c in reserved), charge.tokens, "max_tokens"),
            (
                self._budget.max_cost_usd,
                self._spent.cost_usd,
                sum(c.cost_usd for c in reserved),
                charge.cost_usd,
                "max_cost_usd",
            ),
        ):
            if limit is None or settled + held + more <= limit + _SLACK_S:
                continue
            why = f"budget: {what} {limit:g}"
            return Busy(why) if held else Never(f"{why}; {settled:g} used")
        return Go()


def _amount(limit: Limit, charge: Charge) -> float:
    return 1.0 if limit.axis == "requests" else float(charge.tokens)


def _worst(rooms: Iterable[Room]) -> Room:
    """The answer that leaves the least hope; of two waits the longer."""
    worst: Room = Go()
    for room in rooms:
        if isinstance(room, Never):
            return room
        later = isinstance(room, Wait) and isinstance(worst, Wait) and room.until > worst.until
        if later or (isinstance(room, Busy) and not isinstance(worst, Busy)) or isinstance(worst, Go):
            worst = room
    return worst
