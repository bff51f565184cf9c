"""Gates: conditions that every column they are for must meet, and never one on figures that are not there.

Each is answered pass, fail or not enough evidence. The figure itself decides; where the gate asks for a confidence, its
interval does, and as long as the limit lies inside there is not enough evidence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from evalrun.records.baseline import NO_BASELINE, Baseline
from evalrun.records.comparison import GateResult, Interval
from evalrun.records.plan import Column
from evalrun.records.row import Row
from evalrun.records.suite import NO_REGRESSION, Gate
from evalrun.stats.gate_answers import UNDECIDED, Judged, columns_for, decides, is_for, told, worst
from evalrun.stats.gate_figures import Values, metric_of
from evalrun.stats.regression_gate import RegressionTally

ROUNDING = 1e-9
OF_VERDICTS = frozenset(("pass_rate", "score", NO_REGRESSION))
"""The metrics that say nothing where nothing is scored but that there is an answer."""

NOTHING: Mapping[str, Collection[str]] = MappingProxyType({})

# How each operator is checked, with room for rounding on the side of the gate, and the words for not meeting it.
OPERATORS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    ">=": (lambda figure, limit: figure >= limit - ROUNDING, "is below"),
    ">": (lambda figure, limit: figure > limit + ROUNDING, "is not above"),
    "<=": (lambda figure, limit: figure <= limit + ROUNDING, "is above"),
    "<": (lambda figure, limit: figure < limit - ROUNDING, "is not below"),
    "==": (lambda figure, limit: abs(figure - limit) <= ROUNDING, "is not"),
}


class Tally(Protocol):
    """What one gate needs of the rows, and its answer."""

    def add(self, row: Row, *, scored: bool) -> None:
        """Count a row in where the gate is for it."""

    def result(self, *, complete: bool) -> GateResult:
        """The gate's answer: not decided while the run is not complete."""


def gate_tallies(
    gates: Sequence[Gate],
    columns: Sequence[Column],
    baseline: Baseline | str = NO_BASELINE,
    *,
    left_out: Mapping[str, Collection[str]] = NOTHING,
) -> list[Tally]:
    """A tally for each gate. *baseline* is what ``no_regression`` compares with, or in words why there is none.

    *left_out* is what the command line left out of the run (Suite.left_out): no gate misses it.
    """
    return [
        RegressionTally(gate, columns, baseline, left_out) if gate.metric == NO_REGRESSION else GateTally(gate, columns)
        for gate in gates
    ]


class GateTally:
    """What one gate on a figure needs of the rows, a column apart, and its answer."""

    def __init__(self, gate: Gate, columns: Sequence[Column]) -> None:
        self._gate = gate
        self._metric = metric_of(gate.metric)
        self._values = {
            index: (column.label, Values(self._metric)) for index, column in columns_for(gate, columns).items()
        }
        self._undecided = 0  # scored by no scorer

    def add(self, row: Row, *, scored: bool) -> None:
        """See Tally."""
        found = self._values.get(row.cell.column)
        if found is not None and is_for(self._gate, row.case):
            found[1].add(row, scored=scored)
            self._undecided += scored and not decides(row)

    def result(self, *, complete: bool) -> GateResult:
        """See Tally; else whether every column meets it, the worst of them deciding."""
        counted = [(label, values) for label, values in self._values.values() if values.rows or values.spared]
        if not complete:
            known = [self._judge(label, values) for label, values in counted if values.figure is not None]
            reason = "; ".join(["the run is not complete", *told(known)])
            return GateResult(gate=self._gate, verdict="not decided", reason=reason)
        judged = [self._judge(label, values) for label, values in counted]
        if not judged:
            return GateResult(gate=self._gate, verdict="fail", reason="no column and case that it is for")
        on_nothing = self._gate.metric in OF_VERDICTS and 0 < self._undecided == sum(v.scored for _, v in counted)
        remarks = [UNDECIDED] if on_nothing else []
        return GateResult(gate=self._gate, verdict=worst(judged), reason="; ".join([*told(judged), *remarks]))

    def _judge(self, label: str, values: Values) -> Judged:
        """A column's answer, and why, in words."""
        figure = values.figure
        if figure is None and values.spared and not values.rows:
            return "not enough evidence", f"{label}: no cell that it is for was needed (stop_when)"
        if figure is None:
            return "fail", f"{label}: {self._metric.missing}"
        shown = self._written(figure)
        if self._metric.kind == "share" and values.scored < values.rows:
            shown += f" ({values.scored:,} of {values.rows:,} scored)"
        if values.spared and self._metric.kind != "sum":
            shown += f" (stopped early, {values.spared:,} not needed)"
        if self._gate.confidence is None:
            return self._by_figure(f"{label} {shown}", figure, values)
        return self._by_interval(f"{label} {shown}", figure, values, self._gate.confidence)

    def _by_figure(self, shown: str, figure: float, values: Values) -> Judged:
        holds, otherwise = OPERATORS[self._gate.operator]
        passed = holds(figure, self._gate.value)
        words = f"{shown} {self._gate.operator if passed else otherwise} {self._gate.value:g}"
        if self._metric.kind == "share" and self._gate.operator != "==":
            interval = values.interval(0.95)
            if interval is not None and holds(interval.low, self._gate.value) != holds(interval.high, self._gate.value):
                words += f" (close: {self._bounds(interval)})"
        return "pass" if passed else "fail", words

    def _by_interval(self, shown: str, figure: float, values: Values, confidence: float) -> Judged:
        holds, otherwise = OPERATORS[self._gate.operator]
        limit, at = self._gate.value, f"at {confidence * 100:g} %"
        interval = values.interval(confidence)
        if interval is None:
            return "not enough evidence", f"{shown}: a single case does not tell how sure it is"
        ends = (holds(interval.low, limit), holds(interval.high, limit))
        if all(ends):
            return "pass", f"{shown} {self._bounds(interval)} {self._gate.operator} {limit:g} {at}"
        if not any(ends):
            return "fail", f"{shown} {self._bounds(interval)} {otherwise} {limit:g} {at}"
        more = _more_cases(figure, limit, interval, values.cases)
        needs = f": needs about {more:,} more cases" if more is not None else ""
        return "not enough evidence", f"{shown}: {self._bounds(interval)} holds {limit:g} {at}{needs}"

    def _written(self, figure: float) -> str:
        """The figure with as many decimals, three at least, as make it look no more equal to the limit than it is."""
        limit = self._gate.value
        for decimals in range(3, 13):
            if abs(figure - limit) <= ROUNDING or round(figure, decimals) != round(limit, decimals):
                return self._metric.form.format(figure, decimals)
        return self._metric.form.format(figure, 12)

    def _bounds(self, interval: Interval) -> str:
        low, high = max(0.0, interval.low), interval.high
        return f"[{low:.3f}, {'unknown' if math.isinf(high) else f'{high:.3f}'}]"


def _more_cases(figure: float, limit: float, interval: Interval, cases: int) -> int | None:
    """About how many more cases would bring the limit out of the interval, were the figure to stay as it is.

    An interval narrows with the square root of the cases. None where the figure is at the limit, or the interval open.
    """
    gap, reach = abs(figure - limit), (interval.high - figure if figure < limit else figure - interval.low)
    if gap <= ROUNDING or math.isinf(reach):
        return None
    return max(1, math.ceil(cases * (reach / gap) ** 2) - cases)
