from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

from evalrun.cli.printing import wants_color
from evalrun.report.formats import REPORT_FILES
from tests.cli.harness import Said, call, environment, newest_run
from tests.conftest import require

SUITE = """\
name: sums
models: [{id: simulator/large, label: m}, {id: simulator/small, label: n}]
params: {temperature: 0}
prompts:
  terse: {system: Answer with the number only., user: "What is {{ a }} + {{ b }}?"}
cases:
  - {id: one, vars: {a: 1, b: 2}, expected: '3'}
  - {id: two, vars: {a: 2, b: 3}, expected: '5'}
scorers: [icontains]
"""


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small suite in the working folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "sums.yaml"
    path.write_text(SUITE)
    return path


def stamps(folder: Path) -> dict[str, int]:
    """What tells whether a report was written anew: when it was."""
    suffixes = {".csv", ".jsonl", ".json", ".html"}
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir() if path.suffix in suffixes}


def test_report_writes_the_formats_that_are_named(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """Several times or with commas; each file is told, and the others are left alone."""
    call(capsys, suite)
    folder = newest_run(Path("results"))
    before = stamps(folder)
    said = call(capsys, "report", "sums", "--format", "csv,html", "--format", "csv")
    after = stamps(folder)
    names = ["results.csv", "comparison.csv", "summary.csv", "report.html"]

    assert said == Said(0, "".join(f"written: {folder / name}\n" for name in names), "")
    assert {name for name in before if before[name] != after[name]} == set(names)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["parket"], "parket: no such format (allowed: csv, parquet, json, junit, md, html"),
        (["csv,"], ""),
        ([","], "--format: no kind is given"),
    ],
)
def test_a_format_that_there_is_not(
    capsys: pytest.CaptureFixture[str], suite: Path, words: list[str], said: str
) -> None:
    """Exit 2 with what is allowed, before anything is written or sent."""
    call(capsys, suite)
    folder = newest_run(Path("results"))
    before = stamps(folder)
    report = call(capsys, "report", "sums", "--format", *words)

    if said:
        run = call(capsys, suite, "--new", "--format", *words)
        assert (report.code, run.code) == (2, 2)
        assert said in report.err
        assert said in run.err
        assert stamps(folder) == before
        assert newest_run(Path("results")) == folder
    else:
        assert report.code == 0


