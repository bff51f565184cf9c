"""All files of a report at once: each is staged beside its place, and all are renamed when every one is whole."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from evalrun.errors import StorageError
from evalrun.files import staged
from evalrun.records.comparison import Comparison
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.records.run import RunFacts
from evalrun.records.trend import TrendPoint
from evalrun.report.cell_detail import WireOf
from evalrun.report.formats import Told, Writing, files_of
from evalrun.report.side_by_side import Group, Grouping

FILES = tuple(file.name for file in files_of())
"""What is always written."""


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

    *trend* tells of earlier runs. *rows* is called once; it gives the rows in plan order and they are not kept.
    *wire_of* gives a row's last request, for the code that the page shows. Raises StorageError when the disk refuses;
    the files that were there before then stay as they were.
    """
    chosen = files_of(formats)
    told = Told(plan=plan, comparison=comparison, facts=facts, trend=tuple(trend), wire_of=wire_of)
    try:
        with ExitStack() as stack:
            opened = [
                (one, stack.enter_context(staged(folder / one.name, "wb" if one.binary else "w"))) for one in chosen
            ]
            _walk(plan, rows, [one.begin(file, told) for one, file in opened])
    except OSError as error:
        raise StorageError(f"the reports in {folder} cannot be written: {error.strerror or error}") from error
    return tuple(one.name for one in chosen)


def _walk(plan: Plan, rows: Callable[[], Iterator[Row]], writings: list[Writing]) -> None:
    """Hand every row, every group and the end to the files that want them. Where none wants any, no row is read."""
    by_row = [one.row for one in writings if one.row]
    by_group = [one.group for one in writings if one.group]

    def hand_on(group: Group) -> None:
        for take in by_group:
            take(group)

    if by_row or by_group:
        grouping = Grouping.of(plan)
        for row in rows():
            for add in by_row:
                add(row)
            for group in grouping.add(row) if by_group else ():
                hand_on(group)
        for group in grouping.rest():
            hand_on(group)
    for one in writings:
        if one.finish:
            one.finish()
