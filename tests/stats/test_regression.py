from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.stats.design import cases_needed
from evalrun.stats.regression import score_drop, verdict_drop

ANSWERS = {"=": (True, True), "-": (True, False), "+": (False, True), ".": (False, False)}


def _cases(text):
    """A case a word: ``=`` passes still, ``-`` fails now, ``+`` passes now, ``.`` fails still."""
    return [[ANSWERS[letter] for letter in word] for word in text.split()]


def _each(both, lost, gained, neither=0):
    return _cases(" ".join("=" * both + "-" * lost + "+" * gained + "." * neither))


def _binomial_tail(n, most):
    return sum(math.comb(n, k) for k in range(most + 1)) / 2**n


@pytest.mark.parametrize(("lost", "gained"), [(1, 0), (5, 0), (9, 3), (20, 10), (55, 15)])
def test_the_test_is_the_one_sided_exact_one(lost, gained):
    """The chance is that of at most so many gains among the answers that differ, each of them a fair coin."""
    drop = verdict_drop(_each(100, lost, gained), alpha=0.05)

    assert drop.p_value == pytest.approx(_binomial_tail(lost + gained, gained), rel=1e-12)
    assert (drop.lost, drop.gained, drop.cases, drop.cells) == (lost, gained, 100 + lost + gained, 100 + lost + gained)
    assert drop.size == pytest.approx((lost - gained) / drop.cells)


@pytest.mark.parametrize(("lost", "gained"), [(0, 0), (7, 7), (0, 30)])
def test_what_did_not_get_worse_raises_no_alarm(lost, gained):
    """As good or better is no regression, however sure it is."""
    assert verdict_drop(_each(50, lost, gained), alpha=0.05).p_value == 1.0


def test_nothing_in_common_is_no_comparison():
    """Without a case that both have there is no drop and no test."""
    assert verdict_drop([], alpha=0.05) is None
    assert verdict_drop([[], []], alpha=0.05) is None
    assert score_drop([[]], alpha=0.05) is None


def test_whole_cases_turn_round_not_samples():
    """Two cases that lose all of ten samples are two pieces of evidence, not twenty."""
    drop = verdict_drop(_cases("---------- ---------- ========== =========="), alpha=0.05)

    assert (drop.cases, drop.cells, drop.lost) == (4, 40, 20)
    assert drop.p_value == 0.25
    assert drop.least_p == 0.5**4


def test_the_smallest_chance_counts_the_cases_that_could_fall():
    """What failed before cannot get worse: it adds nothing to what a test could show."""
    assert verdict_drop(_each(4, 0, 0, neither=100), alpha=0.05).least_p == 0.5**4
    assert verdict_drop(_each(0, 0, 3, neither=100), alpha=0.05).most == 0


def test_the_cases_that_are_needed_are_those_of_the_design():
    """They are reckoned for a one-sided test, with as many answers differing as do; several samples take no fewer."""
    lone = verdict_drop(_each(80, 10, 10), alpha=0.05, min_effect=0.05)
    twice = verdict_drop([cells * 2 for cells in _each(80, 10, 10)], alpha=0.05, min_effect=0.05)

    assert lone.needed == cases_needed(0.05, discordance=0.2, alpha=0.1)
    assert lone.needed <= twice.needed <= lone.needed * 1.05
    assert verdict_drop(_each(80, 10, 10), alpha=0.05).needed is None


def test_a_drop_that_shows_takes_as_many_cases_as_there_are():
    """The drop that is visible is one that the design needs no more cases for; one a thousandth smaller needs more."""
    drop = verdict_drop(_each(300, 50, 50), alpha=0.05)

    assert cases_needed(drop.visible, discordance=0.25, alpha=0.1) <= 400
    assert cases_needed(drop.visible - 0.001, discordance=0.25, alpha=0.1) > 400


def test_the_largest_drop_that_is_not_excluded_shrinks_with_cases():
    """Where nothing changed, 20 cases leave room for a large drop and 2,000 for hardly any."""
    few, many = (verdict_drop(_each(n, 0, 0), alpha=0.05).most for n in (20, 2_000))

    assert 0.05 < few < 0.3
    assert 0 < many < 0.003


@pytest.mark.parametrize(
    ("scores", "p_value"),
    [
        ([(1.0, 0.5)] * 5, 0.5**5),
        ([(0.5, 0.5)] * 5, 1.0),
        ([(0.5, 0.9)] * 5, 1.0),
        ([(0.3, 0.1 + 0.2)] * 30, 1.0),
        ([(0.9, 0.8)], 0.5),
    ],
)
def test_few_scores_are_tested_by_every_flip(scores, p_value):
    """The chance is the permutation test's, halved; rounding is no difference, and a lone case decides nothing."""
    assert score_drop([[pair] for pair in scores], alpha=0.05).p_value == p_value


def test_many_scores_are_tested_by_student_s_t():
    """With 40 cases the chance is half that of the paired t test."""
    pairs = [(0.8, 0.8 - 0.05 * (n % 3)) for n in range(40)]
    drop = score_drop([[pair] for pair in pairs], alpha=0.05, min_effect=0.02)

    assert drop.p_value == pytest.approx(2.908876080876319e-09, rel=1e-9)  # ttest_rel, alternative="less"
    assert drop.now == pytest.approx(0.8 - 0.04875)
    assert 0.04875 < drop.most < 0.0602
    assert drop.needed == 29


def test_scores_without_spread_exclude_nothing():
    """Equal differences do not say how far a mean may be off; the cases needed are those of verdicts then."""
    drop = score_drop([[(0.5, 0.5)]] * 10, alpha=0.05, min_effect=0.1)

    assert drop.most == math.inf
    assert 10 < drop.needed < 100


@given(st.lists(st.lists(st.sampled_from(list(ANSWERS.values())), max_size=4), max_size=30), st.floats(0, 0.5))
def test_no_table_breaks_it(by_case, min_effect):
    """Any answers give finite figures between the ends of their scales."""
    drop = verdict_drop(by_case, alpha=0.05, min_effect=min_effect)

    if drop is not None:
        assert all(0 <= figure <= 1 for figure in (drop.before, drop.now, drop.p_value, drop.least_p))
        assert -1 <= drop.size <= drop.most + 1e-9
        assert drop.needed is None or drop.needed > 0


share = st.floats(0, 1, allow_subnormal=False)


@given(st.lists(st.lists(st.tuples(share, share), max_size=3), max_size=20))
def test_no_scores_break_it(by_case):
    """Any scores give a chance, and a mean between 0 and 1."""
    drop = score_drop(by_case, alpha=0.05, min_effect=0.02)

    if drop is not None:
        assert 0 <= drop.p_value <= 1
        assert -1e-9 <= drop.now <= 1 + 1e-9
        assert not math.isnan(drop.most)
