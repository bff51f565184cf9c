"""Intervals and quantiles of one column."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from evalrun.records.comparison import Interval

Z_95 = 1.959963984540054


def wilson(passed: float, scored: float, *, effective: float | None = None, z: float = Z_95) -> Interval:
    """The share *passed* / *scored* with its score interval: of 95 %, or as wide as the normal quantile *z* makes it.

    Wilson, E. B. (1927), Probable inference, the law of succession, and statistical inference, JASA 22: 209-212; it is
    method 3 in Newcombe, R. G. (1998), Two-sided confidence intervals for the single proportion, Statistics in Medicine
    17: 857-872. *effective* is the number of independent answers where that is less than *scored* (design_effect).
    Raises ValueError when nothing is scored.
    """
    if scored <= 0:
        raise ValueError("nothing is scored")
    share, n = passed / scored, scored if effective is None else effective
    square = z**2
    centre = share + square / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    low = 0.0 if passed == 0 else (centre - half) / (1 + square / n)
    high = 1.0 if passed == scored else (centre + half) / (1 + square / n)
    return Interval(mean=share, low=max(0.0, low), high=min(1.0, high))


def design_effect(sums: Sequence[float], sizes: Sequence[int], squares: float) -> float:
    """By how much answers to the same case repeat one another: the variance of the mean over that of lone answers.

    A case is a cluster: *sums* are the totals of its answers' values, *sizes* their numbers, *squares* the sum of every
    value's square. 1 where each case has one answer; at least 1, for a lucky spread is no evidence. Kish, L. (1965),
    Survey Sampling, section 5.4; the clustered variance is Liang and Zeger's (1986), as Miller, E. (2024), Adding error
    bars to evals, arXiv:2411.00640, advises for answers drawn several times.
    """
    clusters, n = len(sizes), sum(sizes)
    if n == clusters:
        return 1.0
    mean = sum(sums) / n
    alone = squares - n * mean * mean
    if clusters < 2 or alone <= 1e-12 * n:  # no spread to learn from: take the answers to a case for one
        return n / clusters
    together = sum((total - mean * size) ** 2 for total, size in zip(sums, sizes, strict=True))
    return max(1.0, together / alone * clusters / (clusters - 1))


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that *share* of the *ordered* values lie below, linear between two (Hyndman and Fan's type 7)."""
    if not ordered:
        raise ValueError("no values")
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def quantile_interval(values_by_case: Sequence[Sequence[float]], share: float, *, confidence: float = 0.95) -> Interval:
    """The value that *share* of all values lie below (percentile), with an interval that presumes no shape.

    Its ends are values that were seen: the closest pair, end by end, that a binomial number of values below the true
    one misses with a chance of (1 - confidence) / 2 each, as in David, H. A. and Nagaraja, H. N. (2003), Order
    statistics, section 7.1; infinite where no value is far enough out. Values of one case count by the design effect of
    lying below the quantile, after Woodruff, R. S. (1952), Confidence intervals for medians and other position
    measures, JASA 47: 635-646. Raises ValueError without a value.
    """
    clusters = [values for values in values_by_case if len(values)]
    ordered = sorted(value for values in clusters for value in values)
    middle = percentile(ordered, share)
    below = [sum(value <= middle for value in values) for values in clusters]
    n = len(ordered)
    independent = max(1, math.floor(n / design_effect(below, [len(values) for values in clusters], sum(below))))
    least, most = _binomial_reach(independent, share, (1 - confidence) / 2)
    scale = n / independent
    low = ordered[math.floor((least - 1) * scale)] if least else -math.inf
    high = ordered[min(n, math.ceil(most * scale)) - 1] if most <= independent else math.inf
    return Interval(mean=middle, low=low, high=high)


def _binomial_reach(n: int, share: float, tail: float) -> tuple[int, int]:
    """The largest l with P(X < l) at most *tail*, and the smallest u with P(X >= u) at most *tail*, for binomial X."""
    ks = np.arange(n)
    steps = np.log((n - ks) / (ks + 1)) + math.log(share / (1 - share))
    chances = np.exp(np.concatenate(([0.0], np.cumsum(steps))) + n * math.log1p(-share))
    under = np.concatenate(([0.0], np.cumsum(chances)))  # P(X < k) for k from 0 to n + 1
    over = np.concatenate((np.cumsum(chances[::-1])[::-1], [0.0]))  # P(X >= k)
    return int(np.flatnonzero(under <= tail)[-1]), int(np.flatnonzero(over <= tail)[0])
