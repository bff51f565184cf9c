"""The pages that list things have them all, in the order and the words of the code, and no other."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from evalrun.errors import EXIT_CODES
from evalrun.records.comparison import Comparison, GateResult, Interval, Regressed
from evalrun.records.outcome import Failure, FailureKind, Status
from evalrun.records.suite import NO_REGRESSION, Gate
from evalrun.report.json_files import gate_json
from evalrun.report.write import FILES
from tests.conftest import ROOT
from tests.report.factory import make_comparison, make_facts, make_plan, make_rows
from tests.report.written import write_reports

COLUMNS = (ROOT / "docs" / "columns.md").read_text("utf-8")
EXITS = (ROOT / "docs" / "exit-codes.md").read_text("utf-8")
EXAMPLES = {"scorer.<name>": "scorer.icontains", "var.<name>": "var.country", "<k>": "2", "<model>": "large"}


def told(section: str, page: str = COLUMNS) -> list[str]:
    """The names in the first cells of a section's tables, in their order; placeholders as the example run has them."""
    (text,) = re.findall(rf"^#+ {re.escape(section)}\n(.*?)(?=^#|\Z)", page, re.M | re.S)
    names = [name for row in re.findall(r"^\| (`.+?) \|", text, re.M) for name in re.findall(r"`([^`]+)`", row)]
    for place, example in EXAMPLES.items():
        names = [name.replace(place, example) for name in names]
    return names


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a made run of one scorer and one variable, with failures and samples."""
    plan = make_plan()
    plan = replace(plan, suite=replace(plan.suite, scorers=plan.suite.scorers[:1]))
    rows = make_rows(plan)
    made = make_comparison(plan, rows)
    share = Interval(mean=0.5, low=0.2, high=0.8)
    first = replace(made.columns[0], scorers={"icontains": 0.5}, pass_at={2: 0.5}, pass_all={2: 0.2}, unsteady=share)
    gates = (*made.gates, _regression(made))
    path = tmp_path_factory.mktemp("run")
    write_reports(path, plan, rows, replace(made, columns=(first, *made.columns[1:]), gates=gates), make_facts())
    return path


def _regression(made: Comparison) -> GateResult:
    gate = Gate(text=NO_REGRESSION, metric=NO_REGRESSION, operator="", value=0)
    return GateResult(gate=gate, verdict="fail", reason="worse", regressed=(Regressed(column="a", case="b", sample=0),))


def header(path: Path) -> list[str]:
    """The header of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def keys(records: Iterable[dict[str, Any]]) -> set[str]:
    """The keys that any of the records has."""
    return {key for record in records for key in record}


def records(path: Path) -> list[dict[str, Any]]:
    """The lines of a JSONL file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_every_file_has_its_row() -> None:
    """The first table names each file of a run that evalrun writes."""
    table = COLUMNS.partition("\n## ")[0]
    named = set(re.findall(r"^\| \[?([\w.]+)", table, re.M)) - {"file"}

    assert named == {*FILES, "results.parquet", "run.log"}


def test_the_columns_of_results_csv(folder: Path) -> None:
    """Each column of results.csv is told, in its order."""
    made = [name for name in header(folder / "results.csv") if name not in ("var.n", "scorer.form")]

    assert told("results.csv") == made


def test_the_columns_of_comparison_csv(folder: Path) -> None:
    """Each column of comparison.csv is told, in its order."""
    others = ("mini.", "sim.")

    assert told("comparison.csv") == [n for n in header(folder / "comparison.csv") if not n.startswith(others)]


def test_the_columns_of_summary_csv(folder: Path) -> None:
    """Each column of summary.csv is told, in its order; bounds stand beside figures that are said to have some."""
    made = header(folder / "summary.csv")
    rows = [row for row in COLUMNS.splitlines() if "; with bounds" in row]
    bounded = {name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])}
    for place, example in EXAMPLES.items():
        bounded = {name.replace(place, example) for name in bounded}

    assert told("summary.csv") == [name for name in made if not name.endswith(("_low", "_high"))]
    assert {name.removesuffix("_low") for name in made if name.endswith("_low")} == bounded


@pytest.mark.parametrize("file", ["results.jsonl", "requests.jsonl"])
def test_the_keys_of_lines(file: str, folder: Path) -> None:
    """Each key of a line is told, and no other, whether the request went well or failed."""
    names = told(file)

    assert len(names) == len(set(names))
    assert set(names) == keys(records(folder / file))


def test_the_keys_of_run_json(folder: Path) -> None:
    """Each key of run.json, of its figures, pairs and gates is told, and no other."""
    run = json.loads((folder / "run.json").read_text("utf-8"))

    assert told("run.json") == list(run)
    for part in ("figures", "pairs", "gates"):
        assert set(told(part)) == keys(run[part])
        assert len(told(part)) == len(set(told(part)))


@pytest.mark.parametrize("part", ["suite", "columns", "cells", "budget", "forecast"])
def test_the_parts_of_run_json(part: str, folder: Path) -> None:
    """What the small parts of run.json hold is told in their row."""
    made = json.loads((folder / "run.json").read_text("utf-8"))[part]
    (row,) = re.findall(rf"^\| `{part}` \| (.+) \| .*\|$", COLUMNS, re.M)

    assert set(re.findall(r"`(\w+)`", row)) >= keys(made if isinstance(made, list) else [made])


def test_every_status_is_told() -> None:
    """The table of statuses has each, in the order of the code."""
    assert told("status") == [str(status) for status in Status]


def test_every_score_is_told(folder: Path) -> None:
    """The keys of a scorer's result and of an attempt stand in their rows."""
    for file, key in (("results.jsonl", "scores"), ("requests.jsonl", "attempts")):
        (row,) = re.findall(rf"^\| `{key}` \| (.+?) \|", COLUMNS, re.M)
        made = keys(part for record in records(folder / file) for part in record[key])

        assert set(re.findall(r"`(\w+)`", row)) == made


