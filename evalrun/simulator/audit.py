"""The server's log as a judge: how much of each limit was asked for at the worst moment, whatever was refused.

Sums over the log, apart from the windows that admit, so that an error in those would show.  (pure)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from evalrun.records.quota import ROLLING_DAY, ChargeRule, Limit, Quota
from evalrun.simulator.rules import Rules
from evalrun.simulator.windows import Size, periods_of

_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One line of the log, made as soon as the reply is decided.

    *at* is Unix time on the server's clock; *key* the body's sha256. *weighed* requests were held against the limits;
    *refused* ones found no room. *in_flight* counts those under way at that moment, this one among them, and
    *model_in_flight* those of its model; *output_tokens* is what the answer has, *max_tokens* what it might have had
    (0: it does not say).
    """

    at: float
    key: str
    model: str
    text: str
    status: int
    fault: str | None
    weighed: bool = False
    refused: bool = False
    in_flight: int = 0
    model_in_flight: int = 0
    input_tokens: int = 0
    max_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """The fullest window of one limit: *most* was asked for when *allowed* was. *scope* is a model, or the account.

    *limit* is None for the concurrency. *at* is when it was fullest.
    """

    scope: str
    limit: Limit | None
    allowed: float
    most: float
    at: float

    @property
    def over(self) -> float:
        """How much was asked for beyond the limit; 0 where none was."""
        over = self.most - self.allowed
        return over if over > _ROUNDING else 0.0


def audit(log: Iterable[Received], rules: Rules) -> float:
    """The worst overshoot of any limit, in requests or tokens: 0 where nobody was ever over."""
    return max((peak.over for peak in peaks(log, rules)), default=0.0)


def peaks(log: Iterable[Received], rules: Rules) -> tuple[Peak, ...]:
    """The fullest window of each limit, the account's and each model's. Requests that were refused count as well."""
    weighed = [received for received in log if received.weighed]
    by_model = defaultdict(list)
    for received in weighed:
        by_model[received.model].append(received)
    found = list(_scope("", rules.account_quota, weighed))
    for model, own in sorted(by_model.items()):
        quota = rules.model_quota(model)
        if quota is not None:
            found += _scope(model, quota, own)
    return tuple(found)


def _scope(name: str, quota: Quota, log: Sequence[Received]) -> Iterator[Peak]:
    for limit in quota.limits:
        asked = [(received.at, _amount(received, limit, quota.charge)) for received in log]
        most, at = _fullest(limit, asked)
        yield Peak(scope=name, limit=limit, allowed=limit.amount, most=most, at=at)
    if quota.concurrency is not None:
        at_once = [(received.model_in_flight if name else received.in_flight, received.at) for received in log]
        most, at = max(at_once, default=(0, 0.0))
        yield Peak(scope=name, limit=None, allowed=quota.concurrency, most=most, at=at)


def _amount(received: Received, limit: Limit, charge: ChargeRule) -> float:
    size = Size(input_tokens=received.input_tokens, max_tokens=received.max_tokens)
    return size.in_the_end(limit.axis, charge, received.output_tokens)


def _fullest(limit: Limit, asked: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The most that one window held, and when. A bucket's is what was taken out and had not flowed in again."""
    if limit.window == "bucket":
        return _fullest_bucket(limit, asked)
    if limit.window == "fixed" and limit.resets != ROLLING_DAY:
        return _fullest_period(limit, asked)
    most = held = 0.0
    at, first = 0.0, 0
    for now, amount in asked:
        held += amount
        while asked[first][0] + limit.per_s <= now:
            held -= asked[first][1]
            first += 1
        if held > most:
            most, at = held, now
    return most, at


def _fullest_period(limit: Limit, asked: Sequence[tuple[float, float]]) -> tuple[float, float]:
    periods_at = periods_of(limit)
    held: dict[float, float] = defaultdict(float)
    for now, amount in asked:
        held[periods_at(now)[0]] += amount
    start = max(held, key=lambda each: held[each], default=0.0)
    return held.get(start, 0.0), start


def _fullest_bucket(limit: Limit, asked: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Missing from the brim, plus what the limit has over its burst, so that it compares with the limit's amount."""
    beyond = limit.amount - (limit.amount if limit.burst is None else limit.burst)
    missing = most = at = before = 0.0
    for now, amount in asked:
        missing = max(0.0, missing - (now - before) * limit.amount / limit.per_s) + amount
        before = now
        if missing > most:
            most, at = missing, now
    return most + beyond, at
