from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.stats.figures import (
    amount_interval,
    percentile_interval,
    score_interval,
    seed_of,
    share_interval,
    woodruff,
)
from evalrun.stats.intervals import wilson
from evalrun.stats.means import mean_interval
from tests.stats.finite import finite


def _alone(values):
    return [[float(value)] for value in values]


def test_scores_that_are_shares_have_wilson_s_interval():
    """Where all scores are 0 or 1 the mean score has the interval of the pass rate, also where all are equal."""
    assert score_interval(_alone([1, 1, 0, 1])) == wilson(3, 4)
    assert score_interval(_alone([1, 1, 1])) == wilson(3, 3)


def test_answers_to_one_case_count_for_less_than_those_to_several():
    """With samples that agree the interval is that of the cases."""
    clustered = share_interval([[1.0] * 5, [0.0] * 5] * 10)
    alone = share_interval(_alone([1, 0] * 50))

    assert clustered.high - clustered.low > 2 * (alone.high - alone.low)


def test_other_scores_have_student_s_interval_within_0_and_1():
    """Graded scores: mean and clustered standard error; no bound is no score."""
    values = _alone([0.2, 0.4, 0.9, 0.5])
    found = score_interval(values)

    assert (found.mean, found.low) == (mean_interval(values).mean, pytest.approx(mean_interval(values).interval.low))
    assert score_interval(_alone([0.9, 1.0, 0.7])).high == 1.0


@pytest.mark.parametrize("values", [[], [[]], [[0.5]], [[0.5, 0.7]], _alone([0.7, 0.7, 0.7])])
def test_a_score_without_a_spread_has_no_interval(values):
    """One case, or all alike: nobody can tell how sure that is."""
    assert score_interval(values) is None


@pytest.mark.parametrize(("share", "least"), [(0.5, 6), (0.95, 59)])
def test_a_percentile_needs_enough_cases(share, least):
    """Of fewer cases the true percentile may lie outside all of them."""
    assert percentile_interval(_alone(range(least - 1)), share, seed=1) is None
    assert percentile_interval(_alone(range(least)), share, seed=1) is not None


@pytest.mark.parametrize("cases", [500, 1_000, 1_001])
def test_both_ways_to_bound_a_percentile_agree(cases):
    """Where resampling ends and Woodruff's interval begins, no reader sees a step."""
    values = _alone(np.random.default_rng(cases).lognormal(size=cases))
    for share in (0.5, 0.95):
        found, other = percentile_interval(values, share, seed=1), woodruff(values, share)

        assert found.mean == pytest.approx(other.mean, rel=1e-12)
        assert found.high - found.low == pytest.approx(other.high - other.low, rel=0.2)


@pytest.mark.slow
@pytest.mark.parametrize("samples", [1, 3])
def test_woodruff_s_interval_covers(samples):
    """In 95 % of 1,000 draws of 400 cases, up to 3 Monte Carlo errors and half a point, the true median lies within."""
    chance, held = np.random.default_rng(7), 0
    for _ in range(1_000):
        cases = chance.normal(size=(400, 1))
        values = cases + 0.5 * chance.normal(size=(400, samples))
        interval = woodruff(values.tolist(), 0.5)
        held += interval.low <= 0 <= interval.high

    assert held / 1_000 == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / 1_000) + 0.005)


def test_samples_widen_a_percentile():
    """Ten equal answers to each case tell no more than one of each."""
    values = np.random.default_rng(3).lognormal(size=200)
    once, often = woodruff(_alone(values), 0.5), woodruff([[float(value)] * 10 for value in values], 0.5)

    assert often.high - often.low == pytest.approx(once.high - once.low, rel=0.2)


def test_amounts_are_resampled_and_of_many_student_s():
    """Six cases at least; skewed amounts reach further up than down; of more than 1,000 values it is mean_interval."""
    few = amount_interval(_alone([1, 1, 1, 1, 2, 50]), seed=1)
    many = _alone(np.random.default_rng(2).lognormal(size=1_200))

    assert amount_interval(_alone(range(5)), seed=1) is None
    assert few.high - few.mean > few.mean - few.low > 0
    assert amount_interval(many, seed=1).high == mean_interval(many).interval.high
    assert amount_interval(_alone([3] * 10), seed=1) is None


def test_seeds_come_from_names():
    """The same figure of the same column has the same seed, another one another; any text will do."""
    assert seed_of("a", "cost") == seed_of("a", "cost") != seed_of("a", "score")
    assert seed_of("\ud800") >= 0


@given(st.lists(st.lists(st.floats(0, 1), max_size=3), max_size=12))
def test_no_figure_is_nan(values):
    """Whatever the values, bounds are numbers around the figure, or there are none."""
    found = [score_interval(values), amount_interval(values, seed=1), percentile_interval(values, 0.5, seed=1)]

    assert all(
        one is None or (finite(one) and one.low <= one.mean + 1e-12 and one.mean <= one.high + 1e-12) for one in found
    )
