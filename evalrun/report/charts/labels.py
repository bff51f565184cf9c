"""Where the names of points go, so that none lies on another, on a mark, or outside; whatever the points are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evalrun.report.charts.shapes import Anchor

HEIGHT = 14.0
"""How high a line of text is."""

NEAR = 20.0
"""How far from its point a name may be without a line that leads to it."""

_DISTANCES = (10.0, 15.0, NEAR, 28.0, 38.0, 50.0, 64.0, 80.0, 98.0, 118.0, 140.0, 165.0, 192.0)
_DIRECTIONS = ((1.0, 0.0), (-1.0, 0.0), (0.0, -1.0), (0.0, 1.0), (0.8, -0.7), (-0.8, -0.7), (0.8, 0.7), (-0.8, 0.7))
_AIR = 2.0


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle from left to right, from top to bottom."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether the two share more than an edge."""
        apart = (
            self.right <= other.left or other.right <= self.left or self.bottom <= other.top or other.bottom <= self.top
        )
        return not apart

    def within(self, other: Box) -> bool:
        """Whether it lies inside the other."""
        across = other.left <= self.left and self.right <= other.right
        return across and other.top <= self.top and self.bottom <= other.bottom


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A name's place: its baseline at *x* and *y*; *far* says that a line must lead to it from its point."""

    x: float
    y: float
    anchor: Anchor
    box: Box
    far: bool


def place(
    points: Sequence[tuple[float, float]],
    widths: Sequence[float],
    frame: Box,
    *,
    taken: Sequence[Box] = (),
    avoided: Sequence[Box] = (),
    radius: float = 7.0,
) -> list[Label | None]:
    """A place for the name of each of *points*, in their order; None where there is none left.

    *widths* are how wide the names are. No two names meet, and none meets a mark (of *radius*) nor what is *taken*;
    what is *avoided*, such as whiskers, is crossed only where nothing else is free.
    """
    marks = [Box(x - radius, y - radius, x + radius, y + radius) for x, y in points]
    hard = [*marks, *taken]
    found: list[Label | None] = []
    for point, wide in zip(points, widths, strict=True):
        free = [
            one
            for one in _candidates(point, wide)
            if one.box.within(frame) and not any(one.box.meets(other) for other in hard)
        ]
        best = next((one for one in free if not any(one.box.meets(other) for other in avoided)), None)
        near = next((one for one in free if not one.far), None)
        chosen = near if best is None or (best.far and near is not None) else best
        chosen = chosen or next(iter(free), None)
        found.append(chosen)
        if chosen is not None:
            hard.append(chosen.box)
    return found


def _candidates(point: tuple[float, float], wide: float) -> Iterator[Label]:
    """Places for a name around its point, the nearest first, to the right before the left before above and below."""
    x, y = point
    for distance in _DISTANCES:
        for across, down in _DIRECTIONS:
            middle = y + down * (distance + (HEIGHT / 2 if not across else 0.0))
            anchor: Anchor = "start" if across > 0 else "end" if across < 0 else "middle"
            at = x + across * distance
            left = at if across > 0 else at - wide if across < 0 else at - wide / 2
            box = Box(left - _AIR / 2, middle - HEIGHT / 2, left + wide + _AIR / 2, middle + HEIGHT / 2)
            yield Label(x=at, y=middle + 4.0, anchor=anchor, box=box, far=distance > NEAR)


def apart(heights: Sequence[float], *, least: float, top: float, bottom: float) -> list[float]:
    """*heights* moved as little as it takes for any two to be *least* apart, in their order, from *top* to *bottom*.

    Where they do not fit in between they go on below *bottom*.
    """
    order = sorted(range(len(heights)), key=heights.__getitem__)
    moved = list(heights)
    floor = top
    for index in order:
        moved[index] = floor = max(moved[index], floor)
        floor += least
    ceiling = max(bottom, top + least * (len(heights) - 1))
    for index in reversed(order):
        moved[index] = ceiling = min(moved[index], ceiling)
        ceiling -= least
    return moved
