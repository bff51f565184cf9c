"""Who leads, which pair the conclusion opens with, and in which order columns are shown. Pure."""

from __future__ import annotations

from evalrun.records.comparison import ColumnFigures, Comparison, Pair
from evalrun.report import numbers


def by_place(comparison: Comparison) -> list[ColumnFigures]:
    """The columns as a leaderboard: those that compete from the best on, then the others in plan order."""
    columns = comparison.columns
    return sorted(columns, key=lambda figures: len(columns) + 1 if figures.place is None else figures.place)


def best_column(comparison: Comparison) -> ColumnFigures | None:
    """The column that stands first; None where there is nothing to compare."""
    return by_place(comparison)[0] if comparison.pairs else None


def leading(comparison: Comparison) -> ColumnFigures | None:
    """The column that the conclusion names as the one that leads, or as the only one; None where there is a tie."""
    pair = headline_pair(comparison)
    if pair is not None:
        return best_column(comparison) if pair.call == "better" else None
    scored = [figures for figures in comparison.columns if figures.place is not None]
    return scored[0] if len(scored) == 1 else None


def named(comparison: Comparison, label: str) -> ColumnFigures | None:
    """The column of a pair."""
    return next((figures for figures in comparison.columns if figures.column.label == label), None)


def pair_of(comparison: Comparison, first: str, second: str) -> Pair | None:
    """The pair of two labels, if it is one of those shown."""
    return next((pair for pair in comparison.pairs if {pair.first, pair.second} == {first, second}), None)


def headline_pair(comparison: Comparison) -> Pair | None:
    """The pair that the conclusion opens with: the leader and the runner-up, or, if they tie, the first one beaten."""
    pairs = _of_leader(comparison)
    if pairs and pairs[0].decided:
        return pairs[0]
    return next((pair for pair in pairs if pair.call == "better"), pairs[0] if pairs else None)


def next_pair(comparison: Comparison) -> Pair | None:
    """The leader and the runner-up, told apart or not."""
    return next(iter(_of_leader(comparison)), None)


def _of_leader(comparison: Comparison) -> list[Pair]:
    best = best_column(comparison)
    return [] if best is None else [pair for pair in comparison.pairs if pair.first == best.column.label]


def rank(figures: ColumnFigures) -> str:
    """``1``, or ``2–3`` where the tests leave both open; empty for a column that does not compete."""
    return numbers.rank(*figures.rank) if figures.rank is not None else ""


def pairs_shown(comparison: Comparison) -> str:
    """Which pairs are shown, where there are more: ``17 of 45 pairs: …``; empty where all are."""
    shown, possible = len(comparison.pairs), comparison.pairs_possible
    if shown >= possible:
        return ""
    return f"{numbers.count(shown)} of {numbers.count(possible)} pairs: the first with each, and neighbours"
