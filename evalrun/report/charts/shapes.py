"""What a chart is made of: shapes with coordinates in its own units, and texts that the template escapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

WIDTH = 380
"""How many units every chart is wide, so that its 12 px texts stay about 12 px in a grid of charts and on a phone."""

Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """Lines or an area. *kind* names its look in the page's style."""

    d: str
    kind: str

    @property
    def what(self) -> str:
        """Which shape it is, for the template."""
        return "path"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A line of text, at its baseline."""

    x: float
    y: float
    text: str
    kind: str = ""
    anchor: Anchor = "start"

    @property
    def what(self) -> str:
        """Which shape it is, for the template."""
        return "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A column's mark around a point: ``square``, ``disc``, ``diamond``, or a letter in a disc."""

    x: float
    y: float
    shape: str
    kind: str = ""

    @property
    def what(self) -> str:
        """Which shape it is, for the template."""
        return "mark"


Shape = Path | Text | Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Shapes that belong together, with what they show in words; *title* is empty where nothing is shown but order."""

    shapes: tuple[Shape, ...]
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A figure: title, unit, what it shows in words, and its shapes. *missing* says instead why there is none."""

    name: str
    title: str
    unit: str = ""
    words: str = ""
    height: float = 0.0
    groups: tuple[Group, ...] = ()
    missing: str = ""


def at(value: float) -> str:
    """A coordinate as text: one decimal, none where it is whole; never ``-0``."""
    rounded = round(value, 1) + 0.0
    return f"{rounded:.0f}" if rounded == int(rounded) else f"{rounded:.1f}"


def line(x1: float, y1: float, x2: float, y2: float) -> str:
    """A path from point to point."""
    return f"M{at(x1)} {at(y1)}L{at(x2)} {at(y2)}"


def whisker(low: float, high: float, y: float, *, half: float = 4.0) -> str:
    """A path from *low* to *high* with a stroke across at either end."""
    top, bottom = at(y - half), at(y + half)
    return f"M{at(low)} {at(y)}H{at(high)}M{at(low)} {top}V{bottom}M{at(high)} {top}V{bottom}"


def upright(x: float, low: float, high: float, *, half: float = 4.0) -> str:
    """A whisker that stands: from *low* to *high*, both heights."""
    left, right = at(x - half), at(x + half)
    return f"M{at(x)} {at(low)}V{at(high)}M{left} {at(low)}H{right}M{left} {at(high)}H{right}"


def box(x: float, y: float, width: float, height: float) -> str:
    """A path round a rectangle."""
    return f"M{at(x)} {at(y)}H{at(x + width)}V{at(y + height)}H{at(x)}Z"
