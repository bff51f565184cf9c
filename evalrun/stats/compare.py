"""Rows -> Comparison, in one pass: figures, pairs, ranks, gates, and what follows from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from evalrun.records.baseline import NO_BASELINE, Baseline
from evalrun.records.comparison import ColumnFigures, Comparison, Pair
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.stats.by_tag import TAGS, largest_tags, tag_figures
from evalrun.stats.conclusion import conclusion
from evalrun.stats.gates import gate_tallies
from evalrun.stats.pairing import Side, chosen, finder, pair_up
from evalrun.stats.standings import ranking, with_standings
from evalrun.stats.tallies import ColumnTally
from evalrun.stats.watched_pairs import WatchedPairs, by_labels, of_verdicts
from evalrun.stats.watching import Watched


def compare(
    plan: Plan,
    rows: Iterable[Row],
    complete: bool,
    *,
    cases_a_day: Mapping[str, float] | None = None,
    baseline: Baseline | str = NO_BASELINE,
    watched: Sequence[Watched] = (),
) -> Comparison:
    """Compare a plan's columns by their rows, which may come in any order and are not kept.

    *complete* says that the run was carried out to its end. The comparison is complete when besides nothing is pending
    and the cells without a verdict are at most ``max_error_rate`` of all; while it is not, no gate is decided.
    *cases_a_day* says of columns, by label, how many more cases their limits allow a day, where a limit counts days.
    The pairs are of the columns that compete (standings.ranking), the better one first, in their order: all pairs of 8
    columns, of more some of them (pairing.chosen).
    *baseline* is what the gate no_regression compares with, or in words why there is none. *watched* is what
    ``stop_when`` found of some pairs, which are then called by it.
    """
    tallies = _tallies(plan)
    gates = gate_tallies(plan.suite.gates, plan.columns, baseline, left_out=plan.suite.left_out)
    for row in rows:
        status, scored = row.status, row.scored
        tallies[row.cell.column].add(row, status, scored=scored)
        for gate in gates:
            gate.add(row, scored=scored)
    columns = tuple(tally.figures() for tally in tallies)
    complete = complete and _whole(columns, plan.suite.max_error_rate)
    ranked = ranking(columns)
    spared = {figures.column.label for figures in columns if figures.spared}
    pairs = tuple(
        replace(pair, stopped_early=not spared.isdisjoint((pair.first, pair.second)))
        for pair in _pairs(plan, tallies, ranked, cases_a_day, by_labels(watched, plan.columns))
    )
    tags = largest_tags(case.tags for case in plan.suite.cases)
    return Comparison(
        columns=with_standings(columns, ranked, pairs),
        pairs=pairs,
        gates=tuple(gate.result(complete=complete) for gate in gates),
        conclusion=conclusion(columns, ranked, finder(pairs), samples=_samples(plan), complete=complete),
        complete=complete,
        pairs_possible=len(ranked) * (len(ranked) - 1) // 2,
        tags=tag_figures(tags[:TAGS], [bytes(tally.verdicts) for tally in tallies], samples=_samples(plan)),
        tags_possible=len(tags),
    )


def _pairs(
    plan: Plan,
    tallies: Sequence[ColumnTally],
    ranked: Sequence[ColumnFigures],
    cases_a_day: Mapping[str, float] | None,
    watched: WatchedPairs,
) -> tuple[Pair, ...]:
    by_id = {tally.column.id: tally for tally in tallies}
    competing = [by_id[figures.column.id] for figures in ranked]
    graded = any(tally.graded for tally in competing)
    sides = [
        Side(
            label=tally.column.label,
            verdicts=bytes(tally.verdicts),
            scores=tally.scores.table() if graded else None,
        )
        for tally in competing
    ]
    two = [(sides[first], sides[second]) for first, second in chosen(len(sides))]
    ids = [case.id for case in plan.suite.cases]
    watched = watched if graded else of_verdicts(watched)
    return pair_up(two, cases=ids, samples=_samples(plan), cases_a_day=cases_a_day, watched=watched)


def _tallies(plan: Plan) -> list[ColumnTally]:
    models = {model.label: model for model in plan.suite.models}
    planned = Counter(cell.column for cell in plan.cells)
    cases = 1 + max((cell.case for cell in plan.cells), default=0)
    samples = _samples(plan)
    tallies = []
    for index, column in enumerate(plan.columns):
        model = models[column.model]
        tallies.append(
            ColumnTally(
                column,
                simulated=plan.suite.is_simulated(model),
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
    planned = sum(figures.planned - figures.spared for figures in columns)
    missing = planned - sum(figures.scored for figures in columns)
    return not any(figures.pending for figures in columns) and missing <= max_error_rate * planned + 1e-9
