"""marks in the store -> stats.watching -> which cells are not needed, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalrun.conduct.identity import recorded_columns
from evalrun.conduct.marking import score_rows
from evalrun.records.outcome import Status
from evalrun.records.plan import Plan, pairs_of
from evalrun.records.suite import Price, StopWhen
from evalrun.report import numbers
from evalrun.stats.stopping import Decision
from evalrun.stats.watching import Watch, Watched
from evalrun.store.run import RunStore
from evalrun.suite.plan import expected_requests

_WORDS = {
    Decision.FIRST: "better",
    Decision.SECOND: "worse",
    Decision.NO_DIFFERENCE: "no difference",
    Decision.OPEN: "not decided",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """What came of ``stop_when``: every comparison, the cells that were spared, and the requests that this saved.

    Of the cells that do not count *late* came to their end all the same, after the decision.
    """

    when: StopWhen
    labels: tuple[str, ...]
    pairs: tuple[Watched, ...]
    spared: int
    saved: int
    late: int = 0

    def as_json(self) -> dict[str, Any]:
        """For run.json."""
        return {
            "decided": list(self.when.decided),
            "alpha": self.when.alpha,
            "min_effect": self.when.min_effect,
            "figure": self.when.figure,
            "cells_spared": self.spared,
            "cells_late": self.late,
            "requests_saved": self.saved,
            "pairs": [_pair_json(pair, self.labels) for pair in self.pairs],
            "guarantee": self.guarantee,
        }

    def notes(self) -> tuple[str, ...]:
        """Sentences: each comparison, what was saved, and what is guaranteed."""
        if not self.pairs:
            return (f"stop_when: fewer than two of {', '.join(self.when.decided)} are asked, so nothing was compared",)
        saved = f"{numbers.plural(self.saved, 'request')} saved" if self.saved else "no request saved"
        if self.late:
            saved += f" ({numbers.plural(self.late, 'cell')} came back after the decision and count in no figure)"
        return (*(_sentence(pair, self.when, self.labels) for pair in self.pairs), f"{saved}; {self.guarantee}")

    @property
    def guarantee(self) -> str:
        """What may be relied on."""
        shared = f", shared by {len(self.pairs)} comparisons" if len(self.pairs) > 1 else ""
        return (
            f"the chance of any wrong decision is at most {100 * self.when.alpha:g} %{shared}, although it was looked "
            "at after every case; stop_when's intervals hold whenever one stops, its differences are on average too "
            "large where a run stopped early"
        )


def decisions(plan: Plan, watch: Watch) -> tuple[str, ...]:
    """Each comparison that is decided, in a sentence."""
    when, labels = plan.suite.stop_when, tuple(column.label for column in plan.columns)
    decided = [pair for pair in watch.pairs() if pair.decision is not Decision.OPEN]
    return tuple(_sentence(pair, when, labels) for pair in decided) if when else ()


def _sentence(pair: Watched, when: StopWhen, labels: Sequence[str]) -> str:
    first, second = labels[pair.first], labels[pair.second]
    what = "mean score" if when.figure == "score" else "pass rate"
    seen = f"after {numbers.count(pair.cases)} of {numbers.plural(pair.planned, 'case')}"
    if pair.interval is None:
        return f"{first} and {second} on {what}: not decided, no case is scored in both"
    negate = pair.decision is Decision.SECOND
    mean = -pair.interval.mean if negate else pair.interval.mean
    told = f"{numbers.fixed(mean, 1, 2)} points {numbers.points_bounds(pair.interval, negate=negate)}"
    if pair.decision is Decision.OPEN:
        return f"{first} and {second} on {what}: not decided {seen}: {told}"
    if pair.decision is Decision.NO_DIFFERENCE:
        least = f"{numbers.fixed(when.min_effect, 1, 2)} points"
        return f"{first} and {second} differ by less than {least} on {what}, decided {seen}: {told}"
    better, other = (second, first) if negate else (first, second)
    return f"{better} beats {other} on {what}, decided {seen}: by {told}"


def _pair_json(pair: Watched, labels: Sequence[str]) -> dict[str, Any]:
    found = pair.interval
    return {
        "first": labels[pair.first],
        "second": labels[pair.second],
        "decision": _WORDS[pair.decision],
        "cases": pair.cases,
        "cases_planned": pair.planned,
        "difference": found.mean if found else None,
        "low": found.low if found else None,
        "high": found.high if found else None,
        "alpha": pair.alpha,
    }


def watch_of(store: RunStore, plan: Plan) -> Watch | None:
    """The comparisons of a plan, as far as the marks in the store decide them; None where it has none."""
    if plan.suite.stop_when is None:
        return None
    watch = Watch(plan)
    watch.read(store.rows())
    return watch


def keep_accounts(store: RunStore, plan: Plan, prices: Mapping[str, Price]) -> Watch | None:
    """Score what has no mark yet, and spare the cells that do not count, as far as that decides something.

    Those are the cells that were not asked for the decision's sake, and those whose answers came back after it: what
    was in flight then must not tell in any figure. Cells whose decision does not stand count again: where the suite or
    its scorers have changed, or cells in error were asked again. Recorded answers are there already: none is spared.
    """
    recorded = recorded_columns(plan)
    while True:
        score_rows(store, plan, prices)
        watch, spared = watch_of(store, plan), store.spared_keys()
        decided = {
            number
            for number in range(len(plan.columns))
            if watch is not None and watch.is_decided(number) and number not in recorded
        }
        again = [cell.key for cell in plan.cells if cell.key in spared and cell.column not in decided]
        if not again:
            break
        store.forget(again)  # what comes to light may decide otherwise
    if watch is not None and decided:
        pending = {cell.key for cell in store.pending()}
        store.spare(
            (cell, why_not(plan, cell.column, late=cell.key not in pending))
            for cell in plan.cells
            if cell.column in decided and cell.key not in spared and (cell.key in pending or not watch.is_needed(cell))
        )
    return watch


def why_not(plan: Plan, column: int, *, late: bool = False) -> str:
    """Why a cell of a column does not count, in words for its row; *late*: its end came, but too late."""
    when = plan.suite.stop_when
    pairs = pairs_of(when.decided, plan.columns) if when else ()
    others = [plan.columns[other].label for pair in pairs if column in pair for other in pair if other != column]
    against = f"{plan.columns[column].label} against {', '.join(others)} was decided"
    how = f"it came back after {against}" if late else f"{against} before"
    return f"not needed: {how} (stop_when)"


def stopped(store: RunStore, plan: Plan, watch: Watch | None) -> Stopped | None:
    """What came of a plan's ``stop_when``; None without one."""
    if watch is None or plan.suite.stop_when is None:
        return None
    spared = saved = late = 0
    for row in store.rows():
        if row.status is Status.SPARED:
            spared += 1
            late += len(row.exchanges) > 1 and not row.exchanges[-2].goes_on
            saved += max(0, len(expected_requests(plan, row.cell)) - row.requests)
    return Stopped(
        when=plan.suite.stop_when,
        labels=tuple(column.label for column in plan.columns),
        pairs=watch.pairs(),
        spared=spared,
        saved=saved,
        late=late,
    )
