from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.report.charts.scale import linear, logarithmic

FIGURES = st.lists(st.floats(min_value=-1e6, max_value=1e6, allow_nan=False), min_size=1, max_size=12)
PRICES = st.lists(st.floats(min_value=1e-7, max_value=1e5, allow_nan=False), min_size=1, max_size=12)


@given(values=FIGURES)
def test_a_scale_holds_every_value_and_a_few_ticks(values: list[float]) -> None:
    """Whatever the values, they lie inside, in their order, under two to five ticks that rise."""
    scale = linear(values, 10, 200)
    places = [scale(value) for value in sorted(values)]

    assert 2 <= len(scale.ticks) <= 5
    assert list(scale.ticks) == sorted(set(scale.ticks))
    assert all(9.999 <= scale(tick) <= 200.001 for tick in scale.ticks)
    slack = 1e-8 * (scale.high - scale.low)
    assert scale.low - slack <= min(values)
    assert max(values) <= scale.high + slack
    assert places == sorted(places)


@given(values=st.lists(st.floats(min_value=0, max_value=1, allow_nan=False), min_size=1, max_size=12))
def test_shares_stay_between_nothing_and_all(values: list[float]) -> None:
    """A scale of shares reaches neither below 0 nor above 1, even where all shares are the same."""
    scale = linear(values, 0, 100, floor=0, top=1)

    assert scale.low >= 0
    assert scale.high <= 1
    assert scale.low < scale.high
    assert len(scale.ticks) >= 2


@given(values=PRICES)
def test_a_log_scale_holds_every_price(values: list[float]) -> None:
    """Prices however far apart lie inside and in their order; ticks are at least two and at most six."""
    scale = logarithmic(values, 0, 300)
    places = [scale(value) for value in sorted(values)]

    assert 2 <= len(scale.ticks) <= 6
    assert all(-0.001 <= place <= 300.001 for place in [*places, *map(scale, scale.ticks)])
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0.19, 0.42], (0.1, 0.2, 0.3, 0.4, 0.5)),
        ([0.0, 193], (0.0, 50.0, 100.0, 150.0, 200.0)),
        ([-0.2, 0.03], (-0.2, -0.1, 0.0, 0.1)),
        ([0.5], (0.45, 0.475, 0.5, 0.525, 0.55)),
    ],
)
def test_ticks_are_round(values: list[float], ticks: tuple[float, ...]) -> None:
    """Ticks stand at multiples of 1, 2, 2.5 or 5 times a power of ten."""
    assert linear(values, 0, 1).ticks[: len(ticks)] == pytest.approx(ticks)


def test_a_scale_may_run_downwards() -> None:
    """Heights grow downwards on a page: what is more stands higher."""
    scale = linear([0, 1], 150, 10)

    assert scale(0) == 150
    assert scale(1) == 10
    assert scale(2) == 10
