"""Gates: conditions that every column they are for must meet, and never one on figures that are not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evalrun.records.comparison import GateResult
from evalrun.records.plan import Column
from evalrun.records.row import Row
from evalrun.records.suite import Gate
from evalrun.stats.tallies import Sums

ROUNDING = 1e-9
_MOST_NAMED = 6  # columns that a reason names one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A figure that a gate can be about: how it is found, how it is written, and what to say where there is none."""

    figure: Callable[[Sums], float | None]
    form: str
    missing: str


METRICS: Mapping[str, Metric] = {
    "pass_rate": Metric(figure=lambda sums: sums.pass_rate, form="{:.{}f}", missing="nothing scored"),
    "score": Metric(figure=lambda sums: sums.score, form="{:.{}f}", missing="nothing scored"),
    "cost_usd": Metric(figure=lambda sums: sums.cost_usd, form="${:.{}f}", missing="cost unknown"),
    "latency_s": Metric(figure=lambda sums: sums.latency_s, form="{:.{}f} s", missing="latency unknown"),
    "latency_p50_s": Metric(
        figure=lambda sums: sums.latency_percentile_s(0.5), form="{:.{}f} s", missing="latency unknown"
    ),
    "latency_p95_s": Metric(
        figure=lambda sums: sums.latency_percentile_s(0.95), form="{:.{}f} s", missing="latency unknown"
    ),
}

# How each operator is checked, with room for rounding on the side of the gate, and the words for not meeting it.
OPERATORS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    ">=": (lambda figure, limit: figure >= limit - ROUNDING, "is below"),
    ">": (lambda figure, limit: figure > limit + ROUNDING, "is not above"),
    "<=": (lambda figure, limit: figure <= limit + ROUNDING, "is above"),
    "<": (lambda figure, limit: figure < limit - ROUNDING, "is not below"),
    "==": (lambda figure, limit: abs(figure - limit) <= ROUNDING, "is not"),
}


class GateTally:
    """What one gate needs of the rows, a column apart, and its answer."""

    def __init__(self, gate: Gate, columns: Sequence[Column]) -> None:
        only = gate.only
        self._gate = gate
        self._tags, self._cases = only.get("tag"), only.get("case")
        self._sums = {
            index: (column.label, Sums())
            for index, column in enumerate(columns)
            if column.model in only.get("model", (column.model,))
            and column.prompt in only.get("prompt", (column.prompt,))
        }

    def add(self, row: Row, *, scored: bool) -> None:
        """Count a row in where the gate is for it."""
        found = self._sums.get(row.cell.column)
        if found is None:
            return
        if self._tags is not None and not set(self._tags).intersection(row.case.tags):
            return
        if self._cases is not None and row.case.id not in self._cases:
            return
        found[1].add(row, scored=scored)

    def result(self, *, complete: bool) -> GateResult:
        """The gate's answer: not decided while the run is not complete, else whether every column meets it."""
        metric = METRICS[self._gate.metric]
        counted = [(label, sums) for label, sums in self._sums.values() if sums.rows]
        if not complete:
            known = [self._judge(label, sums) for label, sums in counted if metric.figure(sums) is not None]
            reason = "; ".join(["the run is not complete", *_told(known)])
            return GateResult(gate=self._gate, verdict="not decided", reason=reason)
        judged = [self._judge(label, sums) for label, sums in counted]
        if not judged:
            return GateResult(gate=self._gate, verdict="fail", reason="no column and case that it is for")
        met = all(passed for passed, _ in judged)
        return GateResult(gate=self._gate, verdict="pass" if met else "fail", reason="; ".join(_told(judged)))

    def _judge(self, label: str, sums: Sums) -> tuple[bool, str]:
        """Whether a column meets the gate, and why, in words."""
        metric = METRICS[self._gate.metric]
        holds, otherwise = OPERATORS[self._gate.operator]
        figure, limit = metric.figure(sums), self._gate.value
        if figure is None:
            return False, f"{label}: {metric.missing}"
        passed = holds(figure, limit)
        shown = _written(metric.form, figure, limit)
        if self._gate.metric in ("pass_rate", "score") and sums.scored < sums.rows:
            shown += f" ({sums.scored:,} of {sums.rows:,} scored)"
        return passed, f"{label} {shown} {self._gate.operator if passed else otherwise} {limit:g}"


def _told(judged: Sequence[tuple[bool, str]]) -> list[str]:
    """Every column's words; of many columns only those that do not meet the gate, and how many others there are."""
    if len(judged) <= _MOST_NAMED:
        return [words for _, words in judged]
    failing = [words for passed, words in judged if not passed]
    met, unnamed = len(judged) - len(failing), len(failing) - _MOST_NAMED
    if not failing:
        return [f"all {met:,} columns meet it"]
    more = [f"{unnamed:,} more do not meet it"] if unnamed > 0 else []
    return [*failing[:_MOST_NAMED], *more, *([f"{met:,} of {len(judged):,} columns meet it"] if met else [])]


def _written(form: str, figure: float, limit: float) -> str:
    """The figure with as many decimals, three at least, as it takes to look no more equal to the limit than it is."""
    for decimals in range(3, 13):
        if abs(figure - limit) <= ROUNDING or round(figure, decimals) != round(limit, decimals):
            return form.format(figure, decimals)
    return form.format(figure, 12)
