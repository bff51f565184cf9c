from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from evalrun import Run, run_suite
from evalrun.report.fields import to_text
from evalrun.safe_text import csv_cell
from tests.cli.scripted import Scripted, text

DIGITS = {"score": 6, "cost_usd": 9, "latency_s": 3, "ttft_s": 3, "queue_s": 3, "retry_wait_s": 3}


@pytest.fixture
def run(suite: Path) -> Run:
    """A run with answers, an error, a failed scorer, hostile texts, and cells that nobody asked."""

    def reply(body: dict[str, Any]) -> Any:
        question = body["messages"][-1]["content"]
        return 400 if "20 +" in question else text("=1+2\x00 \ud800 'x'" if "1 +" in question else "-5")

    with Scripted(reply) as server:
        provider = f"providers: {{lab: {{dialect: openai-chat, base_url: '{server.url}'}}}}\n"
        said = suite.read_text().replace("simulator/large", "lab/large").replace("vars: {a: 1,", "vars: {a: 1, l: [1],")
        suite.write_text(provider + said.replace("expected: 42", "expected: [42, '=2']"))
        return run_suite(suite, max_requests=10)


def written(value: Any, name: str) -> str:
    """A value of a table as results.csv has it."""
    if value is pd.NA or value is None:
        return ""
    digits = DIGITS.get(name, 6 if name.startswith("scorer.") else None)
    if digits is not None:
        return f"{value:.{digits}f}"
    if isinstance(value, bool) or name == "from_cache":
        return "true" if value else "false"
    if isinstance(value, tuple):
        return csv_cell(to_text(list(value)))
    return to_text(value) if isinstance(value, int | float) else csv_cell(to_text(value))


def read(path: Path) -> list[dict[str, str]]:
    """A CSV file, every cell as text."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_results_are_those_of_the_file(run: Run) -> None:
    """The table has the columns of results.csv in their order, and every cell of it."""
    table, file = run.results(), read(run.folder / "results.csv")

    assert list(table.columns) == list(file[0])
    assert len(table) == len(file) == 12
    for name in table.columns:
        assert [written(value, name) for value in table[name].tolist()] == [row[name] for row in file], name


def test_figures_are_numbers_and_what_is_missing_is_na(run: Run) -> None:
    """Counts, figures and flags have types of their own, also where some or all of them are missing."""
    table = run.results()

    assert {name: str(table[name].dtype) for name in DIGITS} == dict.fromkeys(DIGITS, "Float64")
    for name in ("sample", "prompt_tokens", "reasoning_tokens", "judge_tokens", "requests", "var.a"):
        assert str(table[name].dtype) == "Int64", name
    assert str(table["from_cache"].dtype) == "boolean"
    assert isinstance(table["verdict"].dtype, pd.StringDtype)
    assert set(table["status"]) == {"answered", "error", "pending"}
    assert table.loc[table["status"] == "error", ["output", "score", "latency_s"]].isna().all(axis=None)
    assert table.loc[table["status"] != "error", "error"].isna().all()


def test_texts_are_word_for_word(run: Run) -> None:
    """An answer is as it came, without the guards that a spreadsheet needs; values keep their types."""
    table = run.results()
    lab = table[table["model"] == "large"]

    assert set(lab["output"].dropna()) == {"=1+2\x00 \ud800 'x'", "-5"}
    assert table["expected"].tolist()[4:8] == [[42, "=2"]] * 4
    assert table["var.l"].tolist()[0] == [1]
    assert table["tags"].tolist()[0] == ("easy",)


def test_the_summary_is_that_of_the_file(run: Run) -> None:
    """The table has the columns of summary.csv in their order, its figures in full, and NA where there are none."""
    table, file = run.summary(), read(run.folder / "summary.csv")

    assert list(table.columns) == list(file[0])
    assert table["label"].tolist() == [figures.column.label for figures in run.comparison.columns]
    for name in table.columns:
        for value, said in zip(table[name].tolist(), [row[name] for row in file], strict=True):
            if value is pd.NA:
                assert said == "", name
            elif isinstance(value, float):
                assert value == pytest.approx(float(said), abs=1e-3), name
            else:
                assert written(value, "from_cache" if isinstance(value, bool) else "") == said, name
    rates = [figures.pass_rate.mean if figures.pass_rate else None for figures in run.comparison.columns]
    assert [None if value is pd.NA else value for value in table["pass_rate"].tolist()] == rates
    assert str(table["cost_usd"].dtype) == str(table["pass_rate_low"].dtype) == "Float64"
    assert {name: str(table[name].dtype) for name in ("planned", "on_cost_front")} == {
        "planned": "Int64", "on_cost_front": "boolean"
    }  # fmt: skip
    first = run.comparison.columns[0].intervals["score"]
    assert table.loc[0, ["score_low", "score_high"]].tolist() == [first.low, first.high]


def test_requests_are_those_of_the_file(run: Run) -> None:
    """The table has a row for each line of requests.jsonl, with everything that stands in it."""
    table = run.requests()
    lines = [json.loads(line) for line in (run.folder / "requests.jsonl").read_text().splitlines()]

    assert len(table) == len(lines) == 10
    for line, row in zip(lines, table.to_dict("records"), strict=True):
        usage = line.pop("usage", None) or {}
        line |= {"tokens_method" if name == "method" else name: value for name, value in usage.items()}
        assert {name: value for name, value in row.items() if value is not pd.NA and value is not None} == {
            name: value for name, value in line.items() if value is not None
        }
    assert set(table["result"]) == {"ok", "bad_request"}
    assert table["http_status"].dropna().unique().tolist() == [400]


TABLES: dict[str, Callable[[Run], pd.DataFrame]] = {
    "results": Run.results,
    "summary": Run.summary,
    "requests": Run.requests,
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_run_without_answers_has_tables(suite: Path, table: Callable[[Run], pd.DataFrame]) -> None:
    """Where nothing was asked the tables have their columns and types all the same."""
    run, full = run_suite(suite, cache="only"), run_suite(suite, new=True)
    empty, whole = table(run), table(full)

    assert sum(figures.pending for figures in run.comparison.columns) == 12
    gone = set(whole.columns) - set(empty.columns)
    assert {name for name in gone if not name.startswith("scorer.numeric")} == set()  # summary.csv's, where one scored
    for name in ("cost_usd", "model", "prompt_tokens", "requests" if "requests" in whole else "http_status"):
        assert empty[name].isna().all() or str(empty[name].dtype) == str(whole[name].dtype), name
