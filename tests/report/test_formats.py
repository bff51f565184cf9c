from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from evalrun.errors import StorageError, UsageError
from evalrun.records.row import Row
from evalrun.report.formats import FORMATS, REPORT_FILES, files_of, standing
from evalrun.report.write import FILES
from tests.report.factory import make_comparison, make_facts, make_plan, make_rows
from tests.report.written import write_reports


def test_a_name_stands_for_its_files() -> None:
    """A format is one file or several; a file belongs to one format and is written once."""
    assert [file.name for file in files_of(["csv"])] == ["results.csv", "comparison.csv", "summary.csv"]
    assert [file.name for file in files_of(["json"])] == ["results.jsonl", "requests.jsonl", "run.json"]
    assert [file.name for file in files_of(["html", "html"])] == ["report.html"]
    assert len({file.name for file in REPORT_FILES}) == len(REPORT_FILES)
    assert "results.parquet" not in FILES


def test_an_unknown_format_is_answered_with_the_nearest() -> None:
    """What is allowed is listed, and the likely one is named."""
    with pytest.raises(UsageError, match=r"jsonl: no such format \(allowed: csv, .*html; did you mean json\?\)"):
        files_of(["csv", "jsonl"])
    with pytest.raises(UsageError, match=r"xlsm: no such format \(allowed: [^;]*\)$"):
        files_of(["xlsm"])


def test_what_is_missing_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyarrow a Parquet file is refused with the words to type; other formats do not mind."""
    monkeypatch.setattr("evalrun.report.parquet_file.find_spec", lambda name: None)

    with pytest.raises(UsageError, match=r"needs pyarrow(.|\n)*pip install 'evalrun\[parquet\]'"):
        files_of(["parquet"])
    assert files_of([name for name in FORMATS if name != "parquet"]) == files_of()


def test_only_the_formats_named_are_written(tmp_path: Path) -> None:
    """The other files stay as they were, byte by byte."""
    plan = make_plan()
    rows = make_rows(plan)
    write_reports(tmp_path, plan, rows, make_comparison(plan, rows), make_facts())
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    written = write_reports(tmp_path, plan, rows, make_comparison(plan, rows), make_facts(), formats=["csv"])
    after = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}

    assert written == ("results.csv", "comparison.csv", "summary.csv")
    assert {name for name in before if before[name] != after[name]} == set(written)
    assert before.keys() == after.keys()


def test_rows_are_left_alone_where_no_file_wants_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that needs figures only does not make the rows be read."""
    alone = next(file for file in REPORT_FILES if file.name == "summary.csv")
    monkeypatch.setattr("evalrun.report.formats.REPORT_FILES", (alone,))
    plan = make_plan()

    def never() -> Iterator[Row]:
        raise AssertionError("the rows were read")

    write_reports(tmp_path, plan, never, make_comparison(plan, make_rows(plan)), make_facts())

    assert (tmp_path / "summary.csv").stat().st_size > 0


def test_what_is_there_is_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An extra file of before is renewed with the others, or goes where it cannot be: none tells of another time."""
    usual = {file.format for file in REPORT_FILES if file.always}
    monkeypatch.setattr("evalrun.report.parquet_file.find_spec", lambda name: object())

    assert standing(tmp_path) == (usual, ())
    assert standing(tmp_path, ("parquet",)) == (usual | {"parquet"}, ())
    (tmp_path / "results.parquet").touch()
    assert standing(tmp_path) == (usual | {"parquet"}, ())
    monkeypatch.setattr("evalrun.report.parquet_file.find_spec", lambda name: None)
    assert standing(tmp_path) == (usual, (tmp_path / "results.parquet",))


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    """One clear error, whichever the format."""
    plan = make_plan()
    rows = make_rows(plan)

    with pytest.raises(StorageError, match="gone"):
        write_reports(tmp_path / "gone", plan, rows, make_comparison(plan, rows), make_facts(), formats=["html"])
