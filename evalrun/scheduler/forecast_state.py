"""What a forecast is made of: limits and scopes as they stand, what a lane sends, and a scope's accounts at the start.

The accounts are those of `scheduler.windows`, with the server's clock taken to be this machine's. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from evalrun.records.quota import Axis, ChargeRule, Limit, Quota
from evalrun.scheduler.calendar import ServerClock, is_aligned
from evalrun.scheduler.rooms import Charge, amount_of
from evalrun.scheduler.windows import Account, account_of


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitState:
    """A limit and how it stands: *used* of it, which has left at *resets_at* (ledger time; None: see its window)."""

    limit: Limit
    used: float = 0.0
    resets_at: float | None = None

    @property
    def left(self) -> float:
        """What may go at once."""
        return max(0.0, brim(self.limit) - self.used)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeState:
    """A scope and how it stands. *own* is the run's own scope: its bound is the user's choice and no quota.

    *quota* says what it charges and how large a request may be; *limits* take the place of the quota's own.
    """

    id: str
    name: str
    quota: Quota = Quota()
    limits: tuple[LimitState, ...] = ()
    closed_until: float | None = None
    closed_why: str = ""
    own: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """What a lane waits for in a scope: a *limit*; None: room for one more at once, or that it is opened again."""

    scope: str
    limit: Limit | None
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Load:
    """What a lane sends, in order, in which scopes; an answer takes *latency_s* and *output_share* of its room."""

    lane: str
    charges: Sequence[Charge]
    scopes: tuple[str, ...]
    latency_s: float
    output_share: float = 1.0


class _ExactClock(ServerClock):
    """The server's clock is taken to be this machine's."""

    def bounds(self, now: float) -> tuple[float, float] | None:
        return 0.0, 0.0


@dataclass(slots=True, eq=False)
class Line:
    """One limit of a scope; *booked* and *taken* are sums over a lane's requests, from the first to each."""

    limit: Limit
    reason: Reason
    account: Account
    booked: dict[str, Sequence[float]] = field(default_factory=dict)
    taken: dict[str, Sequence[float]] = field(default_factory=dict)

    def room(self, now: float) -> float:
        """What it has room for."""
        return brim(self.limit) - self.account.used(now)


@dataclass(slots=True, eq=False)
class ScopeUnderWay:
    """A scope under way. Mutable: what is in flight."""

    state: ScopeState
    lines: list[Line]
    in_flight: int = 0

    @property
    def slots(self) -> float:
        """How many more at once."""
        at_once = self.state.quota.concurrency
        return math.inf if at_once is None else at_once - self.in_flight


def brim(limit: Limit) -> float:
    """The most that a limit lets through at once."""
    return limit.burst if limit.window == "bucket" and limit.burst is not None else limit.amount


def begin(state: ScopeState, loads: Sequence[Load], grain: int, now: float) -> ScopeUnderWay:
    """A scope at the beginning, with what is used of it, for the lanes that book in it.

    With a *grain* over 1, limits that let less than so many requests through are taken several spans together.
    """
    clock = _ExactClock()
    lines = []
    for standing in state.limits:
        limit = standing.limit
        booked = {load.lane: _sums(limit.axis, state.quota.charge, load, settled=False) for load in loads}
        taken = {load.lane: _sums(limit.axis, state.quota.charge, load, settled=True) for load in loads}
        mean = max((sums[-1] / (len(sums) - 1) for sums in booked.values()), default=0.0)
        times = math.ceil(grain * mean / brim(limit)) if grain > 1 else 1
        coarse = _times(limit, times) if times > 1 else limit
        account = account_of(coarse, clock)
        if standing.used > 0:
            account.settle(account.take(standing.used), standing.used, _settled_at(coarse, standing, now))
        lines.append(Line(coarse, Reason(state.id, limit), account, booked, taken))
    return ScopeUnderWay(state, lines)


def _sums(axis: Axis, rule: ChargeRule, load: Load, *, settled: bool) -> Sequence[float]:
    if axis == "requests":
        return range(len(load.charges) + 1)
    share = load.output_share if settled else 1.0
    sums, total = [0.0], 0.0
    for charge in load.charges:
        took = Charge(charge.input_tokens, round(charge.output_tokens * share)) if share != 1 else None
        total += amount_of(axis, rule, charge, took)
        sums.append(total)
    return sums


def _times(limit: Limit, times: int) -> Limit:
    """So many spans of a limit as one."""
    burst = None if limit.burst is None else limit.burst * times
    return replace(limit, amount=limit.amount * times, per_s=limit.per_s * times, burst=burst)


def _settled_at(limit: Limit, standing: LimitState, now: float) -> float:
    """When what is used must have been settled to leave at the time that is said."""
    if limit.window == "bucket" or is_aligned(limit) or standing.resets_at is None:
        return now
    return min(now, standing.resets_at - limit.per_s)
