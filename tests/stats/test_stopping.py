from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.stats.stopping import Decision, feed, grown, interval, no_fortunes, refutes, stakes_for, start
from tests.bench.stopping import LEAST_SAVED, Scenario, measure, scenarios, verdicts
from tests.stats.finite import finite

VERDICTS = st.lists(st.sampled_from([-1.0, 0.0, 1.0]), max_size=60)
SCORES = st.lists(st.floats(-1, 1), max_size=30)


def _fed(differences, **options):
    state = start(**options)
    for difference in differences:
        state = feed(state, difference)
    return state


@pytest.mark.parametrize(
    ("differences", "options", "decision", "after"),
    [
        ([1.0] * 20, {"cases": 200}, Decision.FIRST, 7),
        ([-1.0] * 20, {"cases": 200}, Decision.SECOND, 7),
        ([1.0, -1.0] * 500, {"cases": 1000}, Decision.OPEN, None),
        ([0.0] * 500, {"cases": 1000}, Decision.OPEN, None),
        ([0.0] * 500, {"cases": 1000, "min_effect": 0.05}, Decision.NO_DIFFERENCE, 102),
        ([1.0, -1.0] * 500, {"cases": 1000, "min_effect": 0.1}, Decision.OPEN, None),
        ([], {"min_effect": 0.1}, Decision.OPEN, None),
    ],
)
def test_what_is_decided_and_when(differences, options, decision, after):
    """Few straight wins decide; ties say that there is no difference, but only where one of a size is asked for."""
    state = _fed(differences, **options)

    assert (state.decision, state.decided_after, state.cases) == (decision, after, len(differences))


def test_a_decision_stands():
    """Answers that were under way when it was made do not unmake it."""
    state = _fed([1.0] * 10 + [-1.0] * 40, cases=200)

    assert (state.decision, state.decided_after, state.cases) == (Decision.FIRST, 7, 50)
    assert state.mean == -0.6


@given(VERDICTS | SCORES, st.sampled_from([0.0, 0.05, 0.3]))
def test_the_interval_and_the_decision_agree(differences, min_effect):
    """A winner's interval leaves out 0, no difference is an interval within ±min_effect, at every moment."""
    state = _fed(differences, cases=400, min_effect=min_effect)
    bounds = interval(differences, alpha=0.05, stakes=state.stakes)

    assert finite((state, bounds))
    if bounds is None:
        assert not differences
        return
    not_more, not_less, far_less, far_more = refutes(state.fortunes, alpha=0.05).tolist()
    assert -1 <= bounds.low <= bounds.mean <= bounds.high <= 1
    assert (bounds.low >= 0, bounds.high <= 0) == (not_more, not_less)
    assert far_less == (bounds.low >= -min_effect - 1e-9)
    assert far_more == (bounds.high <= min_effect + 1e-9)


@given(VERDICTS)
def test_the_other_way_round_the_other_wins(differences):
    """The columns' order does not matter."""
    turned = {Decision.FIRST: Decision.SECOND, Decision.SECOND: Decision.FIRST}
    one = _fed(differences, cases=100, min_effect=0.2)
    other = _fed([-difference for difference in differences], cases=100, min_effect=0.2)

    assert other.decision == turned.get(one.decision, one.decision)
    assert other.decided_after == one.decided_after


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0.01, 1)), min_size=2, max_size=5), st.floats(0, 0.9))
def test_no_bet_gains_on_average_where_its_claim_is_true(outcomes, min_effect):
    """The law that all rests on: on average a fortune does not grow against a true claim, whatever is drawn."""
    values, weights = (np.array(column) for column in zip(*outcomes, strict=True))
    weights = weights / weights.sum()
    mean = float(weights @ values)
    stakes = stakes_for(cases=500)
    begun = no_fortunes(stakes, (len(values),))
    factors = np.exp(grown(begun, values, stakes=stakes, min_effect=min_effect) - begun)
    averages = np.tensordot(weights, factors, axes=1)

    for row, true in enumerate((mean <= 0, mean >= 0, mean <= -min_effect, mean >= min_effect)):
        assert not true or averages[row].max() <= 1 + 1e-9


