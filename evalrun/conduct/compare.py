"""two runs -> matched cells -> figures, flips and what changed -> comparison.csv and comparison.html; nothing is sent.

Rows are streamed, case by case, and only numbers are kept of them: what is in memory is a few dozen bytes a cell.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from evalrun.conduct.index import refresh_index
from evalrun.conduct.matching import (
    CaseMatch,
    ColumnMatch,
    PlanSeen,
    match_cases,
    match_columns,
    pair_columns,
    plan_seen,
)
from evalrun.conduct.stopping import watch_of
from evalrun.errors import NothingSelected, StorageError, UsageError
from evalrun.files import staged
from evalrun.records.plan import Column
from evalrun.records.row import Row
from evalrun.records.run_comparison import VERDICTS, CellNumbers, ComparedColumn, Flip, RunComparison, RunSide
from evalrun.records.suite import Suite
from evalrun.report.compare_csv import PairsCsv
from evalrun.report.compare_page import PairsIsland, write_compare_page
from evalrun.report.compare_words import Circumstances, conclusion, notes
from evalrun.report.fields import params_text, verdict_of
from evalrun.stats.run_pairs import PairTally, Tested, called, numbers_of
from evalrun.stats.watched_pairs import by_labels, measured
from evalrun.store.opening import make_folder
from evalrun.store.run import RunStore
from evalrun.store.runs import find_run, folder_name

FILES = ("comparison.csv", "comparison.html")
_ORDER = {"pass -> fail": 0, "fail -> pass": 2}

Judged = tuple[Row, str | None]
"""A row with the digest of the scorers that gave its mark."""


def compare_runs(
    results: Path,
    a: str,
    b: str | None = None,
    *,
    columns: Sequence[str] = (),
    mapping: Sequence[str] = (),
    unchanged: bool = False,
    write: bool = False,
) -> RunComparison:
    """Compare run *b* with run *a*, or the columns of run *a* with each other where there is no *b*.

    Runs are named as `find_run` takes them. *columns* keeps those with these labels; *mapping* are words ``old=new``,
    labels that belong together. *unchanged* leaves out cells of cases whose variables or expected value changed.
    With *write* the files are written to ``<results>/compare/<A>--<B>/``. Raises UsageError for a run or label that
    there is not, NothingSelected where the two have no cell in common, StorageError for what cannot be read or written.
    """
    first = _Opened.open(results, a, "A")
    second = first if b is None else _Opened.open(results, b, "B")
    if b is None:
        second = replace(first, side=replace(first.side, name="B"))
    elif Path(second.side.folder).resolve() == Path(first.side.folder).resolve():
        raise UsageError(f"{a} and {b} are the same run; its columns are compared by: evalrun compare {a}")
    if b is None:
        pairs = pair_columns(first.columns, only=columns, mapping=mapping)
    else:
        pairs = match_columns(first.columns, second.columns, only=columns, mapping=mapping)
    cases = match_cases(first.plan.cases, second.plan.cases)
    left_out = [match for match in cases if unchanged and match.changed]
    work = _Work(
        a=first,
        b=second,
        pairs=tuple(pairs),
        cases=tuple(match for match in cases if not (unchanged and match.changed)),
        one_run=b is None,
    )
    if not pairs or not work.cases:
        raise NothingSelected(_nothing(work, cases))
    if not write:
        return _compared(work, None, cases, left_out, only=bool(columns), results=results)
    folder = results / "compare" / f"{folder_name(first.side.run)}--{folder_name(second.side.run)}"
    make_folder(folder)
    try:
        with ExitStack() as stack:
            table, page = (stack.enter_context(staged(folder / name)) for name in FILES)
            found = _compared(work, PairsCsv(table), cases, left_out, only=bool(columns), results=results)
            found = replace(found, folder=str(folder))
            write_compare_page(page, found, _island(work, found))
    except OSError as error:
        raise StorageError(f"{folder}: cannot be written ({error.strerror or error})") from error
    refresh_index(results)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """A run that is read: what it is, and its plan without texts."""

    store: RunStore
    side: RunSide
    suite: Suite
    columns: tuple[Column, ...]
    plan: PlanSeen

    @classmethod
    def open(cls, results: Path, name: str, side: str) -> _Opened:
        info = find_run(results, name)
        store = RunStore.open(info.folder)
        plan = plan_seen(store.cases(), store.cells())
        said = RunSide(
            name=side,
            run=info.run,
            suite=info.suite,
            suite_file=info.suite_file,
            folder=str(info.folder),
            started_at=info.started_at,
            state=info.state,
            cells=sum(plan.cells.values()),
        )
        return cls(store=store, side=said, suite=store.suite(), columns=store.columns(), plan=plan)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meeting:
    """A matched cell: the match's and the pair's numbers, and both rows."""

    case: int
    pair: int
    a: Judged
    b: Judged


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a flip is: the match's and the pair's numbers, and the cells' positions."""

    flip: Flip = field(repr=False)
    case: int
    pair: int
    a: int
    b: int


