"""What a run will send, spend and wait for, told before it starts. Pure.

`forecast` walks the requests that are left through the limits as they stand (`forecast_walk`), three times: with
answers as quick as, about as quick as and as slow as earlier ones. Where a limit decides, the three agree and there is
a time; where only the answers' own speed does, there is a range; where nobody has measured any, there is none.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from evalrun.records.quota import DAY_S, Axis, Budget, ChargeRule, Limit
from evalrun.records.suite import Price
from evalrun.scheduler.forecast_state import LimitState, Load, Reason, ScopeState, brim
from evalrun.scheduler.forecast_walk import Sitting, Walked, walk
from evalrun.scheduler.rooms import Charge, Spent, amount_of, words
from evalrun.scheduler.windows import SLACK

__all__ = [
    "Amounts", "Binding", "Forecast", "LaneForecast", "LaneLoad", "LimitState", "Misfit", "ScopeState", "Sitting",
    "Timing", "forecast",
]  # fmt: skip

_UNKNOWN_S = (0.2, 1.0, 5.0)  # answers of an endpoint that nobody has measured: quick, middling, slow
_AGREE = 1.25  # so near the slowest walk is to the quickest where the answers' speed does not matter
_BINDS = 0.05  # a limit binds that takes so large a part of the time
_NIGHT_S = 900.0
_MANY = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLoad:
    """What one lane has left to send, in order, and what is known of it from earlier answers.

    *scopes* are the ids that its requests book in. *latencies_s* are sorted; *retries* is how often a request was sent
    again; *output_share* is how much of their room answers used, None where nobody knows.
    """

    lane: str
    charges: Sequence[Charge]
    scopes: tuple[str, ...]
    price: Price | None = None
    answered: int = 0
    in_error: int = 0
    latencies_s: Sequence[float] = ()
    retries: float = 0.0
    output_share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """How much will be sent, as estimates: *requests*, and about *retries* more of them again.

    *output_tokens* and *cost_usd* are None where no earlier answer says what to expect; their ``_at_most`` follow from
    the requests. A cost is None too where no price is known. *never_fit* counts what no wait makes fit: it is not sent.
    """

    requests: int = 0
    retries: int = 0
    input_tokens: int = 0
    output_tokens: int | None = 0
    output_tokens_at_most: int = 0
    cost_usd: float | None = 0.0
    cost_usd_at_most: float | None = 0.0
    answered: int = 0
    in_error: int = 0
    never_fit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """The limit that decides how long a lane takes. *limit* is None for requests at once and for a closed scope."""

    lane: str
    scope: str
    limit: Limit | None
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When it will happen, ledger time. *starts_at* and *finishes_at* are None where there is nothing to send.

    *finishes_at* is also None where that is unknown; *least_s* and *most_s* (None: unknown) are how long it takes.
    *days* is on how many something is sent, *nights_before* how many there are before the first of them.
    """

    binding: Binding | None = None
    starts_at: float | None = None
    finishes_at: float | None = None
    least_s: float = 0.0
    most_s: float | None = 0.0
    days: int = 0
    nights_before: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """Requests that no wait makes fit: why not, how many, and the size of the largest."""

    why: str
    count: int
    largest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneForecast:
    """What a lane will do. *scopes* are those of it that have limits, as they stand."""

    lane: str
    amounts: Amounts
    timing: Timing
    never_fit: tuple[Misfit, ...]
    scopes: tuple[ScopeState, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """All lanes, and together. *budget* says in words what of the run's budget will or may end it early.

    *sittings* are the run's pieces if it is gone on with whenever its quota is back.
    """

    now: float
    lanes: tuple[LaneForecast, ...]
    amounts: Amounts
    timing: Timing
    sittings: tuple[Sitting, ...]
    budget: tuple[str, ...]


def forecast(
    lanes: Sequence[LaneLoad],
    scopes: Mapping[str, ScopeState],
    now: float,
    *,
    max_wait_s: float = math.inf,
    budget: Budget | None = None,
    spent: Spent | None = None,
) -> Forecast:
    """Forecast all lanes together from *now* on. A lane that would wait longer than *max_wait_s* ends its sitting."""
    night_s = min(max_wait_s, _NIGHT_S)
    sorted_out = [_sort_out(lane, scopes) for lane in lanes]
    walks = [
        walk(
            [_load(lane, fitting, speed) for lane, (fitting, _) in zip(lanes, sorted_out, strict=True)],
            scopes,
            now,
            max_wait_s=max_wait_s,
            night_s=night_s,
        )
        for speed in range(3)
    ]
    ways = [walked for walked, _ in walks]
    found = tuple(
        LaneForecast(
            lane=lane.lane,
            amounts=_amounts(lane, fitting, misfits),
            timing=_timing(lane, [way[lane.lane] for way in ways], scopes, now) if fitting else Timing(),
            never_fit=misfits,
            scopes=tuple(scopes[key] for key in lane.scopes if not scopes[key].own),
        )
        for lane, (fitting, misfits) in zip(lanes, sorted_out, strict=True)
    )
    amounts = _total([lane.amounts for lane in found])
    sittings = walks[1][1]
    if len(sittings) > 1 and any(len(fitting) > _MANY for fitting, _ in sorted_out):
        # So long a walk is coarse: what goes today is walked finely, with as many requests as could go.
        first = [_load(lane, fitting[:_MANY], 1) for lane, (fitting, _) in zip(lanes, sorted_out, strict=True)]
        fine = walk(first, scopes, now, max_wait_s=max_wait_s, night_s=night_s)[1]
        sittings = (fine[0], *sittings[1:]) if len(fine) > 1 else sittings
    return Forecast(
        now=now,
        lanes=found,
        amounts=amounts,
        timing=_together(found, ways, now),
        sittings=sittings,
        budget=tuple(_over_budget(amounts, sittings, budget or Budget(), spent or Spent())),
    )


# -- how much ---------------------------------------------------------------------------------------------------------


def _sort_out(lane: LaneLoad, scopes: Mapping[str, ScopeState]) -> tuple[list[Charge], tuple[Misfit, ...]]:
    """The requests that can fit, and the others by reason."""
    bounds = [bound for key in lane.scopes for bound in _bounds(scopes[key])]
    fitting: list[Charge] = []
    sizes: dict[str, list[float]] = defaultdict(list)
    for charge in lane.charges:
        for most, size, why in bounds:
            if size(charge) > most:
                sizes[why].append(size(charge))
                break
        else:
            fitting.append(charge)
    return fitting, tuple(Misfit(why=why, count=len(found), largest=max(found)) for why, found in sizes.items())


def _bounds(scope: ScopeState) -> Iterator[tuple[float, Callable[[Charge], float], str]]:
    """What one request may be at most in a scope: the figure, how it is measured, and in words."""
    quota, name = scope.quota, scope.name
    if quota.max_input_tokens is not None:
        why = f"{name}: at most {quota.max_input_tokens:,} input tokens a request"
        yield quota.max_input_tokens, lambda charge: charge.input_tokens, why
    if quota.max_output_tokens is not None:
        why = f"{name}: at most {quota.max_output_tokens:,} output tokens a request"
        yield quota.max_output_tokens, lambda charge: charge.output_tokens, why
    for standing in scope.limits:
        axis, rule = standing.limit.axis, quota.charge
        if axis != "requests" or brim(standing.limit) < 1:
            size = partial(_amount, axis, rule)
            yield brim(standing.limit) + SLACK, size, f"{name}: {words(standing.limit)}"


def _amount(axis: Axis, rule: ChargeRule, charge: Charge) -> float:
    return amount_of(axis, rule, charge)


def _amounts(lane: LaneLoad, charges: Sequence[Charge], misfits: Sequence[Misfit]) -> Amounts:
    given = sum(charge.input_tokens for charge in charges)
    most = sum(charge.output_tokens for charge in charges)
    likely = None if lane.output_share is None else round(most * lane.output_share)
    return Amounts(
        requests=len(charges),
        retries=round(len(charges) * lane.retries),
        input_tokens=given,
        output_tokens=likely if most else 0,
        output_tokens_at_most=most,
        cost_usd=_cost(lane.price, given, likely),
        cost_usd_at_most=_cost(lane.price, given, most),
        answered=lane.answered,
        in_error=lane.in_error,
        never_fit=sum(misfit.count for misfit in misfits),
    )


def _cost(price: Price | None, given: int, output: int | None) -> float | None:
    if price is None or (output is None and price.output_usd):
        return None
    return (given * price.input_usd + (output or 0) * price.output_usd) / 1e6


def _total(lanes: Sequence[Amounts]) -> Amounts:
    """The sum; a figure that any lane with requests does not know is not known."""

    def add(name: str) -> Any:
        figures = [getattr(lane, name) for lane in lanes if lane.requests or getattr(lane, name) is not None]
        return None if None in figures else sum(figures)

    return Amounts(**{each.name: add(each.name) for each in fields(Amounts)})


def _over_budget(amounts: Amounts, sittings: Sequence[Sitting], budget: Budget, spent: Spent) -> Iterator[str]:
    """What of the budget is less than the forecast."""
    sent, tokens = amounts.requests + amounts.retries, amounts.input_tokens + amounts.output_tokens_at_most
    if budget.max_requests is not None and spent.requests + sent > budget.max_requests:
        left = max(0, budget.max_requests - spent.requests)
        yield f"budget: max_requests {budget.max_requests:,} ends it after {left:,} of {sent:,} requests"
    if budget.max_tokens is not None and spent.tokens + tokens > budget.max_tokens:
        yield f"budget: max_tokens {budget.max_tokens:,} may end it early"
    cost = amounts.cost_usd_at_most
    if budget.max_cost_usd is not None and cost is not None and spent.cost_usd + cost > budget.max_cost_usd:
        yield f"budget: max_cost_usd {budget.max_cost_usd:g} may end it early"
    longest_s = max((sitting.ends_at - sitting.starts_at for sitting in sittings), default=0.0)
    if budget.deadline_s is not None and longest_s > budget.deadline_s:
        yield f"budget: the deadline of {budget.deadline_s:g} s ends it early"


# -- when -------------------------------------------------------------------------------------------------------------


def _load(lane: LaneLoad, charges: Sequence[Charge], speed: int) -> Load:
    """A lane for the walk: with its retries, which take no tokens, spread among its requests."""
    share = 1.0 if lane.output_share is None else lane.output_share
    latency_s = _latencies(lane)[speed]
    return Load(lane.lane, _with_retries(charges, lane.retries), lane.scopes, latency_s, share)


def _with_retries(charges: Sequence[Charge], retries: float) -> Sequence[Charge]:
    if round(len(charges) * retries) == 0:
        return charges
    found, due = [], 0.0
    for charge in charges:
        due += retries
        found += [Charge(0)] * int(due)
        due -= int(due)
        found.append(charge)
    return found


def _latencies(lane: LaneLoad) -> tuple[float, float, float]:
    """Quick, about as before, slow: a quarter, the mean and three quarters of earlier answers."""
    past = lane.latencies_s
    if not past:
        return _UNKNOWN_S
    mean = sum(past) / len(past)
    return min(mean, past[len(past) // 4]), mean, max(mean, past[len(past) * 3 // 4])


def _timing(lane: LaneLoad, ways: Sequence[Walked], scopes: Mapping[str, ScopeState], now: float) -> Timing:
    quick, likely, slow = ways
    known = bool(lane.latencies_s) or _agree(quick.ends_at - now, slow.ends_at - now)
    return Timing(
        binding=_binding(lane.lane, likely, scopes, now) if known else None,
        starts_at=likely.starts_at,
        finishes_at=likely.ends_at if known else None,
        least_s=quick.ends_at - now,
        most_s=slow.ends_at - now if known else None,
        days=max(likely.nights + 1, math.ceil((likely.ends_at - likely.starts_at) / DAY_S)),
        nights_before=likely.nights_before,
    )


def _agree(quick_s: float, slow_s: float) -> bool:
    return slow_s <= _AGREE * quick_s


def _binding(lane: str, walked: Walked, scopes: Mapping[str, ScopeState], now: float) -> Binding | None:
    """What the lane waited for longest: a limit before requests at once, and neither if it was hardly in the way."""
    long = [
        (reason.limit is not None or reason.closed, waited_s, reason)
        for reason, waited_s in walked.waited.items()
        if waited_s >= _BINDS * (walked.ends_at - now) and not scopes[reason.scope].own
    ]
    if not long:
        return None
    _, _, reason = max(long, key=lambda one: one[:2])
    scope = scopes[reason.scope]
    return Binding(lane=lane, scope=scope.name, limit=reason.limit, words=_words(reason, scope))


def _words(reason: Reason, scope: ScopeState) -> str:
    if reason.limit is not None:
        return words(reason.limit)
    return scope.closed_why if reason.closed else f"{scope.quota.concurrency} at once"


def _together(lanes: Sequence[LaneForecast], ways: Sequence[Mapping[str, Walked]], now: float) -> Timing:
    """When all of it happens: the lane that ends last decides."""
    sending = [lane for lane in lanes if lane.amounts.requests]
    if not sending:
        return Timing()
    names = [lane.lane for lane in sending]
    quick_s, likely_s, slow_s = (max(way[name].ends_at for name in names) - now for way in ways)
    last = max(sending, key=lambda lane: ways[1][lane.lane].ends_at)
    known = last.timing.finishes_at is not None and (
        all(lane.timing.finishes_at is not None for lane in sending) or _agree(quick_s, slow_s)
    )
    nights_before = min(lane.timing.nights_before for lane in sending)
    return Timing(
        binding=last.timing.binding if known else None,
        starts_at=min(ways[1][name].starts_at for name in names),
        finishes_at=now + likely_s if known else None,
        least_s=quick_s,
        most_s=slow_s if known else None,
        days=max(lane.timing.nights_before + lane.timing.days for lane in sending) - nights_before,
        nights_before=nights_before,
    )
