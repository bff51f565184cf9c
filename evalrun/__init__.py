"""evalrun: batch prompt evaluation that treats quota as a first-class resource.

From Python: `load_suite`, `run_suite`, `open_run` and `compare_runs`. Importing this module imports nothing else: what
a name needs comes with its first use.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalrun.api import ComparedRuns as ComparedRuns
    from evalrun.api import EvalrunError as EvalrunError
    from evalrun.api import LoadedSuite as LoadedSuite
    from evalrun.api import Run as Run
    from evalrun.api import SuiteForecast as SuiteForecast
    from evalrun.api import SuiteInvalid as SuiteInvalid
    from evalrun.api import arun_suite as arun_suite
    from evalrun.api import compare_runs as compare_runs
    from evalrun.api import load_suite as load_suite
    from evalrun.api import open_run as open_run
    from evalrun.api import run_suite as run_suite

__version__ = "0.1.0"

__all__ = [
    "ComparedRuns", "EvalrunError", "LoadedSuite", "Run", "SuiteForecast", "SuiteInvalid", "arun_suite", "compare_runs",
    "load_suite", "open_run", "run_suite",
]  # fmt: skip

if not TYPE_CHECKING:  # a checker that saw this would take any name for one of ours

    def __getattr__(name: str) -> object:
        if name in __all__:
            from evalrun import api

            return getattr(api, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
