"""the earlier complete runs of a suite, by their run.json -> the points of a trend, for the page of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from evalrun.records.comparison import Comparison
from evalrun.records.plan import Column, Plan
from evalrun.records.run import RunFacts
from evalrun.records.run_summary import ColumnSummary, RunSummary
from evalrun.records.trend import TrendPoint
from evalrun.store.summaries import read_summary, run_names

LAST = 30
"""How many earlier runs a trend goes back."""

_LOOKED_AT = 100  # a run.json is read for each, and not every one is of a complete run


def trend_of(folder: Path, plan: Plan, comparison: Comparison, facts: RunFacts) -> tuple[TrendPoint, ...]:
    """A point for each column of the run in *folder* and each earlier complete run beside it, oldest first.

    The run's own points stand last, if it is complete itself. A column is found again by prompt, model and parameters,
    else by its label. Nothing where no earlier run has a column of this one.
    """
    points = [point for run in reversed(_before(folder, facts)) for point in _points(run, plan, facts)]
    if not points or facts.state != "complete":
        return tuple(points)
    own = [
        TrendPoint(
            run=facts.run,
            started_at=facts.started_at,
            column=one.column.label,
            pass_rate=one.pass_rate,
        )
        for one in comparison.columns
    ]
    return (*points, *own)


def earlier_runs(folder: Path, suite: str, began: float, most: int) -> list[RunSummary]:
    """The last *most* complete runs of the suite before the one in *folder*, which *began* then, the newest first."""
    found: list[RunSummary] = []
    for name in run_names(folder.parent)[: _LOOKED_AT + 1]:
        if name != folder.name and len(found) < most:
            run = read_summary(folder.parent / name)
            if run.complete and run.suite == suite and run.started_at is not None and run.started_at < began:
                found.append(run)
    return found


def _before(folder: Path, facts: RunFacts) -> list[RunSummary]:
    return earlier_runs(folder, facts.suite, facts.started_at, LAST)


def _points(run: RunSummary, plan: Plan, facts: RunFacts) -> Iterator[TrendPoint]:
    for column in plan.columns:
        then = _same(column, plan.columns, run)
        if then is not None:
            yield TrendPoint(
                run=run.run,
                started_at=run.started_at or 0.0,
                column=column.label,
                pass_rate=then.pass_rate,
                same_requests=then.digest == facts.digests.get(column.label),
            )


def _same(column: Column, columns: Sequence[Column], run: RunSummary) -> ColumnSummary | None:
    """A column as it was in another run: the one with its id, or one with its label that is no other column's."""
    by_id = next((one for one in run.columns if one.id == column.id), None)
    if by_id is not None:
        return by_id
    taken = {other.id for other in columns}
    return next((one for one in run.columns if one.label == column.label and one.id not in taken), None)
