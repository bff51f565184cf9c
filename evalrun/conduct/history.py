"""the runs of a suite -> every column's figures over time, and what drifted although it was asked the same.

Runs are read one after another; of each the numbers are kept while a later one is compared with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from evalrun.conduct.matching import column_identity, plan_seen
from evalrun.errors import StorageError, UsageError
from evalrun.records.history import Changed, Drifted, History, HistoryColumn, HistoryPoint, HistoryRun
from evalrun.records.plan import Column
from evalrun.records.suite import Suite
from evalrun.report.fields import verdict_of
from evalrun.report.history_words import conclusion
from evalrun.report.numbers import of
from evalrun.stats.drift import Drift
from evalrun.stats.trends import ColumnTrack, Step, decide, step
from evalrun.store.run import RunStore
from evalrun.store.runs import RunInfo, list_runs

LAST = 10


def suite_history(results: Path, suite: str, *, last: int = LAST) -> History:
    """The *last* runs of a suite, oldest first: figures, and drift between one and the next and against the first.

    *suite* is its name or its file. Only complete runs are compared; the others are listed with the reason. Raises
    UsageError where the suite has no run.
    """
    infos = _runs_of(results, suite)
    infos, older = infos[:last], max(0, len(infos) - last)
    walk = _Walk()
    runs = [walk.take(info) for info in reversed(infos)]
    told = decide([one.drift for one in walk.looked_at])
    both = zip(walk.looked_at, told, strict=True)
    drifts = tuple(replace(looked.said, p_adjusted=p) for looked, (_, p, drifted) in both if drifted)
    found = History(
        suite=infos[0].suite,
        runs=tuple(runs),
        columns=walk.columns(),
        drifts=_lasting(drifts, [run for run in runs if run.compared]),
        changes=tuple(walk.changes),
        older=older,
        tests=len(walk.looked_at),
    )
    return replace(found, conclusion=conclusion(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Night:
    """One complete run in numbers: its columns, by identity."""

    info: RunInfo
    columns: dict[str, Column]
    tracks: dict[str, ColumnTrack]
    timed: frozenset[str]


@dataclass(frozen=True, slots=True)
class _LookedAt:
    """A figure that was tested, and what would be said of it."""

    drift: Drift
    said: Drifted


@dataclass(slots=True)
class _Walk:
    """From run to run. What changes is what was seen so far; only the first and the last run's numbers stay."""

    first: _Night | None = None
    previous: _Night | None = None
    points: list[dict[str, HistoryPoint]] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    looked_at: list[_LookedAt] = field(default_factory=list)
    changes: list[Changed] = field(default_factory=list)

    def take(self, info: RunInfo) -> HistoryRun:
        """Read a run, compare it with the one before and the first, and say how it is listed."""
        why = _why_not(info)
        if not why:
            try:
                night = _read(info, self.labels)
            except StorageError as error:
                why = str(error)
        if why:
            return _listed(info, why)
        self.points.append({name: _point(info, track) for name, track in night.tracks.items()})
        self.labels.update({name: column.label for name, column in night.columns.items()})
        if self.previous is not None and self.first is not None:
            self._compare(self.previous, night, against_first=False)
            if self.first is not self.previous:
                self._compare(self.first, night, against_first=True)
        self.first, self.previous = self.first or night, night
        return _listed(info, "")

    def columns(self) -> tuple[HistoryColumn, ...]:
        """Every column that some run has, with its points."""
        return tuple(
            HistoryColumn(label=label, points=tuple(night.get(name) for night in self.points))
            for name, label in self.labels.items()
        )

    def _compare(self, before: _Night, after: _Night, *, against_first: bool) -> None:
        for name, track in after.tracks.items():
            old = before.tracks.get(name)
            if old is None:
                continue
            found = step(old, track, latency=name in after.timed and name in before.timed)
            label = after.columns[name].label
            self.looked_at += [
                _LookedAt(drift, _drifted(label, drift, before.info, after.info, against_first=against_first))
                for drift in found.drifts
            ]
            if not against_first:
                self.changes += _changes(label, old, track, found, after.info)


