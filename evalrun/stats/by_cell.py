"""A figure for each cell of a column: eight bytes a cell, and nothing while there is no figure."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class ByCell:
    """Figures by case, then sample. A cell without one holds nan, which is never handed out by by_case."""

    def __init__(self, cases: int, samples: int) -> None:
        self._cases, self._samples = cases, samples
        self._figures = array("d")

    def put(self, case: int, sample: int, figure: float) -> None:
        """Note a cell's figure."""
        if not self._figures:
            self._figures = array("d", [float("nan")]) * (self._cases * self._samples)
        self._figures[case * self._samples + sample] = figure

    def by_case(self) -> list[Sequence[float]]:
        """The figures of each case that has some."""
        if not self._figures:
            return []
        if self._samples == 1:
            return [(figure,) for figure in self._figures if figure == figure]
        rows = (self._figures[start : start + self._samples] for start in range(0, len(self._figures), self._samples))
        kept = ([figure for figure in row if figure == figure] for row in rows)
        return [figures for figures in kept if figures]

    def table(self) -> NDArray[np.float64] | None:
        """All of them, a row a case, nan where there is none; None where there are none at all."""
        return np.array(self._figures).reshape(self._cases, self._samples) if self._figures else None
