"""When a server's windows begin anew: its clock as far as replies told it, and days in the zones that it counts in.

*Ledger time* is Unix seconds on this machine, server time is Unix seconds at the server. Pure: all times are arguments.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from evalrun.records.quota import DAY_S, ROLLING_DAY, Limit

_DATE_S = 2.0  # a Date is a whole second, and some servers write it only once a second
_EARLY_S = 0.05  # two clocks of one server: the one that counts and the one that writes the Date
_DRIFT = 1e-4  # how far two clocks may drift apart, seconds in a second
_FRESH_S = 600.0  # after a contradiction nothing is narrowed for so long
_ASSUMED_S = 60.0  # how wrong a clock may be that nobody compared, where a day depends on it


class ServerClock:
    """How far the server's clock is ahead of ledger time, between two bounds.

    Each Date says that the offset lay in an interval; what is left is what all of them allow. Replies that contradict
    each other (several machines, a clock that was set) widen it, and ten minutes later it starts afresh.
    """

    def __init__(self) -> None:
        # Mutable state: the bounds at the time _at, None before the first Date; only observe() changes them.
        self._bounds: tuple[float, float] | None = None
        self._at = 0.0
        self._frozen_until = -math.inf
        self._leader: ServerClock | None = None

    def follow(self, leader: ServerClock) -> None:
        """Be the same clock as another one from now on: of one server, so that its windows open at one moment."""
        if leader is not self:
            self._leader = leader

    def observe(self, server_time: float, sent_at: float, received_at: float) -> bool:
        """Learn from a reply's Date; whether it was the first one."""
        low, high = server_time - _EARLY_S - received_at, server_time + _DATE_S - sent_at
        known = self._bounds
        if known is None:
            self._bounds, self._at = (low, high), received_at
            return True
        drift = max(0.0, received_at - self._at) * _DRIFT
        known = (known[0] - drift, known[1] + drift)
        both = (max(known[0], low), min(known[1], high))
        if self._frozen_until > received_at or both[0] > both[1]:
            if both[0] > both[1] and self._frozen_until <= received_at:
                self._frozen_until = received_at + _FRESH_S
            self._bounds = (min(known[0], low), max(known[1], high))
        elif self._frozen_until > -math.inf:
            self._bounds, self._frozen_until = (low, high), -math.inf
        else:
            self._bounds = both
        self._at = received_at
        return False

    def bounds(self, now: float) -> tuple[float, float] | None:
        """The least and the greatest offset at *now*; None before the first Date."""
        if self._leader is not None:
            return self._leader.bounds(now)
        if self._bounds is None:
            return None
        drift = max(0.0, now - self._at) * _DRIFT
        return self._bounds[0] - drift, self._bounds[1] + drift

    def assumed(self, now: float) -> tuple[float, float]:
        """The bounds, or before the first Date those of a clock that is about right."""
        return self.bounds(now) or (-_ASSUMED_S, _ASSUMED_S)


def is_day(limit: Limit) -> bool:
    """Whether the limit counts a day or longer: too long to sit and wait for."""
    return limit.per_s >= DAY_S


def is_aligned(limit: Limit) -> bool:
    """Whether the limit's windows begin at times of the server's clock rather than with the first request."""
    return limit.window == "fixed" and limit.resets != ROLLING_DAY


def window_end(limit: Limit, server_time: float) -> float:
    """The end of the aligned window that holds *server_time*, in server time.

    A day begins when its date does in its zone, so that it has 23 or 25 hours where clocks are put on or back.
    """
    if limit.per_s != DAY_S or limit.resets in ("", "utc"):
        return (math.floor(server_time / limit.per_s) + 1) * limit.per_s
    today = datetime.fromtimestamp(server_time, _zone(limit.resets)).date()
    return _midnight(today + timedelta(days=1), limit.resets)


@lru_cache(maxsize=64)
def _midnight(day: date, zone: str) -> float:
    """The Unix time at which *day* begins in *zone*: a midnight that is left out is when the clock leaps over it."""
    return datetime.combine(day, time(), _zone(zone)).timestamp()


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    return UTC if name == "utc" else ZoneInfo(name)
