"""What a paired test says of two columns, after all the pairs that are shown have been allowed for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from evalrun.records.comparison import Interval
from evalrun.stats.design import ALPHA


class Call(StrEnum):
    """What the first column of a pair is called beside the second."""

    BETTER = "better"
    WORSE = "worse"
    NOT_DISTINGUISHABLE = "not distinguishable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A pair's difference, first less second, its own p-value, and about how many more cases would tell."""

    difference: float
    p_value: float
    more_cases: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """What a pair is called. *p_adjusted* allows for the other pairs; *more_cases* is None where the pair is decided.

    It is None as well where nothing can be said: the two look the same, or a single case does not tell the spread.
    """

    call: Call
    p_adjusted: float
    more_cases: int | None


def call_pairs(pairs: Sequence[Shown], *, alpha: float = ALPHA) -> tuple[Called, ...]:
    """Call every pair shown; that any pair without a difference is called better or worse has a chance of *alpha*."""
    adjusted = holm([pair.p_value for pair in pairs])
    return tuple(_called(pair, p, alpha) for pair, p in zip(pairs, adjusted, strict=True))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """The p-values allowing for one another, in their order: the smallest times n, the next times n - 1, and so on.

    None is smaller than one before it, none above 1. Holm, S. (1979), A simple sequentially rejective multiple test
    procedure, Scandinavian Journal of Statistics 6: 65-70.
    """
    n, least = len(p_values), 0.0
    adjusted = [1.0] * n
    for rank, place in enumerate(sorted(range(n), key=p_values.__getitem__)):
        least = min(1.0, max(least, (n - rank) * p_values[place]))
        adjusted[place] = least
    return tuple(adjusted)


def no_more_than(called: Called, interval: Interval | None) -> Called:
    """The call, unless the *interval* holds 0 or is not known: it and the test are made in different ways, and may part
    at the edge."""
    if interval is not None and not interval.low <= 0 <= interval.high:
        return called
    return replace(called, call=Call.NOT_DISTINGUISHABLE)


def _called(pair: Shown, p_adjusted: float, alpha: float) -> Called:
    if p_adjusted >= alpha or not pair.difference:
        return Called(call=Call.NOT_DISTINGUISHABLE, p_adjusted=p_adjusted, more_cases=pair.more_cases)
    call = Call.BETTER if pair.difference > 0 else Call.WORSE
    return Called(call=call, p_adjusted=p_adjusted, more_cases=None)
