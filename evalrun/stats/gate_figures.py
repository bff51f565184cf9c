"""The figures that gates are about: what of a row counts in each, what they add up to, and how sure that is."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from evalrun.records.comparison import Interval
from evalrun.records.outcome import Response, Status
from evalrun.records.row import Row
from evalrun.stats.intervals import Z_95, design_effect, percentile, quantile_interval, wilson
from evalrun.stats.means import mean_interval
from evalrun.stats.student import NORMAL

SCORER = "scorer."
_QUANTILES = {"p50": 0.5, "p95": 0.95}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A figure that a gate can be about.

    *value* is what a row counts with; None where it does not count, or, in a sum, where the sum is unknown for it.
    *form* writes it, *missing* is said where there is none. A *share* is a mean of values between 0 and 1.
    """

    value: Callable[[Row, bool], float | None]
    kind: Literal["share", "mean", "p50", "p95", "sum"]
    form: str
    missing: str


def metric_of(name: str) -> Metric:
    """The metric of that name; ``scorer.<name>`` is the mean of that scorer's values."""
    if not name.startswith(SCORER):
        return METRICS[name]
    scorer = name.removeprefix(SCORER)
    return Metric(value=lambda row, _: _scorer(row, scorer), kind="share", form="{:.{}f}", missing="no score of it")


class Values:
    """One column's values of a metric, by case, as far as rows have come. What changes: the values and the counts."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._values, self._cases = array("d"), array("q")
        self.rows = self.scored = self.spared = 0
        self._known = True

    def add(self, row: Row, *, scored: bool) -> None:
        """Count a row in."""
        self.rows += row.status is not Status.SPARED
        self.spared += row.status is Status.SPARED
        self.scored += scored
        value = self._metric.value(row, scored)
        if value is not None:
            self._values.append(value)
            self._cases.append(row.cell.case)
        elif row.replies and self._metric.kind == "sum":
            self._known = False

    @property
    def figure(self) -> float | None:
        """What they add up to; None where there is none, or where a part of a sum is unknown."""
        if not self._values or not self._known:
            return None
        if self._metric.kind in _QUANTILES:
            return percentile(sorted(self._values), _QUANTILES[self._metric.kind])
        total = math.fsum(self._values)
        return total if self._metric.kind == "sum" else total / len(self._values)

    def interval(self, confidence: float) -> Interval | None:
        """The figure with its interval; None for a sum, which is no estimate, and where a single case tells nothing."""
        if not self._values or self._metric.kind == "sum":
            return None
        clusters = self._by_case()
        if self._metric.kind in _QUANTILES:
            return quantile_interval(clusters, _QUANTILES[self._metric.kind], confidence=confidence)
        if self._metric.kind == "share":
            return share_interval(clusters, confidence=confidence)
        found = mean_interval(clusters, confidence=confidence)
        return found.interval if found else None

    @property
    def cases(self) -> int:
        """How many cases have a value."""
        return len(set(self._cases))

    def _by_case(self) -> list[list[float]]:
        found: dict[int, list[float]] = {}
        for case, value in zip(self._cases, self._values, strict=True):
            found.setdefault(case, []).append(value)
        return list(found.values())


def share_interval(values_by_case: Sequence[Sequence[float]], *, confidence: float) -> Interval:
    """The mean of values between 0 and 1 with its interval.

    Where all are 0 or 1 it is Wilson's, as that of a pass rate is; else the mean's by Student's t (mean_interval).
    Where no case differs from another it is Wilson's again, which presumes the widest spread that values of this mean
    can have: a few equal scores are no proof that all are. Raises ValueError without a value.
    """
    values = [value for values in values_by_case for value in values]
    n, total = len(values), math.fsum(values)
    z = Z_95 if confidence == 0.95 else NORMAL.inv_cdf((1 + confidence) / 2)
    if not all(value in (0, 1) for value in values):
        found = mean_interval(values_by_case, confidence=confidence)
        if found is not None and found.interval is not None and found.interval.high > found.interval.low:
            bounds = found.interval
            return Interval(mean=bounds.mean, low=max(0.0, bounds.low), high=min(1.0, bounds.high))
        return wilson(total, n, effective=len(values_by_case), z=z)
    sums, sizes = [math.fsum(values) for values in values_by_case], [len(values) for values in values_by_case]
    return wilson(total, n, effective=n / design_effect(sums, sizes, total), z=z)


def _verdict(row: Row, scored: bool) -> float | None:
    return float(row.mark.verdict == "pass") if scored and row.mark is not None else None


def _score(row: Row, scored: bool) -> float | None:
    return (row.mark.score or 0.0) if scored and row.mark is not None else None


def _scorer(row: Row, name: str) -> float | None:
    return next((one.value for one in row.mark.scores if one.name == name), None) if row.mark is not None else None


def _cost_usd(row: Row, _: bool) -> float | None:
    return row.cost_usd if row.replies else None


def _latency_s(row: Row, _: bool) -> float | None:
    return row.latency_s if isinstance(row.outcome, Response) else None  # a part of a dialogue tells nothing


def _ttft_s(row: Row, _: bool) -> float | None:
    return row.ttft_s


def _prompt_tokens(row: Row, _: bool) -> float | None:
    return row.prompt_tokens


def _completion_tokens(row: Row, _: bool) -> float | None:
    return row.completion_tokens


def _total_tokens(row: Row, _: bool) -> float | None:
    return row.total_tokens


def _seconds(kind: Literal["mean", "p50", "p95"]) -> Metric:
    return Metric(value=_latency_s, kind=kind, form="{:.{}f} s", missing="latency unknown")


def _first_seconds(kind: Literal["mean", "p50", "p95"]) -> Metric:
    return Metric(value=_ttft_s, kind=kind, form="{:.{}f} s", missing="nothing was streamed")


def _tokens(value: Callable[[Row, bool], float | None]) -> Metric:
    return Metric(value=value, kind="sum", form="{:,.0f}", missing="tokens unknown")


METRICS: Mapping[str, Metric] = {
    "pass_rate": Metric(value=_verdict, kind="share", form="{:.{}f}", missing="nothing scored"),
    "score": Metric(value=_score, kind="share", form="{:.{}f}", missing="nothing scored"),
    "cost_usd": Metric(value=_cost_usd, kind="sum", form="${:.{}f}", missing="cost unknown"),
    "latency_s": _seconds("mean"),
    "latency_p50_s": _seconds("p50"),
    "latency_p95_s": _seconds("p95"),
    "ttft_s": _first_seconds("mean"),
    "ttft_p50_s": _first_seconds("p50"),
    "ttft_p95_s": _first_seconds("p95"),
    "prompt_tokens": _tokens(_prompt_tokens),
    "completion_tokens": _tokens(_completion_tokens),
    "total_tokens": _tokens(_total_tokens),
}
