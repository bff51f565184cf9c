from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.stats.effects import cohen_h, odds_ratio


@pytest.mark.parametrize(
    ("first", "second", "h"),
    [(0.5, 0.5, 0.0), (1.0, 0.0, math.pi), (0.0, 1.0, -math.pi), (0.65, 0.45, 0.4049), (0.25, 0.05, 0.5964)],
)
def test_cohen_s_h(first, second, h):
    """Differences of arcsines: two that can be worked out by hand, and the whole range."""
    assert cohen_h(first, second) == pytest.approx(h, abs=5e-4)


@pytest.mark.parametrize(
    ("only_first", "only_second", "ratio"), [(30, 10, 3.0), (10, 30, 1 / 3), (0, 0, None), (4, 0, 9.0), (0, 4, 1 / 9)]
)
def test_the_odds_ratio_of_cases_that_differ(only_first, only_second, ratio):
    """The ratio of the two counts, with one half added where one is 0, and nothing where nothing differs."""
    assert odds_ratio(only_first, only_second) == (None if ratio is None else pytest.approx(ratio))


@given(st.floats(0, 1), st.floats(0, 1))
def test_h_turns_round_and_stays_in_its_range(first, second):
    """From -π to π, the other sign the other way round."""
    assert cohen_h(first, second) == -cohen_h(second, first)
    assert abs(cohen_h(first, second)) <= math.pi
