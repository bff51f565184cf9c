"""What Python callers say, checked and in the words of conduct. What is wrong with it is a UsageError."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from evalrun.catalog import endpoints_in
from evalrun.conduct.interrupts import Interrupts, signals
from evalrun.conduct.options import CacheMode, RunOptions, Selection, usual_max_wait_s
from evalrun.conduct.quota import state_folder
from evalrun.errors import UsageError
from evalrun.keys import origin_of
from evalrun.records.quota import Budget
from evalrun.store.cache import user_cache_file

Words = str | Sequence[str]
"""One name, or several."""

_MOST_AT_ONCE = 1000


def selection_of(
    *,
    environ: Mapping[str, str],
    models: Words = (),
    only: Mapping[str, Words] | None = None,
    limit: int | None = None,
    sample: int | None = None,
    params: Mapping[str, Any] | None = None,
    variables: Mapping[str, Any] | None = None,
    allow_origins: Iterable[tuple[str, str]] = (),
    allow_code: bool = False,
    max_planned: int = 100_000,
) -> Selection:
    """The part of a suite that is asked for, and what holds in it."""
    for name, number in {"limit": limit, "sample": sample, "max_planned": max_planned}.items():
        _check_whole(name, number)
    return Selection(
        models=words_of(models),
        params=_plain("params", params or {}),
        variables=_plain("variables", variables or {}),
        allow_origins=frozenset(_origin(*pair) for pair in allow_origins),
        allow_code=allow_code,
        only={key: words_of(values) for key, values in (only or {}).items()},
        limit=limit,
        sample=sample,
        max_planned=max_planned,
        endpoints=endpoints_in(environ),
    )


def options_of(
    results: str | Path,
    environ: Mapping[str, str] | None,
    *,
    selection: Selection | None = None,
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
    command: tuple[str, ...] = (),
    interrupts: Interrupts = signals,
) -> RunOptions:
    """How a run is to be carried out. The machine's ledger is where the process's own environment says, if *environ*
    does not.
    """
    environ = environment(environ)
    for name, number in {"concurrency": concurrency, "max_requests": max_requests, "max_tokens": max_tokens}.items():
        _check_whole(name, number)
    if concurrency > _MOST_AT_ONCE:
        raise UsageError(f"concurrency={concurrency}: at most {_MOST_AT_ONCE}")
    for name, figure in {"max_cost_usd": max_cost_usd, "deadline_s": deadline_s, "max_wait_s": max_wait_s}.items():
        if figure is not None and not figure >= 0:
            raise UsageError(f"{name}={figure!r}: must be a number from 0 up")
    if cache not in get_args(CacheMode):
        raise UsageError(f"cache={cache!r}: one of {', '.join(get_args(CacheMode))}")
    return RunOptions(
        results=Path(results),
        environ=environ,
        state=state_folder({**os.environ, **environ}),
        selection=selection or Selection(),
        concurrency=concurrency,
        budget=Budget(
            max_requests=max_requests, max_tokens=max_tokens, max_cost_usd=max_cost_usd, deadline_s=deadline_s
        ),
        cache=cache,
        cache_file=user_cache_file() if cache != "off" else None,
        new=new,
        retry_errors=retry_errors,
        fail_fast=fail_fast,
        max_wait_s=usual_max_wait_s(environ) if max_wait_s is None else max_wait_s,
        command=command,
        interrupts=interrupts,
    )


def environment(given: Mapping[str, str] | None) -> Mapping[str, str]:
    """The variables to read: those given, or the process's own."""
    return dict(os.environ if given is None else given)


def words_of(said: Words) -> tuple[str, ...]:
    """The names, of which one may stand alone."""
    return (said,) if isinstance(said, str) else tuple(said)


def _check_whole(name: str, number: int | None) -> None:
    if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 1):
        raise UsageError(f"{name}={number!r}: must be a whole number from 1 up")


def _origin(variable: str, url: str) -> tuple[str, str]:
    try:
        return variable, origin_of(url)
    except ValueError as error:
        raise UsageError(f"allow_origins: {variable}: {url}: {error}") from error


def _plain(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as JSON has them: what a suite could say, and no more."""
    found = {}
    for key, value in values.items():
        try:
            found[str(key)] = json.loads(json.dumps(value, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise UsageError(f"{name}: {key}: {type(value).__name__} is no JSON value ({error})") from error
    return found
