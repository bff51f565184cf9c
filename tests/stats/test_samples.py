from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.stats.samples import pass_all_k, pass_at_k, spread
from tests.stats.finite import finite

COUNTS = st.integers(1, 8).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS.flatmap(lambda counts: st.tuples(st.just(counts), st.integers(1, counts[1]))))
def test_both_are_what_counting_gives(drawn):
    """Over all choices of k samples: how many hold a pass, and how many hold nothing else."""
    (passed, scored), k = drawn
    chosen = list(itertools.combinations([True] * passed + [False] * (scored - passed), k))

    assert pass_at_k(passed, scored, k) == pytest.approx(sum(map(any, chosen)) / len(chosen))
    assert pass_all_k(passed, scored, k) == pytest.approx(sum(map(all, chosen)) / len(chosen))


@pytest.mark.parametrize(("passed", "scored", "k"), [(1, 2, 3), (1, 2, 0), (3, 2, 1), (-1, 2, 1), (0, 0, 1)])
def test_what_cannot_be_asked(passed, scored, k):
    """Not more samples than there are, nor none."""
    with pytest.raises(ValueError, match="scored samples"):
        pass_at_k(passed, scored, k)
    with pytest.raises(ValueError, match="scored samples"):
        pass_all_k(passed, scored, k)


def test_a_column_s_spread():
    """Means over the cases that have enough samples, and the share of cases that do not agree with themselves."""
    found = spread([(3, 3), (1, 3), (0, 3), (1, 2), (1, 1), (0, 0)], [1, 3, 9])

    assert set(found.pass_at) == set(found.pass_all) == {1, 3}
    assert (found.pass_at[1].mean, found.pass_at[1].cases) == (pytest.approx((1 + 1 / 3 + 0 + 0.5 + 1) / 5), 5)
    assert (found.pass_at[3].mean, found.pass_all[3].mean) == pytest.approx((2 / 3, 1 / 3))
    assert found.unsteady is not None
    assert (found.unsteady.mean, found.cases) == (0.5, 4)


def test_single_samples_have_no_spread():
    """One sample a case tells nothing of how another would have gone."""
    found = spread([(1, 1), (0, 1)], [1, 2])

    assert (found.unsteady, found.cases, set(found.pass_at)) == (None, 0, {1})


@given(st.lists(COUNTS, max_size=10), st.lists(st.integers(1, 8), max_size=3))
def test_a_spread_is_finite_and_ordered(counts, ks):
    """No data makes a nan; all of k is never likelier than one of k."""
    found = spread(counts, ks)

    assert finite(found)
    assert all(found.pass_all[k].mean <= found.pass_at[k].mean + 1e-12 for k in found.pass_at)
