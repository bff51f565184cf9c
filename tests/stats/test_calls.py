from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.stats.calls import Call, Shown, call_pairs, holm

CHANCES = st.lists(st.floats(0, 1), max_size=20)


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        ([], ()),
        ([0.03], (0.03,)),
        ([0.01, 0.04, 0.03, 0.005], (0.03, 0.06, 0.06, 0.02)),
        ([0.5, 0.9], (1.0, 1.0)),
        ([0.0, 0.0], (0.0, 0.0)),
    ],
)
def test_holm_s_p_values(p_values, adjusted):
    """The smallest counts n times, the next n - 1 times, none less than one before it."""
    assert holm(p_values) == pytest.approx(adjusted)


@given(CHANCES)
def test_holm_keeps_the_order_and_is_never_more_than_bonferroni(p_values):
    """Between the plain chance and n times it, in the same order."""
    adjusted = holm(p_values)
    ordered = [after for _, after in sorted(zip(p_values, adjusted, strict=True))]

    assert ordered == sorted(ordered)
    assert all(p <= q <= min(1.0, len(p_values) * p) for p, q in zip(p_values, adjusted, strict=True))


@given(CHANCES, st.randoms())
def test_the_order_of_pairs_does_not_matter(p_values, random):
    """A pair's figure does not hang on where it stands."""
    places = list(range(len(p_values)))
    random.shuffle(places)
    shuffled = holm([p_values[place] for place in places])

    assert sorted(shuffled) == sorted(holm(p_values))


def _pair(difference, p_value, more_cases=900):
    return Shown(difference=difference, p_value=p_value, more_cases=more_cases)


def test_pairs_are_called_in_values():
    """Better, worse, or not distinguishable with how many more cases it would take."""
    called = call_pairs([_pair(0.1, 0.001), _pair(-0.1, 0.002), _pair(0.02, 0.04)])

    assert [one.call for one in called] == [Call.BETTER, Call.WORSE, Call.BETTER]
    assert [one.more_cases for one in called] == [None, None, None]


def test_other_pairs_are_allowed_for():
    """What decides alone does not decide among many."""
    (alone,) = call_pairs([_pair(0.1, 0.04)])
    among = call_pairs([_pair(0.1, 0.04), _pair(0.1, 0.04)])

    assert alone.call is Call.BETTER
    assert [one.call for one in among] == [Call.NOT_DISTINGUISHABLE] * 2
    assert [(one.p_adjusted, one.more_cases) for one in among] == [(0.08, 900)] * 2


@pytest.mark.parametrize(("difference", "p_value", "alpha"), [(0.1, 0.05, 0.05), (0.0, 0.0, 0.05), (0.1, 0.02, 0.01)])
def test_what_is_not_decided(difference, p_value, alpha):
    """A chance of alpha itself, no difference at all, and a stricter alpha."""
    (called,) = call_pairs([_pair(difference, p_value, None)], alpha=alpha)

    assert (called.call, called.more_cases) == (Call.NOT_DISTINGUISHABLE, None)
