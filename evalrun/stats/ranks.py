"""A leaderboard that shows ties as ties, and the columns that nothing beats on two figures at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """The places that a column may hold: 1 and 1 for a sure winner, 2 and 3 for either of two that tie behind it."""

    best: int
    worst: int

    def __str__(self) -> str:
        return f"{self.best}" if self.best == self.worst else f"{self.best}–{self.worst}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A column on two figures, the first to be high and the second low; None where a figure is unknown."""

    column: str
    score: float | None
    price: float | None


def rank_ranges(columns: Sequence[str], decided: Iterable[tuple[str, str]]) -> dict[str, Rank]:
    """The ranks of *columns*, given the pairs (better, worse) that are *decided*.

    Best is 1 + how many columns are decidedly better, worst is how many there are less those that are decidedly worse.
    Every pair speaks for itself, so that it does not matter where a ties with b and b with c though a beats c, and the
    ranges keep the tests' promise: where all pairs are tested and adjusted together (calls.holm), the chance that any
    column's true rank lies outside its range is alpha at most. Al Mohamad, D., Goeman, J. J. and van Zwet, E. W.
    (2022), Simultaneous confidence intervals for ranks with application to ranking institutions, Biometrics 78:
    238-247. Letters (compact letter displays) say the same of pairs, but not who comes first.
    """
    known, pairs = set(columns), set(decided)
    beaten_by = dict.fromkeys(columns, 0)
    beats = dict.fromkeys(columns, 0)
    for better, worse in pairs:
        if better not in known or worse not in known or better == worse or (worse, better) in pairs:
            raise ValueError(f"{better} against {worse}: not two of the columns, or decided both ways")
        beaten_by[worse] += 1
        beats[better] += 1
    return {name: Rank(best=1 + beaten_by[name], worst=len(columns) - beats[name]) for name in columns}


def pareto_front(points: Sequence[Point]) -> tuple[str, ...]:
    """The columns that no other equals on both figures and beats on one, the lowest price first, then as they came.

    Columns with an unknown figure are not compared, and are not on the front. Equal points stand or fall together.
    """
    known = [
        (point.column, point.score, point.price)
        for point in points
        if point.score is not None and point.price is not None and math.isfinite(point.score + point.price)
    ]
    front, best, price_of_best = [], -math.inf, math.inf
    for column, score, price in sorted(known, key=lambda one: (one[2], -one[1])):
        if score > best or (score == best and price == price_of_best):
            front.append(column)
            best, price_of_best = score, price
    return tuple(front)
