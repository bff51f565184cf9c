from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.stats.design import cases_needed, cases_needed_for_scores, connor
from evalrun.stats.pairs import mcnemar


def _binomial(n, chance):
    """The chances of 0..n."""
    if chance in (0.0, 1.0):
        return [float(k == n * chance) for k in range(n + 1)]
    log, log_not = math.log(chance), math.log1p(-chance)
    whole = math.lgamma(n + 1)
    return [
        math.exp(whole - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * log + (n - k) * log_not)
        for k in range(n + 1)
    ]


def _power(cases, difference, discordance):
    """The exact power of the exact McNemar test, by every number of cases that may differ and every split of them."""
    power = 0.0
    for differing, chance in enumerate(_binomial(cases, discordance)):
        if chance > 1e-9:
            split = _binomial(differing, (1 + difference / discordance) / 2)
            power += chance * sum(p for first, p in enumerate(split) if mcnemar(first, differing - first) < 0.05)
    return power


@pytest.mark.parametrize(("difference", "discordance"), [(0.1, 0.15), (0.1, 0.4), (0.2, 0.2), (0.2, 0.5), (0.5, 0.6)])
def test_the_cases_give_the_power_that_was_asked_for(difference, discordance):
    """Counted exactly, the exact test finds the difference at least as often as said, with hardly a case too many."""
    needed = cases_needed(difference, discordance=discordance)

    assert _power(needed, difference, discordance) >= 0.8
    assert _power(math.floor(0.8 * needed), difference, discordance) < 0.81


@pytest.mark.parametrize(
    ("options", "cases"),
    [
        ({}, 1612),
        ({"pass_rates": (0.8, 0.75)}, 1137),
        ({"discordance": 0.1}, 351),
        ({"discordance": 0.0}, 193),
        ({"discordance": 0.1, "power": 0.95}, 554),
        ({"discordance": 0.1, "alpha": 0.01}, 504),
    ],
)
def test_how_many_cases_five_points_need(options, cases):
    """From what is known of the columns: nothing, their rates, on how many they differ; and for other promises."""
    assert cases_needed(0.05, **options) == cases


@given(st.floats(0.005, 1), st.floats(0, 1), st.floats(0.5, 0.99))
def test_more_is_needed_for_less(min_effect, discordance, power):
    """A smaller difference, more noise or more power never need fewer cases."""
    needed = cases_needed(min_effect, discordance=discordance, power=power)

    assert needed >= 1
    assert cases_needed(min_effect / 2, discordance=discordance, power=power) >= needed
    assert cases_needed(min_effect, discordance=min(1.0, discordance + 0.1), power=power) >= needed
    assert cases_needed(min_effect, discordance=discordance, power=min(0.995, power + 0.004)) >= needed
    assert needed >= connor(min_effect, max(discordance, min_effect), power=power)


@pytest.mark.parametrize(
    ("effect", "options", "complaint"),
    [
        (0.0, {}, "a difference of 0"),
        (1.5, {}, "a difference of 1.5"),
        (0.1, {"discordance": -1.0}, None),
        (0.1, {"power": 1.0}, "power in"),
        (0.1, {"alpha": 0.0}, "alpha must"),
    ],
)
def test_what_cannot_be_designed(effect, options, complaint):
    """What is out of range is an error; a share of cases that differ is at least the difference."""
    if complaint is None:
        assert cases_needed(effect, **options) == cases_needed(effect, discordance=effect)
        return
    with pytest.raises(ValueError, match=complaint):
        cases_needed(effect, **options)


def test_no_difference_needs_no_formula():
    """Nothing shows a difference of nothing."""
    with pytest.raises(ValueError, match="no difference"):
        connor(0.0, 0.2)
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        connor(0.1, 1.2)
    assert cases_needed_for_scores(0.0, 0.3) is None


@pytest.mark.parametrize(
    ("effect", "deviation", "cases"), [(0.5, 1.0, 34), (0.2, 1.0, 199), (-0.2, 1.0, 199), (1.0, 0.0, 2)]
)
def test_how_many_cases_scores_need(effect, deviation, cases):
    """Textbook numbers of the paired t test at 80 % power."""
    assert cases_needed_for_scores(effect, deviation) == cases
