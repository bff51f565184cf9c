"""The runs of a suite one after another: figures of every column, and what drifted although it was asked the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evalrun.records.comparison import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRun:
    """A run in the order of time. *started_at* is Unix seconds; *why* says why one that is not *compared* is not."""

    run: str
    folder: str
    started_at: float
    state: str
    compared: bool
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPoint:
    """A column in one run. *cost_usd* is of all its cells. None: there is nothing to say."""

    run: str
    started_at: float
    planned: int
    scored: int
    pass_rate: Interval | None
    score: float | None
    cost_usd: float | None
    latency_p50_s: float | None
    fingerprints: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryColumn:
    """A column over the runs, oldest first: a point for each compared run, None where it was no part of one."""

    label: str
    points: tuple[HistoryPoint | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted:
    """A figure that moved by more than chance on requests that stayed the same.

    *figure* is pass_rate, score, tokens or latency_s. *since* and *against* are runs, of the time *since_at* and
    *against_at*: the run in which it moved, and the one before it or the first. *p_adjusted* allows for everything that
    the history tests; *cases* is what the test stands on.
    """

    column: str
    figure: str
    since: str
    since_at: float
    against: str
    against_at: float
    against_first: bool
    before: float
    after: float
    p_value: float
    p_adjusted: float
    cases: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What a service, or the suite, changed from one run to the next.

    *what* is system_fingerprint or model, each with the values before and after, or requests, expected (values) or
    scorers, with how many of the column's cells stayed the same in *same* of *cells*. Of a cell whose expected value
    changed nobody knows whether its scorers did too.
    """

    column: str
    what: Literal["system_fingerprint", "model", "requests", "expected", "scorers"]
    since: str
    since_at: float
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    same: int = 0
    cells: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A suite's runs, oldest first. *older* runs were left out; *tests* counts what was tested for drift."""

    suite: str
    runs: tuple[HistoryRun, ...]
    columns: tuple[HistoryColumn, ...]
    drifts: tuple[Drifted, ...] = ()
    changes: tuple[Changed, ...] = ()
    older: int = 0
    tests: int = 0
    conclusion: tuple[str, ...] = ()
