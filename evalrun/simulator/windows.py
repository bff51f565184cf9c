"""Limits as a server keeps them: it books what it admits and says when a refused request would fit.

Written from the vendors' descriptions and apart from any client code, so that the two can be tested against each other.
Pure: the caller says what time it is on the server's clock. Amounts are requests or tokens, times are seconds.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from evalrun.records.quota import DAY_S, ROLLING_DAY, Axis, ChargeRule, Limit, Quota

CONCURRENCY_RETRY_S = 0.1
_ROUNDING = 1e-6  # so little over a bucket's brim is arithmetic, not a request too many

Periods = Callable[[float], tuple[float, float]]
"""The beginning and the end of the period in which a moment lies."""


class Window(Protocol):
    """One limit and what was booked in it: at most *amount* in a period."""

    amount: float

    def wait_s(self, now: float, size: float) -> float:
        """How long until *size* more would fit: 0 now, infinite never."""

    def book(self, now: float, size: float) -> Any:
        """Book *size*. What comes back is for `correct`."""

    def correct(self, booked: Any, now: float, more: float) -> None:
        """What was booked turned out to be *more*, or less."""

    def used(self, now: float) -> float:
        """How much is booked now."""

    def reset_s(self, now: float) -> float:
        """How long until nothing is booked any more."""


class FixedWindow:
    """Counts anew when a period begins."""

    def __init__(self, amount: float, periods: Periods) -> None:
        self.amount = amount
        self._periods = periods
        # What changes: where the running period begins and ends, and what is booked in it.
        self._start, self._end, self._used = -math.inf, -math.inf, 0.0

    def wait_s(self, now: float, size: float) -> float:
        """See Window."""
        if size > self.amount:
            return math.inf
        return 0.0 if self.used(now) + size <= self.amount else self._end - now

    def book(self, now: float, size: float) -> float:
        """See Window."""
        self._used = self.used(now) + size
        return self._start

    def correct(self, booked: float, now: float, more: float) -> None:
        """See Window."""
        self._roll(now)
        if booked == self._start:
            self._used += more

    def used(self, now: float) -> float:
        """See Window."""
        self._roll(now)
        return self._used

    def reset_s(self, now: float) -> float:
        """See Window."""
        return self._end - now if self.used(now) else 0.0

    def _roll(self, now: float) -> None:
        if now >= self._end:  # a clock that was set back does not give anything back
            self._start, self._end = self._periods(now)
            self._used = 0.0


class RollingWindow:
    """Whatever was booked counts for one period from its own moment on."""

    def __init__(self, amount: float, period_s: float) -> None:
        self.amount = amount
        self._period_s = period_s
        # What changes: [when it ends, size] of each booking that still counts, oldest first, and the sum of the sizes.
        self._booked: deque[list[float]] = deque()
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

    def book(self, now: float, size: float) -> list[float]:
        """See Window."""
        booked = [now + self._period_s, size]
        self._booked.append(booked)
        self._used += size
        return booked

    def correct(self, booked: list[float], now: float, more: float) -> None:
        """See Window."""
        if booked[0] > now:
            booked[1] += more
            self._used += more

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
    """A bucket of *amount* that fills evenly, so much in *period_s*: a full one lets a burst through at once."""

    def __init__(self, amount: float, period_s: float, burst: float | None = None) -> None:
        self.amount = amount if burst is None else burst
        self._per_s = amount / period_s
        # What changes: how much was missing from a full bucket, and when that was.
        self._missing = 0.0
        self._at = -math.inf

    def wait_s(self, now: float, size: float) -> float:
        """See Window."""
        if size > self.amount:
            return math.inf
        over = self.used(now) + size - self.amount
        return over / self._per_s if over > _ROUNDING else 0.0

    def book(self, now: float, size: float) -> None:
        """See Window."""
        self._missing = self.used(now) + size
        self._at = max(now, self._at)

    def correct(self, booked: None, now: float, more: float) -> None:
        """See Window."""
        self._missing = max(0.0, self.used(now) + more)
        self._at = max(now, self._at)

    def used(self, now: float) -> float:
        """See Window."""
        passed_s = max(0.0, now - self._at)
        return max(0.0, self._missing - passed_s * self._per_s)

    def reset_s(self, now: float) -> float:
        """See Window."""
        return self.used(now) / self._per_s


def periods_of(limit: Limit) -> Periods:
    """How a fixed limit divides time: at multiples of its span, or a day's at midnight in its zone.

    A day begins when its date does there: after a clock was put on or back a day has 23 or 25 hours.
    """
    if limit.per_s == DAY_S:
        zone = UTC if limit.resets in ("", "utc", "UTC") else ZoneInfo(limit.resets)
        return lambda now: _day(now, zone)
    per_s = limit.per_s
    return lambda now: (math.floor(now / per_s) * per_s, (math.floor(now / per_s) + 1) * per_s)


def _day(now: float, zone: tzinfo) -> tuple[float, float]:
    today = datetime.fromtimestamp(now, zone).date()
    return _midnight(today, zone), _midnight(today + timedelta(days=1), zone)


def _midnight(day: date, zone: tzinfo) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()


def window_of(limit: Limit) -> Window:
    """The window that keeps *limit*. Whether the client is sure of it does not concern the server."""
    if limit.window == "bucket":
        return Bucket(limit.amount, limit.per_s, limit.burst)
    if limit.window == "rolling" or limit.resets == ROLLING_DAY:
        return RollingWindow(limit.amount, limit.per_s)
    return FixedWindow(limit.amount, periods_of(limit))


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a request is, tokens. *max_tokens*: the most that its answer may have, 0 where it does not say."""

    input_tokens: int
    max_tokens: int = 0

    def at_sending(self, axis: Axis, charge: ChargeRule) -> float:
        """What it takes of *axis* when it is admitted."""
        if axis == "requests":
            return 1.0
        if axis == "input_tokens" or charge == "input":
            return 0.0 if axis == "output_tokens" else float(self.input_tokens)
        if axis == "output_tokens":
            return float(self.max_tokens)
        if charge == "max":
            return float(max(self.input_tokens, self.max_tokens))
        return float(self.input_tokens + self.max_tokens)

    def in_the_end(self, axis: Axis, charge: ChargeRule, output_tokens: int) -> float:
        """What it took of *axis*, once its answer is known to have so many tokens."""
        if axis == "output_tokens" and charge in ("usage", "input"):
            return float(output_tokens)
        if axis == "tokens" and charge == "usage":
            return float(self.input_tokens + output_tokens)
        return self.at_sending(axis, charge)