def _runs_of(results: Path, suite: str) -> list[RunInfo]:
    """The runs of a suite, newest first; those that are damaged lie in its folder."""
    runs = list_runs(results)
    if not runs:
        raise UsageError(f"{results}: no runs here")
    path = Path(suite)
    by_file = path.resolve() if path.is_file() else None
    found = [
        info
        for info in runs
        if suite in (info.suite, info.folder.parent.name)
        or (by_file is not None and info.suite_file and Path(info.suite_file).resolve() == by_file)
    ]
    if found:
        folders = {info.folder.parent for info in found}
        return [info for info in runs if info in found or (info.state == "damaged" and info.folder.parent in folders)]
    names = dict.fromkeys(info.suite for info in runs)
    near = get_close_matches(suite, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"the suites are {', '.join(names)}"
    raise UsageError(f"{suite}: no run of such a suite in {results} ({hint})")


def _why_not(info: RunInfo) -> str:
    """Why a run is not compared; empty for a complete one."""
    if info.state == "damaged":
        return info.damage
    if info.state == "complete" and not info.pending:
        return ""
    return f"{of(info.planned - info.pending, info.planned)} asked, {info.errors} in error"


def _listed(info: RunInfo, why: str) -> HistoryRun:
    state = "damaged" if why and info.state == "complete" and not info.pending else info.state
    return HistoryRun(
        run=info.run,
        folder=str(info.folder),
        started_at=info.started_at,
        state=state,
        compared=not why,
        why=why,
    )


def _read(info: RunInfo, known: dict[str, str]) -> _Night:
    """A run's columns in numbers. A column is known by prompt, model and parameters, else by its label."""
    store = RunStore.open(info.folder)
    plan, columns, suite = plan_seen(store.cases(), store.cells()), store.columns(), store.suite()
    names = [_name(column, columns, known) for column in columns]
    tracks = {name: ColumnTrack(len(plan.cases), plan.samples) for name in names}
    for case, rows in enumerate(store.rows_of((case.start, case.stop) for case in plan.cases)):
        for row, digest in rows:
            tracks[names[row.cell.column]].add(case, row, verdict_of(row), digest)
    timed = frozenset(name for name, column in zip(names, columns, strict=True) if _is_timed(suite, column))
    return _Night(info=info, columns=dict(zip(names, columns, strict=True)), tracks=tracks, timed=timed)


def _name(column: Column, columns: Sequence[Column], known: dict[str, str]) -> str:
    own = column_identity(column)
    if own in known:
        return own
    taken = {column_identity(other) for other in columns}
    return next((name for name, label in known.items() if label == column.label and name not in taken), own)


def _is_timed(suite: Suite, column: Column) -> bool:
    """Whether its latency is a service's: recorded answers have none of their own, simulated ones this machine's."""
    model = next(model for model in suite.models if model.label == column.model)
    return model.recorded is None and not suite.is_simulated(model)


def _point(info: RunInfo, track: ColumnTrack) -> HistoryPoint:
    return HistoryPoint(
        run=info.run,
        started_at=info.started_at,
        planned=track.planned,
        scored=track.scored,
        pass_rate=track.pass_rate,
        score=track.score,
        cost_usd=track.cost_usd,
        latency_p50_s=track.latency_p50_s,
        fingerprints=tuple(name for name, _ in track.fingerprints.most_common()),
        models=tuple(name for name, _ in track.models.most_common()),
    )


def _drifted(label: str, drift: Drift, before: RunInfo, after: RunInfo, *, against_first: bool) -> Drifted:
    return Drifted(
        column=label,
        figure=drift.name,
        since=after.run,
        since_at=after.started_at,
        against=before.run,
        against_at=before.started_at,
        against_first=against_first,
        before=drift.before,
        after=drift.after,
        p_value=drift.p_value,
        p_adjusted=drift.p_value,
        cases=drift.cases,
    )


def _changes(label: str, before: ColumnTrack, after: ColumnTrack, found: Step, info: RunInfo) -> Iterator[Changed]:
    """What else differs from the run before: who answered, what was asked, what was expected, who judged."""
    named: tuple[tuple[Literal["system_fingerprint", "model"], Counter[str], Counter[str]], ...] = (
        ("system_fingerprint", before.fingerprints, after.fingerprints),
        ("model", before.models, after.models),
    )
    for what, old, new in named:
        if old and new and old.keys() != new.keys():
            yield Changed(
                column=label, what=what, since=info.run, since_at=info.started_at,
                before=tuple(name for name, _ in old.most_common()), after=tuple(name for name, _ in new.most_common()),
            )  # fmt: skip
    said: tuple[tuple[Literal["requests", "expected", "scorers"], int, int], ...] = (
        ("requests", found.same, found.cells),
        ("expected", found.same - found.expected, found.same),
        ("scorers", found.same - found.scorers, found.same),
    )
    for kind, same, cells in said:
        if same < cells:
            yield Changed(column=label, what=kind, since=info.run, since_at=info.started_at, same=same, cells=cells)


def _lasting(drifts: tuple[Drifted, ...], runs: Sequence[HistoryRun]) -> tuple[Drifted, ...]:
    """Steps from one run to the next, and against the first run only what holds to the end, since when it does.

    What began with a step is told as that step alone.
    """
    steps = [one for one in drifts if not one.against_first]
    found = list(steps)
    for column, figure in dict.fromkeys((one.column, one.figure) for one in drifts if one.against_first):
        of_run = {o.since: o for o in drifts if o.against_first and (o.column, o.figure) == (column, figure)}
        stretch: list[Drifted] = []
        for run in reversed(runs):
            one = of_run.get(run.run)
            if one is None or (stretch and (one.after > one.before) != (stretch[0].after > stretch[0].before)):
                break
            stretch.append(one)
        if not stretch:
            continue
        since = stretch[-1]
        stepped = {one.since for one in steps if (one.column, one.figure) == (column, figure)}
        if since.since not in stepped:
            found.append(replace(stretch[0], since=since.since, since_at=since.since_at))
    return tuple(found)
