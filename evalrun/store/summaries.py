"""What a results folder holds, by the run.json of each run: quick to read, and nothing in it is trusted.

Folders may come from anybody. Only plain files are read, no link is followed, and no more than so many bytes; whatever
is no figure or no text where one should be counts as missing, and a file that is no run.json is said to be none.
"""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evalrun.records.comparison import Interval
from evalrun.records.run_summary import ColumnSummary, RunSummary
from evalrun.store.schema import FILE

MANIFEST = "run.json"
MOST_BYTES = 8 << 20
"""Of one run.json: one of ten columns and a hundred thousand cases written into the suite has less."""

_TEXT = 2_000  # of a sentence or a name: more is cut
_MOST_COLUMNS = 200
_STATES = ("complete", "incomplete", "paused", "interrupted")


def run_names(place: Path) -> list[str]:
    """The runs in a suite's folder, the newest first by their names, which begin with the time."""
    found = [entry.name for entry in _folders(place) if _is_run(place / entry.name)]
    return sorted(found, reverse=True)


def places(results: Path) -> list[str]:
    """The folders in a results folder that may be suites' or hold comparisons; links and hidden ones are left out."""
    return sorted(entry.name for entry in _folders(results))


def files_in(folder: Path, names: Sequence[str]) -> tuple[str, ...]:
    """Those of *names* that are plain files in a folder."""
    return tuple(name for name in names if _is_file(folder / name))


def changed_at(folder: Path) -> tuple[int, int]:
    """When a run's run.json was written, in nanoseconds, and its size; zeros where there is none."""
    try:
        found = (folder / MANIFEST).lstat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def read_summary(folder: Path, files: Sequence[str] = (), *, most_bytes: int = MOST_BYTES) -> RunSummary:
    """A run's summary; never raises for what is wrong with it. *files* are the reports to look for."""
    place, run, there = folder.parent.name, folder.name, files_in(folder, files)
    if not _is_file(folder / MANIFEST):
        return RunSummary(place=place, run=run, files=there, problem="no report yet")
    try:
        said = json.loads(_read(folder / MANIFEST, most_bytes))
    except (OSError, ValueError, RecursionError):
        return RunSummary(place=place, run=run, files=there, problem=f"its {MANIFEST} cannot be read")
    if not isinstance(said, dict) or said.get("state") not in _STATES:
        return RunSummary(place=place, run=run, files=there, problem=f"its {MANIFEST} is none of evalrun's")
    gates = _mappings(said.get("gates"))
    return RunSummary(
        place=place,
        run=run,
        suite=_text(_mapping(said.get("suite")).get("name")),
        state=said["state"],
        started_at=_time(said.get("started_at")),
        conclusion=tuple(_text(one) for one in _list(said.get("conclusion"))[:3] if isinstance(one, str)),
        columns=_columns(said),
        gates=len(gates),
        gates_failed=sum(gate.get("failed") is True for gate in gates),
        files=there,
    )


def _columns(said: Mapping[str, Any]) -> tuple[ColumnSummary, ...]:
    known = {_text(one.get("label")): one for one in _mappings(said.get("columns"))}
    found = []
    for figures in _mappings(said.get("figures"))[:_MOST_COLUMNS]:
        label = _text(figures.get("column"))
        column = known.get(label, {})
        found.append(
            ColumnSummary(
                id=_text(column.get("id")),
                label=label,
                scored=_count(figures.get("scored")),
                planned=_count(figures.get("planned")),
                pass_rate=_share(figures.get("pass_rate")),
                cost_usd=_figure(figures.get("cost_usd")),
                latency_p50_s=_figure(figures.get("latency_p50_s")),
                simulated=figures.get("simulated") is True,
                digest=_text(column.get("sha256")),
            )
        )
    return tuple(found)


def _share(value: Any) -> Interval | None:
    """A rate with its interval, in order and in 0..1."""
    said = _mapping(value)
    mean, low, high = (_figure(said.get(name)) for name in ("mean", "low", "high"))
    if mean is None or low is None or high is None or not 0 <= low <= mean <= high <= 1:
        return None
    return Interval(mean=mean, low=low, high=high)


def _figure(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        figure = float(value)
    except OverflowError:
        return None
    return figure if math.isfinite(figure) and figure >= 0 else None


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else 0


def _text(value: Any) -> str:
    return value[:_TEXT] if isinstance(value, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in _list(value) if isinstance(one, dict)]


def _time(value: Any) -> float | None:
    try:
        return datetime.strptime(_text(value), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _read(path: Path, most_bytes: int) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("not a file")
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise ValueError("too large")
    return content


def _is_run(folder: Path) -> bool:
    return _is_file(folder / MANIFEST) or _is_file(folder / FILE)


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def _folders(parent: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(parent) as entries:
            yield from (one for one in entries if not one.name.startswith(".") and one.is_dir(follow_symlinks=False))
    except OSError:
        return
