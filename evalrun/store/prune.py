"""Removing old runs."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from evalrun.errors import RunInUse, StorageError
from evalrun.store.lock import RunLock
from evalrun.store.runs import RunInfo, list_runs

_REMOVED = ".removed-"


def prune(
    results: Path, suite: str | None, keep: int, *, now: float, unfinished: bool = False, dry_run: bool = False
) -> list[RunInfo]:
    """Remove all but the newest *keep* finished runs of each suite, or of one; those removed, newest first.

    Unfinished and damaged runs stay, unless *unfinished* says that they count like the others; a run that a living
    process holds always stays. A run goes by being renamed and then deleted, so it is there whole or not at all.
    Links are not followed. *now* is Unix time. Raises StorageError where the disk refuses.
    """
    if keep < 0:
        raise ValueError("keep is not negative")
    kept: dict[Path, int] = {}
    removed = []
    for info in list_runs(results, suite):
        if info.state == "running" or not (info.finished or unfinished):
            continue
        place = info.folder.parent
        kept[place] = kept.get(place, 0) + 1
        if kept[place] > keep and (dry_run or _remove(info.folder, now)):
            removed.append(info)
    if not dry_run:
        for place in kept:
            _sweep(place)
    return removed


def _remove(folder: Path, now: float) -> bool:
    if folder.is_symlink() or folder.parent.is_symlink():
        raise StorageError(f"{folder}: a link; runs are removed only where they lie")
    hidden = folder.with_name(f"{_REMOVED}{folder.name}")
    try:
        lock = RunLock(folder, now=now)
    except RunInUse:
        return False
    try:
        folder.rename(hidden)
        shutil.rmtree(hidden)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be removed: {error.strerror}") from error
    finally:
        lock.release()
    return True


def _sweep(place: Path) -> None:
    """Delete what an earlier removal left behind, and the suite's folder when it is empty."""
    for left in place.glob(f"{_REMOVED}*"):
        if not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
    with suppress(OSError):
        place.rmdir()