@dataclass(slots=True, kw_only=True)
class _Work:
    """Two runs and what is matched of them. What changes are the places of flips, filled by the one pass over rows."""

    a: _Opened
    b: _Opened
    pairs: tuple[ColumnMatch, ...]
    cases: tuple[CaseMatch, ...]
    one_run: bool
    places: list[_Place] = field(default_factory=list)

    def meetings(self, *, with_messages: bool = False) -> Iterator[_Meeting]:
        """Every matched cell, in plan order of A."""
        spans_a = [(match.a.start, match.a.stop) for match in self.cases]
        spans_b = [(match.b.start, match.b.stop) for match in self.cases]
        of_a = self.a.store.rows_of(spans_a, with_messages=with_messages)
        of_b = None if self.one_run else self.b.store.rows_of(spans_b, with_messages=with_messages)
        for number, rows in enumerate(of_a):
            on_a = _by_place(rows)
            on_b = on_a if of_b is None else _by_place(next(of_b))
            for place, pair in enumerate(self.pairs):
                for sample, one in on_a.get(pair.a, {}).items():
                    other = on_b.get(pair.b, {}).get(sample)
                    if other is not None:
                        yield _Meeting(case=number, pair=place, a=one, b=other)

    def changed(self, case: int) -> str:
        """What of a matched case differs, in words: ``expected``."""
        change = self.cases[case].change
        return ", ".join(change.what) if change and self.cases[case].changed else ""


def _by_place(rows: Sequence[Judged]) -> dict[int, dict[int, Judged]]:
    """A case's rows by column, then sample."""
    found: dict[int, dict[int, Judged]] = {}
    for row, digest in rows:
        found.setdefault(row.cell.column, {})[row.cell.sample] = (row, digest)
    return found


