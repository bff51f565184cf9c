"""The 95 % interval of each figure of a column, and None where the answers do not tell one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from evalrun.records.comparison import Interval
from evalrun.stats.bootstrap import Statistic, bootstrap, mean_of, percentile_of
from evalrun.stats.intervals import design_effect, percentile, wilson
from evalrun.stats.means import mean_interval

Clusters = Sequence[Sequence[float]]
"""Each case's values; cases without a value may be left out."""

MOST_RESAMPLED = 1_000
RESAMPLES = 1_999
LEAST_CASES = 6
_LEVEL = 0.95


def share_interval(values_by_case: Clusters) -> Interval | None:
    """Of values that are 0 or 1: Wilson's interval, in which answers to one case count by their design effect."""
    clusters = [values for values in values_by_case if len(values)]
    sums, sizes = [sum(values) for values in clusters], [len(values) for values in clusters]
    if not sizes:
        return None
    effect = design_effect(sums, sizes, sum(sums))
    return wilson(sum(sums), sum(sizes), effective=sum(sizes) / effect)


def score_interval(values_by_case: Clusters) -> Interval | None:
    """The mean of scores in 0..1: Wilson's where all of them are 0 or 1, else Student's, clustered by case.

    None where all are equal, or of one case: there is no telling how they spread.
    """
    if all(value in (0.0, 1.0) for values in values_by_case for value in values):
        return share_interval(values_by_case)
    found = mean_interval(values_by_case)
    if found is None or found.interval is None:
        return None
    low, high = max(0.0, found.interval.low), min(1.0, found.interval.high)
    return _spread(Interval(mean=found.mean, low=low, high=high))


def amount_interval(values_by_case: Clusters, *, seed: int) -> Interval | None:
    """The mean of amounts such as tokens and costs, which lie far apart: BCa bootstrap from 6 cases on.

    Of more than 1,000 values Student's, clustered by case: there the mean's spread is normal enough.
    """
    if len(values_by_case) < LEAST_CASES:
        return None
    if sum(map(len, values_by_case)) <= MOST_RESAMPLED:
        return _resampled(values_by_case, mean_of, seed)
    found = mean_interval(values_by_case)
    if found is None or found.interval is None:
        return None
    return _spread(Interval(mean=found.mean, low=max(0.0, found.interval.low), high=found.interval.high))


def percentile_interval(values_by_case: Clusters, share: float, *, seed: int) -> Interval | None:
    """The value that *share* of all values lie below: BCa bootstrap, of more than 1,000 values Woodruff's interval.

    None of so few cases that the true percentile lies outside all of them with more than 5 % chance: a median needs 6
    cases, the 95th percentile 59.
    """
    cases = len(values_by_case)
    if not cases or share**cases + (1 - share) ** cases > 1 - _LEVEL:
        return None
    if sum(map(len, values_by_case)) <= MOST_RESAMPLED:
        return _resampled(values_by_case, percentile_of(share), seed)
    return _spread(woodruff(values_by_case, share))


def woodruff(values_by_case: Clusters, share: float) -> Interval:
    """A percentile between the values at the bounds of the interval of *share* itself.

    Woodruff, R. S. (1952), Confidence intervals for medians and other position measures, JASA 47: 635-646, with
    Wilson's interval for the share of values up to the percentile, which cases with several values widen.
    """
    ordered = sorted(value for values in values_by_case for value in values)
    found = percentile(ordered, share)
    below = [sum(value <= found for value in values) for values in values_by_case]
    effect = design_effect(below, [len(values) for values in values_by_case], sum(below))
    bounds = wilson(share * len(ordered), len(ordered), effective=len(ordered) / effect)
    return Interval(mean=found, low=percentile(ordered, bounds.low), high=percentile(ordered, bounds.high))


def seed_of(*names: str) -> int:
    """A seed from what a figure is of: the same columns give the same intervals, run after run."""
    return int.from_bytes(hashlib.sha256("\n".join(names).encode("utf-8", "surrogatepass")).digest()[:8])


def _resampled(values_by_case: Clusters, statistic: Statistic, seed: int) -> Interval | None:
    found = bootstrap(values_by_case, statistic, seed=seed, resamples=RESAMPLES)
    return None if found is None else _spread(found)


def _spread(interval: Interval) -> Interval | None:
    """The interval, where it is one: of values that are all equal nobody can tell how they spread."""
    return interval if interval.low < interval.high else None
