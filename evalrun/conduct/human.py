"""People's verdicts: suite.verdict_file -> the run's file -> a score beside those of the scorers.

They are kept with the run until they are dropped, so that whatever is scored or written again later has them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from evalrun.conduct.cell_names import columns_called
from evalrun.errors import Code, SuiteInvalid, UsageError
from evalrun.records.human import HUMAN, NO_NOTE, HumanVerdict
from evalrun.records.outcome import SCORED
from evalrun.records.plan import Cell, Plan
from evalrun.records.row import Row
from evalrun.records.score import Score
from evalrun.records.suite import ScorerSpec
from evalrun.report.numbers import plural
from evalrun.safe_text import visible
from evalrun.store.run import RunStore
from evalrun.suite.complaints import Complaints, hint, shown
from evalrun.suite.verdict_file import VerdictLine, read_verdict_file

_NOTE = "human"  # where the run's file keeps them


def verdicts_of(store: RunStore) -> dict[str, HumanVerdict]:
    """The verdicts that a run holds, by cell key."""
    return {key: HumanVerdict(**said) for key, said in (store.meta().get(_NOTE) or {}).items()}


def drop_verdicts(store: RunStore) -> str:
    """Forget every verdict of the run; what that came to, in words."""
    held = len(verdicts_of(store))
    store.set_meta(**{_NOTE: {}})
    return f"{plural(held, 'verdict')} of people dropped"


def take_verdicts(store: RunStore, plan: Plan, file: Path) -> str:
    """Keep the verdicts of a file with the run, each in place of an earlier one; what that came to, in words.

    Raises SuiteInvalid, with every complaint and nothing kept, for lines that are wrong or of no cell of the run, and
    UsageError where a scorer of the suite is called human already.
    """
    own = (*plan.suite.scorers, *(scorer for case in plan.suite.cases for scorer in case.scorers))
    if any(scorer.name == HUMAN for scorer in own):
        raise UsageError(f"{plan.suite.file}: a scorer is called {HUMAN}, as people's verdicts would be; name it anew")
    complaints = Complaints()
    lines = read_verdict_file(file, complaints)
    found = dict(_matched(plan, store.folder.name, lines, complaints))
    answers = _answers(store, {cell.position for cell in found.values()})
    for line, cell in found.items():
        if cell.position not in answers:
            complaints.add(line.spot, Code.UNKNOWN_TARGET, f"{_place(line)} has no answer to judge")
    if complaints:
        raise SuiteInvalid(complaints.all())
    held = verdicts_of(store)
    for line, cell in found.items():
        held.pop(cell.key, None)
        if line.passed is not None:
            held[cell.key] = HumanVerdict(passed=line.passed, note=line.note, answer=answers[cell.position])
    store.set_meta(**{_NOTE: {key: asdict(verdict) for key, verdict in held.items()}})
    passed = sum(verdict.passed for verdict in held.values())
    return f"{plural(len(found), 'verdict')} read from {file}; the run has {passed} pass, {len(held) - passed} fail"


def human_score(row: Row, verdicts: Mapping[str, HumanVerdict]) -> tuple[Score, ...]:
    """What a person's verdict on this very answer is worth, with the note as its reason; none without one."""
    verdict = verdicts.get(row.cell.key)
    if verdict is None or verdict.answer != _digest(row):
        return ()
    reason = verdict.note or ("" if verdict.passed else NO_NOTE)
    return (Score(name=HUMAN, value=float(verdict.passed), passed=verdict.passed, reason=reason),)


def with_human(plan: Plan, verdicts: Mapping[str, HumanVerdict]) -> Plan:
    """The plan with people among its scorers, where there are verdicts, so that reports have a column for them."""
    if not verdicts:
        return plan
    scorers = (*plan.suite.scorers, ScorerSpec(type=HUMAN, name=HUMAN))
    return replace(plan, suite=replace(plan.suite, scorers=scorers))


def verdict_tag(verdict: HumanVerdict) -> str:
    """What tells a mark with this verdict from one without."""
    said = f"{verdict.passed}\0{verdict.note}\0{verdict.answer}"
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _matched(plan: Plan, run: str, lines: list[VerdictLine], complaints: Complaints) -> list[tuple[VerdictLine, Cell]]:
    """Each line with its cell; of the others there is a complaint."""
    shown_ids = {visible(case.id): number for number, case in enumerate(plan.suite.cases)}  # as a page has them
    cases = shown_ids | {case.id: number for number, case in enumerate(plan.suite.cases)}
    cells = {(cell.case, cell.column, cell.sample): cell for cell in plan.cells}
    labels = [column.label for column in plan.columns]
    found = []
    for line in lines:
        columns = columns_called(plan.columns, line.column) if line.column else range(len(labels))
        cell = cells.get((cases.get(line.case, -1), columns[0], line.sample)) if len(columns) == 1 else None
        if line.run and line.run != run:
            words = f"a verdict on the run {shown(line.run)}, and this is {run}"
        elif line.case not in cases:
            words = f"no case {shown(line.case)}{hint(line.case, cases)}"
        elif not columns:
            words = f"no column {shown(line.column)}{hint(line.column, labels)}"
        elif len(columns) > 1:
            words = f"`column` must say which of {', '.join(labels[at] for at in columns)}"
        elif cell is None:
            words = f"no sample {line.sample} of {_place(line)}"
        elif line.key and not cell.request_key.startswith(line.key):
            words = f"{_place(line)} was asked otherwise since: the key of its request is another"
        else:
            found.append((line, cell))
            continue
        complaints.add(line.spot, Code.UNKNOWN_TARGET, words)
    return found


def _place(line: VerdictLine) -> str:
    return f"case {shown(line.case)}" + (f", column {shown(line.column)}" if line.column else "")


def _answers(store: RunStore, positions: set[int]) -> dict[int, str]:
    """The digests of the answers at these positions, where there is one that is scored."""
    wanted = sorted(positions)
    rows = (row for part in store.rows_of((at, at + 1) for at in wanted) for row, _ in part)
    return {row.cell.position: _digest(row) for row in rows if row.status in SCORED}


def _digest(row: Row) -> str:
    return hashlib.sha256(row.output.encode("utf-8", "surrogatepass")).hexdigest()
