from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalrun.records.comparison import Comparison, Interval
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.report.csv_files import write_summary
from evalrun.safe_text import csv_cell
from tests.report.factory import Words, make_comparison, make_facts, make_plan, make_rows, talking
from tests.report.hostile import HOSTILE
from tests.report.hostile_run import run_of
from tests.report.written import write_reports

COLUMNS = """
run suite case tags prompt model params sample status verdict score reason scorer.icontains scorer.form
output expected var.country var.n
finish_reason prompt_tokens completion_tokens total_tokens cached_tokens reasoning_tokens tokens_method
cost_usd price_date judge_tokens judge_cost_usd latency_s ttft_s queue_s retry_wait_s requests attempts from_cache
system_fingerprint error_kind error request_key
""".split()  # noqa: SIM905  # one name after the other is easier to hold against the documentation


@pytest.fixture
def written(tmp_path: Path) -> tuple[Path, Plan, Comparison]:
    """A run of 8 cases × 3 models × 2 samples whose last 5 cells are pending."""
    plan = make_plan(samples=2)
    rows = make_rows(plan, pending=5)
    comparison = make_comparison(plan, rows)
    write_reports(tmp_path, plan, rows, comparison, make_facts())
    return tmp_path, plan, comparison


def test_results_csv_has_the_documented_columns(written: tuple[Path, Plan, Comparison]) -> None:
    """results.csv loads in pandas with the documented columns, one row a cell in plan order."""
    folder, plan, _ = written
    table = pd.read_csv(folder / "results.csv")

    assert list(table.columns) == COLUMNS
    assert len(table) == len(plan.cells)
    assert list(table["request_key"]) == [cell.request_key for cell in plan.cells]
    assert table["from_cache"].dtype == bool


def test_what_is_unknown_is_empty(written: tuple[Path, Plan, Comparison]) -> None:
    """Pending and failed cells have empty figures, never zeros."""
    folder, _, _ = written
    table = pd.read_csv(folder / "results.csv")
    silent = table[table["status"].isin(["pending", "error"])]

    assert len(silent) == 7
    assert silent[["verdict", "score", "prompt_tokens", "cost_usd", "latency_s", "output"]].isna().all(axis=None)
    assert set(silent["error_kind"].dropna()) == {"overload"}
    assert table[["judge_tokens", "judge_cost_usd", "ttft_s"]].isna().all(axis=None)


