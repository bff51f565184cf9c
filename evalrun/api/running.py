"""Suites carried out from Python: never a word on the terminal unless asked for, and never the end of the process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalrun.api.carrying import Work, carried_out, carried_out_async
from evalrun.api.options import options_of
from evalrun.api.runs import Run
from evalrun.api.suites import LoadedSuite, load_suite
from evalrun.api.watching import Progress
from evalrun.conduct.finish import Finished
from evalrun.conduct.options import CacheMode, Observer, RunOptions
from evalrun.conduct.run import run_plans


def run_suite(
    suite: str | Path | LoadedSuite,
    *,
    results: str | Path = "results",
    concurrency: int = 16,
    max_requests: int | None = None,
    max_tokens: int | None = None,
    max_cost_usd: float | None = None,
    deadline_s: float | None = None,
    cache: CacheMode = "off",
    new: bool = False,
    retry_errors: bool = False,
    fail_fast: bool = False,
    max_wait_s: float | None = None,
    environ: Mapping[str, str] | None = None,
    progress: Progress = None,
) -> Run:
    """Run a suite, or go on with its unfinished run; the run as it stands then, complete or not: look at its `state`.

    *suite* is a file, or what `load_suite` made of one. *concurrency* is how many requests are under way at once.
    *max_requests*, *max_tokens*, *max_cost_usd* and *deadline_s* (seconds) stop it before it spends more: the run is
    then paused, and the same call goes on. *cache* says what becomes of answers of earlier runs: off, use, refresh,
    only. *new* starts a new run although one is unfinished, *retry_errors* asks again what is in error, *fail_fast*
    stops at the first case that does not pass. *max_wait_s* is the longest single wait for quota (900, in CI 120);
    a longer one pauses the run. Keys are read from *environ* (default: the process's). *progress*: True shows bars on
    standard error, a function is told how far each model is; without it nothing is printed.

    It works in the main thread and in others, and where an event loop is running, as in a notebook. Ctrl-C lets what is
    in flight come back and gives the run, interrupted; twice lets go at once. Signal handlers are not touched.

    Raises before anything is sent: SuiteInvalid for a suite with complaints, UsageError for a key that is missing or a
    folder that cannot be written, NothingSelected, RunInUse; StorageError where the disk or the database refuses.
    """
    options, work = _prepared(
        suite, results, environ, concurrency=concurrency, max_requests=max_requests, max_tokens=max_tokens,
        max_cost_usd=max_cost_usd, deadline_s=deadline_s, cache=cache, new=new, retry_errors=retry_errors,
        fail_fast=fail_fast, max_wait_s=max_wait_s,
    )  # fmt: skip
    return Run.of(carried_out(work, options, progress))


async def arun_suite(
    suite: str | Path | LoadedSuite,
    *,
    results: str | Path = "results",
    concurrency: int = 16,
    max_requests: int | None = None,
    max_tokens: int | None = None,
    max_cost_usd: float | None = None,
    deadline_s: float | None = None,
    cache: CacheMode = "off",
    new: bool = False,
    retry_errors: bool = False,
    fail_fast: bool = False,
    max_wait_s: float | None = None,
    environ: Mapping[str, str] | None = None,
    progress: Progress = None,
) -> Run:
    """As `run_suite`, while the caller's loop goes on with other things.

    A task that is cancelled lets what is in flight come back, and is cancelled once the run is on the disk.
    """
    options, work = await asyncio.to_thread(
        _prepared, suite, results, environ, concurrency=concurrency, max_requests=max_requests, max_tokens=max_tokens,
        max_cost_usd=max_cost_usd, deadline_s=deadline_s, cache=cache, new=new, retry_errors=retry_errors,
        fail_fast=fail_fast, max_wait_s=max_wait_s,
    )  # fmt: skip
    return Run.of(await carried_out_async(work, options, progress))


def _prepared(
    suite: str | Path | LoadedSuite, results: str | Path, environ: Mapping[str, str] | None, **how: Any
) -> tuple[RunOptions, Work]:
    """The options, and what carries the suite out with them."""
    loaded = suite if isinstance(suite, LoadedSuite) else load_suite(suite, environ=environ)
    options = options_of(
        results, environ, selection=loaded.selection, command=("run_suite", loaded.suite.file), **how
    )  # fmt: skip

    def work(options: RunOptions, observer: Observer) -> Finished:
        (finished,) = run_plans([loaded.plan], options, observer)
        return finished

    return options, work
