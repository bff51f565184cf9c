from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.stats.pairing import Side, base, chosen, finder, pair_up
from evalrun.stats.pairs import FAILED, PASSED, UNSCORED
from tests.stats.finite import finite

LETTERS = {".": UNSCORED, "f": FAILED, "p": PASSED}


def _side(label, letters, scores=None, samples=1):
    table = None if scores is None else np.array(scores, dtype=float).reshape(-1, samples)
    return Side(label=label, verdicts=bytes(LETTERS[one] for one in letters), scores=table)


def _pairs(*sides, samples=1, **rest):
    two = [(sides[first], sides[second]) for first, second in chosen(len(sides))]
    cases = [f"c{case}" for case in range(len(sides[0].verdicts) // samples)]
    return pair_up(two, cases=cases, samples=samples, **rest)


@pytest.mark.parametrize(
    ("columns", "pairs"),
    [(0, 0), (1, 0), (2, 1), (3, 3), (8, 28), (9, 15), (20, 37)],
)
def test_all_pairs_of_eight_are_shown_and_of_more_the_telling_ones(columns, pairs):
    """Beyond eight columns: the first with each, and neighbours; no pair twice, and none of a column with itself."""
    found = chosen(columns)

    assert len(found) == len(set(found)) == pairs
    assert all(first < second for first, second in found)
    assert {second for first, second in found if first == 0} == set(range(1, columns))


def test_what_is_decided_alone_may_not_be_among_several():
    """A pair with p = 0.03 alone is a difference; among three pairs without another it is not, and needs more cases."""
    first, second = "p" * 40 + "pppppp" + "f", "p" * 40 + "ffffff" + "f"
    alone = _pairs(_side("a", first), _side("b", second))
    among = _pairs(_side("a", first), _side("b", second), _side("c", "p" * 43 + "fff" + "f"))

    assert [(one.call, one.needs) for one in alone] == [("better", "")]
    assert alone[0].p_adjusted == alone[0].p_value == pytest.approx(0.03125)
    assert among[0].p_value == alone[0].p_value
    assert among[0].p_adjusted == pytest.approx(3 * 0.03125)
    assert among[0].call == "not distinguishable"
    assert among[0].more_cases > 1
    assert among[0].needs.startswith("needs about ")


def test_a_call_says_no_more_than_test_and_interval():
    """Where the test decides and the interval holds 0, nothing is decided."""
    pairs = [
        _pairs(_side("a", "p" * wins + "f" * losses + "f" * rest), _side("b", "f" * wins + "p" * losses + "f" * rest))[
            0
        ]
        for wins in range(12)
        for losses in range(12)
        for rest in (0, 1, 40)
        if wins + losses + rest
    ]

    assert any(one.decided for one in pairs)
    assert all(
        one.decided == (one.p_adjusted < 0.05 and not one.difference.low <= 0 <= one.difference.high) for one in pairs
    )
    assert {one.call for one in pairs} == {"better", "worse", "not distinguishable"}


@pytest.mark.parametrize(
    ("a_day", "needs"),
    [
        (None, "needs about 39 more cases"),
        ({"a": 150, "b": 150}, "needs about 39 more cases: 1 day at 150 a day"),
        ({"a": 150, "b": 10}, "needs about 39 more cases: 4 days at 10 a day"),
        ({"b": 7.5}, "needs about 39 more cases: 6 days at 7.5 a day"),
        ({"c": 3}, "needs about 39 more cases"),
        ({"a": 0.5}, "needs about 39 more cases: 78 days at 0.5 a day"),
    ],
)
def test_what_is_needed_is_told_in_days_where_a_limit_counts_days(a_day, needs):
    """The slower of the two columns binds; without a daily limit there are no days."""
    (pair,) = _pairs(_side("a", "pppppf"), _side("b", "ppppff"), cases_a_day=a_day)

    assert (pair.needs, pair.more_cases) == (needs, 39)


def test_equal_columns_need_nothing_that_can_be_told():
    """Where the two look the same, that is what is said, of scores too."""
    (pair,) = _pairs(_side("a", "pf", [0.9, 0.1]), _side("b", "fp", [0.1, 0.9]))

    assert (pair.needs, pair.more_cases, pair.call) == ("the same pass rate on 2 cases", None, "not distinguishable")
    assert pair.score.needs == "the same score on 2 cases"


def test_flips_name_case_sample_and_who_passed():
    """Every cell that both scored and only one passed, in order; of very many the first thousand."""
    (pair,) = _pairs(_side("a", "pfp.ff"), _side("b", "fppppf"), samples=2)
    many = _pairs(_side("a", "p" * 3_000), _side("b", "f" * 3_000))[0]

    assert [(flip.case, flip.sample, flip.passed) for flip in pair.flips] == [
        ("c0", 0, "a"),
        ("c0", 1, "b"),
        ("c2", 0, "b"),
    ]
    assert (pair.only_first, pair.only_second, pair.cases, pair.cells) == (1, 2, 3, 5)
    assert base(pair) == "3 cases, 5 answers"
    assert (many.only_first, len(many.flips)) == (3_000, 1_000)


def test_scores_are_compared_where_they_say_more():
    """Equal verdicts with scores apart: not distinguishable by pass rate, better by score, with d and p beside."""
    scores = np.linspace(0.5, 0.9, 40)
    (pair,) = _pairs(_side("a", "p" * 40, scores + 0.05), _side("b", "p" * 40, scores - 0.01 * (np.arange(40) % 2)))
    (plain,) = _pairs(_side("a", "p" * 40), _side("b", "p" * 40))

    assert (pair.call, pair.score.call, pair.score.needs) == ("not distinguishable", "better", "")
    assert pair.score.difference.mean == pytest.approx(0.055)
    assert pair.score.p_adjusted == pair.score.p_value < 0.001
    assert pair.score.effect_size > 5
    assert plain.score is None


def test_scores_count_only_where_both_are_scored():
    """A score beside an unscored cell is no difference."""
    (pair,) = _pairs(_side("a", "pp.", [0.9, 0.8, 1.0]), _side("b", "pp" + "p", [0.4, 0.3, 0.0]))

    assert pair.score.difference.mean == pytest.approx(0.5)


def test_a_lone_case_does_not_tell_of_scores():
    """The difference of one case may be anything."""
    (pair,) = _pairs(_side("a", "p", [0.9]), _side("b", "p", [0.4]))

    assert (pair.score.call, pair.score.needs) == ("not distinguishable", "one case does not tell")
    assert (pair.score.difference.low, pair.score.difference.high) == (-1.0, 1.0)


def test_pairs_are_found_either_way():
    """A pair is found by its labels, whichever comes first."""
    pairs = _pairs(_side("a", "pf"), _side("b", "ff"))
    find = finder(pairs)

    assert find("a", "b") is find("b", "a") is pairs[0]
    assert find("a", "c") is None


@given(
    st.lists(st.lists(st.sampled_from(".fp"), min_size=6, max_size=6), min_size=2, max_size=4),
    st.sampled_from([1, 2, 3]),
)
def test_whatever_the_verdicts_every_figure_is_one(columns, samples):
    """No nan, p within 0..1 and not below the pair's own, and every undecided pair says what it needs."""
    scores = [[{".": np.nan, "f": 0.25, "p": 0.75}[one] for one in letters] for letters in columns]
    sides = [_side(f"m{at}", letters, scores[at], samples) for at, letters in enumerate(columns)]
    for pair in _pairs(*sides, samples=samples):
        assert finite(pair)
        assert 0 <= pair.p_value <= pair.p_adjusted <= 1
        assert bool(pair.needs) != pair.decided
        assert bool(pair.score.needs) != pair.score.decided
