from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalrun import SuiteInvalid, load_suite, run_suite
from evalrun.errors import Code, NothingSelected, UsageError


def test_a_suite_is_its_columns_and_cases(suite: Path) -> None:
    """A loaded suite tells what is compared, on what, and in how many cells."""
    loaded = load_suite(suite)

    assert [column.label for column in loaded.columns] == [
        "large · plain", "tiny · plain", "large · terse", "tiny · terse"
    ]  # fmt: skip
    assert [case.id for case in loaded.cases] == ["one", "two", "three"]
    assert [model.label for model in loaded.models] == ["large", "tiny"]
    assert [prompt.name for prompt in loaded.prompts] == ["plain", "terse"]
    assert repr(loaded) == "<LoadedSuite sums: 4 columns × 3 cases = 12 cells>"


@pytest.mark.parametrize(
    ("asked", "cells"),
    [
        ({"only": {"model": "tiny"}}, 6),
        ({"only": {"model": ["tiny"], "case": ("one", "two")}}, 4),
        ({"only": {"tag": "hard"}}, 4),
        ({"limit": 2}, 8),
        ({"sample": 1}, 4),
        ({"models": "simulator/medium"}, 6),
        ({"models": ["simulator/medium", "tiny"]}, 12),
    ],
)
def test_selection(suite: Path, asked: dict[str, Any], cells: int) -> None:
    """Each argument chooses what its option of the command line does; a name may stand without a list around it."""
    assert len(load_suite(suite, **asked).plan.cells) == cells


def test_params_and_variables_are_sent(suite: Path) -> None:
    """What is said for all requests and all cases is in what would be sent."""
    (first,) = load_suite(suite, params={"temperature": 0.5}, variables={"a": 900}).preview(1)

    assert first.params["temperature"] == 0.5
    assert "What is 900 + " in first.messages[-1].text


def test_every_complaint_comes_at_once(suite: Path) -> None:
    """A suite with faults raises them all, each with its place and its code."""
    suite.write_text(suite.read_text().replace("scorers: [numeric]", "scorers: [nummeric]\nsampels: 2"))
    with pytest.raises(SuiteInvalid, match="did you mean numeric") as caught:
        load_suite(suite)

    assert {complaint.code for complaint in caught.value.complaints} == {Code.UNKNOWN_SCORER, Code.UNKNOWN_KEY}


def test_a_complaint_about_an_argument_names_it(suite: Path) -> None:
    """What is wrong with an argument is a complaint about that argument, not about an option of the command line."""
    with pytest.raises(SuiteInvalid) as caught:
        load_suite(suite, params={"temprature": 0}, variables={"expected": 1}, models="simulator/larg")

    assert [complaint.file for complaint in caught.value.complaints] == ["models", "params", "variables"]


WRONG: dict[str, tuple[Callable[[Path], object], type[Exception], str]] = {
    "limit": (lambda path: load_suite(path, limit=0), UsageError, "limit=0: must be a whole number from 1 up"),
    "no case": (lambda path: load_suite(path, only={"case": "four"}), NothingSelected, "the suite has no case four"),
    "no key": (lambda path: load_suite(path, only={"modle": "x"}), UsageError, "did you mean model"),
    "no JSON": (lambda path: load_suite(path, variables={"a": {1, 2}}), UsageError, "variables: a: set is no JSON"),
    "not finite": (lambda path: load_suite(path, params={"temperature": math.nan}), UsageError, "params: temperature"),
    "no origin": (lambda path: load_suite(path, allow_origins=[("K", "ftp://x")]), UsageError, "allow_origins: K"),
    "too many": (lambda path: load_suite(path, max_planned=11), UsageError, "12 cells"),
    "no file": (lambda path: load_suite(path.parent / "sum.yaml"), SuiteInvalid, "sums.yaml"),
    "concurrency": (lambda path: run_suite(path, concurrency=0), UsageError, "concurrency=0"),
    "too much at once": (lambda path: run_suite(path, concurrency=1001), UsageError, "at most 1000"),
    "budget": (lambda path: run_suite(path, max_cost_usd=-1), UsageError, "max_cost_usd=-1"),
    "deadline": (lambda path: run_suite(path, deadline_s=math.nan), UsageError, "deadline_s=nan"),
    "cache": (lambda path: run_suite(path, cache="on"), UsageError, "cache='on': one of off, use, refresh, only"),  # type: ignore[arg-type]
    "progress": (lambda path: run_suite(path, progress="bars"), UsageError, "progress='bars'"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize(("call", "kind", "words"), WRONG.values(), ids=WRONG)
def test_wrong_arguments_are_told(
    suite: Path, call: Callable[[Path], object], kind: type[Exception], words: str
) -> None:
    """An argument that makes no sense is refused in words, and nothing is written."""
    with pytest.raises(kind) as caught:
        call(suite)

    assert words in str(caught.value)
    assert not Path("results").exists()


def test_a_forecast_counts_what_is_left(suite: Path) -> None:
    """A forecast says what all would take; after a pause, only what is left, and which run would be gone on with."""
    loaded = load_suite(suite)
    before = loaded.forecast()
    run = run_suite(loaded, max_requests=5)
    after = loaded.forecast()

    assert (before.requests, before.run, before.cost_usd_at_most) == (12, "", 0.0)
    assert before.input_tokens == sum(column.input_tokens for column in before.columns)
    assert (after.requests, after.run) == (7, run.name)
    assert after.finishes_at is not None
    assert repr(before).startswith("<SuiteForecast: 12 requests, ")
