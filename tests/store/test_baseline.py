from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.errors import StorageError, UsageError
from evalrun.records.baseline import Baseline, BaselineCell
from evalrun.records.plan import Column
from evalrun.store.baseline import baseline_path, read_baseline, write_baseline

any_text = st.text(st.characters(exclude_categories=()))  # halves of surrogate pairs, too

COLUMNS = (
    Column(id="1", label="large", prompt="p", model="large"),
    Column(id="2", label="mini · top_p=0.5", prompt="p", model="mini", params={"top_p": 0.5}),
)
CELLS = tuple(
    BaselineCell(case=case, column=column.label, sample=sample, verdict="pass", score=1 / 3, key="ab" * 32)
    for case in ("b", "a", "é")
    for column in reversed(COLUMNS)
    for sample in (1, 0)
)
BASELINE = Baseline(
    suite="s", run="2026-11-20T10-31-07Z-3f9c", date="2026-11-20T10:31:07Z", evalrun_version="0.1.0",
    suite_sha256="cd" * 32, columns=COLUMNS, cells=CELLS, note="as released",
)  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a baseline goes."""
    return baseline_path(tmp_path / "capitals.yaml")


def test_it_lies_beside_its_suite(tmp_path: Path) -> None:
    """The suite's name with another ending."""
    assert baseline_path(tmp_path / "capitals.yaml") == tmp_path / "capitals.baseline.jsonl"


def test_a_baseline_comes_back_sorted(path: Path) -> None:
    """What is written is read: a header and a line a cell, by case, column and sample."""
    write_baseline(path, BASELINE)
    found = read_baseline(path)
    lines = path.read_text().splitlines()

    assert found == replace(BASELINE, cells=tuple(sorted(CELLS, key=lambda c: (c.case, c.column, c.sample))))
    assert len(lines) == 1 + len(CELLS)
    assert [json.loads(line)["case"] for line in lines[1:]] == ["a"] * 4 + ["b"] * 4 + ["é"] * 4
    assert set(json.loads(lines[1])) == {"case", "column", "sample", "verdict", "score", "key"}


def test_a_changed_cell_changes_its_line_alone(path: Path) -> None:
    """The order in which cells come does not matter, and a diff shows what changed and nothing else."""
    write_baseline(path, BASELINE)
    before = path.read_bytes().split(b"\n")
    write_baseline(path, replace(BASELINE, cells=CELLS[::-1]))
    assert path.read_bytes().split(b"\n") == before

    write_baseline(path, replace(BASELINE, cells=(replace(CELLS[3], verdict="fail"), *CELLS[:3], *CELLS[4:])))

    after = path.read_bytes().split(b"\n")
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1


@given(case=any_text, label=any_text, note=any_text, key=any_text, score=st.none() | st.floats(0, 1))
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, case, label, note, key, score) -> None:
    """Ids are foreign text: line breaks, separators and halves of surrogate pairs are kept, each in one line."""
    path = tmp_path_factory.getbasetemp() / "any.baseline.jsonl"
    column = Column(id="1", label=label, prompt="p", model="m")
    cell = BaselineCell(case=case, column=label, sample=0, verdict="fail", score=score, key=key)
    written = replace(BASELINE, columns=(column,), cells=(cell,), note=note)
    write_baseline(path, written)

    assert read_baseline(path) == written
    assert path.read_bytes().count(b"\n") == 2


def test_no_file_is_no_baseline(path: Path) -> None:
    """A suite may have none yet."""
    assert read_baseline(path) is None


def _lines(**changed):
    """A baseline of one cell as its lines, with other values in the cell."""
    head = {"evalrun_baseline": 1, "suite": "s", "run": "r", "date": "d", "note": "", "evalrun_version": "1"}
    head |= {"suite_sha256": "x", "cells": 1, "columns": [{"id": "1", "label": "a", "prompt": "p", "model": "m"}]}
    head["columns"][0]["params"] = {}
    cell = {"case": "c", "column": "a", "sample": 0, "verdict": "pass", "score": 1, "key": "k"} | changed
    return [json.dumps(head), json.dumps({key: value for key, value in cell.items() if value != "-"})]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([], "is empty"),
        (["{}"], ":1: no line of a baseline (the first one has no `evalrun_baseline`"),
        (["[1]"], ":1: "),
        (["null", *_lines()], ":1: "),
        (["<<<<<<< HEAD", *_lines()], ":1: no line of a baseline (not JSON)"),
        ([*_lines()[:1], "<<<<<<< HEAD", *_lines()[1:]], ":2: no line of a baseline (not JSON)"),
        ([_lines()[0].replace('"evalrun_baseline": 1', '"evalrun_baseline": 2')], "newer evalrun"),
        ([_lines()[0].replace('"params"', '"parameters"'), _lines()[1]], ":1: no line of a baseline (`params` is"),
        ([_lines()[0].replace('"note": ""', '"note": 3')], "`note` is no text"),
        (_lines()[:1], "0 of its 1 cells are there"),
        ([*_lines(), _lines()[1]], ":3: no line of a baseline (the cell is there twice)"),
        (_lines(verdict="maybe"), "`verdict` is pass or fail"),
        (_lines(verdict=["pass"]), "`verdict` is pass or fail"),
        (_lines(score=2), "`score` is a number"),
        (_lines(score=True), "`score` is a number"),
        (_lines(sample=-1), "`sample` is a whole number"),
        (_lines(column="b"), "no such column"),
        (_lines(case=7), "`case` is no text"),
        (_lines(key="-"), "`key` is missing"),
        ([_lines()[0], '{"score": NaN, ' + _lines(score="-")[1][1:]], "`score` is a number"),
        ([_lines()[0], "[" * 100_000], ":2: no line of a baseline"),
    ],
)
def test_a_damaged_baseline_is_refused_with_its_line(path: Path, lines: list[str], says: str) -> None:
    """A merge that went wrong or a hand's slip is told with its line, and how to make the file anew."""
    path.write_text("".join(line + "\n" for line in lines))

    with pytest.raises(UsageError) as raised:
        read_baseline(path)

    assert says in str(raised.value)
    assert str(raised.value).startswith(str(path))
    assert "evalrun bless RUN" in str(raised.value) or "newer" in says


def test_what_is_no_text_file_is_refused(path: Path) -> None:
    """Bytes that are no UTF-8, and a folder."""
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="UTF-8"):
        read_baseline(path)
    path.unlink()
    path.mkdir()

    with pytest.raises(UsageError, match="is no baseline"):
        read_baseline(path)


def test_the_file_is_for_everybody_who_may_read_the_suite(path: Path) -> None:
    """It is committed: others may read it, and a mode that somebody chose stays."""
    write_baseline(path, BASELINE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    path.chmod(0o600)

    write_baseline(path, BASELINE)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_disk_that_refuses_leaves_the_old_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is replaced whole or not at all, and nothing is left beside it."""
    write_baseline(path, BASELINE)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("evalrun.files.os.fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        write_baseline(path, replace(BASELINE, note="new"))

    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]
