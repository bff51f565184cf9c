from __future__ import annotations

import errno
import io
import re
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from evalrun.errors import StorageError
from evalrun.records.comparison import GateResult, Regressed
from evalrun.records.row import Row
from evalrun.report import formats
from evalrun.report.fields import verdict_of
from evalrun.report.summary_md import SummaryMd
from evalrun.report.write import FILES, Reports
from tests.report.factory import make_comparison, make_facts, make_plan, make_rows
from tests.report.written import write_reports


def test_every_file_is_written(tmp_path: Path) -> None:
    """A report is these files and nothing else is left beside them."""
    plan = make_plan()
    rows = make_rows(plan)
    write_reports(tmp_path, plan, rows, make_comparison(plan, rows), make_facts())

    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    """Two writings of the same rows differ in nothing; a different run differs in its name and dates only."""
    plan = make_plan()
    rows = make_rows(plan)
    for name, facts in {
        "a": make_facts(),
        "b": make_facts(),
        "c": make_facts(run="2027-01-02T03-04-05Z-abcd", started_at=1.8e9, finished_at=1.8e9 + 42.5),
    }.items():
        (tmp_path / name).mkdir()
        write_reports(tmp_path / name, plan, rows, make_comparison(plan, rows), facts)
    for name in FILES:
        first, second, other = ((tmp_path / folder / name).read_text(encoding="utf-8") for folder in "abc")
        blank = re.compile(r"20\d\d-\d\d-\d\dT\d\d[-:]\d\d[-:]\d\dZ(-[0-9a-f]{4})?")

        assert first == second
        assert blank.sub("", first) == blank.sub("", other)


def test_a_failing_disk_leaves_the_old_files(tmp_path: Path) -> None:
    """When the rows or the disk fail halfway, the files of before are untouched and no half-written one is seen."""
    plan = make_plan()
    rows = make_rows(plan)
    comparison = make_comparison(plan, rows)
    write_reports(tmp_path, plan, rows, comparison, make_facts())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def broken() -> Iterator[Row]:
        for number, row in enumerate(rows()):
            if number == 10:
                raise OSError(errno.ENOSPC, "No space left on device")
            yield row

    with pytest.raises(StorageError, match="No space left on device"):
        write_reports(tmp_path, plan, broken, comparison, make_facts(run="another"))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_missing_folder_is_one_clear_error(tmp_path: Path) -> None:
    """A folder that is not there is a StorageError that names it."""
    plan = make_plan()
    rows = make_rows(plan)

    with pytest.raises(StorageError, match="gone"):
        write_reports(tmp_path / "gone", plan, rows, make_comparison(plan, rows), make_facts())


@pytest.mark.slow
def test_rows_are_read_once_and_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows stream: memory beyond what the page keeps does not grow with the number of rows."""
    plan = make_plan(cases=600)
    calls = []
    rows = make_rows(plan)
    comparison = make_comparison(plan, rows)
    monkeypatch.setattr(formats, "Island", lambda plan, **more: _Island(plan, page_limit=1_000, **more))

    def counted() -> Iterator[Row]:
        calls.append(1)
        yield from rows()

    write_reports(tmp_path, plan, rows, comparison, make_facts())  # templates and modules are loaded once
    tracemalloc.start()
    write_reports(tmp_path, plan, counted, comparison, make_facts())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert calls == [1]
    assert peak < 4_000_000


_Island = formats.Island


def test_what_got_worse_is_found_again(tmp_path: Path) -> None:
    """summary.md tells of the answers that got worse, however many others fail before them, and counts every one."""
    plan = make_plan(cases=200)
    rows = make_rows(plan)
    fails = [row for row in rows() if verdict_of(row) == "fail"]
    last = fails[-1]
    worse = Regressed(column=last.column.label, case=last.case.id, sample=0)
    gate = GateResult(gate=plan.suite.gates[0], verdict="fail", reason="worse", regressed=(worse,))
    comparison = replace(make_comparison(plan, rows), gates=(gate,))
    write_reports(tmp_path, plan, rows, comparison, make_facts())
    out = io.StringIO()
    summary = SummaryMd(out, plan, comparison, make_facts())
    for row in rows():
        summary.add(row)
    summary.finish(len(fails))

    assert len(fails) > 100
    assert (tmp_path / "summary.md").read_text(encoding="utf-8") == out.getvalue()
    assert f"### {len(fails) - 1} other answers fail" in out.getvalue()
    assert f"| {last.case.id} | {last.column.label} | " in out.getvalue()


def test_leaving_early_leaves_nothing(tmp_path: Path) -> None:
    """A report that is not finished, whatever the reason, removes what it has staged and touches nothing else."""
    plan = make_plan()
    (tmp_path / "results.csv").write_text("before")
    with Reports(tmp_path, plan, "run") as reports:
        for _ in reports.over(make_rows(plan)()):
            pass

    assert [path.name for path in tmp_path.iterdir()] == ["results.csv"]
    assert (tmp_path / "results.csv").read_text() == "before"
