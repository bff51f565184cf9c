from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.stats.ranks import Point, pareto_front, rank_ranges


@pytest.mark.parametrize(
    ("columns", "decided", "ranks"),
    [
        ("", [], {}),
        ("a", [], {"a": "1"}),
        ("ab", [], {"a": "1–2", "b": "1–2"}),
        ("ab", ["ba"], {"a": "2", "b": "1"}),
        ("abc", ["ab", "ac"], {"a": "1", "b": "2–3", "c": "2–3"}),
        ("abc", ["ac"], {"a": "1–2", "b": "1–3", "c": "2–3"}),
        ("abc", ["ab", "bc", "ac"], {"a": "1", "b": "2", "c": "3"}),
        ("abc", ["ab", "bc", "ca"], {"a": "2", "b": "2", "c": "2"}),
    ],
)
def test_ties_are_shown_as_ties(columns, decided, ranks):
    """A rank is a range where tests do not decide, also where ties do not carry on or the decided go in a ring."""
    found = rank_ranges(list(columns), [(better, worse) for better, worse in decided])

    assert {name: str(rank) for name, rank in found.items()} == ranks


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8).flatmap(lambda m: st.tuples(st.just(m), st.randoms())))
def test_true_decisions_give_ranges_that_hold_the_true_ranks(drawn):
    """However many pairs stay undecided, a column's rank, or all the ranks that it ties for, lie in its range."""
    means, random = drawn
    names = [str(place) for place in range(len(means))]
    true = [
        (one, other)
        for one in names
        for other in names
        if means[int(one)] > means[int(other)] and random.random() < 0.5
    ]
    found = rank_ranges(names, true)

    for name in names:
        better = sum(mean > means[int(name)] for mean in means)
        worse = sum(mean < means[int(name)] for mean in means)
        assert found[name].best <= 1 + better <= len(means) - worse <= found[name].worst


@pytest.mark.parametrize("decided", [[("a", "x")], [("a", "a")], [("a", "b"), ("b", "a")]])
def test_pairs_that_cannot_be(decided):
    """A pair is of two of the columns, and decided one way."""
    with pytest.raises(ValueError, match="not two of the columns, or decided both ways"):
        rank_ranges(["a", "b"], decided)


def _points(*figures):
    return [Point(column=str(place), score=score, price=price) for place, (score, price) in enumerate(figures)]


@pytest.mark.parametrize(
    ("figures", "front"),
    [
        ([], ""),
        ([(0.9, 3.0), (0.8, 1.0), (0.7, 2.0)], "10"),
        ([(0.9, 1.0), (0.9, 1.0), (0.9, 2.0)], "01"),
        ([(0.8, 1.0), (0.9, 1.0)], "1"),
        ([(0.9, None), (None, 0.0), (0.1, 5.0)], "2"),
        ([(0.9, math.nan), (0.5, 0.0), (0.4, math.inf)], "1"),
    ],
)
def test_the_pareto_front(figures, front):
    """What no other equals on both figures and beats on one; unknown figures are left out, equal ones stay together."""
    assert "".join(pareto_front(_points(*figures))) == front


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=9))
def test_the_front_agrees_with_holding_each_against_each(figures):
    """A column is on the front where none dominates it."""
    counted = {
        str(place)
        for place, (score, price) in enumerate(figures)
        if not any(other >= score and cost <= price and (other, cost) != (score, price) for other, cost in figures)
    }

    assert set(pareto_front(_points(*figures))) == counted
