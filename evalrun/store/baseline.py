"""The file of a blessed run, ``<suite>.baseline.jsonl`` beside the suite: a header, then a line a cell, sorted.

It is made to be committed: the same run gives the same bytes, a cell that changes changes its own line alone, and no
answer is in it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from evalrun.errors import StorageError, UsageError
from evalrun.files import staged
from evalrun.records.baseline import Baseline, BaselineCell
from evalrun.records.plan import Column
from evalrun.safe_text import json_text

FORMAT = 1
SUFFIX = ".baseline.jsonl"
_MARK = "evalrun_baseline"
_MODE = 0o644
_LARGEST = 512 * 1024 * 1024
_MAKE_ANEW = "make it anew with evalrun bless RUN"


def baseline_path(suite: Path) -> Path:
    """Where the baseline of a suite's file lies."""
    return suite.with_name(suite.stem + SUFFIX)


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Put a baseline in its place, whole or not at all. Raises StorageError where the disk refuses."""
    try:
        mode = path.stat().st_mode & 0o777 if path.exists() else _MODE
        with staged(path) as file:
            os.fchmod(file.fileno(), mode)
            for line in _lines(baseline):
                file.write(line + "\n")
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror or error})") from error


def read_baseline(path: Path) -> Baseline | None:
    """The baseline; None where there is no file. Raises UsageError with the line that is none of a baseline."""
    try:
        if not path.exists():
            return None
        if not path.is_file() or path.stat().st_size > _LARGEST:
            raise UsageError(f"{path}: is no baseline; {_MAKE_ANEW}")
        with path.open(encoding="utf-8", newline="\n") as file:
            return _read(path, file)
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is no text in UTF-8; {_MAKE_ANEW}") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from error


def _lines(baseline: Baseline) -> Iterable[str]:
    yield _json(
        {
            _MARK: FORMAT,
            "suite": baseline.suite,
            "run": baseline.run,
            "date": baseline.date,
            "note": baseline.note,
            "evalrun_version": baseline.evalrun_version,
            "suite_sha256": baseline.suite_sha256,
            "cells": len(baseline.cells),
            "columns": [
                {"id": one.id, "label": one.label, "prompt": one.prompt, "model": one.model, "params": one.params}
                for one in baseline.columns
            ],
        }
    )
    for cell in sorted(baseline.cells, key=lambda cell: (cell.case, cell.column, cell.sample)):
        yield _json(
            {
                "case": cell.case,
                "column": cell.column,
                "sample": cell.sample,
                "verdict": cell.verdict,
                "score": cell.score,
                "key": cell.key,
            }
        )


def _json(said: dict[str, Any]) -> str:
    return json_text(json.dumps(said, ensure_ascii=False, allow_nan=False))


def _read(path: Path, lines: Iterable[str]) -> Baseline:
    head: dict[str, Any] = {}
    columns: tuple[Column, ...] = ()
    cells: dict[tuple[str, str, int], BaselineCell] = {}
    for number, line in enumerate(lines, start=1):
        try:
            said = json.loads(line)
            if number == 1:
                head, columns = said, _head(path, said)
            else:
                cell = _cell(said, {column.label for column in columns})
                if (place := (cell.case, cell.column, cell.sample)) in cells:
                    raise ValueError("the cell is there twice")
                cells[place] = cell
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            why = f"`{error.args[0]}` is missing" if isinstance(error, KeyError) else str(error)
            if isinstance(error, json.JSONDecodeError):
                why = "not JSON"
            raise UsageError(f"{path}:{number}: no line of a baseline ({why}); {_MAKE_ANEW}") from None
    if not head:
        raise UsageError(f"{path}: is empty; {_MAKE_ANEW}")
    if head["cells"] != len(cells):
        raise UsageError(f"{path}: {len(cells):,} of its {head['cells']:,} cells are there; {_MAKE_ANEW}")
    named = {name: _text(head, name) for name in ("suite", "run", "date", "note", "evalrun_version", "suite_sha256")}
    return Baseline(columns=columns, cells=tuple(cells.values()), **named)


def _head(path: Path, said: Any) -> tuple[Column, ...]:
    if not isinstance(said, dict) or not isinstance(said.get(_MARK), int):
        raise TypeError(f"the first one has no `{_MARK}`")
    if said[_MARK] > FORMAT:
        raise UsageError(f"{path}: was written by a newer evalrun")
    if not isinstance(said["cells"], int):
        raise TypeError("`cells` is no number")
    for name in ("suite", "run", "date", "note", "evalrun_version", "suite_sha256"):
        _text(said, name)
    columns = []
    for one in said["columns"]:
        params = one["params"]
        if not isinstance(params, dict):
            raise TypeError("`params` is no mapping")
        columns.append(
            Column(
                id=_text(one, "id"),
                label=_text(one, "label"),
                prompt=_text(one, "prompt"),
                model=_text(one, "model"),
                params=params,
            )
        )
    if len({column.label for column in columns}) != len(columns):
        raise ValueError("two columns have one label")
    return tuple(columns)


def _cell(said: Any, labels: set[str]) -> BaselineCell:
    if not isinstance(said, dict):
        raise TypeError("not a mapping")
    verdict, score, sample, column = said["verdict"], said["score"], said["sample"], _text(said, "column")
    if verdict not in ("pass", "fail"):
        raise ValueError("`verdict` is pass or fail")
    if not (score is None or (isinstance(score, int | float) and not isinstance(score, bool) and 0 <= score <= 1)):
        raise ValueError("`score` is a number from 0 to 1")
    if not isinstance(sample, int) or isinstance(sample, bool) or sample < 0:
        raise ValueError("`sample` is a whole number")
    if column not in labels:
        raise ValueError("the first line has no such column")
    return BaselineCell(
        case=_text(said, "case"),
        column=column,
        sample=sample,
        verdict=verdict,
        score=None if score is None else float(score),
        key=_text(said, "key"),
    )


def _text(said: dict[str, Any], name: str) -> str:
    if not isinstance(said[name], str):
        raise TypeError(f"`{name}` is no text")
    return str(said[name])
