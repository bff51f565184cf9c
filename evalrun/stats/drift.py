"""Whether a column that was asked the same twice answers differently: pass rate, tokens, latency, score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalrun.stats.calls import holm
from evalrun.stats.design import ALPHA
from evalrun.stats.paired_scores import compare_scores
from evalrun.stats.pairs import Paired

EXACT_VALUES = 8
LEAST_PAIRS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A figure of two runs: each case's values before and after, in the same order, none where missing."""

    name: str
    before: Sequence[Sequence[float]]
    after: Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A figure's means before and after, and whether they differ by more than chance, all figures allowed for.

    *cases* is on how many cases the test stands where it is *paired*, else how many values there are in all.
    """

    name: str
    before: float
    after: float
    p_value: float
    p_adjusted: float
    drifted: bool
    paired: bool
    cases: int


def drifts(
    measured: Sequence[Measured], *, passed: Paired | None = None, seed: int, alpha: float = ALPHA
) -> tuple[Drift, ...]:
    """What has drifted between two runs, with Holm's correction over the figures; those without a value are left out.

    *passed* is the pair (before, after) of the column's verdicts, tested by McNemar. The others are compared case by
    case: by the logarithm of the ratio where all values are above 0, as tokens and seconds are, so that a long case
    counts no more than a short one, else by the difference. Where fewer than two cases have both, the two heaps of
    values are compared (mann_whitney).
    """
    found = [] if passed is None else [_of_verdicts(passed)]
    found += [tested for one in measured if (tested := _of_values(one, seed)) is not None]
    adjusted = holm([one.p_value for one in found])
    return tuple(
        Drift(
            name=one.name,
            before=one.before,
            after=one.after,
            p_value=one.p_value,
            p_adjusted=p_adjusted,
            drifted=p_adjusted < alpha,
            paired=one.paired,
            cases=one.cases,
        )
        for one, p_adjusted in zip(found, adjusted, strict=True)
    )


def mann_whitney(first: Sequence[float], second: Sequence[float]) -> float:
    """The two-sided test that values of one heap tend to be larger than the other's; 1 where a heap is empty.

    Mann, H. B. and Whitney, D. R. (1947), On a test of whether one of two random variables is stochastically larger
    than the other, Annals of Mathematical Statistics 18: 50-60. Exact where a heap has 8 values at most and no two are
    equal, else normal, with corrections for ties and continuity (Hollander, M., Wolfe, D. A. and Chicken, E. (2014),
    Nonparametric statistical methods, section 4.1).
    """
    one, other = len(first), len(second)
    if not one or not other:
        return 1.0
    _, places, counts = np.unique(np.concatenate((first, second)), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    larger = float(ranks[:one].sum()) - one * (one + 1) / 2
    larger = max(larger, one * other - larger)
    if counts.max() == 1 and min(one, other) <= EXACT_VALUES:
        ways = _orders(one, other)
        return min(1.0, 2 * float(ways[: one * other - round(larger) + 1].sum() / ways.sum()))
    n = one + other
    ties = float((counts.astype(np.float64) ** 3 - counts).sum())
    variance = one * other / 12 * (n + 1 - ties / (n * (n - 1)))
    if variance <= 0:
        return 1.0
    return min(1.0, math.erfc((larger - one * other / 2 - 0.5) / math.sqrt(2 * variance)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tested:
    name: str
    before: float
    after: float
    p_value: float
    paired: bool
    cases: int


def _of_verdicts(passed: Paired) -> _Tested:
    pair = passed.pair
    return _Tested(
        name="pass_rate",
        before=(pair.both + pair.only_first) / passed.cells,
        after=(pair.both + pair.only_second) / passed.cells,
        p_value=pair.p_value,
        paired=True,
        cases=passed.cases,
    )


def _of_values(one: Measured, seed: int) -> _Tested | None:
    before = [value for values in one.before for value in values]
    after = [value for values in one.after for value in values]
    if not before or not after:
        return None
    pairs = [
        (_mean(first), _mean(second)) for first, second in zip(one.before, one.after, strict=True) if first and second
    ]
    if len(pairs) < LEAST_PAIRS:
        p_value, cases = mann_whitney(before, after), len(before) + len(after)
    else:
        ratios = min(min(pair) for pair in pairs) > 0
        changes = [math.log(second / first) if ratios else second - first for first, second in pairs]
        compared = compare_scores([[change] for change in changes], seed=seed)
        p_value, cases = (1.0 if compared is None else compared.p_value), len(pairs)
        before, after = [first for first, _ in pairs], [second for _, second in pairs]
    return _Tested(
        name=one.name,
        before=_mean(before),
        after=_mean(after),
        p_value=p_value,
        paired=len(pairs) >= LEAST_PAIRS,
        cases=cases,
    )


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _orders(one: int, other: int) -> NDArray[np.float64]:
    """In how many orders each value of U comes about, the least first: the coefficients of a Gaussian binomial."""
    few, many = min(one, other), max(one, other)
    ways = np.zeros(few * many + 1)
    ways[0] = 1.0
    for step in range(1, few + 1):  # times (1 - q^(many + step)) / (1 - q^step)
        ways[many + step :] -= ways[: max(0, len(ways) - many - step)].copy()
        for start in range(step):
            ways[start::step] = np.cumsum(ways[start::step])
    return ways
