from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.stats.paired_scores import EXACT_FLIPS, compare_scores, flip_test, more_cases_for_scores
from evalrun.stats.pairs import mcnemar, sign_flip
from tests.stats.finite import finite

DIFFERENCES = st.floats(-1, 1)


@given(st.lists(DIFFERENCES, max_size=9))
def test_the_flip_test_agrees_with_trying_every_flip(sums):
    """The share of all signs that bring the total as far from zero."""
    reached = abs(math.fsum(sums)) - 1e-12 * math.fsum(map(abs, sums))
    flips = list(itertools.product((1, -1), repeat=len(sums)))
    counted = sum(abs(math.fsum(map(float.__mul__, sums, map(float, flip)))) >= reached for flip in flips) / len(flips)

    assert flip_test(sums, seed=0) == pytest.approx(counted)


@given(st.lists(st.integers(-3, 3), max_size=12))
def test_of_counts_it_is_the_sign_flip_test_of_verdicts(sums):
    """Scores that are verdicts are decided as verdicts are."""
    assert flip_test(sums, seed=0) == pytest.approx(sign_flip(sums))


@pytest.mark.parametrize(("ups", "downs"), [(40, 20), (60, 60), (35, 5), (400, 330)])
def test_of_many_cases_flips_are_drawn(ups, downs):
    """Beyond the exact range the chance is found by drawing, within four Monte Carlo errors of the exact one."""
    exact = mcnemar(ups, downs)
    drawn = flip_test([1.0] * ups + [-1.0] * downs, seed=7)

    assert abs(drawn - exact) <= 4 * math.sqrt(exact * (1 - exact) / 9_999) + 1 / 10_000
    assert drawn == flip_test([1.0] * ups + [-1.0] * downs, seed=7)


def test_a_drawn_chance_is_never_zero():
    """What was seen is one of the ways that it could have come: p = (b + 1) / (m + 1)."""
    assert flip_test([0.5] * 300, seed=0) == 1 / 10_000


def test_a_hundred_thousand_cases_are_flipped_in_bounded_work():
    """Of very many cases fewer flips are drawn."""
    assert flip_test([1.0, -1.0] * 50_000, seed=0) == 1.0


def test_two_columns_of_scores_are_compared():
    """Student's paired test by hand: mean 0.2, s = 0.1, t = 0.2 √5 / 0.1."""
    found = compare_scores([[0.2 + step] for step in (-0.1, -0.1, 0.0, 0.1, 0.1)], seed=0)

    assert found is not None
    assert (found.difference.mean, found.deviation) == pytest.approx((0.2, 0.1))
    assert found.t == pytest.approx(0.2 * math.sqrt(5) / 0.1)
    assert found.effect_size == pytest.approx(2.0)
    assert found.p_permutation == 2 / 32
    assert found.p_value == 2 / 32


def test_a_better_column_is_never_one_whose_interval_holds_zero():
    """What decides is at least the t test's chance, so the verdict and the printed interval agree."""
    found = compare_scores([[value] for value in (1.0, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01)], seed=0)

    assert found is not None
    assert found.difference.interval is not None
    assert found.p_permutation < 0.05 < found.p_value
    assert found.difference.interval.low < 0


@pytest.mark.parametrize(
    ("differences", "p_value"),
    [
        ([[0.3]], 1.0),
        ([[0.3, 0.2, 0.4]], 1.0),
        ([[0.0]] * 40, 1.0),
        ([[0.25]] * 3, 0.25),
        ([[0.25]] * 40, 1e-4),
        ([[1.0], [-1.0]], 1.0),
    ],
)
def test_poor_data_decide_no_more_than_they_can(differences, p_value):
    """A lone case decides nothing; where all differ by the same the permutation test speaks, for t has no spread."""
    found = compare_scores(differences, seed=0)

    assert found is not None
    assert found.p_value == pytest.approx(p_value)
    assert finite(found)


def test_nothing_in_common_is_no_pair():
    """There is nothing to compare."""
    assert compare_scores([], seed=0) is None
    assert compare_scores([[], []], seed=0) is None


@given(st.lists(st.lists(DIFFERENCES, max_size=3), max_size=25))
def test_a_comparison_is_finite_and_turns_round(differences_by_case):
    """No data makes a nan; the other way round it is the same with the other sign."""
    found = compare_scores(differences_by_case, seed=0)
    turned = compare_scores([[-value for value in values] for values in differences_by_case], seed=0)

    assert finite(found)
    assert (found is None) == (turned is None)
    if found is not None and turned is not None:
        assert 0 <= found.p_value <= 1
        assert found.p_value == pytest.approx(turned.p_value, abs=1e-9)
        assert found.difference.mean == -turned.difference.mean
        assert more_cases_for_scores(found) is None or (more_cases_for_scores(found) or 0) >= 1


@pytest.mark.parametrize(
    ("differences", "more"),
    [([[0.0], [0.2]] * 10, 1), ([[0.5], [-0.4]] * 20, 614), ([[0.1], [-0.1]], None), ([[0.4]], None), ([[0.0]], None)],
)
def test_how_many_more_cases_would_tell(differences, more):
    """Guenther's formula at 80 % power, less what is there; no number where they look the same or nothing is known."""
    found = compare_scores(differences, seed=0)

    assert found is not None
    assert more_cases_for_scores(found) == more


def test_the_exact_range_is_what_it_says():
    """One case more is drawn, and drawn it is not a multiple of 2^-n."""
    exact, drawn = [0.1] * EXACT_FLIPS, [0.1] * (EXACT_FLIPS + 1)

    assert flip_test(exact, seed=0) == 2 / 2**EXACT_FLIPS
    assert flip_test(drawn, seed=0) >= 1 / 10_000
