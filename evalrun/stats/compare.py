"""Rows -> Comparison, in one pass: figures, pairs with the leader, gates, and what follows from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from evalrun.records.baseline import NO_BASELINE, Baseline
from evalrun.records.comparison import ColumnFigures, Comparison
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.stats.conclusion import conclusion
from evalrun.stats.gates import gate_tallies
from evalrun.stats.pairs import Paired, compare_pair
from evalrun.stats.tallies import ColumnTally


def compare(plan: Plan, rows: Iterable[Row], complete: bool, *, baseline: Baseline | str = NO_BASELINE) -> Comparison:
    """Compare a plan's columns by their rows, which may come in any order and are not kept.

    *complete* says that the run was carried out to its end. The comparison is complete when besides nothing is pending
    and the cells without a verdict are at most ``max_error_rate`` of all; while it is not, no gate is decided.
    *baseline* is what the gate no_regression compares with, or in words why there is none.
    The pairs are those of the leader with every other column: the real ones from the best to the least, then the
    simulated ones, which compete only where all columns are simulated.
    """
    tallies = _tallies(plan)
    gates = gate_tallies(plan.suite.gates, plan.columns, baseline)
    for row in rows:
        status, scored = row.status, row.scored
        tallies[row.cell.column].add(row, status, scored=scored)
        for gate in gates:
            gate.add(row, scored=scored)
    columns = tuple(tally.figures() for tally in tallies)
    complete = complete and _whole(columns, plan.suite.max_error_rate)
    ranked = ranking(columns)
    paired = _Pairs(columns, tallies)
    rest = sorted(_others(columns, ranked), key=_worth)
    leading = [paired(ranked[0], other) for other in (*ranked[1:], *rest)] if ranked else []
    return Comparison(
        columns=columns,
        pairs=tuple(one.pair for one in leading if one is not None),
        gates=tuple(gate.result(complete=complete) for gate in gates),
        conclusion=conclusion(columns, ranked, paired, samples=_samples(plan), complete=complete),
        complete=complete,
    )


def ranking(columns: Sequence[ColumnFigures]) -> list[ColumnFigures]:
    """The columns that compete, the best first: by pass rate, then score, then cost where known, then plan order.

    Simulated ones compete only where all are simulated. A column without a scored cell does not.
    """
    real = [figures for figures in columns if not figures.simulated]
    return sorted((figures for figures in real or columns if figures.scored), key=_worth)


class _Pairs:
    """Any two columns on the cells that both have scored."""

    def __init__(self, columns: Sequence[ColumnFigures], tallies: Sequence[ColumnTally]) -> None:
        self._tallies = {figures.column.id: tally for figures, tally in zip(columns, tallies, strict=True)}

    def __call__(self, first: ColumnFigures, second: ColumnFigures) -> Paired | None:
        one, other = self._tallies[first.column.id], self._tallies[second.column.id]
        names = (first.column.label, second.column.label)
        return compare_pair(names, (bytes(one.verdicts), bytes(other.verdicts)), one.samples)


def _tallies(plan: Plan) -> list[ColumnTally]:
    models = {model.label: model for model in plan.suite.models}
    planned = Counter(cell.column for cell in plan.cells)
    cases = 1 + max((cell.case for cell in plan.cells), default=0)
    samples = _samples(plan)
    tallies = []
    for index, column in enumerate(plan.columns):
        model = models[column.model]
        provider = plan.suite.providers.get(model.provider)
        tallies.append(
            ColumnTally(
                column,
                simulated=provider is not None and provider.simulated,
                recorded=model.recorded is not None,
                planned=planned[index],
                cases=cases,
                samples=samples,
            )
        )
    return tallies


def _samples(plan: Plan) -> int:
    return 1 + max((cell.sample for cell in plan.cells), default=0)


def _whole(columns: Sequence[ColumnFigures], max_error_rate: float) -> bool:
    planned = sum(figures.planned for figures in columns)
    missing = planned - sum(figures.scored for figures in columns)
    return not any(figures.pending for figures in columns) and missing <= max_error_rate * planned + 1e-9


def _others(columns: Sequence[ColumnFigures], ranked: Sequence[ColumnFigures]) -> list[ColumnFigures]:
    competing = {figures.column.id for figures in ranked}
    return [figures for figures in columns if figures.column.id not in competing]


def _worth(figures: ColumnFigures) -> tuple[float, float, float]:
    """What columns are sorted by, the best first."""
    pass_rate = figures.pass_rate.mean if figures.pass_rate else -1.0
    score = -1.0 if figures.score is None else figures.score
    cost_usd = float("inf") if figures.cost_usd is None else figures.cost_usd
    return -pass_rate, -score, cost_usd
