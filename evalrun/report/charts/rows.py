"""Charts with a row a column: its name and figure in words, below them what is drawn. They grow downwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evalrun.report.charts.scale import Scale
from evalrun.report.charts.series import Series
from evalrun.report.charts.shapes import WIDTH, Anchor, Chart, Group, Path, Shape, Text, line
from evalrun.report.charts.words import SMALL, fitted, width

EDGE = 7.0
"""How far from the left and right edge scales end, so that marks and whiskers there stay whole."""

_FOOT = 20.0
"""How much room the figures below an axis take."""

_GAP = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Where *count* rows lie that begin at *top*: roomy where there are few, 28 units each where there are many."""

    count: int
    top: float = 4.0
    roomy: float = 46.0
    dense: float = 28.0
    roomy_up_to: int = 5

    @property
    def pitch(self) -> float:
        """How high a row is."""
        return self.roomy if self.count <= self.roomy_up_to else self.dense

    @property
    def foot(self) -> float:
        """Where the rows end and the axis stands."""
        return self.top + self.count * self.pitch + 2.0

    def line(self, index: int) -> float:
        """The height at which a row's whisker is drawn, below its words."""
        return self.top + index * self.pitch + (30.0 if self.pitch == self.roomy else 21.0)

    def heading(self, index: int, one: Series, said: str) -> tuple[Shape, ...]:
        """A row's words: the column's name at the left, its figure at the right; the name yields to the figure."""
        return heading(one.name, said, self.top + index * self.pitch + 11.0, one.look)


def heading(name: str, said: str, y: float, look: str = "") -> tuple[Shape, ...]:
    """A name at the left and a figure at the right, which do not touch."""
    left = Text(x=0.0, y=y, text=fitted(name, WIDTH - width(said) - _GAP))
    return (left, Text(x=WIDTH, y=y, text=said, kind=f"figure {look}".strip(), anchor="end")) if said else (left,)


def axis(
    scale: Scale, top: float, foot: float, write: Callable[[float], str], unit: str = "", *, left: float = 0.0
) -> Group:
    """Grid lines at a scale's ticks with their figures below, none of which begins left of *left*; the last one bears
    the unit.

    A figure that would come too near to the one before it is left out, its line stays.
    """
    shapes: list[Shape] = []
    last, texts = -1e9, [write(tick) for tick in scale.ticks]
    for index, (tick, text) in enumerate(zip(scale.ticks, texts, strict=True)):
        x = scale(tick)
        shapes.append(Path(d=line(x, top, x, foot), kind="grid"))
        said = f"{text}{unit}" if index == len(texts) - 1 else text
        begin, right, place, anchor = _spot(x, width(said, SMALL), left)
        if begin < last + 4.0:
            continue
        shapes.append(Text(x=place, y=foot + 14.0, text=said, kind="ax", anchor=anchor))
        last = right
    return Group(shapes=tuple(shapes))


def _spot(x: float, wide: float, left: float) -> tuple[float, float, float, Anchor]:
    """Where a text below a tick lies, from where to where, so that it stays inside the chart."""
    if x - wide / 2 < left:
        return left, left + wide, left, "start"
    if x + wide / 2 > WIDTH:
        return WIDTH - wide, WIDTH, WIDTH, "end"
    return x - wide / 2, x + wide / 2, x, "middle"


def drawn(*, name: str, title: str, unit: str, groups: Sequence[Group], foot: float) -> Chart:
    """A chart of these groups, whose axis stands at *foot*; in words it says what each of them shows."""
    words = "; ".join(group.title for group in groups if group.title)
    return Chart(name=name, title=title, unit=unit, words=f"{words}.", height=foot + _FOOT, groups=tuple(groups))
