from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalrun.stats.bootstrap import bootstrap, mean_of, percentile_of, resamples_for
from evalrun.stats.intervals import percentile
from tests.stats.finite import finite

VALUES = st.floats(-1e6, 1e6)


@given(st.lists(VALUES, min_size=1, max_size=20), st.floats(0, 1))
def test_a_row_s_percentile_is_the_column_s(values, share):
    """The vectorised percentile is intervals.percentile, with and without gaps at the end of a row."""
    expected = percentile(sorted(values), share)
    alone = percentile_of(share)(np.array([values]))
    ragged = percentile_of(share)(np.array([[*values, np.nan], [*values, values[0]]]))

    assert alone[0] == expected
    assert ragged[0] == expected


def test_a_row_s_mean_passes_over_gaps():
    """A missing value is no zero."""
    assert mean_of(np.array([[1.0, 2.0, np.nan], [1.0, 2.0, 6.0]])).tolist() == [1.5, 3.0]


def test_the_same_seed_gives_the_same_interval():
    """A report made again says the same; another seed is another draw."""
    values = [[float(k * k % 17)] for k in range(40)]
    first, again, other = (bootstrap(values, percentile_of(0.5), seed=seed) for seed in (1, 1, 2))

    assert first == again
    assert bootstrap(values, mean_of, seed=1) != bootstrap(values, mean_of, seed=2)
    assert first is not None
    assert other is not None
    assert first.low < first.mean < first.high


def test_a_case_is_drawn_with_all_its_values():
    """Samples that repeat one another do not narrow the interval, and ragged cases are fine."""
    once = [[float(k % 7)] for k in range(30)]
    repeated = [values * 5 for values in once]
    ragged = [values * (1 + place % 3) for place, values in enumerate(once)]

    assert bootstrap(repeated, mean_of, seed=3, resamples=500) == bootstrap(once, mean_of, seed=3, resamples=500)
    assert finite(bootstrap(ragged, percentile_of(0.9), seed=3))


@pytest.mark.parametrize("values_by_case", [[], [[]], [[1.0]], [[], [2.0, 3.0]]])
def test_less_than_two_cases_have_no_interval(values_by_case):
    """One case cannot be drawn in more than one way."""
    assert bootstrap(values_by_case, mean_of, seed=0) is None


def test_equal_values_have_an_interval_of_no_width():
    """Every resample is the same."""
    found = bootstrap([[0.5]] * 10, percentile_of(0.95), seed=0)

    assert found is not None
    assert (found.low, found.mean, found.high) == (0.5, 0.5, 0.5)


@settings(max_examples=60)
@given(st.lists(st.lists(VALUES, max_size=3), max_size=12), st.sampled_from([mean_of, percentile_of(0.95)]))
def test_a_bootstrap_interval_is_finite_and_holds_its_figure(values_by_case, statistic):
    """No data makes a nan; the figure is in its interval."""
    found = bootstrap(values_by_case, statistic, seed=5, resamples=99)

    assert finite(found)
    assert found is None or found.low <= found.mean <= found.high


def test_fewer_resamples_are_drawn_of_many_values():
    """The work is bounded, the number of resamples is not below 999."""
    assert [resamples_for(n) for n in (0, 10, 2_000, 10_000, 10**6)] == [9_999, 9_999, 9_999, 2_000, 999]


@pytest.mark.slow
def test_a_hundred_thousand_cells_take_seconds():
    """The median of 100,000 latencies and its interval, where the samples of 20,000 cases are drawn together."""
    values = np.random.default_rng(0).lognormal(size=(20_000, 5))
    begun = time.process_time()
    found = bootstrap(values.tolist(), percentile_of(0.5), seed=0)

    assert found is not None
    assert found.high - found.low == pytest.approx(2 * 1.96 * np.sqrt(np.pi / 2 / 100_000), rel=0.15)
    assert time.process_time() - begun < 30