def test_figures_have_a_fixed_precision(written: tuple[Path, Plan, Comparison]) -> None:
    """Scores have 6 decimals, money 9, seconds 3, whatever their value."""
    folder, _, _ = written
    with (folder / "results.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    formats = {"score": r"\d\.\d{6}", "scorer.form": r"\d\.\d{6}", "cost_usd": r"\d\.\d{9}", "latency_s": r"\d+\.\d{3}"}

    assert all(re.fullmatch(form, row[name]) for row in rows for name, form in formats.items() if row[name])


def test_means_agree_with_the_comparison(written: tuple[Path, Plan, Comparison]) -> None:
    """Pass rate, score, tokens and cost of every column can be worked out again from results.csv and summary.csv."""
    folder, _, comparison = written
    table, summary = pd.read_csv(folder / "results.csv"), pd.read_csv(folder / "summary.csv")
    for figures, (_, line) in zip(comparison.columns, summary.iterrows(), strict=True):
        mine = table[table["model"] == figures.column.model]
        scored = mine[mine["verdict"].notna()]

        assert figures.pass_rate is not None
        assert line["label"] == figures.column.label
        assert (line["planned"], line["scored"], line["errors"]) == (
            len(mine),
            len(scored),
            (mine["status"] == "error").sum(),
        )
        assert (scored["verdict"] == "pass").mean() == pytest.approx(figures.pass_rate.mean, abs=1e-6)
        assert line["pass_rate"] == pytest.approx(figures.pass_rate.mean, abs=1e-6)
        assert scored["score"].mean() == pytest.approx(figures.score, abs=1e-6)
        assert mine["prompt_tokens"].sum() == line["prompt_tokens"] == figures.prompt_tokens
        assert mine["cost_usd"].sum() == pytest.approx(line["cost_usd"], abs=1e-9)


def test_summary_csv_tells_ranks_fronts_and_bounds(tmp_path: Path) -> None:
    """A tie is a range, what does not compete has an empty rank, and bounds stand beside their figure."""
    plan = make_plan()
    made = make_comparison(plan, make_rows(plan))
    first, second, third = made.columns
    bounds = Interval(mean=0.9, low=0.85, high=0.95)
    first = replace(first, rank=(1, 2), on_cost_front=True, on_latency_front=False, intervals={"score": bounds})
    with (tmp_path / "summary.csv").open("w", encoding="utf-8", newline="") as file:
        write_summary(file, replace(made, columns=(first, second, third)))
    table = pd.read_csv(tmp_path / "summary.csv", dtype=str, keep_default_na=False)

    assert list(table["rank"]) == ["1–2", "2", ""]
    assert list(table["on_cost_front"]) == ["true", "", ""]
    assert list(table["on_latency_front"]) == ["false", "", ""]
    assert list(table["score_low"]) == ["0.850000", "", ""]


def test_comparison_csv_sets_models_side_by_side(written: tuple[Path, Plan, Comparison]) -> None:
    """comparison.csv has one row a case; samples are averaged and a verdict stands where all samples agree."""
    folder, _, _ = written
    table = pd.read_csv(folder / "comparison.csv")
    parts = ["verdict", "score", "output", "tokens", "cost_usd"]

    assert list(table.columns) == [
        *["case", "prompt", "params", "tags", "expected", "flip"],
        *(f"{label}.{part}" for label in ("large", "mini", "sim") for part in parts),
    ]
    assert list(table["large.verdict"]) == ["pass", "pass", "fail", "pass", "pass", "pass", "pass", "mixed"]
    assert list(table["flip"]) == [False, True, True, False, True, True, False, False]
    assert list(table["mini.verdict"])[3] == "error"
    assert list(table["sim.verdict"])[7] == "pending"
    assert table["large.tokens"][0] == 24
    assert table["large.output"][0] == "Paris"


def test_one_row_a_case_prompt_and_parameters(tmp_path: Path) -> None:
    """With a matrix there is a row for each set of parameters, written as JSON."""
    plan = make_plan(cases=2, top_p=(0.5, 1))
    rows = make_rows(plan)
    write_reports(tmp_path, plan, rows, make_comparison(plan, rows), make_facts())
    table = pd.read_csv(tmp_path / "comparison.csv")

    assert list(table["params"]) == ['{"top_p": 0.5}', '{"top_p": 1}'] * 2
    assert table.notna()["sim.output"].all()


def test_files_follow_rfc_4180(written: tuple[Path, Plan, Comparison]) -> None:
    """Records end with CR LF, and every record has as many fields as the header."""
    folder, _, _ = written
    for name in ("results.csv", "comparison.csv", "summary.csv"):
        data = (folder / name).read_bytes()
        rows = list(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))

        assert data.endswith(b"\r\n")
        assert b"\n" not in data.replace(b"\r\n", b"")
        assert len({len(row) for row in rows}) == 1


@pytest.mark.slow
def test_formulas_are_inert_in_every_field(tmp_path: Path) -> None:
    """No cell, header or figure of any CSV begins a formula, and every file is still a table that pandas reads."""
    run = run_of(HOSTILE)
    write_reports(tmp_path, run.plan, run.rows, run.comparison, run.facts)
    for name in ("results.csv", "comparison.csv", "summary.csv"):
        text = (tmp_path / name).read_bytes().decode("utf-8")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))

        assert len({len(row) for row in rows}) == 1
        assert [cell for row in rows for cell in row if csv_cell(cell) != cell and cell[0] != "'"] == []
        assert len(pd.read_csv(tmp_path / name, dtype=str)) == len(rows) - 1


def test_values_look_as_they_are(tmp_path: Path) -> None:
    """Text values keep their own type's look: numbers plain, lists as JSON, formulas guarded."""
    words = Words(value="=1+{}", extra={"flag": True, "nothing": None, "list": ["=a", 2], "negative": -4.5})
    plan = make_plan(words, cases=1)
    rows = make_rows(plan, words)
    write_reports(tmp_path, plan, rows, make_comparison(plan, rows, words), make_facts())
    with (tmp_path / "results.csv").open(newline="", encoding="utf-8") as file:
        first = next(csv.DictReader(file))

    assert first["var.country"] == "'=1+France"
    assert (first["var.flag"], first["var.nothing"], first["var.negative"]) == ("true", "", "-4.5")
    assert first["var.list"] == '["=a", 2]'


