"""A mean with its standard error, where answers to one case are no independent evidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evalrun.records.comparison import Interval
from evalrun.stats.student import t_quantile


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A mean over *values* answers to *cases* cases. Of a single case there is no telling how sure it is: None."""

    mean: float
    standard_error: float | None
    interval: Interval | None
    cases: int
    values: int


def mean_interval(values_by_case: Sequence[Sequence[float]], *, confidence: float = 0.95) -> Mean | None:
    """The mean of all values, its standard error clustered by case and its interval; None without a value.

    With one value a case it is s / √n, as leaderboards print it; with several, √(Σ_c (Σ_i (x_ic - mean))²) / n times
    √(C / (C - 1)) for C cases: Liang, K.-Y. and Zeger, S. L. (1986), Longitudinal data analysis using generalized
    linear models, Biometrika 73: 13-22, as Miller, E. (2024), Adding error bars to evals, arXiv:2411.00640, advises
    (clustered standard errors). The interval takes Student's t with C - 1 degrees of freedom. Cases without a value do
    not count. Where all values are equal the error is 0: no spread was seen, which does not say that there is none.
    """
    clusters = [values for values in values_by_case if len(values)]
    n = sum(map(len, clusters))
    if not n:
        return None
    mean = _within(math.fsum(map(math.fsum, clusters)) / n, clusters)
    if len(clusters) < 2:
        return Mean(mean=mean, standard_error=None, interval=None, cases=len(clusters), values=n)
    squares = math.fsum(math.fsum(value - mean for value in values) ** 2 for values in clusters)
    factor = len(clusters) / (len(clusters) - 1)
    standard_error = math.sqrt(squares * factor) / n
    half = t_quantile((1 + confidence) / 2, len(clusters) - 1) * standard_error
    interval = Interval(mean=mean, low=mean - half, high=mean + half)
    return Mean(mean=mean, standard_error=standard_error, interval=interval, cases=len(clusters), values=n)


def _within(mean: float, clusters: Sequence[Sequence[float]]) -> float:
    """Rounding does not carry a mean out of its values: where all are equal it is that value."""
    return min(max(mean, min(map(min, clusters))), max(map(max, clusters)))
