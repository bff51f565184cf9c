"""A complete run -> the baseline beside its suite, which later runs are compared with. Nothing is sent."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from evalrun import __version__
from evalrun.conduct.baselines import suite_path
from evalrun.errors import UsageError
from evalrun.records.baseline import Baseline, BaselineCell
from evalrun.records.plan import Plan
from evalrun.stats.regression_gate import key_of
from evalrun.store.baseline import baseline_path, read_baseline, write_baseline
from evalrun.store.run import RunStore
from evalrun.store.runs import find_run
from evalrun.suite.complaints import printable
from evalrun.suite.load import suite_name

_LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Blessed:
    """A baseline as it was written, and in cells what changed against the one before, where there was one.

    *better* fail there and pass now, *worse* the other way round; *new* and *gone* cells are in one of the two only.
    *unscored* cells of the run have no verdict and are left out; *suite_changed* since the run.
    """

    path: Path
    baseline: Baseline
    before: Baseline | None
    better: int = 0
    worse: int = 0
    same: int = 0
    new: int = 0
    gone: int = 0
    other_requests: int = 0
    unscored: int = 0
    suite_changed: bool = False


def bless(results: Path, name: str, *, note: str = "", suite: Path | None = None) -> Blessed:
    """Write a complete run's baseline beside its suite; *suite* is where that is now, if it moved.

    Raises UsageError where there is no such run, where it is not complete or has no verdict, where its suite is not
    found, or *suite* is another one, SuiteInvalid where that is none, and StorageError where the disk refuses; the
    baseline that was there stays then.
    """
    if len(note) > _LONGEST_NOTE or not note.isprintable():
        raise UsageError(f"--note: a note is one line of at most {_LONGEST_NOTE} characters")
    info = find_run(results, name)
    if info.state == "running":
        raise UsageError(f"{info.run} is running: bless it when it is complete")
    store = RunStore.open(info.folder)
    plan, meta = store.plan(), store.meta()
    if meta.get("state") != "complete" or info.pending:
        why = f" ({meta['reason']})" if meta.get("reason") else ""
        raise UsageError(
            f"{info.run} is {meta.get('state', info.state)}{why}: only a complete run makes a baseline\n"
            f"go on with it first: evalrun resume {info.run} --retry-errors"
        )
    cells = tuple(sorted(_cells(store), key=_place))
    if not cells:
        raise UsageError(f"{info.run} has no cell with a verdict: there is nothing to compare later runs with")
    file = _found(plan, suite)
    baseline = Baseline(
        suite=plan.suite.name,
        run=info.run,
        date=datetime.fromtimestamp(info.started_at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        evalrun_version=__version__,
        suite_sha256=plan.suite.digest,
        columns=plan.columns,
        cells=cells,
        note=note,
    )
    path = baseline_path(file)
    before = _before(path)
    write_baseline(path, baseline)
    return _told(path, baseline, before, plan, file)


def _found(plan: Plan, moved: Path | None) -> Path:
    file = moved if moved is not None else suite_path(plan.suite)
    if not file.is_file():
        hint = "" if moved is not None else "\nsay where it is now: evalrun bless RUN --suite FILE"
        raise UsageError(f"{file}: there is no such suite{hint}")
    if moved is not None and not _is_same(plan, file):
        raise UsageError(
            f"{file}: this suite is called {printable(suite_name(file))}, and the run is of "
            f"{printable(plan.suite.name)}: a baseline is compared with runs of its own suite\n"
            f"bless a run of it instead, or, if it was renamed, run it once: evalrun {shlex.quote(str(file))}"
        )
    return file


def _is_same(plan: Plan, file: Path) -> bool:
    """Whether a file is the run's suite: word for word, or by its name."""
    return file.read_text("utf-8", errors="replace") == plan.suite.text or suite_name(file) == plan.suite.name


def _before(path: Path) -> Baseline | None:
    """The baseline that is there; a damaged one counts for none: it is about to be replaced."""
    try:
        return read_baseline(path)
    except UsageError:
        return None


def _cells(store: RunStore) -> Iterator[BaselineCell]:
    for row in store.rows():
        if row.scored and row.mark is not None and row.mark.verdict is not None:
            yield BaselineCell(
                case=row.case.id,
                column=row.column.label,
                sample=row.cell.sample,
                verdict=row.mark.verdict,
                score=row.mark.score,
                key=key_of(row),
            )


def _told(path: Path, baseline: Baseline, before: Baseline | None, plan: Plan, file: Path) -> Blessed:
    counts: Counter[str] = Counter()
    old = {_place(cell): cell for cell in before.cells} if before else {}
    for cell in baseline.cells:
        then = old.pop(_place(cell), None)
        if then is None:
            counts["new"] += 1
            continue
        counts["other_requests"] += then.key != cell.key
        kind = "same" if then.verdict == cell.verdict else "better" if cell.verdict == "pass" else "worse"
        counts[kind] += 1
    changed = plan.suite.text != file.read_text("utf-8", errors="replace")
    return Blessed(
        path=path,
        baseline=baseline,
        before=before,
        gone=len(old),
        unscored=len(plan.cells) - len(baseline.cells),
        suite_changed=changed,
        **counts,
    )


def _place(cell: BaselineCell) -> tuple[str, str, int]:
    return cell.case, cell.column, cell.sample
