"""The Python API: suites, runs and comparisons as values. `evalrun` hands its names out, lazily."""

from evalrun.api.comparing import ComparedRuns, compare_runs
from evalrun.api.running import arun_suite, run_suite
from evalrun.api.runs import Run, open_run
from evalrun.api.suites import LoadedSuite, SuiteForecast, load_suite
from evalrun.errors import EvalrunError, SuiteInvalid

__all__ = [
    "ComparedRuns", "EvalrunError", "LoadedSuite", "Run", "SuiteForecast", "SuiteInvalid", "arun_suite", "compare_runs",
    "load_suite", "open_run", "run_suite",
]  # fmt: skip
