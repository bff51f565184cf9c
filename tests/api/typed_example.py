"""What a user of the Python API writes, for a type checker: it is checked, not run. See test_names.py."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import assert_type

import pandas as pd

from evalrun import (
    ComparedRuns,
    EvalrunError,
    LoadedSuite,
    Run,
    SuiteForecast,
    SuiteInvalid,
    arun_suite,
    compare_runs,
    load_suite,
    open_run,
    run_suite,
)
from evalrun.conduct.options import LaneProgress
from evalrun.errors import Complaint
from evalrun.records.comparison import Comparison
from evalrun.records.plan import Column, Plan
from evalrun.records.row import Row
from evalrun.records.suite import Case


def watch(lanes: tuple[LaneProgress, ...]) -> None:
    """A function that is told how far it is."""
    print([(lane.label, lane.done, lane.total) for lane in lanes])


def load(path: Path) -> LoadedSuite | tuple[Complaint, ...]:
    """A suite, or what is wrong with it."""
    try:
        suite = load_suite(path, models=["simulator/large"], only={"tag": "easy"}, limit=3, params={"temperature": 0})
    except SuiteInvalid as error:
        return error.complaints
    assert_type(suite.plan, Plan)
    assert_type(suite.columns, tuple[Column, ...])
    assert_type(suite.cases, tuple[Case, ...])
    forecast = suite.forecast(results=path.parent, max_requests=5)
    assert_type(forecast, SuiteForecast)
    assert_type(forecast.requests, int)
    assert_type(forecast.cost_usd_at_most, float | None)
    return suite


def run(suite: LoadedSuite) -> Run | None:
    """A run, watched."""
    try:
        done = run_suite(suite, concurrency=4, max_cost_usd=0.5, cache="use", progress=watch)
    except EvalrunError as error:
        assert_type(int(error.exit_code), int)
        return None
    assert_type(done, Run)
    assert_type(done.comparison, Comparison)
    assert_type(done.resume_after, datetime | None)
    assert_type(done.resume(retry_errors=True), Run)
    assert_type(done.score("other.yaml"), Run)
    return done


async def run_in_a_loop(path: str) -> Run:
    """A run beside other things."""
    return await arun_suite(path, new=True, environ={"OPENAI_API_KEY": "x"}, progress=True)


def look() -> tuple[pd.DataFrame, ...]:
    """A run that exists."""
    found = open_run("sums", results="results")
    assert_type(found.rows(), Iterator[Row])
    assert_type(found.row(1), Row)
    assert_type(found.report_path, Path)
    return found.results(), found.summary(), found.requests()


def compare(run: Run) -> ComparedRuns:
    """Two runs."""
    found = compare_runs("2026-11-20", run, columns=["mini"], mapping={"old": "new"}, unchanged=True)
    assert_type(found.conclusion, tuple[str, ...])
    assert_type(found.flips(one_sided=True), pd.DataFrame)
    assert_type(found.report_path, Path | None)
    return found
