from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.stats.intervals import design_effect, percentile, quantile_interval, wilson


@pytest.mark.parametrize(
    ("passed", "scored", "low", "high"),
    [
        (286, 1319, 0.19543, 0.23988),
        (515, 1319, 0.36447, 0.41706),
        (81, 263, 0.25529, 0.36621),
        (15, 148, 0.06239, 0.16052),
        (0, 20, 0.0, 0.16113),
        (1, 29, 0.00611, 0.17176),
        (20, 20, 0.83887, 1.0),
    ],
)
def test_wilson_s_interval_is_the_published_one(passed, scored, low, high):
    """The GSM8K figures, and the examples of Newcombe (1998), to every digit published."""
    interval = wilson(passed, scored)

    assert interval.mean == passed / scored
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=5.1e-5 if scored < 300 else 5.1e-6)


def test_nothing_scored_has_no_interval():
    """No answer, no share."""
    with pytest.raises(ValueError, match="nothing is scored"):
        wilson(0, 0)


@given(st.integers(1, 10**7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share(counts):
    """The share lies in its interval, which lies in 0..1."""
    interval = wilson(*counts)

    assert 0 <= interval.low <= interval.mean <= interval.high <= 1


def test_fewer_independent_answers_widen_the_interval():
    """Answers that repeat one another count for less."""
    wide, narrow = wilson(60, 100, effective=20), wilson(60, 100)

    assert wide.low < narrow.low < narrow.high < wide.high
    assert wide == wilson(12, 20)


@pytest.mark.parametrize(
    ("sums", "sizes", "squares", "effect"),
    [
        ([1, 0, 1], [1, 1, 1], 2, 1.0),
        ([3, 0, 3, 0], [3, 3, 3, 3], 6, 4.0),
        ([3, 3], [3, 3], 6, 3.0),
        ([2], [4], 2, 4.0),
        ([1, 1, 1, 1], [2, 2, 2, 2], 4, 1.0),
    ],
)
def test_the_design_effect_says_how_much_answers_repeat_one_another(sums, sizes, squares, effect):
    """One answer a case is 1, answers that always agree about their number, a spread of nothing is never below 1."""
    assert design_effect(sums, sizes, squares) == pytest.approx(effect)


@pytest.mark.parametrize(
    ("values", "share", "found"),
    [
        ([1.0], 0.95, 1.0),
        ([1.0, 2.0], 0.5, 1.5),
        ([1.0, 2.0, 3.0, 4.0], 0.95, 3.85),
        ([1.0, 2.0, 3.0], 1.0, 3.0),
        ([5.0, 7.0], 0.0, 5.0),
    ],
)
def test_a_percentile_lies_between_two_values(values, share, found):
    """Percentiles are linear between the two values around them."""
    assert percentile(values, share) == pytest.approx(found)


def test_no_values_have_no_percentile():
    """Nothing measured, nothing said."""
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


@pytest.mark.parametrize("z", [0.6745, 1.6449, 2.5758])
def test_an_interval_of_another_width_ends_where_the_score_test_does(z):
    """Each end is the share from which what was seen lies *z* standard errors away."""
    interval = wilson(8, 10, z=z)

    for end in (interval.low, interval.high):
        assert abs(0.8 - end) / math.sqrt(end * (1 - end) / 10) == pytest.approx(z)


@pytest.mark.parametrize(
    ("n", "share", "low", "high"),
    [(10, 0.5, 2, 9), (25, 0.5, 8, 18), (100, 0.5, 40, 61), (100, 0.95, 90, 100), (59, 0.95, 52, math.inf)],
)
def test_a_quantile_s_interval_ends_at_order_statistics(n, share, low, high):
    """The places that tables of the binomial distribution give for 95 %; none where no value is far enough out."""
    interval = quantile_interval([[float(value)] for value in range(1, n + 1)], share)

    assert (interval.low, interval.high) == (low, high)


@pytest.mark.parametrize(("n", "share"), [(12, 0.5), (40, 0.5), (90, 0.95), (400, 0.95)])
def test_a_quantile_s_interval_misses_as_seldom_as_said(n, share):
    """By the binomial distribution each end misses in at most 2.5 %, and one place nearer would miss in more."""
    interval = quantile_interval([[float(value)] for value in range(1, n + 1)], share)
    chances = [math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1)]

    assert sum(chances[: int(interval.low)]) <= 0.025 < sum(chances[: int(interval.low) + 1])
    if interval.high < math.inf:
        assert sum(chances[int(interval.high) :]) <= 0.025 < sum(chances[int(interval.high) - 1 :])


def test_samples_that_agree_widen_a_quantile_s_interval():
    """Five equal latencies of a case are hardly more than one; a lone value has no interval."""
    lone = quantile_interval([[float(n)] for n in range(1, 101)], 0.5)
    five = quantile_interval([[float(n)] * 5 for n in range(1, 101)], 0.5)

    assert five.low <= lone.low < lone.high <= five.high
    assert five.high - five.low < 1.2 * (lone.high - lone.low)
    assert quantile_interval([[1.0]], 0.5).high == math.inf
