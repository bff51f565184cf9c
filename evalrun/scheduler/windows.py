"""The client's account of one limit: the most that a server may have counted, whenever before the reply it did.

A request is *in flight* from its booking to its settling, and then *settled* at that moment: the latest at which the
server counted it. It leaves the account when that moment has left the server's window. Pure: all times are arguments.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from evalrun.records.quota import DAY_S, Limit
from evalrun.scheduler.calendar import ServerClock, is_aligned, window_end

SLACK = 1e-9
_SLICES = 2048  # settled amounts are kept in about so many slices of a window, each as late as its latest member
_NEARLY_S = 1.0
_SURE_S = 1e-3  # behind a boundary of the server's clock, so that rounding does not put a request before it


@dataclass(slots=True)
class Slice:
    """Amounts that were settled close together. Mutable: only the account that owns it changes it."""

    since: float
    until: float
    amount: float
    gone: bool = False


@dataclass(slots=True)
class Entry:
    """One request in one account: in flight while it has no slice. Mutable: only its account changes it."""

    amount: float
    slice: Slice | None = None


class Account(Protocol):
    """What one limit's windows hold."""

    limit: Limit

    def take(self, amount: float) -> Entry:
        """Book an amount: it is in flight."""

    def settle(self, entry: Entry, amount: float, at: float) -> None:
        """What was in flight came back: it took *amount*."""

    def remove(self, entry: Entry) -> None:
        """Forget an entry, as if it had never been sent."""

    def fits_at(self, amount: float, now: float) -> float:
        """When *amount* more fits: *now*, later, or infinity when something in flight has to come back first."""

    def used(self, now: float) -> float:
        """How much counts at *now*, in flight and settled."""

    def resets_at(self, now: float) -> float | None:
        """When what is settled now has left; None if that is nothing."""


class Slices:
    """Settled amounts in order of time, merged where they are close together, in constant time each."""

    def __init__(self, width_s: float) -> None:
        self.items: deque[Slice] = deque()
        self.total = 0.0
        self._width_s = width_s

    def add(self, amount: float, at: float) -> Slice:
        """Add an amount that was settled at *at*."""
        self.total += amount
        later: list[Slice] = []
        while self.items and self.items[-1].since > at:
            later.append(self.items.pop())
        last = self.items[-1] if self.items else None
        if last is not None and at - last.since <= self._width_s:
            last.until = max(last.until, at)
            last.amount += amount
        else:
            last = Slice(at, at, amount)
            self.items.append(last)
        self.items.extend(reversed(later))
        return last

    def subtract(self, part: Slice, amount: float) -> None:
        """Take an amount out of its slice again, unless that has left."""
        if not part.gone:
            part.amount -= amount
            self.total -= amount

    def pop(self) -> Slice:
        """Take out the oldest slice."""
        oldest = self.items.popleft()
        oldest.gone = True
        self.total = self.total - oldest.amount if self.items else 0.0
        return oldest

    def clamp(self, now: float) -> None:
        """What claims to be settled later than now (by another process's clock) is settled now."""
        for part in reversed(self.items):
            if part.until <= now:
                return
            part.until, part.since = now, min(part.since, now)


class SlidingAccount:
    """Rolling and fixed windows. A fixed one is kept as a rolling one until the server's clock is known: it is safe."""

    def __init__(self, limit: Limit, clock: ServerClock) -> None:
        self.limit = limit
        self._clock = clock
        fine = limit.axis == "requests" and limit.amount <= _SLICES
        # Mutable state: what is in flight (a sum and a count), and what is settled.
        self._in_flight, self._flying = 0.0, 0
        self._settled = Slices(0.0 if fine else limit.per_s / _SLICES)

    def take(self, amount: float) -> Entry:
        """See Account."""
        self._in_flight += amount
        self._flying += 1
        return Entry(amount)

    def settle(self, entry: Entry, amount: float, at: float) -> None:
        """See Account."""
        self._land(entry)
        entry.amount = amount
        entry.slice = self._settled.add(amount, at)

    def remove(self, entry: Entry) -> None:
        """See Account."""
        if entry.slice is None:
            self._land(entry)
        else:
            self._settled.subtract(entry.slice, entry.amount)

    def fits_at(self, amount: float, now: float) -> float:
        """See Account."""
        excess = self.used(now) + amount - self.limit.amount
        if excess <= SLACK:
            return now
        for part in self._settled.items:
            excess -= part.amount
            if excess <= SLACK:
                return self._leaves_at(part.until, now)
        return math.inf

    def used(self, now: float) -> float:
        """See Account."""
        settled = self._settled
        settled.clamp(now)
        while settled.items and self._leaves_at(settled.items[0].until, now) <= now:
            settled.pop()
        return self._in_flight + settled.total

    def resets_at(self, now: float) -> float | None:
        """See Account."""
        self.used(now)
        return self._leaves_at(self._settled.items[-1].until, now) if self._settled.items else None

    def _land(self, entry: Entry) -> None:
        self._flying -= 1
        self._in_flight = self._in_flight - entry.amount if self._flying else 0.0

    def _leaves_at(self, settled_at: float, now: float) -> float:
        """When what was settled then has surely left the server's window."""
        limit = self.limit
        rolling = settled_at + limit.per_s
        if not is_aligned(limit):
            return rolling
        day = limit.per_s == DAY_S
        bounds = self._clock.assumed(now) if day else self._clock.bounds(now)
        if bounds is None:
            return rolling
        end = window_end(limit, settled_at + bounds[1]) - bounds[0] + _SURE_S
        # A day of 25 hours is longer than its limit says; all other windows are as long as they say.
        return end if day and limit.resets not in ("", "utc") else min(rolling, end)


