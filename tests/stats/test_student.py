from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.stats.student import t_quantile, t_two_sided


@pytest.mark.parametrize(
    ("share", "freedom", "t"),
    [
        (0.975, 1, 12.7062),
        (0.975, 2, 4.30265),
        (0.975, 10, 2.22814),
        (0.975, 30, 2.04227),
        (0.975, 120, 1.97993),
        (0.995, 4, 4.60409),
        (0.975, 1e9, 1.95996),
    ],
)
def test_a_t_quantile_is_that_of_the_tables(share, freedom, t):
    """Every printed digit of the common tables."""
    assert t_quantile(share, freedom) == pytest.approx(t, rel=5e-6)


@given(st.floats(0.51, 0.99999), st.floats(1, 1e6))
def test_a_quantile_has_the_tail_that_it_is_for(share, freedom):
    """The two functions are each other's inverse."""
    assert t_two_sided(t_quantile(share, freedom), freedom) == pytest.approx(2 * (1 - share), rel=1e-9)


@given(st.floats(-1e6, 1e6))
def test_the_tails_of_one_degree_are_cauchy_s(t):
    """With one degree of freedom there is a formula."""
    assert t_two_sided(t, 1) == pytest.approx(1 - 2 / math.pi * math.atan(abs(t)), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("t", "chance"), [(0.0, 1.0), (math.inf, 0.0), (-math.inf, 0.0), (1e300, 0.0), (1e-300, 1.0)])
def test_extremes_of_t(t, chance):
    """Nothing overflows."""
    assert t_two_sided(t, 7) == pytest.approx(chance)


def test_no_degree_of_freedom_is_an_error():
    """One case has no spread."""
    with pytest.raises(ValueError, match="no degrees of freedom"):
        t_two_sided(1.0, 0)
