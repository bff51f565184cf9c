"""a difference to be shown, what earlier runs say -> stats.design -> scheduler.forecast: what it would take."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

import numpy as np

from evalrun.conduct.foresight import QUICK, foresee_cases
from evalrun.conduct.options import RunOptions
from evalrun.conduct.plan import forecast
from evalrun.errors import StorageError
from evalrun.records.plan import Plan, pairs_of
from evalrun.records.suite import StopWhen
from evalrun.scheduler.forecast import Forecast
from evalrun.stats.design import ALPHA, POWER, cases_needed
from evalrun.stats.stopping_times import BETTER, stopping_times, verdict_differences
from evalrun.store.run import RunStore
from evalrun.store.runs import list_runs

ASSUMED = (0.1, 0.2, 0.3)
SURE_POWER = 0.95
_LEAST_CASES = 20  # fewer say little of how often two columns differ
_MOST_REQUESTS = 200_000
_RUNS = 400
_LONGEST = 20_000  # cases that are played through; what takes more is not


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """On which share of *cases* cases two columns of an earlier run differ; with samples the mean square instead."""

    discordance: float
    first: str
    second: str
    cases: int
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """What it takes to show a difference where columns differ on a share *discordance* of the cases.

    *cases* is for a fixed design with `POWER`, *sure_cases* with `SURE_POWER`; *requests* are those of a
    new run of *cases* cases like the suite's, all columns, and *forecast* what it does; None where it is too large to
    be walked through. *stops_after* is by when half of all runs with ``stop_when`` have found the winner;
    None where fewer than half find it within twice *sure_cases*, or where that is not worked out.
    """

    discordance: float
    measured: Measured | None
    cases: int
    sure_cases: int
    requests: int
    forecast: Forecast | None
    stops_after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """What it takes to show *difference*, for several shares of cases on which columns differ; *when* is the rule that
    would stop such a run, the suite's own or the default.
    """

    difference: float
    power: float
    alpha: float
    planned: int
    when: StopWhen
    needed: tuple[Needed, ...]


def detect(plan: Plan, options: RunOptions, now: float, difference: float) -> Detection:
    """What a *difference* in pass rate (0..1) between two columns takes to be shown. Nothing is sent or written."""
    when = plan.suite.stop_when or StopWhen(decided=())
    measured = _measured(plan, options)
    shares: list[tuple[float, Measured | None]] = [(share, None) for share in ASSUMED if share >= difference]
    if not shares:
        shares = [(min(1.0, difference), None)]
    if measured is not None:
        shares = [(max(measured.discordance, difference), measured), *shares]
    pairs = max(1, len(pairs_of(when.decided, plan.columns)))
    own = sum(one.requests for one in forecast(plan))
    needed = []
    for share, source in shares:
        cases = cases_needed(difference, discordance=share)
        sure = cases_needed(difference, discordance=share, power=SURE_POWER)
        needed.append(
            Needed(
                discordance=share,
                measured=source,
                cases=cases,
                sure_cases=sure,
                requests=(requests := math.ceil(own * cases / len(plan.suite.cases))),
                forecast=foresee_cases(plan, options, now, cases) if requests <= _MOST_REQUESTS else None,
                stops_after=_stops_after(difference, share, 2 * sure, alpha=when.alpha / pairs, when=when),
            )
        )
    return Detection(
        difference=difference,
        power=POWER,
        alpha=ALPHA,
        planned=len(plan.suite.cases),
        when=when,
        needed=tuple(needed),
    )


def _stops_after(difference: float, discordance: float, cap: int, *, alpha: float, when: StopWhen) -> int | None:
    """By which case half of all runs have found the winner, played through from a seed."""
    if cap > _LONGEST:
        return None
    chance = np.random.default_rng(0)
    ended, how = stopping_times(
        lambda runs: verdict_differences(chance.random(runs), difference, discordance),
        runs=_RUNS,
        cap=cap,
        alpha=alpha,
        min_effect=when.min_effect,
    )
    median = float(np.median(np.where(how == BETTER, ended, math.inf)))
    return round(median) if math.isfinite(median) else None


def _measured(plan: Plan, options: RunOptions) -> Measured | None:
    """How often columns differed in the newest run of the suite that tells: the two that did most, of those that are
    to be decided or else of those with one prompt and the same parameters.
    """
    for info in list_runs(options.results, plan.suite.name):
        if info.state == "damaged" or not info.answered or info.planned > QUICK:
            continue
        with suppress(StorageError), RunStore.open(info.folder) as store:
            found = _differing(store, plan.suite.stop_when, info.run)
            if found is not None:
                return found
    return None


def _differing(store: RunStore, when: StopWhen | None, run: str) -> Measured | None:
    columns = store.plan().columns
    names = when.decided if when else tuple(dict.fromkeys(column.model for column in columns))
    pairs: Sequence[tuple[int, int]] = pairs_of(names, columns) or tuple(combinations(range(len(columns)), 2))
    verdicts: dict[tuple[int, int], list[float]] = defaultdict(list)
    for row in store.rows():
        if row.scored and row.mark is not None:
            verdicts[row.cell.column, row.cell.case].append(float(row.mark.verdict == "pass"))
    cases: dict[int, set[int]] = defaultdict(set)
    for column, case in verdicts:
        cases[column].add(case)
    found = []
    for first, second in pairs:
        both = cases[first] & cases[second]
        if len(both) >= _LEAST_CASES:
            share = fmean((fmean(verdicts[first, case]) - fmean(verdicts[second, case])) ** 2 for case in both)
            found.append((share, len(both), columns[first].label, columns[second].label))
    if not found:
        return None
    share, number, one, other = max(found, key=lambda each: each[0])
    return Measured(discordance=share, first=one, second=other, cases=number, run=run)
