"""The runs in a results folder: ``<results>/<suite>/<run id>/run.db``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from evalrun.errors import EvalrunError, StorageError, UsageError
from evalrun.records.outcome import Status
from evalrun.records.run import RunState
from evalrun.store import ledger, sittings
from evalrun.store.database import check_identity
from evalrun.store.lock import acknowledged, locked
from evalrun.store.opening import check_complete, reading
from evalrun.store.plan_tables import read_meta
from evalrun.store.schema import FILE

_ID_TIME = "%Y-%m-%dT%H-%M-%SZ"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_FINISHED = ("complete", "incomplete")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """A run in a list. Times are Unix seconds; *finished_at* is when its last sitting ended.

    *damage* says why a ``damaged`` run cannot be read; its counts are then empty.
    """

    suite: str
    run: str
    folder: Path
    state: RunState | Literal["running", "damaged"]
    started_at: float
    finished_at: float | None = None
    counts: Mapping[Status, int] = field(default_factory=dict)
    suite_file: str = ""
    suite_digest: str = ""
    damage: str = ""

    @property
    def planned(self) -> int:
        """How many cells the plan has."""
        return sum(self.counts.values())

    @property
    def errors(self) -> int:
        """Cells in error."""
        return self.counts.get(Status.ERROR, 0)

    @property
    def pending(self) -> int:
        """Cells not asked yet."""
        return self.counts.get(Status.PENDING, 0)

    @property
    def spared(self) -> int:
        """Cells that were not asked, because what they were for was decided before."""
        return self.counts.get(Status.SPARED, 0)

    @property
    def answered(self) -> int:
        """Every other cell: with an answer, an empty one, a refusal or a filter's word."""
        return self.planned - self.errors - self.pending - self.spared

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to go on with."""
        return self.state in _FINISHED and not self.pending


def run_id(now: float, token: str) -> str:
    """A run's name: the second it began (*now*, Unix time, told in UTC) and a short random *token* of [0-9a-z]."""
    if not re.fullmatch("[0-9a-z]+", token):
        raise ValueError("a token is made of digits and small letters")
    return f"{datetime.fromtimestamp(now, UTC).strftime(_ID_TIME)}-{token}"


def run_folder(results: Path, suite: str, run: str) -> Path:
    """Where a run of that suite lies. The suite's name becomes one plain folder name."""
    return results / folder_name(suite) / run


def folder_name(suite: str) -> str:
    """A suite's name as a folder's: no separators, no leading dot, never empty."""
    return _UNSAFE.sub("-", suite).strip(".-")[:100] or "suite"


def list_runs(results: Path, suite: str | None = None) -> list[RunInfo]:
    """The runs in *results*, newest first, perhaps of one suite. Links are not followed; damaged runs are listed."""
    found = [read_info(folder) for folder in _run_folders(results, suite)]
    if suite is not None:
        found = [info for info in found if info.state == "damaged" or info.suite == suite]
    return sorted(found, key=lambda info: (info.started_at, info.run), reverse=True)


def newest_unfinished(results: Path, suite: str, file: str) -> RunInfo | None:
    """The newest run of that suite, by name and file, that can be gone on with."""
    for info in list_runs(results, suite):
        if info.state != "damaged" and not info.finished and _same_file(info.suite_file, file):
            return info
    return None


def find_run(results: Path, name: str | None = None) -> RunInfo:
    """The run that *name* means: a path, an id, a suite (its newest run) or the beginning of an id; None is the newest.

    An id may be written ``suite/id``. Raises UsageError where there is none, or more than one.
    """
    if name is not None and (path := _run_path(Path(name))) is not None:
        return read_info(path)
    runs = list_runs(results)
    if not runs:
        raise UsageError(f"{results}: no runs here")
    if name is None:
        return runs[0]
    for match in (
        [info for info in runs if name in {info.run, f"{info.folder.parent.name}/{info.run}"}],
        [info for info in runs if name in {info.suite, info.folder.parent.name}][:1],
        [
            info
            for info in runs
            if info.run.startswith(name) or f"{info.folder.parent.name}/{info.run}".startswith(name)
        ],
    ):
        if len(match) == 1:
            return match[0]
        if match:
            listed = ", ".join(f"{info.folder.parent.name}/{info.run}" for info in match[:5])
            more = ", …" if len(match) > 5 else ""
            raise UsageError(f"{name}: {len(match)} runs are called so: {listed}{more}")
    newest = runs[0]
    raise UsageError(f"{name}: no such run in {results} (the newest is {newest.folder.parent.name}/{newest.run})")


def read_info(folder: Path) -> RunInfo:
    """What is to be known of a run without reading its answers. Never raises for what is wrong with its file."""
    try:
        return _read_info(folder)
    except EvalrunError as error:
        return RunInfo(
            suite=folder.parent.name,
            run=folder.name,
            folder=folder,
            state="damaged",
            started_at=_time_of(folder.name),
            damage=str(error),
        )


def _read_info(folder: Path) -> RunInfo:
    told, busy = acknowledged(folder), locked(folder)
    with reading(folder / FILE) as connection:
        check_identity(connection, folder / FILE)
        check_complete(connection, folder / FILE, told)
        suite = read_meta(connection, "plan.suite")
        created_at = read_meta(connection, "run.created_at")
        counts = ledger.counts(connection)
        sat = sittings.read(connection)
    busy = busy or locked(folder)  # it may have begun while we read
    return RunInfo(
        suite=suite["name"],
        run=folder.name,
        folder=folder,
        state="running" if busy else (sat[-1].ended if sat else "") or "interrupted",
        started_at=created_at,
        finished_at=None if busy or not sat else sat[-1].ended_at,
        counts=counts,
        suite_file=suite["file"],
        suite_digest=suite["digest"],
    )


def _run_folders(results: Path, suite: str | None) -> Iterator[Path]:
    for parent in _folders(results):
        if suite is None or parent.name == folder_name(suite):
            yield from (folder for folder in _folders(parent) if os.path.lexists(folder / FILE))


def _folders(parent: Path) -> list[Path]:
    """The folders in a folder, sorted; links and hidden ones are left out."""
    try:
        with os.scandir(parent) as entries:
            found = [e.name for e in entries if not e.name.startswith(".") and e.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"{parent}: {error.strerror}") from error
    return [parent / name for name in sorted(found)]


def _run_path(path: Path) -> Path | None:
    if path.name == FILE:
        path = path.parent
    return path if os.path.lexists(path / FILE) else None


def _same_file(one: str, other: str) -> bool:
    return one == other or Path(one).resolve() == Path(other).resolve()


def _time_of(run: str) -> float:
    try:
        return datetime.strptime(run[:20], _ID_TIME).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0