def _compared(
    work: _Work,
    table: PairsCsv | None,
    cases: Sequence[CaseMatch],
    left_out: Sequence[CaseMatch],
    *,
    only: bool,
    results: Path,
) -> RunComparison:
    """One pass over the matched cells, into figures and the table; flips are kept in the work too, for the page."""
    tallies = _tallies(work, table)
    matched = sum(tally.matched for tally in tallies)
    if not matched:
        raise NothingSelected(_nothing(work, cases))
    work.places.sort(key=_rank)
    columns = tuple(
        _explained(work, pair, column)
        for pair, column in zip(work.pairs, called(list(_tested(work, tallies))), strict=True)
    )
    if work.one_run and work.a.suite.stop_when is not None:
        plan = work.a.store.plan()
        watch = watch_of(work.a.store, plan)
        watched = by_labels(watch.pairs() if watch else (), plan.columns)
        columns = tuple(measured(column, watched) for column in columns)
    a, b = work.a.side, work.b.side
    shown_a, shown_b = (
        {getattr(pair, side) for pair in work.pairs} if only else set(range(len(opened.columns)))
        for side, opened in (("a", work.a), ("b", work.b))
    )
    taken_a, taken_b = {match.a.id for match in cases}, {match.b.id for match in cases}
    at = Circumstances(
        states=tuple(side for side in ((a,) if work.one_run else (a, b)) if side.state != "complete"),
        by_content=sum(match.a.id != match.b.id for match in cases),
        left_out=sum(match.a.stop - match.a.start for match in left_out),
        results=str(results),
    )
    return RunComparison(
        a=a,
        b=b,
        columns=columns,
        matched=matched,
        cells_added=0 if work.one_run else _cells(work.b, shown_b) - matched,
        cells_removed=0 if work.one_run else _cells(work.a, shown_a) - matched,
        cases_matched=len(work.cases),
        cases_added=tuple(case.id for case in work.b.plan.cases if case.id not in taken_b),
        cases_removed=tuple(case.id for case in work.a.plan.cases if case.id not in taken_a),
        cases_changed=tuple(match.change for match in cases if match.change is not None),
        columns_added=_labels(work.b, {pair.b for pair in work.pairs} if not (only or work.one_run) else None),
        columns_removed=_labels(work.a, {pair.a for pair in work.pairs} if not (only or work.one_run) else None),
        flips=tuple(place.flip for place in work.places if _both_sided(place.flip)),
        one_sided=tuple(place.flip for place in work.places if not _both_sided(place.flip)),
        notes=notes(columns, a, b, at),
        conclusion=conclusion(columns, a, b),
    )


def _tallies(work: _Work, table: PairsCsv | None) -> list[PairTally]:
    samples = max(work.a.plan.samples, work.b.plan.samples)
    tallies = [PairTally(len(work.cases), samples) for _ in work.pairs]
    for met in work.meetings():
        (a, digest_a), (b, digest_b) = met.a, met.b
        tally, changed = tallies[met.pair], work.changed(met.case)
        one, other = numbers_of(a, verdict_of(a)), numbers_of(b, verdict_of(b))
        tally.add(met.case, a.cell.sample, one, other)
        if changed:
            tally.case_changed += 1
        elif not work.one_run:
            tally.request_changed += _question(a) != _question(b)
            tally.scorers_differ += one.judged and other.judged and digest_a != digest_b
        if one.word != other.word and (one.judged or other.judged):
            work.places.append(_place(work, met, one, other))
        if table is not None:
            table.add(work.pairs[met.pair].label, a, b, (one, other), changed)
    return tallies


def _question(row: Row) -> str:
    """What a cell asks: the key without the number that tells it from its twins."""
    return row.cell.key.partition("#")[0]


def _place(work: _Work, met: _Meeting, one: CellNumbers, other: CellNumbers) -> _Place:
    a, b = met.a[0], met.b[0]
    flip = Flip(
        case=a.case.id,
        column=work.pairs[met.pair].label,
        sample=a.cell.sample,
        before=one.word,
        after=other.word,
        score_before=None if math.isnan(one.score) else one.score,
        score_after=None if math.isnan(other.score) else other.score,
        case_b=b.case.id if b.case.id != a.case.id else "",
        changed=work.cases[met.case].changed,
    )
    return _Place(flip, met.case, met.pair, a.cell.position, b.cell.position)


def _rank(place: _Place) -> tuple[int, float, int, int]:
    """The worst first: what was lost, then what was won, each by how far the score moved."""
    flip = place.flip
    before, after = flip.score_before or 0.0, flip.score_after or 0.0
    kind = _ORDER.get(flip.kind, 1 if flip.before == "pass" else 3)
    return kind, -abs(after - before), place.case, place.pair


def _both_sided(flip: Flip) -> bool:
    return {flip.before, flip.after} <= VERDICTS