class BucketAccount:
    """A bucket that fills evenly. What is in flight is held off its brim; what is settled is missing and flows back."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._in_flight, self._flying = 0.0, 0
        # Mutable state: what was missing at a past moment, the slices settled since, and the sum of both at _at.
        self._base, self._base_at = 0.0, -math.inf
        self._recent = Slices(min(limit.per_s, 60.0) / _SLICES)
        self._missing, self._at = 0.0, -math.inf

    @property
    def brim(self) -> float:
        """How much a full bucket holds."""
        return self.limit.amount if self.limit.burst is None else self.limit.burst

    def take(self, amount: float) -> Entry:
        """See Account."""
        self._in_flight += amount
        self._flying += 1
        return Entry(amount)

    def settle(self, entry: Entry, amount: float, at: float) -> None:
        """See Account."""
        self._land(entry)
        entry.amount = amount
        if at < self._at < at + _NEARLY_S:
            at = self._at  # replies overtake each other a little: to take it for later is safe, and quick
        in_order = at >= self._at
        entry.slice = self._recent.add(amount, at)
        if in_order:
            self._missing = self._left(self._missing, self._at, at) + amount
            self._at = at
            self._fold(at)
        else:
            self._again()

    def remove(self, entry: Entry) -> None:
        """See Account."""
        if entry.slice is None:
            self._land(entry)
        elif not entry.slice.gone:
            self._recent.subtract(entry.slice, entry.amount)
            self._again()

    def fits_at(self, amount: float, now: float) -> float:
        """See Account."""
        missing = self._now_missing(now)
        excess = missing + self._in_flight + amount - self.brim
        if excess <= SLACK:
            return now
        # A little later than it flows back: a Unix time is rounded, and the server rounds otherwise.
        return now + excess * self._s_each + _SURE_S if excess <= missing + SLACK else math.inf

    def used(self, now: float) -> float:
        """See Account."""
        return self._now_missing(now) + self._in_flight

    def resets_at(self, now: float) -> float | None:
        """See Account."""
        missing = self._now_missing(now)
        return now + missing * self._s_each if missing > SLACK else None

    @property
    def _s_each(self) -> float:
        return self.limit.per_s / self.limit.amount

    def _land(self, entry: Entry) -> None:
        self._flying -= 1
        self._in_flight = self._in_flight - entry.amount if self._flying else 0.0

    def _left(self, missing: float, since: float, at: float) -> float:
        return max(0.0, missing - (at - since) / self._s_each) if missing else 0.0

    def _now_missing(self, now: float) -> float:
        if self._at > now:
            self._recent.clamp(now)
            self._base_at = min(self._base_at, now)
            self._again()
        return self._left(self._missing, self._at, now)

    def _fold(self, now: float) -> None:
        """Put slices that nobody will correct any more into the base."""
        items = self._recent.items
        while items and items[0].until < now - self.limit.per_s:
            oldest = self._recent.pop()
            self._base = self._left(self._base, self._base_at, oldest.until) + oldest.amount
            self._base_at = oldest.until

    def _again(self) -> None:
        """Calculate what is missing from the base on. What came too late for its place is missing since the base."""
        missing, at = self._base, self._base_at
        for part in self._recent.items:
            moment = max(part.until, at)
            missing = self._left(missing, at, moment) + part.amount
            at = moment
        self._missing, self._at = missing, at


def account_of(limit: Limit, clock: ServerClock) -> Account:
    """An empty account for a limit."""
    return BucketAccount(limit) if limit.window == "bucket" else SlidingAccount(limit, clock)