@dataclass(frozen=True, slots=True)
class Admitted:
    """The request is booked in every window and holds one place of the concurrency until `release`."""

    size: Size
    scopes: tuple[ScopeLimits, ...]
    booked: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Nothing was booked. *retry_after_s* is infinite where waiting never helps.

    *limit* is the one to wait for longest, None for the concurrency; *scope* is the model whose it is, empty for the
    account's own.
    """

    scope: str
    limit: Limit | None
    retry_after_s: float
    amount: float
    used: float
    requested: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One limit as the headers tell it: *reset_s* is the time until it is whole again, not until the next fits."""

    limit: Limit
    remaining: float
    reset_s: float


@dataclass(slots=True)
class ScopeLimits:
    """The limits of one scope: a model's, or an account's under the empty name. Mutable: windows and in_flight."""

    name: str
    quota: Quota
    in_flight: int = 0
    windows: list[tuple[Limit, Window]] = field(init=False)

    def __post_init__(self) -> None:
        self.windows = [(limit, window_of(limit)) for limit in self.quota.limits]

    def refusal(self, now: float, size: Size) -> Refused | None:
        """The limit that has no room for the request, the one to wait for longest; None: it fits."""
        places = self.quota.concurrency
        if places is not None and self.in_flight >= places:
            return Refused(
                scope=self.name,
                limit=None,
                retry_after_s=CONCURRENCY_RETRY_S,
                amount=places,
                used=self.in_flight,
                requested=1,
            )
        worst, longest = None, 0.0
        for limit, window in self.windows:
            requested = size.at_sending(limit.axis, self.quota.charge)
            wait_s = window.wait_s(now, requested)
            if wait_s > longest:
                longest = wait_s
                worst = Refused(
                    scope=self.name,
                    limit=limit,
                    retry_after_s=wait_s,
                    amount=limit.amount,
                    used=window.used(now),
                    requested=requested,
                )
        return worst

    def book(self, now: float, size: Size) -> tuple[Any, ...]:
        """Book it in every window, and a place."""
        self.in_flight += 1
        charge = self.quota.charge
        return tuple(window.book(now, size.at_sending(limit.axis, charge)) for limit, window in self.windows)

    def release(self, now: float, size: Size, booked: tuple[Any, ...], output_tokens: int | None) -> None:
        """The request is over; windows that count what was really used learn it, unless nobody knows."""
        self.in_flight -= 1
        if output_tokens is None:
            return
        charge = self.quota.charge
        for (limit, window), entry in zip(self.windows, booked, strict=True):
            more = size.in_the_end(limit.axis, charge, output_tokens) - size.at_sending(limit.axis, charge)
            if more:
                window.correct(entry, now, more)

    def standing(self, axis: Axis, now: float, *, of_the_day: bool = False) -> Standing | None:
        """The limit on *axis* with the shortest span, or the longest for *of_the_day*; None where there is none."""
        found = [each for each in self.windows if each[0].axis == axis]
        if not found:
            return None
        limit, window = sorted(found, key=lambda each: each[0].per_s)[-1 if of_the_day else 0]
        return Standing(limit=limit, remaining=max(0.0, window.amount - window.used(now)), reset_s=window.reset_s(now))


def admit(scopes: Sequence[ScopeLimits], now: float, size: Size) -> Admitted | Refused:
    """Book one request in all scopes at one moment, or say which limit it has to wait for longest."""
    refused = [refusal for scope in scopes if (refusal := scope.refusal(now, size))]
    if refused:
        return max(refused, key=lambda refusal: refusal.retry_after_s)
    return Admitted(size, tuple(scopes), tuple(scope.book(now, size) for scope in scopes))


def release(admitted: Admitted, now: float, output_tokens: int | None) -> None:
    """An admitted request is over; None: its answer never came into being."""
    for scope, booked in zip(admitted.scopes, admitted.booked, strict=True):
        scope.release(now, admitted.size, booked, output_tokens)