def test_a_dialogue_is_one_row_of_sums(tmp_path: Path) -> None:
    """A cell of three streamed requests: sums, the last reply's time to the first piece, and its text."""
    plan = make_plan(cases=1)

    def rows() -> Iterator[Row]:
        return (talking(row) for row in make_rows(plan)())

    write_reports(tmp_path, plan, rows, make_comparison(plan, rows), make_facts())
    first = pd.read_csv(tmp_path / "results.csv").iloc[0]
    figures = ["prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens", "requests", "attempts"]

    assert list(first[figures]) == [150, 90, 30, 15, 3, 3]
    assert (first["ttft_s"], first["latency_s"], first["cost_usd"]) == (0.25, 3.0, 0.003)
    assert (first["output"], first["tokens_method"], first["finish_reason"]) == ("Take no coat.", "api", "stop")


def test_summary_csv_tells_of_streams(written: tuple[Path, Plan, Comparison], tmp_path: Path) -> None:
    """The medians of the first piece and of speed stand in summary.csv, and nothing where nobody streamed."""
    folder, _, comparison = written
    first, *others = comparison.columns
    streamed = replace(first, ttft_p50_s=0.25, tokens_per_s=41.27, cached_tokens=7, reasoning_tokens=3)
    with (tmp_path / "streamed.csv").open("w", newline="", encoding="utf-8") as file:
        write_summary(file, replace(comparison, columns=(streamed, *others)))
    table = pd.read_csv(tmp_path / "streamed.csv")
    silent = pd.read_csv(folder / "summary.csv")[["ttft_p50_s", "tokens_per_s", "cached_tokens", "reasoning_tokens"]]

    assert (table["ttft_p50_s"][0], table["tokens_per_s"][0]) == (0.25, 41.3)
    assert (table["cached_tokens"][0], table["reasoning_tokens"][0]) == (7, 3)
    assert list(table["requests"]) == [figures.requests for figures in comparison.columns]
    assert silent.isna().all(axis=None)


def test_a_cell_from_the_cache_is_flagged(tmp_path: Path) -> None:
    """A reused answer is marked in results.csv and results.jsonl, and has no attempt."""
    plan = make_plan(cases=1)

    def rows() -> Iterator[Row]:
        for row in make_rows(plan)():
            exchange = replace(row.exchanges[0], from_cache=True, attempts=(), cost_usd=0.0)
            yield replace(row, exchanges=(exchange,)) if row.cell.column == 0 else row

    write_reports(tmp_path, plan, rows, make_comparison(plan, rows), make_facts())
    table = pd.read_csv(tmp_path / "results.csv")
    lines = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text(encoding="utf-8").splitlines()]

    assert list(table["from_cache"]) == [line["from_cache"] for line in lines] == [True, False, False]
    assert list(table["attempts"]) == [0, 1, 1]


def test_numbers_stay_numbers(written: tuple[Path, Plan, Comparison]) -> None:
    """pandas reads figures as numbers and flags as booleans without being told."""
    folder, _, _ = written
    table, compared = pd.read_csv(folder / "results.csv"), pd.read_csv(folder / "comparison.csv")
    figures = ["sample", "score", "scorer.form", "var.n", "prompt_tokens", "cost_usd", "latency_s", "requests"]

    assert all(pd.api.types.is_numeric_dtype(table[name]) for name in figures)
    assert all(pd.api.types.is_numeric_dtype(compared[f"large.{name}"]) for name in ("score", "tokens", "cost_usd"))
    assert (str(table["from_cache"].dtype), str(compared["flip"].dtype)) == ("bool", "bool")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\n\r"), max_size=40))
@settings(max_examples=60)
def test_any_text_comes_back_and_is_no_formula(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Whatever a variable says, csv and pandas read it as it was, behind an apostrophe where it would be a formula."""
    folder, plan = tmp_path_factory.mktemp("csv"), make_plan(Words(extra={"v": text}), cases=1)
    rows = make_rows(plan)
    write_reports(folder, plan, rows, make_comparison(plan, rows), make_facts(), formats=["csv"])
    with (folder / "results.csv").open(newline="", encoding="utf-8") as file:
        read = [row["var.v"] for row in csv.DictReader(file, strict=True)]
    (framed, *_) = pd.read_csv(folder / "results.csv", dtype=str, keep_default_na=False)["var.v"]

    assert set(read) == {framed} == {csv_cell(text)}
    assert framed in (text, f"'{text}")
    assert not framed.startswith(("=", "@", "\t", "\r"))
    assert framed[:1] not in ("+", "-") or framed[1:2].isdigit()
