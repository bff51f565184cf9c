from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.stats.pairs import FAILED, PASSED, UNSCORED, compare_pair, mcnemar, more_cases, newcombe, sign_flip

LETTERS = {".": UNSCORED, "f": FAILED, "p": PASSED}


def _verdicts(letters):
    return bytes(LETTERS[letter] for letter in letters)


def _pair(first, second, samples=1):
    return compare_pair(("a", "b"), (_verdicts(first), _verdicts(second)), samples)


@pytest.mark.parametrize(
    ("only_first", "only_second", "p_value"),
    [(64, 293, 3.93e-36), (0, 5, 0.0625), (0, 6, 0.03125), (1, 7, 0.0703125), (3, 3, 1.0), (0, 0, 1.0), (2, 3, 1.0)],
)
def test_mcnemar_is_exact(only_first, only_second, p_value):
    """The published GSM8K figure, and small ones that can be counted by hand; the order does not matter."""
    assert mcnemar(only_first, only_second) == pytest.approx(p_value, rel=1e-3)
    assert mcnemar(only_second, only_first) == mcnemar(only_first, only_second)


@given(st.integers(0, 80), st.integers(0, 80))
def test_mcnemar_agrees_with_counting(first, second):
    """Log-gamma gives what integers give."""
    n, fewer = first + second, min(first, second)
    counted = min(1.0, 2 * sum(math.comb(n, k) for k in range(fewer + 1)) / 2**n)

    assert mcnemar(first, second) == pytest.approx(counted, rel=1e-9)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [(50_000, 50_000, 1.0, 1.0), (49_000, 51_000, 1e-10, 1e-9), (0, 100_000, 0.0, 1e-300), (100_000, 0, 0.0, 1e-300)],
)
def test_mcnemar_stands_a_hundred_thousand_cells(first, second, low, high):
    """Nothing overflows, however many cells differ."""
    assert low <= mcnemar(first, second) <= high


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [((36, 12, 2, 0), 0.0569, 0.3404), ((1, 1, 7, 12), -0.507, -0.026)],
)
def test_newcombe_s_interval_is_the_published_one(table, low, high):
    """An example of Newcombe (1998), and the airway data in Fagerland et al. (2014)."""
    interval = newcombe(*table)

    assert (interval.low, interval.high) == pytest.approx((low, high), abs=5.1e-4)


@given(st.tuples(*[st.integers(0, 2000)] * 4).filter(any))
def test_a_difference_lies_in_its_interval_and_turns_round(table):
    """The interval holds the difference, lies in -1..1, and changes sign with the order of the columns."""
    both, first, second, neither = table
    one, other = newcombe(both, first, second, neither), newcombe(both, second, first, neither)

    assert -1 <= one.low <= one.mean <= one.high <= 1
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-9)


@given(st.integers(0, 3000), st.integers(0, 60), st.integers(0, 60), st.integers(0, 3000))
def test_what_the_test_decides_the_interval_does_not_deny(both, first, second, neither):
    """Where McNemar decides, zero is outside the interval."""
    if mcnemar(first, second) < 0.05:
        interval = newcombe(both, first, second, neither)

        assert interval.low > 0 or interval.high < 0


@given(st.lists(st.integers(-4, 4), max_size=10))
def test_the_sign_flip_test_agrees_with_trying_every_flip(differences):
    """The chance of a sum as far from zero, over all signs."""
    sizes = [abs(value) for value in differences if value]
    reached = abs(sum(differences))
    flips = list(itertools.product((1, -1), repeat=len(sizes)))
    counted = sum(abs(sum(map(int.__mul__, sizes, flip))) >= reached for flip in flips) / len(flips)

    assert sign_flip(differences) == pytest.approx(counted)


def test_the_sign_flip_test_of_many_cases_is_close_to_exact():
    """Beyond the exact range the approximation goes on where the exact figures end."""
    pattern = [3, -1, 2, -2, 1]

    assert sign_flip(pattern * 100) == pytest.approx(sign_flip(pattern * 101), rel=0.05)


@pytest.mark.parametrize(
    ("first", "second", "counts"),
    [("ppff", "pfpf", (1, 1, 1, 1)), ("pp.f", "p.pf", (1, 0, 0, 1)), ("pppp", "ffff", (0, 4, 0, 0))],
)
def test_a_pair_counts_cells_that_both_have_scored(first, second, counts):
    """A cell that one column lacks is in no pair."""
    paired = _pair(first, second)

    assert paired is not None
    pair = paired.pair
    assert (pair.both, pair.only_first, pair.only_second, pair.neither) == counts
    assert paired.cells == sum(counts)
    assert pair.difference.mean == (pair.only_first - pair.only_second) / paired.cells


def test_columns_without_a_common_cell_are_no_pair():
    """There is nothing to compare."""
    assert _pair("p.", ".p") is None


@pytest.mark.parametrize(("only_first", "decided"), [(5, False), (6, True)])
def test_a_pair_is_decided_below_five_percent(only_first, decided):
    """Six to nothing decides, five to nothing does not."""
    paired = _pair("p" * 20, "f" * only_first + "p" * (20 - only_first))

    assert paired is not None
    assert paired.pair.decided is decided


def test_samples_of_one_case_do_not_pass_for_cases():
    """Four cases that differ in each of ten samples are four pieces of evidence, not forty."""
    paired = _pair("p" * 40 + "f" * 40, "f" * 80, samples=10)
    alone = _pair("p" * 40 + "f" * 40, "f" * 80)

    assert paired is not None
    assert alone is not None
    assert (paired.cases, paired.cells, paired.pair.p_value, paired.pair.decided) == (8, 80, 0.125, False)
    assert paired.pair.difference.low < alone.pair.difference.low
    assert alone.pair.decided


def test_unequal_samples_are_matched_by_sample():
    """A column with one sample a case is held against the first samples of the other."""
    paired = _pair("p..f..", "fpppff", samples=3)

    assert paired is not None
    assert (paired.cases, paired.cells, paired.pair.only_first) == (2, 2, 1)


@pytest.mark.parametrize(
    ("first", "second", "more"),
    [
        ("p" * 10 + "f" * 90, "f" * 5 + "p" * 5 + "f" * 90, 55),
        ("p" * 55 + "f" * 45, "f" * 25 + "p" * 30 + "p" * 20 + "f" * 25, 1311),
        ("pf", "fp", None),
        ("pp", "pp", None),
        ("ppppp", "fffff", 1),
    ],
)
def test_how_many_more_cases_would_tell(first, second, more):
    """Connor's formula at 80 % power, less what is there; no number where the two look the same."""
    paired = _pair(first, second)

    assert paired is not None
    assert more_cases(paired) == more
