from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from evalrun.records.suite import Case
from tests.cli.harness import call
from tests.conduct.stored import Made, Said, cases, stored


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A results folder with two nights of a suite, in the working folder."""
    monkeypatch.chdir(tmp_path)
    stored(Path("results"), "2026-11-20T10-31-07Z-aaaa", Made(cases(40)))
    fallen = Made(cases(40), lambda case, column, sample: Said(passed=column == "small" or case[-1] in "02468"))
    stored(Path("results"), "2026-11-21T10-31-07Z-bbbb", fallen, day=1)
    return Path("results")


def test_two_runs(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table, the flips, the sentence and the path; a column that became worse ends with 0 all the same."""
    said = call(capsys, "compare", "2026-11-20", "2026-11-21")
    places = [said.out.index(text) for text in ("pass rate", "flips: 20", "large is worse in B", "comparison.html")]

    assert (said.code, said.err) == (0, "")
    assert places == sorted(places)
    assert max(map(len, said.out.splitlines()[:-1])) <= 80
    assert (results / "compare" / "2026-11-20T10-31-07Z-aaaa--2026-11-21T10-31-07Z-bbbb" / "comparison.csv").exists()


def test_as_json(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--json prints one object with every figure and every flip, and nothing else."""
    said = call(capsys, "compare", "2026-11-20", "2026-11-21", "--json", "--column", "large")
    found = json.loads(said.out)

    assert (said.code, said.err) == (0, "")
    assert [column["label"] for column in found["columns"]] == ["large"]
    assert found["columns"][0]["measures"][0]["call"] == "worse"
    assert len(found["flips"]) == 20
    assert (found["a"]["run"], found["b"]["run"]) == ("2026-11-20T10-31-07Z-aaaa", "2026-11-21T10-31-07Z-bbbb")


def test_without_files(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--no-files prints the same and leaves the results as they are."""
    before = set(results.rglob("*"))
    said = call(capsys, "compare", "2026-11-20", "2026-11-21", "--no-files")

    assert (said.code, said.err) == (0, "")
    assert "large is worse in B" in said.out
    assert "comparison.html" not in said.out
    assert set(results.rglob("*")) == before


def test_one_run(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One run's columns are compared with each other."""
    said = call(capsys, "compare", "2026-11-21")

    assert said.code == 0
    assert "small beats large on pass rate by 50.0 points" in said.out


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["compare", "nothing", "2026-11-20"], 2, "nothing: no such run"),
        (["compare", "2026", "2026-11-20"], 2, "2 runs are called so"),
        (["compare", "2026-11-20", "2026-11-21", "--column", "lrge"], 2, "did you mean large"),
        (["compare", "2026-11-20", "2026-11-21", "--map", "large"], 2, "this is not OLD=NEW"),
        (["compare", "2026-11-20", "2026-11-20T10-31-07Z-aaaa"], 2, "are the same run"),
        (["compare", "2026-11-20", "other"], 5, "have no case in common"),
        (["history", "nothing"], 2, "no run of such a suite"),
        (["history", "capital"], 2, "did you mean capitals"),
    ],
)
def test_what_cannot_be_compared(
    words: list[str], code: int, complaint: str, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unknown runs, labels and suites are mistakes of use (2); nothing in common is nothing selected (5)."""
    stored(results, "other", Made([Case(id="x", vars={"country": "Utopia"})], suite="others"))
    said = call(capsys, *words)

    assert (said.code, said.out) == (code, "")
    assert complaint in said.err


def test_history(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line a run and column with the date, a sparkline, and what drifted since when."""
    said = call(capsys, "history", "capitals")
    as_json = json.loads(call(capsys, "history", "capitals", "--last", "2", "--json").out)

    assert said.code == 0
    assert re.search(r"^large  █▁\n", said.out, re.MULTILINE)
    assert re.search(r"^  2026-11-21 10:31 +0\.500 \[0\.35, 0\.65\] +40/40 +0\.500 +\$0\.040 +0\.50 s$", said.out, re.M)
    assert "large: pass rate 100.0 % → 50.0 % since 2026-11-21 10:31" in said.out
    assert [drift["figure"] for drift in as_json["drifts"]] == ["pass_rate"]


def test_a_suite_that_is_called_compare(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Comparisons do not lie among the runs of a suite of that name, nor are they taken for runs."""
    stored(results, "run-c", Made(cases(3), suite="compare"))
    call(capsys, "compare", "run-c")
    listed = call(capsys, "runs").out

    assert not (results / "compare" / "run-c" / "comparison.html").exists()
    assert (results / "compare" / "run-c--run-c" / "comparison.html").exists()
    assert listed.count("run-c") == 1
