"""The reports of rows that are compared already: `Reports` in one step, for tests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from evalrun.errors import StorageError
from evalrun.records.comparison import Comparison
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.records.run import RunFacts
from evalrun.records.trend import TrendPoint
from evalrun.report.cell_detail import WireOf
from evalrun.report.formats import Place, Told
from evalrun.report.write import Reports


def write_reports(
    folder: Path,
    plan: Plan,
    rows: Callable[[], Iterator[Row]],
    comparison: Comparison,
    facts: RunFacts,
    *,
    trend: Sequence[TrendPoint] = (),
    formats: Collection[str] | None = None,
    wire_of: WireOf | None = None,
) -> tuple[str, ...]:
    """Write the files of *formats* into *folder*, FILES where none are named; their names.

    This is Reports for rows that are compared already. *trend* tells of earlier runs. *rows* gives the rows in plan
    order and they are not kept; it is called once, or not where no file wants any, and again where a gate found answers
    that got worse or a page has room for what was let go. Raises StorageError when the disk refuses; the files that
    were there before then stay as they were.
    """

    def rows_at(places: Collection[Place]) -> Iterator[Row]:
        return (row for row in (rows() if places else ()) if place_of(row) in places)

    with Reports(folder, plan, facts.run, formats=formats, wire_of=wire_of) as reports:
        try:
            for _ in reports.over(rows() if reports.wants_rows else ()):
                pass
        except OSError as error:
            raise StorageError(f"the reports in {folder} cannot be written: {error.strerror or error}") from error
        told = Told(plan=plan, comparison=comparison, facts=facts, trend=tuple(trend), rows_at=rows_at, rows=rows)
        return reports.finish(told)


def place_of(row: Row) -> Place:
    """Where a row stands, by names."""
    return row.column.label, row.case.id, row.cell.sample