def test_parquet_without_pyarrow(
    capsys: pytest.CaptureFixture[str], suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kind word with the command to type, exit 2, in report and before a run sends anything; a stale file goes."""
    call(capsys, suite)
    folder = newest_run(Path("results"))
    (folder / "results.parquet").touch()
    monkeypatch.setattr("evalrun.report.parquet_file.find_spec", lambda name: None)
    report, run = (
        call(capsys, "report", "sums", "--format", "parquet"),
        call(capsys, suite, "--new", "--format", "parquet"),
    )
    there = (folder / "results.parquet").exists()
    usual = call(capsys, "report", "sums")

    assert (report.code, run.code, usual.code) == (2, 2, 0)
    assert "install it with: python -m pip install 'evalrun[parquet]'" in report.err
    assert "pip install" in run.err
    assert newest_run(Path("results")) == folder
    assert (there, (folder / "results.parquet").exists()) == (True, False)


def test_a_run_writes_parquet_besides(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """`--format parquet` on a run adds the file; later reports renew it, so that it never tells of another time."""
    require(find_spec("pyarrow"), "needs pyarrow of the extra parquet (make test-all installs it)")
    said = call(capsys, suite, "--format", "parquet")
    folder = newest_run(Path("results"))
    first = (folder / "results.parquet").stat().st_mtime_ns
    table, text = pd.read_parquet(folder / "results.parquet"), pd.read_csv(folder / "results.csv")
    call(capsys, "report", "sums")

    assert said.code == 0
    assert list(table.columns) == list(text.columns)
    assert list(table["output"]) == list(text["output"].astype(str))
    assert (str(table["var.a"].dtype), str(table["tags"].dtype)) == ("int64", "object")
    assert (folder / "results.parquet").stat().st_mtime_ns != first


def test_other_prices_change_every_file(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """With --prices all reports are written, whichever formats are named: none keeps the old costs."""
    call(capsys, suite)
    folder = newest_run(Path("results"))
    before = stamps(folder)
    Path("prices.yaml").write_text("simulator/large: {input: 1, output: 2}\n")
    said = call(capsys, "report", "sums", "--prices", "prices.yaml", "--format", "csv")
    after = stamps(folder)

    assert said.code == 0
    assert all(before[name] != after[name] for name in before)


def test_the_index_follows_every_verb(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """A run, a report, a score and a comparison write the index anew; prune takes off what is gone."""
    index = Path("results/index.html")
    written = []
    for words in ([suite], ["report", "sums"], ["score", "sums"], [suite, "--new"], ["resume"]):
        call(capsys, *words)
        written.append(index.stat().st_mtime_ns)
    two = index.read_text()
    runs = sorted(path.name for path in Path("results/sums").iterdir())
    call(capsys, "compare", *runs)
    compared = index.read_text()
    call(capsys, "runs", "prune", "--keep", "1")
    left = index.read_text()

    assert len(set(written[:4])) == 4
    assert all(f"./sums/{run}/report.html" in two for run in runs)
    assert "comparison.html" in compared
    kept = [path.name for path in Path("results/sums").iterdir()]
    assert len(kept) == 1
    assert [run for run in runs if f"./sums/{run}/report.html" in left] == kept


def test_another_index_is_left_alone_and_told(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """A page of the user's own in the results folder stays, with a warning; the run is not affected."""
    Path("results").mkdir()
    Path("results/index.html").write_text("mine")
    said = call(capsys, suite)

    assert said.code == 0
    assert "WARNING: results/index.html: another page, which stays as it is" in said.err
    assert Path("results/index.html").read_text() == "mine"


def test_a_run_ends_with_what_got_worse(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """Against the blessed baseline, with no gate that asks for it; run.json names the cases and no answer."""
    call(capsys, suite)
    call(capsys, "bless", "sums")
    suite.write_text(SUITE.replace("'5'", "'never'"))
    said = call(capsys, suite, "--new")
    quiet = call(capsys, suite, "--new", "--quiet")
    found = json.loads((newest_run(Path("results")) / "run.json").read_text())["regressions"]

    assert re.search(
        r"^worse    \d of \d answers that passed in the baseline of \d{4}-\d\d-\d\d now fail", said.out, re.M
    )
    assert "         two · m: expected “never”, said “5”" in said.out
    assert "worse" not in quiet.out
    assert found["worst"][0] == {"case": "two", "column": "m", "sample": 0}
    assert found["against"].startswith("the baseline of ")


@pytest.mark.parametrize(
    ("environ", "terminal", "wanted"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"TERM": "xterm"}, False, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, False, True),
        ({"FORCE_COLOR": "0"}, True, False),
        ({"FORCE_COLOR": ""}, False, False),
        ({"FORCE_COLOR": "3", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colour_is_for_terminals(environ: dict[str, str], terminal: bool, wanted: bool) -> None:
    """Only where somebody sees it, and as NO_COLOR, FORCE_COLOR and TERM say."""
    assert wants_color(environ, terminal=terminal) is wanted


def on_terminal(*words: object, columns: int, cwd: Path, **env: str) -> str:
    """What a command prints on standard output where that is a terminal of so many columns."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "evalrun", *map(str, words)],
        cwd=cwd, env=environment(COLUMNS=str(columns), **env), stdin=subprocess.DEVNULL, stdout=theirs,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs)
    read, deadline = b"", time.monotonic() + 60
    while time.monotonic() < deadline and select.select([ours], [], [], 60)[0]:
        try:
            piece = os.read(ours, 65_536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        read += piece
    process.wait(timeout=10)
    os.close(ours)
    return read.decode().replace("\r\n", "\n")


@pytest.mark.slow
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_end_of_a_run_fits_a_real_terminal(suite: Path, columns: int) -> None:
    """No line is wider than the terminal but the report's path; colours are there, and words without them."""
    suite.write_text(SUITE + "matrix: {top_p: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]}\ngates: [pass_rate >= 0.5]\n")
    text = on_terminal(suite, columns=columns, cwd=suite.parent, TERM="xterm")
    plain = re.sub(r"\x1b\[\d+m", "", text)
    without = on_terminal(suite, "--new", columns=columns, cwd=suite.parent, TERM="xterm", NO_COLOR="1")

    assert [line for line in plain.split("\n") if len(line) > columns and not line.startswith("report")] == []
    assert plain.count("top_p=0.6") >= 2
    assert "\x1b[1m" in text
    assert "\x1b" not in without
    assert plain != text


@pytest.mark.parametrize("verb", ["report", "run"])
def test_help_names_every_format(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    """`report --help` lists what there is to rebuild, and `run --help` what is not written anyway."""
    said = " ".join(call(capsys, verb, "--help").out.split())
    wanted = {file.format for file in REPORT_FILES if verb == "report" or not file.always}
    (told,) = re.findall(r"--format KIND .*?: ([a-z, ]+);", said)

    assert set(re.split(r", | or ", told)) == wanted
