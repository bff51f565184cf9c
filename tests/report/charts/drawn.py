"""Columns for the tests of charts, and what is found in what they draw."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from evalrun.records.comparison import ColumnFigures, Interval
from evalrun.records.plan import Column
from evalrun.report.charts.series import Series
from evalrun.report.charts.shapes import WIDTH, Chart, Mark, Path, Text


def column(label: str, *, mark: str = "disc", accent: bool = False, hollow: bool = False, **figures: Any) -> Series:
    """A column with some figures."""
    known = {"planned": 10, "scored": 10, "passed": 5, "simulated": hollow, "recorded": False, **figures}
    found = ColumnFigures(column=Column(id=label, label=label, prompt="p", model=label), **known)
    return Series(figures=found, mark=mark, accent=accent, hollow=hollow)


def around(mean: float, half: float = 0.05) -> Interval:
    """An interval around a mean."""
    return Interval(mean=mean, low=mean - half, high=mean + half)


def shapes(chart: Chart) -> Iterator[Path | Text | Mark]:
    """All shapes of a chart."""
    return (shape for group in chart.groups for shape in group.shapes)


def marks(chart: Chart) -> list[Mark]:
    """Its marks."""
    return [shape for shape in shapes(chart) if isinstance(shape, Mark)]


def texts(chart: Chart, kind: str | None = None) -> list[str]:
    """Its texts, or those of a kind."""
    return [shape.text for shape in shapes(chart) if isinstance(shape, Text) and kind in (None, *shape.kind.split())]


def paths(chart: Chart, kind: str) -> list[Path]:
    """Its paths of a kind."""
    return [shape for shape in shapes(chart) if isinstance(shape, Path) and kind in shape.kind.split()]


def numbers_of(path: Path) -> list[float]:
    """All figures of a path, in their order."""
    return [float(figure) for figure in re.findall(r"-?\d+(?:\.\d+)?", path.d)]


def check_inside(charts: Sequence[Chart]) -> None:
    """Every coordinate lies inside its chart, and every chart says in words what it shows."""
    for chart in charts:
        assert chart.words.endswith(".")
        for shape in shapes(chart):
            if isinstance(shape, Path):
                assert all(-0.1 <= figure <= max(WIDTH, chart.height) for figure in numbers_of(shape)), shape
            else:
                assert 0 <= shape.x <= WIDTH
                assert 0 <= shape.y <= chart.height
