from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.comparison import Interval
from evalrun.report.sparkline import HEIGHT, WIDTH, Scale, scale_of, sparkline


def rate(mean: float, by: float = 0.05) -> Interval:
    """A pass rate with its interval."""
    return Interval(mean=mean, low=max(0.0, mean - by), high=min(1.0, mean + by))


WHOLE = Scale(low=0.0, high=1.0)


def points(path: str) -> list[tuple[float, float]]:
    """The points of a path."""
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", path)]


def test_a_line_goes_from_left_to_right() -> None:
    """The runs stand at equal distances, a higher rate is higher up, and the last one has a disc."""
    drawn = sparkline([rate(0.2), rate(0.5), rate(0.8)], [False] * 3, WHOLE)
    (first, second, third) = points(drawn.lines)

    assert (first[0], second[0], third[0]) == (4.0, WIDTH / 2, WIDTH - 4)
    assert first[1] > second[1] > third[1]
    assert drawn.discs == ((f"{third[0]:.1f}", f"{third[1]:.1f}"),)
    assert len(points(drawn.bands)) == 6


def test_a_line_breaks_where_something_else_was_asked() -> None:
    """Nothing is joined over a run that has no rate, nor over one that was asked otherwise; a lone point is a disc."""
    drawn = sparkline([rate(0.5), None, rate(0.5), rate(0.6), rate(0.7)], [False, False, False, True, False], WHOLE)

    assert drawn.lines.count("M") == 1
    assert len(points(drawn.lines)) == 2
    assert len(drawn.discs) == 3
    assert sparkline([], [], WHOLE).lines == ""


@pytest.mark.parametrize(
    ("rates", "low", "high"),
    [
        ([rate(0.9, 0.01)], 0.8, 1.0),
        ([rate(0.02, 0.01)], 0.0, 0.2),
        ([rate(0.3), rate(0.7)], 0.25, 0.75),
        ([rate(0.5, 0.01)], 0.4, 0.6),
        ([], 0.0, 1.0),
    ],
)
def test_the_scale_holds_what_is_shown(rates: list[Interval], low: float, high: float) -> None:
    """All intervals fit, at least twenty points are shown, and nothing below 0 or above 1."""
    scale = scale_of(rates)

    assert (scale.low, scale.high) == (pytest.approx(low), pytest.approx(high))


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1, max_size=60), st.floats(0, 0.5))
def test_every_point_is_in_the_box(rates: list[float | None], by: float) -> None:
    """Whatever the rates, nothing is drawn outside, and no figure is none."""
    found = [None if mean is None else rate(mean, by) for mean in rates]
    drawn = sparkline(found, [False] * len(found), scale_of([one for one in found if one]))

    for x, y in [*points(drawn.lines), *points(drawn.bands), *((float(x), float(y)) for x, y in drawn.discs)]:
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT
    assert "nan" not in drawn.lines + drawn.bands