def test_it_may_be_looked_at_after_every_case():
    """Of 2,000 runs of two equal columns no more than alpha and three Monte Carlo errors call a winner."""
    scenario = Scenario(
        name="equal", difference=0.0, min_effect=0.0, draw=verdicts(0.0, 0.3), fixed=(), cap=250, bound=True
    )
    figure = measure(scenario, 2_000, seed=11)

    assert figure.ok
    assert 0.01 < figure.better + figure.worse <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 2_000)


def test_a_difference_that_is_there_is_not_denied():
    """Where the difference is just min_effect, that there is none is said in at most half of alpha of the runs."""
    stakes, runs = stakes_for(min_effect=0.1, cases=1_000), 1_000
    chance, draw = np.random.default_rng(5), verdicts(0.1, 0.2)
    fortunes, denied = no_fortunes(stakes, (runs,)), np.zeros(runs, dtype=bool)
    for _ in range(500):
        fortunes = grown(fortunes, draw(chance, runs), stakes=stakes, min_effect=0.1)
        denied |= refutes(fortunes, alpha=0.05)[:, 3]

    assert 0 < denied.mean() <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / runs)


@pytest.mark.parametrize(
    ("difference", "discordance"), [(0.2, 0.2), (0.2, 0.4), pytest.param(0.1, 0.2, marks=pytest.mark.slow)]
)
def test_it_spends_less_than_a_fixed_design(difference, discordance):
    """At the median at least 35 % of the cases that 95 % power takes, never more than twice as many."""
    name = f"verdicts, {discordance:.0%} differ"
    scenario = next(one for one in scenarios() if (one.difference, one.name, one.bound) == (difference, name, True))
    figure = measure(scenario, 1_000, seed=0)

    assert figure.ok
    assert figure.saved[-1] >= LEAST_SAVED
    assert figure.better > 0.95


def test_a_missed_bound_shows():
    """The bench fails what calls winners between equals, and what saves too little."""
    (scenario, *_) = scenarios()
    biased = dataclasses.replace(scenario, difference=0.0, draw=verdicts(0.3, 0.4), cap=200)
    slow = dataclasses.replace(scenario, fixed=(10, 10, 10), draw=verdicts(0.0, 0.4), cap=40)

    assert measure(biased, 50, seed=0).ok is False
    assert measure(slow, 50, seed=0).ok is False


@pytest.mark.parametrize("options", [{"alpha": 0.0}, {"alpha": 1.0}, {"min_effect": -0.1}, {"min_effect": 1.0}])
def test_what_cannot_be_promised(options):
    """Chances and effects out of range are errors."""
    with pytest.raises(ValueError, match="they must lie in"):
        start(**options)


@pytest.mark.parametrize("difference", [1.01, -2.0, math.nan, math.inf])
def test_a_difference_that_cannot_be(difference):
    """Scores lie in [0, 1], so that their difference lies in [-1, 1]."""
    with pytest.raises(ValueError, match=r"it must lie in \[-1, 1\]"):
        feed(start(), difference)


def test_stakes_go_down_to_what_can_pay():
    """Small stakes are for small differences: not below min_effect, nor below what the cases can show."""
    assert stakes_for(cases=16) == (1.0,)
    assert stakes_for(cases=0) == (1.0,)
    assert len(stakes_for(cases=1_000)) < len(stakes_for(cases=100_000)) == len(stakes_for())
    assert stakes_for(min_effect=0.5) == (1.0, 1 / 1.5, 1 / 1.5**2)


def test_the_wealth_does_not_hang_on_the_order():
    """The same differences in any order come to the same fortunes."""
    found = {
        tuple(np.round(_fed(order, cases=50, min_effect=0.1).fortunes.ravel(), 9))
        for order in itertools.permutations([1.0, -1.0, 0.0, 0.5])
    }

    assert len(found) == 1
