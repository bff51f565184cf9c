"""A pass rate over runs as a small drawing: a line through the means, a band of the intervals, a disc at the end. Pure.

Everything is worked out here, so that the page that shows it needs no script.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evalrun.records.comparison import Interval

WIDTH, HEIGHT = 160.0, 32.0
_PAD = 4.0
_LEAST_SPAN = 0.2  # noise must not look like a landslide


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Which rates the height shows, from *low* at the foot to *high* at the top."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparkline:
    """SVG paths in a box of WIDTH × HEIGHT: lines, bands, discs where a point stands alone, and the last disc."""

    lines: str
    bands: str
    discs: tuple[tuple[str, str], ...]


def scale_of(rates: Sequence[Interval]) -> Scale:
    """A scale that holds all these intervals, a fifth of the whole at least and nothing beyond 0 and 1."""
    low = min((rate.low for rate in rates), default=0.0)
    high = max((rate.high for rate in rates), default=1.0)
    lack = max(0.0, _LEAST_SPAN - (high - low)) / 2
    low, high = low - lack, high + lack
    shift = max(0.0, -low) - max(0.0, high - 1.0)
    return Scale(low=max(0.0, low + shift), high=min(1.0, high + shift))


def sparkline(rates: Sequence[Interval | None], breaks: Sequence[bool], scale: Scale) -> Sparkline:
    """The drawing of one column: a place for each run, nothing where it has no rate.

    *breaks* says of each run whether it was asked otherwise than the one before: the line does not go on there.
    """
    step = (WIDTH - 2 * _PAD) / max(1, len(rates) - 1)
    places = [_PAD + step * at for at in range(len(rates))] if len(rates) > 1 else [WIDTH - _PAD]
    stretches: list[list[tuple[float, Interval]]] = [[]]
    for at, rate in enumerate(rates):
        if rate is None or breaks[at]:
            stretches.append([])
        if rate is not None:
            stretches[-1].append((places[at], rate))
    stretches = [stretch for stretch in stretches if stretch]
    ends = [stretch[-1] for stretch in stretches if len(stretch) == 1 or stretch is stretches[-1]]
    return Sparkline(
        lines=" ".join(_path([(x, rate.mean) for x, rate in one], scale) for one in stretches if len(one) > 1),
        bands=" ".join(_band(one, scale) for one in stretches if len(one) > 1),
        discs=tuple((f"{x:.1f}", _y(rate.mean, scale)) for x, rate in ends),
    )


def _band(stretch: Sequence[tuple[float, Interval]], scale: Scale) -> str:
    above = [(x, rate.high) for x, rate in stretch]
    below = [(x, rate.low) for x, rate in reversed(stretch)]
    return f"{_path([*above, *below], scale)}Z"


def _path(points: Sequence[tuple[float, float]], scale: Scale) -> str:
    return "M" + "L".join(f"{x:.1f} {_y(value, scale)}" for x, value in points)


def _y(value: float, scale: Scale) -> str:
    share = (value - scale.low) / (scale.high - scale.low)
    return f"{HEIGHT - _PAD - share * (HEIGHT - 2 * _PAD):.1f}"
