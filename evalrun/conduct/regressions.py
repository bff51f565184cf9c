"""a run beside its suite's baseline, or the complete run before it -> which answers got worse.

The baseline is asked where the suite has one, whether a gate compares with it or not; else the last complete run of the
suite in the same results folder, on requests that stayed the same.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evalrun.conduct.baselines import suite_path
from evalrun.conduct.identity import recorded_columns
from evalrun.conduct.trend import earlier_runs
from evalrun.errors import EvalrunError
from evalrun.records.baseline import Baseline
from evalrun.records.plan import Column, Plan
from evalrun.records.regression import Regression, Regressions
from evalrun.records.row import Row
from evalrun.report.fields import expected_text, minute
from evalrun.store.baseline import baseline_path, read_baseline
from evalrun.store.run import RunStore

WORST = 3
LARGEST = 20_000
"""So many cells of an earlier run are read at most: a second's work. Larger suites compare with a baseline."""

_BASELINE_BYTES = 64 << 20  # of one that no gate asks for
_MOST_TEXT = 400

Place = tuple[int, str, int]
"""A cell: number of its column, id of its case, sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The cells that passed, each with its score and, where that matters, what was asked; and where that was."""

    against: str
    passed: Mapping[Place, tuple[float, str]]


@dataclass(slots=True)
class Watcher:
    """Looks at rows as they go by. What changes: the count, and the worst so far as (fall of the score, -position)."""

    before: Before
    failing: int = 0
    compared: int = 0
    worst: list[tuple[float, int]] = field(default_factory=list)

    def over(self, rows: Iterator[Row]) -> Iterator[Row]:
        """The same rows, looked at."""
        for row in rows:
            self._look(row)
            yield row

    def _look(self, row: Row) -> None:
        found = self.before.passed.get((row.cell.column, row.case.id, row.cell.sample))
        if found is None or not row.scored or row.mark is None or (found[1] and found[1] != row.cell.request_key):
            return
        self.compared += 1
        if row.mark.verdict == "pass":
            return
        self.failing += 1
        heapq.heappush(self.worst, (found[0] - (row.mark.score or 0.0), -row.cell.position))
        if len(self.worst) > WORST:
            heapq.heappop(self.worst)


def before_of(folder: Path, plan: Plan, began: float, baseline: Baseline | str) -> Before | None:
    """What the run in *folder*, which *began* then (Unix time), is held against; None where there is nothing."""
    found = baseline if isinstance(baseline, Baseline) else _unasked(plan)
    if found is not None:
        return _of_baseline(found, plan)
    if len(plan.cells) > LARGEST:
        return None
    for run in earlier_runs(folder, plan.suite.name, began, 1):
        if sum(column.planned for column in run.columns) <= LARGEST:
            try:
                return _of_run(folder.parent / run.run, plan, f"the run of {minute(run.started_at or 0.0)}")
            except EvalrunError:
                return None  # a damaged run of before is no fault of this one
    return None


def regressions_of(store: RunStore, plan: Plan, watcher: Watcher) -> Regressions:
    """What the watcher saw, with the texts of the worst."""
    return Regressions(
        against=watcher.before.against,
        compared=watcher.compared,
        failing=watcher.failing,
        worst=tuple(
            _told(store.row(1 - position, with_messages=False), plan)
            for _, position in sorted(watcher.worst, reverse=True)
        ),
    )


def _unasked(plan: Plan) -> Baseline | None:
    """A baseline that no gate asks for; none where it is damaged or very large."""
    path = baseline_path(suite_path(plan.suite))
    try:
        return read_baseline(path) if path.is_file() and path.stat().st_size <= _BASELINE_BYTES else None
    except (EvalrunError, OSError):
        return None


def _of_baseline(baseline: Baseline, plan: Plan) -> Before:
    numbers = _numbers(plan.columns, baseline.columns)
    passed = {
        (numbers[cell.column], cell.case, cell.sample): (1.0 if cell.score is None else cell.score, "")
        for cell in baseline.cells
        if cell.verdict == "pass" and cell.column in numbers
    }
    return Before(against=f"the baseline of {baseline.date[:10]}", passed=passed)


def _of_run(folder: Path, plan: Plan, against: str) -> Before:
    store = RunStore.open(folder)
    numbers, recorded = _numbers(plan.columns, store.columns()), recorded_columns(plan)
    passed = {
        (numbers[row.column.label], row.case.id, row.cell.sample): (
            1.0 if row.mark.score is None else row.mark.score,
            "" if numbers[row.column.label] in recorded else row.cell.request_key,
        )
        for row in store.rows()
        if row.column.label in numbers and row.scored and row.mark is not None and row.mark.verdict == "pass"
    }
    return Before(against=against, passed=passed)


def _numbers(columns: Sequence[Column], before: Sequence[Column]) -> dict[str, int]:
    """The number of the column that each of *before*, by label, is now: by what it is, else by its label."""
    by_id = {column.id: at for at, column in enumerate(columns)}
    found = {old.label: by_id[old.id] for old in before if old.id in by_id}
    by_label = {column.label: at for at, column in enumerate(columns) if at not in found.values()}
    return {**{old.label: by_label[old.label] for old in before if old.label in by_label}, **found}


def _told(row: Row, plan: Plan) -> Regression:
    return Regression(
        case=row.case.id,
        column=row.column.label,
        sample=row.cell.sample if plan.suite.samples > 1 else None,
        expected=expected_text(row.case.expected)[:_MOST_TEXT],
        said=row.output[:_MOST_TEXT],
        reason=(row.mark.reason if row.mark else "")[:_MOST_TEXT],
    )
