"""Pass rates of the cases that share a tag, column by column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from evalrun.records.comparison import Interval, TagFigures
from evalrun.stats.figures import share_interval
from evalrun.stats.intervals import wilson
from evalrun.stats.pairs import PASSED, UNSCORED

TAGS = 6
"""How many tags a comparison holds figures of."""


def largest_tags(tags_by_case: Iterable[Iterable[str]]) -> list[tuple[str, list[int]]]:
    """Every tag with the places of its cases: the one with most cases first, of equally many the one that came first.

    A tag that all cases have says no more than the whole does, and is left out.
    """
    places: dict[str, list[int]] = {}
    count = 0
    for case, tags in enumerate(tags_by_case):
        count += 1
        for tag in dict.fromkeys(tags):
            places.setdefault(tag, []).append(case)
    parts = [(tag, cases) for tag, cases in places.items() if len(cases) < count]
    return sorted(parts, key=lambda part: -len(part[1]))


def tag_figures(
    tags: Sequence[tuple[str, Sequence[int]]], verdicts: Sequence[bytes], *, samples: int
) -> tuple[TagFigures, ...]:
    """The figures of *tags* in each column; *verdicts* hold a byte a cell, by case, then sample, a column each."""
    found = []
    for tag, cases in tags:
        columns = [_column(column, cases, samples) for column in verdicts]
        rates, scored = tuple(rate for rate, _ in columns), tuple(number for _, number in columns)
        found.append(TagFigures(tag=tag, cases=len(cases), pass_rates=rates, scored=scored))
    return tuple(found)


def _column(verdicts: bytes, cases: Sequence[int], samples: int) -> tuple[Interval | None, int]:
    if samples == 1:
        cells = np.frombuffer(verdicts, dtype=np.uint8)[np.asarray(cases, dtype=np.intp)]
        passed, scored = int((cells == PASSED).sum()), int((cells != UNSCORED).sum())
        return wilson(passed, scored) if scored else None, scored
    by_case = [
        [float(verdict == PASSED) for verdict in verdicts[case * samples : (case + 1) * samples] if verdict != UNSCORED]
        for case in cases
    ]
    return share_interval(by_case), sum(map(len, by_case))