def test_the_factory_has_a_failure(folder: Path) -> None:
    """The made run holds what the pages tell of failures."""
    assert Failure(kind=FailureKind.OVERLOAD, message="").kind in {
        r["error_kind"] for r in records(folder / "results.jsonl")
    }


def test_every_exit_code_is_told() -> None:
    """The table of docs/exit-codes.md is that of the code, word for word."""
    rows = re.findall(r"^\| (\d+) \| (.+?) \|", EXITS, re.M)

    assert [(int(code), text) for code, text in rows] == [(int(code), text) for code, text in EXIT_CODES.items()]


def test_help_tells_every_exit_code() -> None:
    """`evalrun --help` ends with the same table."""
    from evalrun import cli

    said = " ".join(CliRunner().invoke(cli.evalrun, ["--help"]).output.split())

    assert said.endswith(
        "Exit codes: "
        + " · ".join(f"{code} {text}" for code, text in re.findall(r"^\| (\d+) \| (.+?) \|", EXITS, re.M))
    )


def test_a_gate_without_a_baseline_has_no_regressed() -> None:
    """The keys that docs/columns.md calls no_regression's own are its own."""
    plain = GateResult(gate=Gate(text="score >= 1", metric="score", operator=">=", value=1), verdict="pass", reason="")

    assert {"alpha", "min_effect", "regressed"} & set(gate_json(plain)) == set()


READING = (ROOT / "docs" / "reading-the-report.md").read_text("utf-8")
PAGE = "".join(
    path.read_text("utf-8")
    for path in sorted((ROOT / "evalrun" / "report").rglob("*"))
    if path.suffix in (".html", ".js", ".py")
)


@pytest.mark.skipif(not (ROOT / "evalrun/report/assets/filters.js").exists(), reason="needs the page's own filters")
@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"\*\*([A-Z][^*.]+)\*\*", READING.partition("## Before you")[0])))
)
def test_what_a_reader_is_told_to_look_for_is_there(name: str) -> None:
    """Each control and heading that docs/reading-the-report.md names is in the page, by that name."""
    assert name in PAGE


@pytest.mark.parametrize("heading", ["Gates", "Summary", "Pair by pair", "Cases side by side", "What was run"])
def test_the_parts_of_a_report_are_told(heading: str) -> None:
    """The page and docs/reading-the-report.md call its parts alike."""
    assert f"\n## {heading}\n" in READING
    assert heading in PAGE


ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")


def test_the_floors_are_those_that_the_tests_keep() -> None:
    """The table of docs/architecture.md has each room on its floor, and no other."""
    from tests.test_floors import LAW

    rows = re.findall(r"^\| (\d) \| (.+?) \|", ARCHITECTURE, re.M)
    told = {name: int(floor) for floor, names in rows for name in re.findall(r"`(\w+)`", names)}

    assert told == {name or "evalrun": floor for name, floor in LAW.floors.items() if name != "__main__"}


def test_the_architecture_names_modules_that_there_are() -> None:
    """What stands as `room.module` in docs/architecture.md is a module, or a name that one has."""
    from tests.test_floors import LAW

    named = set(re.findall(r"`((?:\w+)\.(?:\w+))`", ARCHITECTURE))
    inside = {name for name in named if name.partition(".")[0] in LAW.floors and not name.endswith(".py")}
    base = ROOT / "evalrun"

    assert inside
    assert [name for name in inside if not (base / (name.replace(".", "/") + ".py")).exists()] == []
