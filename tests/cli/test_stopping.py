"""A run that stops when the answer is known, as a user meets it."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from tests.cli.harness import ROOT, call, newest_run

EXAMPLE = ROOT / "suites" / "stopping.yaml"
PAGE = (ROOT / "docs" / "spending-less.md").read_text("utf-8")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def test_the_example_stops_and_says_so_everywhere(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The run is complete with what it needed; every denominator names what was not needed, and the sentences that
    docs/spending-less.md shows are the ones that are printed."""
    said = call(capsys, "run", EXAMPLE, "--results", tmp_path, "--json")
    shown = call(capsys, "report", newest_run(tmp_path), "--results", tmp_path)
    folder = newest_run(tmp_path)
    manifest = json.loads((folder / "run.json").read_text())
    with (folder / "summary.csv").open() as file:
        columns = {row["label"]: row for row in csv.DictReader(file)}
    with (folder / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    spared = [row for row in rows if row["status"] == "spared"]
    (pair,) = manifest["stopping"]["pairs"]
    sentence = next(note for note in manifest["notes"] if note.startswith("large beats small"))

    assert (said.code, shown.code) == (0, 0), said.err
    assert (manifest["state"], manifest["complete"]) == ("complete", True)
    assert json.loads(said.out)["state"] == "complete"
    assert manifest["stopping"]["cells_spared"] == len(spared)
    assert manifest["stopping"]["requests_saved"] == len(spared) - manifest["stopping"]["cells_late"] > 300
    assert int(columns["large"]["scored"]) == int(columns["small"]["scored"]) == pair["cases"]
    assert {row["model"] for row in spared} == {"large", "small"}
    assert int(columns["medium"]["scored"]) == 240
    assert all(int(one["scored"]) + int(one["spared"]) == 240 for one in columns.values())
    assert pair["decision"] == "better"
    assert pair["low"] > 0
    assert _one_line(sentence) in _one_line(PAGE)
    assert f"{240 - int(columns['large']['scored']):,} not needed" in (folder / "report.html").read_text()
    assert _one_line(manifest["stopping"]["guarantee"]) in _one_line(PAGE)


def test_the_page_shows_the_examples_section() -> None:
    """What docs/spending-less.md tells to write is what the example says."""
    (shown,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S)

    assert shown in EXAMPLE.read_text()


@pytest.mark.slow
def test_the_terminal_says_what_was_not_needed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Table, totals and notes name it; `evalrun runs` too; and there is nothing to go on with."""
    said = call(capsys, "run", EXAMPLE, "--results", tmp_path)
    listed = call(capsys, "runs", "--results", tmp_path)
    again = call(capsys, "resume", "--results", tmp_path)

    assert said.code == 0
    assert re.search(r"^large .* (\d+)/240 .* \d+ not needed", said.out, re.M)
    assert re.search(r"^total: \d+/720 scored, \d+ not needed", said.out, re.M)
    assert re.search(
        r"\d+ requests saved( \(\d+ cells? came back .* no figure\))?; the chance of any wrong decision is at most 5 %",
        _one_line(said.out),
    )
    assert "large beats small on pass rate, decided after" in said.err
    assert re.search(r"\d+/720 asked, \d+ not needed", listed.out)
    assert again.code == 2
    assert "no run is unfinished" in again.err


def test_a_plan_says_that_it_is_the_most(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """`evalrun plan` counts every cell, says that fewer may do, and answers --detect in words and as JSON."""
    said = call(capsys, "plan", EXAMPLE, "--results", tmp_path, "--detect", "0.1")
    found = json.loads(call(capsys, "plan", EXAMPLE, "--results", tmp_path, "--detect", "0.1", "--json").out)
    table = [line.split() for line in said.out.splitlines() if re.match(r" +\d\d %", line)]

    assert said.code == 0, said.err
    assert "this is the most that will be sent: large and small are asked only until" in _one_line(said.out)
    assert [[row[0], row[2], row[3]] for row in table] == [
        [f"{100 * one['discordance']:.0f}", str(one["cases"]), str(one["requests"])]
        for one in found["detect"]["needed"]
    ]
    assert found["detect"]["cases_planned"] == 240
    assert all(_one_line(line) in _one_line(PAGE) for line in said.out.splitlines() if re.match(r" +\d\d %", line))


@pytest.mark.parametrize("wrong", ["0", "1e-9", "1.1", "nan", "five"])
def test_a_difference_is_a_share(capsys: pytest.CaptureFixture[str], wrong: str) -> None:
    """--detect takes a number up to 1, and none so small that no number of cases would ever show it."""
    assert call(capsys, "plan", EXAMPLE, "--detect", wrong).code == 2


@pytest.mark.slow
def test_going_on_after_a_change_asks_what_was_spared(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A finished run stays as it is; the suite without ``stop_when`` starts a new one, with every cell."""
    (tmp_path / "stopping.csv").write_bytes((ROOT / "suites" / "stopping.csv").read_bytes())
    suite = tmp_path / "stopping.yaml"
    suite.write_text(EXAMPLE.read_text())
    call(capsys, "run", suite, "--results", tmp_path / "results")
    suite.write_text(EXAMPLE.read_text().partition("\n# After every case")[0] + "\n")
    said = call(capsys, "run", suite, "--results", tmp_path / "results", "--limit", "40", "--json")
    (*_, medium) = json.loads(said.out)["columns"]

    assert said.code == 0, said.err
    assert len(list((tmp_path / "results").glob("*/*/run.db"))) == 2
    assert (medium["planned"], medium["spared"]) == (40, 0)
    assert all(column["scored"] == 40 for column in json.loads(said.out)["columns"])


@pytest.mark.slow
def test_what_stopped_early_is_told_beside_its_figures(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What the first sentence says of the two is what was found by looking after every case, when it was found."""
    said = call(capsys, "run", EXAMPLE, "--results", tmp_path)
    manifest = json.loads((newest_run(tmp_path) / "run.json").read_text())

    (pair,) = manifest["stopping"]["pairs"]
    bounds = f"{100 * pair['low']:.1f}, {100 * pair['high']:.1f}"
    told = f"{100 * pair['difference']:.1f} points [{bounds}] (paired, decided after {pair['cases']} of 240 cases)"

    assert f"large beats small on pass rate by {told}" in _one_line(said.out)
    assert told in manifest["conclusion"][0]
    assert "not distinguishable, p=1.000, stopped early" in _one_line(said.out)


@pytest.mark.slow
def test_compare_says_what_stopped_early(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """`evalrun compare` calls the watched pair as the run did; it names the other columns that stopped early, for which
    its tests for a fixed number of cases do not hold."""
    call(capsys, "run", EXAMPLE, "--results", tmp_path)
    (sentence,) = json.loads((newest_run(tmp_path) / "run.json").read_text())["conclusion"][:1]
    alone = call(capsys, "compare", newest_run(tmp_path), "--results", tmp_path)

    assert alone.code == 0, alone.err
    assert sentence.partition(";")[0] in _one_line(alone.out)
    assert "large is better (decided after 27 of 240 cases)" in alone.out
    assert "large | medium and small | medium stopped early (stop_when)" in _one_line(alone.out)
