"""Bootstrap intervals, for figures that have no formula: medians, percentiles, and whatever else is made of cases."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from evalrun.records.comparison import Interval
from evalrun.stats.student import NORMAL

FloatArray = NDArray[np.float64]
Statistic = Callable[[FloatArray], FloatArray]
"""From rows of values to a figure a row. Rows may end in nan where cases have different numbers of values."""

MOST_RESAMPLES, LEAST_RESAMPLES = 9_999, 999
VALUES_DRAWN = 20_000_000
VALUES_AT_ONCE = 1_000_000
MOST_LEFT_OUT = 500


def resamples_for(values: int) -> int:
    """How many resamples of *values* values: 9,999 while that draws 20 million at most, then fewer, but 999.

    The more values, the closer the figure's spread is to normal, and the fewer resamples show it.
    """
    return min(MOST_RESAMPLES, max(LEAST_RESAMPLES, VALUES_DRAWN // max(1, values)))


def bootstrap(
    values_by_case: Sequence[Sequence[float]],
    statistic: Statistic,
    *,
    seed: int,
    level: float = 0.95,
    resamples: int | None = None,
) -> Interval | None:
    """The *statistic* of all values with its BCa interval, drawing cases with all their values. None without two cases.

    Equal *seed* and values give equal bounds. *resamples* is resamples_for the number of values by default. The
    jackknife leaves out single cases of up to 500, and of more 500 groups of consecutive ones.
    """
    table = _table(values_by_case)
    cases = len(table)
    if cases < 2:
        return None
    observed = float(statistic(table.reshape(1, -1))[0])
    drawn = _resampled(table, statistic, resamples or resamples_for(table.size), np.random.default_rng(seed))
    return bca(observed, drawn, _without(table, statistic), level=level)


def bca(observed: float, drawn: FloatArray, without: FloatArray, *, level: float = 0.95) -> Interval:
    """The interval from a figure of all cases, of each resample (*drawn*), and of all cases but one (*without*).

    Efron, B. (1987), Better bootstrap confidence intervals, JASA 82: 171-185: the resamples' quantiles, corrected for
    bias and acceleration. Where every resample comes to the same figure so do the bounds; a bound is never on the wrong
    side of the figure.
    """
    if drawn.min() == drawn.max() == observed:
        return Interval(mean=observed, low=observed, high=observed)
    share = (np.count_nonzero(drawn < observed) + np.count_nonzero(drawn <= observed)) / (2 * len(drawn))
    least = 0.5 / len(drawn)
    bias = NORMAL.inv_cdf(min(max(share, least), 1 - least))
    speed = _acceleration(without)
    low, high = (_bound(drawn, bias, speed, NORMAL.inv_cdf(tail)) for tail in ((1 - level) / 2, (1 + level) / 2))
    return Interval(mean=observed, low=min(low, observed), high=max(high, observed))


def mean_of(rows: FloatArray) -> FloatArray:
    """The mean of each row, past the nans."""
    present = ~np.isnan(rows)
    found: FloatArray = np.where(present, rows, 0.0).sum(axis=1) / present.sum(axis=1)
    return found


def percentile_of(share: float) -> Statistic:
    """The value that *share* of a row's values lie below, as intervals.percentile finds it, past the nans."""

    def statistic(rows: FloatArray) -> FloatArray:
        counts = (~np.isnan(rows)).sum(axis=1)
        place = share * (counts - 1)
        below = np.floor(place).astype(np.intp)
        above = np.minimum(below + 1, counts - 1)
        if counts.min() == counts.max():
            ordered = np.partition(rows, sorted({int(below[0]), int(above[0])}), axis=1)
        else:
            ordered = np.sort(rows, axis=1)  # nans come last
        each = np.arange(len(rows))
        low, high = ordered[each, below], ordered[each, above]
        found: FloatArray = low + (high - low) * (place - below)
        return found

    return statistic


def _table(values_by_case: Sequence[Sequence[float]]) -> FloatArray:
    """A row a case that has values, filled up with nan to the longest."""
    clusters = [values for values in values_by_case if len(values)]
    widest = max(map(len, clusters), default=0)
    table = np.full((len(clusters), widest), np.nan)
    for row, values in zip(table, clusters, strict=True):
        row[: len(values)] = values
    return table


def _resampled(table: FloatArray, statistic: Statistic, resamples: int, chance: np.random.Generator) -> FloatArray:
    """The statistic of each resample, a stretch of resamples at a time."""
    cases = len(table)
    at_once = max(1, VALUES_AT_ONCE // table.size)
    found = np.empty(resamples)
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        drawn = chance.integers(0, cases, (rows, cases))
        found[start : start + rows] = statistic(table[drawn].reshape(rows, -1))
    return found


def _without(table: FloatArray, statistic: Statistic) -> FloatArray:
    """The statistic without each case, or each group of cases."""
    cases = len(table)
    groups = np.array_split(np.arange(cases), min(cases, MOST_LEFT_OUT))
    without = np.empty(len(groups))
    for place, group in enumerate(groups):
        rest = np.concatenate((table[: group[0]], table[group[-1] + 1 :]))
        without[place] = statistic(rest.reshape(1, -1))[0]
    return without


def _acceleration(without: FloatArray) -> float:
    """Σ d³ / (6 (Σ d²)^1.5), with d how far the figure falls when a case, or a group of cases, is left out."""
    falls = without.mean() - without
    scale = float(np.abs(falls).max())
    if scale == 0:
        return 0.0
    falls = falls / scale  # tiny figures must not vanish in their cubes
    return float((falls**3).sum() / (6 * (falls**2).sum() ** 1.5))


def _bound(drawn: FloatArray, bias: float, speed: float, z: float) -> float:
    reach = 1 - speed * (bias + z)
    share = NORMAL.cdf(bias + (bias + z) / reach) if reach > 0 else float(z > 0)
    return float(np.quantile(drawn, 0.0 if math.isnan(share) else share))
