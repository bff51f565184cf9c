"""run.db -> one cell, with all that was said in it and the request that says it again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evalrun.conduct.cell_names import cell_named
from evalrun.conduct.dialogues import with_tools
from evalrun.conduct.wires import Wires
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.records.wire import Wire
from evalrun.store.run import RunStore
from evalrun.store.runs import find_run


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One cell of a run. *wire* is its last request, or why there is none."""

    run: str
    plan: Plan
    row: Row
    wire: Wire | str


def find_answer(results: Path, run: str, name: str) -> Answer:
    """The cell that *name* means in the run that *run* means. Raises UsageError where either means none or several."""
    info = find_run(results, run)
    store = RunStore.open(info.folder)
    plan = store.plan()
    cell = cell_named(plan, name)
    row = with_tools(store.row(cell.position + 1), plan)
    return Answer(run=info.run, plan=plan, row=row, wire=Wires(plan)(row))
