from __future__ import annotations

import errno
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalrun.errors import StorageError
from evalrun.records.outcome import Response
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.report import parquet_file
from tests.conftest import require
from tests.report.factory import Words, make_comparison, make_facts, make_plan, make_rows
from tests.report.hostile import HOSTILE
from tests.report.hostile_run import run_of
from tests.report.written import write_reports


@pytest.fixture(autouse=True)
def _has_pyarrow() -> None:
    require(find_spec("pyarrow"), "needs pyarrow of the extra parquet (make test-all installs it)")


def written(folder: Path, plan: Plan, rows: Callable[[], Iterator[Row]]) -> pd.DataFrame:
    """results.parquet of a run, as pandas reads it."""
    write_reports(folder, plan, rows, make_comparison(plan, rows), make_facts(), formats=["parquet"])
    return pd.read_parquet(folder / "results.parquet")


def test_it_has_the_columns_of_the_csv_with_types(tmp_path: Path) -> None:
    """The same columns in the same order; figures are numbers, flags booleans, tags lists, and no text is a number."""
    plan = make_plan(samples=2)
    rows = make_rows(plan, pending=5)
    write_reports(tmp_path, plan, rows, make_comparison(plan, rows), make_facts(), formats=["parquet", "csv"])
    table, text = pd.read_parquet(tmp_path / "results.parquet"), pd.read_csv(tmp_path / "results.csv")
    kinds = {
        name: "number" if pd.api.types.is_numeric_dtype(kind) else "text" for name, kind in table.dtypes.items()
    } | {"from_cache": str(table["from_cache"].dtype)}
    figures = (
        "sample score scorer.icontains scorer.form var.n prompt_tokens completion_tokens total_tokens cached_tokens"
    )
    figures += (
        " reasoning_tokens cost_usd judge_tokens judge_cost_usd latency_s ttft_s queue_s retry_wait_s requests attempts"
    )

    assert list(table.columns) == list(text.columns)
    assert {name for name, kind in kinds.items() if kind == "number"} == set(figures.split())
    assert kinds["from_cache"] == "bool"
    assert list(table["tags"][0]) == ["europe"]
    assert len(table) == len(plan.cells)


def test_its_figures_are_those_of_the_csv(tmp_path: Path) -> None:
    """What the CSV has rounded is here as it is, and what is unknown is missing in both."""
    plan = make_plan(samples=2)
    rows = make_rows(plan, pending=5)
    write_reports(tmp_path, plan, rows, make_comparison(plan, rows), make_facts(), formats=["parquet", "csv"])
    table, text = pd.read_parquet(tmp_path / "results.parquet"), pd.read_csv(tmp_path / "results.csv")
    for name in ("score", "scorer.form", "cost_usd", "latency_s", "prompt_tokens", "attempts", "var.n", "ttft_s"):
        pd.testing.assert_series_equal(table[name].astype(float), text[name].astype(float), atol=1e-6)
    for name in ("status", "verdict", "model", "case", "error_kind", "request_key", "tokens_method", "expected"):
        assert list(table[name].fillna("")) == list(text[name].fillna(""))


def test_text_is_as_it_was_said(tmp_path: Path) -> None:
    """No apostrophe, no escape: every hostile answer comes back as it was, lone surrogates apart."""
    run = run_of(HOSTILE)
    write_reports(tmp_path, run.plan, run.rows, run.comparison, run.facts, formats=["parquet"])
    table = pd.read_parquet(tmp_path / "results.parquet")
    told = [row.output if isinstance(row.outcome, Response) else None for row in run.rows()]

    assert [None if pd.isna(text) else text for text in table["output"]] == [
        None if text is None else text.encode("utf-8", "replace").decode() for text in told
    ]
    assert len(set(table.columns)) == len(table.columns)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([True, False, None], "bool"),
        ([1, 2, 3], "int64"),
        ([1, 2.5, 3], "float64"),
        ([1, True, 3], "text"),
        (["a", 1, None], "text"),
        ([2**70, 1, 2], "text"),
        ([2**60, 1, 2], "int64"),
        ([2**60, 1.5, 2], "text"),
        ([["a"], {"b": 1}, "c"], "text"),
        ([None, None, None], "text"),
    ],
)
def test_a_variable_has_the_type_that_it_has_in_every_case(tmp_path: Path, values: list[Any], kind: str) -> None:
    """Booleans, whole numbers and others keep their type; a mixture is text, and no figure loses a digit."""
    plan = make_plan(cases=3)
    cases = tuple(replace(c, vars={**c.vars, "v": value}) for c, value in zip(plan.suite.cases, values, strict=True))
    plan = replace(plan, suite=replace(plan.suite, cases=cases))
    rows = make_rows(plan)
    table = written(tmp_path, plan, rows)["var.v"]
    found = [None if pd.isna(value) else value for value in table[::3]]

    if kind == "text":
        assert all(value is None or isinstance(value, str) for value in found)
    elif None in values:
        assert found == values
    else:
        assert str(table.dtype) == kind
        assert found == values


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), min_size=3, max_size=3))
@settings(max_examples=25)
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    """Whatever Unicode an answer, a variable or a case's name is made of, it is read as it was written."""
    plan = make_plan(cases=3)
    cases = tuple(replace(c, vars={**c.vars, "v": text}) for c, text in zip(plan.suite.cases, texts, strict=True))
    plan = replace(plan, suite=replace(plan.suite, cases=cases))
    table = written(tmp_path_factory.mktemp("p"), plan, make_rows(plan))

    assert list(table["var.v"][::3]) == texts


def test_a_fault_leaves_the_old_file(tmp_path: Path) -> None:
    """A disk that fails halfway leaves what was there, and pyarrow closes its file without a word."""
    plan = make_plan()
    rows = make_rows(plan)
    written(tmp_path, plan, rows)
    before = (tmp_path / "results.parquet").read_bytes()

    def broken() -> Iterator[Row]:
        yield from list(rows())[:5]
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StorageError, match="No space left on device"):
        write_reports(tmp_path, plan, broken, make_comparison(plan, rows), make_facts(), formats=["parquet"])
    assert (tmp_path / "results.parquet").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["results.parquet"]


def test_rows_are_written_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A group ends after so many rows, or so much text: what is held does not grow with the run."""
    from pyarrow import parquet

    plan = make_plan(cases=60)
    rows = make_rows(plan, Words(answer="{} " + "x" * 2_000))
    monkeypatch.setattr(parquet_file, "_BYTES", 50_000)
    tracemalloc.start()
    table = written(tmp_path, plan, rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    groups = parquet.ParquetFile(tmp_path / "results.parquet").num_row_groups

    assert groups >= len(plan.cells) * 2_000 // 50_000 - 1
    assert peak < 20_000_000
    assert list(table["request_key"]) == [cell.request_key for cell in plan.cells]
