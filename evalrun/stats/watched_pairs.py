"""Pairs that were looked at after every case (``stop_when``), called by what was found then.

A test for a number of cases that was fixed before does not hold for them: whoever may stop when it looks good stops at
differences that are not there. So neither its interval nor its p-value calls them, however the run ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from evalrun.records.comparison import Interval, Pair, ScorePair
from evalrun.records.plan import Column
from evalrun.records.run_comparison import ComparedColumn
from evalrun.stats.stopping import Decision
from evalrun.stats.watching import Watched

WatchedPairs = Mapping[tuple[str, str], Watched]
"""What was found of two columns, by their labels."""


def by_labels(watched: Sequence[Watched], columns: Sequence[Column]) -> WatchedPairs:
    """The comparisons by the labels of their columns, first and second as they have them."""
    return {(columns[one.first].label, columns[one.second].label): one for one in watched}


def of_verdicts(watched: WatchedPairs) -> WatchedPairs:
    """The comparisons where every score is its verdict's 1 or 0: what was found of one figure is so of the other."""
    return {labels: replace(one, figure="pass_rate") for labels, one in watched.items()}


def found_of(watched: WatchedPairs, first: str, second: str, figure: str) -> Watched | None:
    """What was found of two columns in a figure, ``pass_rate`` or ``score``; None where nobody watched it."""
    found = watched.get((first, second)) or watched.get((second, first))
    return found if found is not None and found.figure == figure else None


def called(pair: Pair, watched: WatchedPairs) -> Pair:
    """A pair as the watch calls it, in the figure that was watched; as it is where it was not."""
    found = watched.get((pair.first, pair.second)) or watched.get((pair.second, pair.first))
    if found is None:
        return pair
    turned = (pair.first, pair.second) not in watched
    if found.figure == "pass_rate":
        return replace(pair, **_told(pair, found, turned=turned))
    return (
        pair
        if pair.score is None
        else replace(pair, score=replace(pair.score, **_told(pair.score, found, turned=turned)))
    )


def measured(column: ComparedColumn, watched: WatchedPairs) -> ComparedColumn:
    """Two columns of one run, held against each other later: the figure that was watched as the watch calls it."""
    measures = []
    for one in column.measures:
        found = found_of(watched, column.label_a, column.label_b, one.name)
        if found is not None:
            turned = (column.label_a, column.label_b) in watched  # a measure is second less first
            known = _difference(found, Interval(mean=one.difference, low=-1.0, high=1.0), turned=turned)
            one = replace(
                one,
                difference=known.mean,
                difference_interval=known,
                p_value=None,
                p_adjusted=None,
                call=("better" if known.mean > 0 else "worse") if _is_won(found) else "not distinguishable",
                more_cases=None,
                watched=_same(found) if found.decision is Decision.NO_DIFFERENCE else _words(found),
            )
        measures.append(one)
    return replace(column, measures=tuple(measures))


def _told(before: Pair | ScorePair, found: Watched, *, turned: bool) -> dict[str, Any]:
    """What the watch says in place of a test for a fixed number of cases."""
    decided, same = _is_won(found), _same(found) if found.decision is Decision.NO_DIFFERENCE else ""
    return {
        "difference": _difference(found, before.difference, turned=turned),
        "decided": decided,
        "p_adjusted": None,
        "more_cases": None if decided or same else before.more_cases,
        "needs": "" if decided else same or before.needs or _words(found),
        "watched": _words(found),
    }


def _is_won(found: Watched) -> bool:
    return found.decision in (Decision.FIRST, Decision.SECOND)


def _difference(found: Watched, otherwise: Interval, *, turned: bool) -> Interval:
    """First less second, as the pair has them; nothing is known before any case counts."""
    known = found.interval
    if known is None:
        return Interval(mean=otherwise.mean, low=-1.0, high=1.0)
    return Interval(mean=-known.mean, low=-known.high, high=-known.low) if turned else known


def _words(found: Watched) -> str:
    decided = "not decided" if found.decision is Decision.OPEN else "decided"
    return f"{decided} after {found.cases:,} of {found.planned:,} case{'' if found.planned == 1 else 's'}"


def _same(found: Watched) -> str:
    unit = f"{100 * found.min_effect:.1f} points" if found.figure == "pass_rate" else f"{found.min_effect:g}"
    return f"they differ by less than {unit}, {_words(found)}"