def _tested(work: _Work, tallies: Sequence[PairTally]) -> Iterator[Tested]:
    """Each pair in figures and tests."""
    for pair, tally in zip(work.pairs, tallies, strict=True):
        a, b = work.a.columns[pair.a], work.b.columns[pair.b]
        simulated = _is_simulated(work.a.suite, a) and _is_simulated(work.b.suite, b)
        yield tally.tested(pair.label, (a.label, b.label), simulated=simulated)


def _explained(work: _Work, pair: ColumnMatch, column: ComparedColumn) -> ComparedColumn:
    """The column with what makes its requests other ones, where some are."""
    if not column.request_changed:
        return column
    a, b = work.a.columns[pair.a], work.b.columns[pair.b]
    return replace(column, request_changes=tuple(_what_differs(work.a.suite, a, work.b.suite, b)))


def _is_simulated(suite: Suite, column: Column) -> bool:
    model = next(model for model in suite.models if model.label == column.model)
    return suite.is_simulated(model)


def _what_differs(suite_a: Suite, a: Column, suite_b: Suite, b: Column) -> Iterator[str]:
    """Which parts of a column make its requests other ones, as far as the suites tell."""
    prompts = [next(p for p in suite.prompts if p.name == c.prompt) for suite, c in ((suite_a, a), (suite_b, b))]
    models = [next(m for m in suite.models if m.label == c.model) for suite, c in ((suite_a, a), (suite_b, b))]
    if replace(prompts[0], name="", params={}) != replace(prompts[1], name="", params={}):
        yield "prompt"
    if models[0].name != models[1].name:
        yield "model"
    if models[0].provider != models[1].provider:
        yield "provider"
    said = [
        ({**suite.params}, {**model.params}, {**prompt.params}, params_text(column))
        for suite, model, prompt, column in zip((suite_a, suite_b), models, prompts, (a, b), strict=True)
    ]
    if said[0] != said[1]:
        yield "parameters"


def _cells(opened: _Opened, columns: set[int]) -> int:
    return sum(count for column, count in opened.plan.cells.items() if column in columns)


def _labels(opened: _Opened, paired: set[int] | None) -> tuple[str, ...]:
    """The columns that have no counterpart; none where only some were asked for."""
    if paired is None:
        return ()
    return tuple(column.label for place, column in enumerate(opened.columns) if place not in paired)


def _island(work: _Work, found: RunComparison) -> PairsIsland:
    """The cells for the page: flips, then what has a verdict on one side, then the others while there is room."""
    island = PairsIsland(found, (work.a.suite, work.b.suite))
    places = work.places
    rows_a = work.a.store.rows_of(((one.a, one.a + 1) for one in places), with_messages=True)
    rows_b = work.b.store.rows_of(((one.b, one.b + 1) for one in places), with_messages=True)
    for one, ((row_a, _),), ((row_b, _),) in zip(places, rows_a, rows_b, strict=True):
        if island.full:
            return island
        island.add(work.pairs[one.pair].label, row_a, row_b, work.changed(one.case))
    done = {(one.pair, one.a) for one in places}
    for met in work.meetings(with_messages=True):
        if island.full:
            break
        if (met.pair, met.a[0].cell.position) not in done:
            island.add(work.pairs[met.pair].label, met.a[0], met.b[0], work.changed(met.case))
    return island


def _nothing(work: _Work, cases: Sequence[CaseMatch]) -> str:
    """Why there is nothing to compare, and what can be done."""
    if work.one_run:
        return f"{work.a.side.run}: one column has nothing to be compared with; name another run"
    if not cases:
        return f"{work.a.side.run} and {work.b.side.run} have no case in common"
    if not work.pairs:
        labels = [", ".join(column.label for column in opened.columns) for opened in (work.a, work.b)]
        return (
            f"{work.a.side.run} and {work.b.side.run} have no column in common\n"
            f"A has {labels[0]}; B has {labels[1]}\nsay which belong together with --map OLD=NEW"
        )
    return f"{work.a.side.run} and {work.b.side.run} have no cell in common"
