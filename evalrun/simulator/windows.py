"""Limits as a server keeps them: it books what it admits and says when a refused request would fit.

Written from the vendors' descriptions and apart from any client code, so that the two can be tested against each other.
Pure: the caller says what time it is. Amounts are requests or tokens, times are seconds.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

WindowKind = Literal["fixed", "rolling", "bucket"]
Axis = Literal["requests", "tokens"]
LimitName = Literal["rpm", "rpd", "tpm", "tpd"]

MINUTE_S = 60.0
DAY_S = 86400.0
PERIOD_S: Mapping[LimitName, float] = {"rpm": MINUTE_S, "rpd": DAY_S, "tpm": MINUTE_S, "tpd": DAY_S}
CONCURRENCY_RETRY_S = 0.1
_ROUNDING = 1e-6  # so little over a bucket's brim is arithmetic, not a request too many


class Window(Protocol):
    """One limit and what was booked in it: at most *amount* in *period_s*."""

    amount: float
    period_s: float

    def wait_s(self, now: float, size: float) -> float:
        """How long until *size* more would fit: 0 now, infinite never."""

    def book(self, now: float, size: float) -> None:
        """Book *size*."""

    def used(self, now: float) -> float:
        """How much is booked now."""

    def reset_s(self, now: float) -> float:
        """How long until nothing is booked any more."""


class FixedWindow:
    """Counts anew at each multiple of the period; with Unix times that is at full minutes, and at midnight UTC."""

    def __init__(self, amount: float, period_s: float) -> None:
        self.amount = amount
        self.period_s = period_s
        # What changes: the number of the running period and what is booked in it. Only `_roll` and `book` change it.
        self._period = -math.inf
        self._used = 0.0

    def wait_s(self, now: float, size: float) -> float:
        """See Window."""
        if size > self.amount:
            return math.inf
        self._roll(now)
        return 0.0 if self._used + size <= self.amount else self._end_s(now)

    def book(self, now: float, size: float) -> None:
        """See Window."""
        self._roll(now)
        self._used += size

    def used(self, now: float) -> float:
        """See Window."""
        self._roll(now)
        return self._used

    def reset_s(self, now: float) -> float:
        """See Window."""
        return self._end_s(now) if self.used(now) else 0.0

    def _end_s(self, now: float) -> float:
        return (math.floor(now / self.period_s) + 1) * self.period_s - now

    def _roll(self, now: float) -> None:
        period = math.floor(now / self.period_s)
        if period > self._period:  # a clock that was set back does not give anything back
            self._period, self._used = period, 0.0


class RollingWindow:
    """Whatever was booked counts for one period from its own moment on."""

    def __init__(self, amount: float, period_s: float) -> None:
        self.amount = amount
        self.period_s = period_s
        # What changes: (when it ends, size) of each booking that still counts, oldest first, and the sum of the sizes.
        self._booked: deque[tuple[float, float]] = deque()
        self._used = 0.0

    def wait_s(self, now: float, size: float) -> float:
        """See Window."""
        if size > self.amount:
            return math.inf
        left = self.used(now)
        if left + size <= self.amount:
            return 0.0
        for ends_at, booked in self._booked:
            left -= booked
            if left + size <= self.amount:
                return ends_at - now
        return self.reset_s(now)

    def book(self, now: float, size: float) -> None:
        """See Window."""
        self._booked.append((now + self.period_s, size))
        self._used += size

    def used(self, now: float) -> float:
        """See Window."""
        while self._booked and self._booked[0][0] <= now:
            self._used -= self._booked.popleft()[1]
        if not self._booked:
            self._used = 0.0
        return self._used

    def reset_s(self, now: float) -> float:
        """See Window."""
        return self._booked[-1][0] - now if self.used(now) else 0.0


class Bucket:
    """A bucket of *amount* that fills evenly, *amount* in a period: a full one lets a burst through at once."""

    def __init__(self, amount: float, period_s: float) -> None:
        self.amount = amount
        self.period_s = period_s
        # What changes: how much was missing from a full bucket, and when that was.
        self._missing = 0.0
        self._at = -math.inf

    def wait_s(self, now: float, size: float) -> float:
        """See Window."""
        if size > self.amount:
            return math.inf
        over = self.used(now) + size - self.amount
        return over * self.period_s / self.amount if over > _ROUNDING else 0.0

    def book(self, now: float, size: float) -> None:
        """See Window."""
        self._missing = self.used(now) + size
        self._at = max(now, self._at)

    def used(self, now: float) -> float:
        """See Window."""
        passed_s = max(0.0, now - self._at)
        return max(0.0, self._missing - passed_s * self.amount / self.period_s)

    def reset_s(self, now: float) -> float:
        """See Window."""
        return self.used(now) * self.period_s / self.amount if self.amount else 0.0


_KINDS: Mapping[WindowKind, type[FixedWindow] | type[RollingWindow] | type[Bucket]] = {
    "fixed": FixedWindow,
    "rolling": RollingWindow,
    "bucket": Bucket,
}


@dataclass(frozen=True, slots=True)
class Admitted:
    """The request is booked in every window and holds one place of the concurrency until `Limits.release`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Nothing was booked. *retry_after_s* is infinite where waiting never helps."""

    kind: LimitName | Literal["concurrency"]
    retry_after_s: float
    limit: float
    used: float
    requested: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One limit as the headers tell it: *reset_s* is the time until it is whole again, not until the next fits."""

    limit: float
    remaining: float
    reset_s: float


class Limits:
    """All limits of one account: a request is booked in all of them at one moment, or in none."""

    def __init__(
        self, amounts: Mapping[LimitName, float | None], *, kind: WindowKind, concurrency: int | None = None
    ) -> None:
        self._windows: dict[LimitName, Window] = {
            name: _KINDS[kind](amount, PERIOD_S[name]) for name, amount in amounts.items() if amount is not None
        }
        self._concurrency = concurrency
        # What changes besides the windows: requests under way. Only `admit` and `release` change it.
        self._in_flight = 0

    def admit(self, now: float, tokens: float) -> Admitted | Refused:
        """Book one request of so many *tokens*, or say which limit it has to wait for longest."""
        if self._concurrency is not None and self._in_flight >= self._concurrency:
            return Refused(
                kind="concurrency",
                retry_after_s=CONCURRENCY_RETRY_S,
                limit=self._concurrency,
                used=self._in_flight,
                requested=1,
            )
        sizes = {name: 1.0 if name in ("rpm", "rpd") else tokens for name in self._windows}
        waits = {name: window.wait_s(now, sizes[name]) for name, window in self._windows.items()}
        longest = max(waits, key=lambda name: waits[name], default=None)
        if longest is not None and waits[longest] > 0:
            window = self._windows[longest]
            return Refused(
                kind=longest,
                retry_after_s=waits[longest],
                limit=window.amount,
                used=window.used(now),
                requested=sizes[longest],
            )
        for name, window in self._windows.items():
            window.book(now, sizes[name])
        self._in_flight += 1
        return Admitted()

    def release(self) -> None:
        """An admitted request is over."""
        self._in_flight -= 1

    def standing(self, axis: Axis, now: float) -> Standing | None:
        """The minute's limit on *axis*, else the day's; None where there is neither."""
        names: tuple[LimitName, ...] = ("rpm", "rpd") if axis == "requests" else ("tpm", "tpd")
        window = next((self._windows[name] for name in names if name in self._windows), None)
        if window is None:
            return None
        return Standing(
            limit=window.amount,
            remaining=max(0.0, window.amount - window.used(now)),
            reset_s=window.reset_s(now),
        )
