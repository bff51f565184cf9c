from __future__ import annotations

from dataclasses import replace

import pytest

from evalrun.stats.compare import compare
from evalrun.stats.standings import ranking
from tests.stats.build import compared, plan, rows

GOOD, MIDDLE, POOR = "p" * 90 + "f" * 10, "p" * 88 + "f" * 12, "p" * 50 + "f" * 50


def _ranks(columns, **suite):
    return {one.column.label: (one.place, one.rank) for one in compared(columns, **suite).columns}


def test_ties_are_ranges_and_winners_are_not():
    """Two that the test does not tell apart share their ranks; a third that is worse than both comes last."""
    assert _ranks({"poor": POOR, "good": GOOD, "middle": MIDDLE}) == {
        "good": (1, (1, 2)),
        "middle": (2, (1, 2)),
        "poor": (3, (3, 3)),
    }


def test_what_does_not_compete_has_no_rank():
    """Simulated columns beside real ones, and columns without a scored cell, stand in no ranking."""
    ranks = _ranks({"a": "ppf", "b": "eee", "sim": "ppp"})

    assert ranks == {"a": (1, (1, 1)), "b": (None, None), "sim": (None, None)}


def _priced(costs, latencies):
    """Three columns, good, middle and poor, at these prices and speeds."""
    columns = {"good": GOOD, "middle": MIDDLE, "poor": POOR}
    made = plan(columns)
    found = []
    for index, (label, cost) in enumerate(zip(columns, costs, strict=True)):
        mine = rows(made, columns, cost_usd=cost, latency_s=latencies[index])
        found += [row for row in mine if row.column.label == label]
    return {one.column.label: one for one in compare(made, found, complete=True).columns}


def test_fronts_hold_what_nothing_beats_on_both_figures():
    """Middle costs more than good and scores lower; the poor one is the cheapest, so both ends are on the front."""
    found = _priced((0.02, 0.03, 0.001), (1.0, 0.5, 2.0))

    assert {label: one.on_cost_front for label, one in found.items()} == {"good": True, "middle": False, "poor": True}
    assert {label: one.on_latency_front for label, one in found.items()} == {
        "good": True,
        "middle": True,
        "poor": False,
    }


@pytest.mark.parametrize("costs", [(None, None, None), (0.01, None, None), (0.0, 0.0, 0.0)])
def test_no_front_without_two_prices(costs):
    """Where at most one price is known, or all are alike, there is nothing to weigh."""
    assert {one.on_cost_front for one in _priced(costs, (1.0, 1.0, 1.0)).values()} == {None}


def test_a_column_without_a_price_is_on_no_front():
    """Its neighbours are compared; it is not."""
    found = _priced((0.02, None, 0.001), (1.0, 1.0, 1.0))

    assert [found[label].on_cost_front for label in ("good", "middle", "poor")] == [True, None, True]


def test_the_ranking_breaks_ties_by_score_then_cost():
    """Equal pass rates are put in order by mean score, then by cost, then as the plan has them."""
    one, two, three = compared({"a": "pf", "b": "pf", "c": "pf"}).columns
    two, three = replace(two, score=0.9), replace(three, cost_usd=0.0001)

    assert [figures.column.label for figures in ranking([one, two, three])] == ["b", "c", "a"]
