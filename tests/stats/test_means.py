from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.stats.means import mean_interval
from tests.stats.finite import finite

SCORES = st.floats(-1e6, 1e6)


def test_a_mean_without_samples_has_the_leaderboards_standard_error():
    """s / √n with n - 1, and Student's t for the interval."""
    found = mean_interval([[1.0], [2.0], [3.0], [4.0]])

    assert found is not None
    assert found.interval is not None
    assert (found.mean, found.cases, found.values) == (2.5, 4, 4)
    assert found.standard_error == pytest.approx(statistics.stdev([1, 2, 3, 4]) / 2)
    assert found.interval.high - 2.5 == pytest.approx(3.182446 * found.standard_error, rel=1e-6)


def test_samples_of_one_case_are_one_piece_of_evidence():
    """Answers that repeat one another leave the standard error as it is."""
    once, often = mean_interval([[0.0], [1.0], [1.0]]), mean_interval([[0.0] * 9, [1.0] * 9, [1.0] * 9])

    assert once is not None
    assert often is not None
    assert often.standard_error == pytest.approx(once.standard_error)
    assert (often.cases, often.values) == (3, 27)


def test_cases_of_different_sizes_are_weighed_by_their_answers():
    """The mean is that of all answers; the error is Liang and Zeger's, by hand."""
    found = mean_interval([[1.0, 0.0, 1.0], [0.0], [], [1.0, 1.0]])
    by_hand = math.sqrt((0.0**2 + (2 / 3) ** 2 + (2 / 3) ** 2) * 3 / 2) / 6

    assert found is not None
    assert (found.mean, found.cases, found.values) == (pytest.approx(2 / 3), 3, 6)
    assert found.standard_error == pytest.approx(by_hand)


@pytest.mark.parametrize("values_by_case", [[], [[]], [[], []]])
def test_no_values_have_no_mean(values_by_case):
    """Nothing scored, nothing said."""
    assert mean_interval(values_by_case) is None


@pytest.mark.parametrize("values", [[0.7], [0.0, 1.0, 1.0]])
def test_a_single_case_does_not_tell_how_sure_it_is(values):
    """One case has a mean and no standard error, however many samples it has."""
    found = mean_interval([values])

    assert found is not None
    assert (found.standard_error, found.interval) == (None, None)


@given(SCORES, st.lists(st.integers(1, 4), min_size=2, max_size=30))
def test_equal_values_have_no_spread(value, sizes):
    """Where all are equal the mean is that value and the error nothing, to the last bit."""
    found = mean_interval([[value] * size for size in sizes])

    assert found is not None
    assert (found.mean, found.standard_error) == (value, 0.0)


@given(st.lists(st.lists(SCORES, max_size=4), max_size=20))
def test_a_mean_is_finite_and_lies_in_its_interval(values_by_case):
    """No data makes a nan."""
    found = mean_interval(values_by_case)

    assert finite(found)
    if found is not None and found.interval is not None:
        assert found.interval.low <= found.mean <= found.interval.high


def test_an_interval_of_another_confidence_takes_another_quantile():
    """At 80 % with four degrees of freedom it reaches 1.533 standard errors."""
    found = mean_interval([[0.1], [0.2], [0.4], [0.4], [0.9]], confidence=0.8)

    assert found.interval.high - found.mean == pytest.approx(1.533206 * found.standard_error, rel=1e-6)
