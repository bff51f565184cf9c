"""rows of a store -> the files of its report, the tables of a large run by a second process."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path

from evalrun.conduct.apart import begin_tables
from evalrun.conduct.dialogues import with_tools
from evalrun.conduct.wires import Wires
from evalrun.errors import StorageError
from evalrun.records.comparison import Comparison
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.records.run import RunFacts
from evalrun.records.trend import TrendPoint
from evalrun.report.formats import Place, Told
from evalrun.report.write import Reports
from evalrun.store.run import RunStore

LARGE = 20_000
"""Beyond so many cells the tables are worth a process of their own: it reads the rows again, and takes a second to
begin, but has a core of its own."""


def reports_of(store: RunStore, plan: Plan, formats: Collection[str]) -> Reports:
    """Begin the reports of a run, beside its database."""
    large = len(plan.cells) > LARGE and _cores() > 1

    return Reports(
        store.folder,
        plan,
        store.folder.name,
        formats=formats,
        wire_of=Wires(plan),
        begin_apart=partial(begin_tables, store.folder) if large else None,
    )


def rows_of(store: RunStore, plan: Plan, *, with_messages: bool) -> Iterator[Row]:
    """The rows of a run as its reports take them; *plan* is the one that was read from it."""
    return (with_tools(row, plan) for row in store.rows(with_messages=with_messages, plan=plan))


def write(
    store: RunStore,
    reports: Reports,
    plan: Plan,
    comparison: Comparison,
    facts: RunFacts,
    trend: tuple[TrendPoint, ...],
    *,
    stale: Collection[Path],
) -> tuple[str, ...]:
    """End a run's reports, and remove *stale* ones; their names. Raises StorageError where the disk refuses."""

    def rows_at(places: Collection[Place]) -> Iterator[Row]:
        for cell in plan.cells if places else ():
            if (plan.columns[cell.column].label, plan.suite.cases[cell.case].id, cell.sample) in places:
                yield store.row(cell.position + 1, with_messages=False)

    again = partial(rows_of, store, plan, with_messages=True)
    told = Told(plan=plan, comparison=comparison, facts=facts, rows_at=rows_at, rows=again, trend=trend)
    try:
        written = reports.finish(told)
        for path in stale:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"{store.folder}: the reports cannot be written ({error.strerror or error}); every answer is in run.db\n"
            f"write them again with: evalrun report {shlex.quote(str(store.folder))}"
        ) from error
    return written


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
