"""A column as charts show it: its name, its mark, and whether it is the one that the conclusion names."""

from __future__ import annotations

from dataclasses import dataclass

from evalrun.records.comparison import ColumnFigures
from evalrun.report.charts.shapes import Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A column with its look: *accent* is the one that the sentence names, *hollow* are those that are simulated."""

    figures: ColumnFigures
    mark: str
    accent: bool
    hollow: bool

    @property
    def label(self) -> str:
        """Its name alone."""
        return self.figures.column.label

    @property
    def name(self) -> str:
        """Its name as charts write it."""
        return f"{self.label} (simulated)" if self.hollow else self.label

    @property
    def look(self) -> str:
        """The names of its look, to stand beside the kind of a shape."""
        return " ".join(["best"] * self.accent + ["sim"] * self.hollow)

    def kind(self, base: str) -> str:
        """A kind of shape in this column's look."""
        return f"{base} {self.look}".strip()

    def at(self, x: float, y: float) -> Mark:
        """Its mark around a point."""
        return Mark(x=x, y=y, shape=self.mark, kind=self.look)
