from __future__ import annotations

from typing import Any

import pytest

from evalrun.report.charts.scatter import score_and_cost, score_and_latency
from evalrun.report.charts.series import Series
from tests.report.charts.drawn import around, check_inside, column, marks, numbers_of, paths, texts


def priced(label: str, score: float, usd: float, **more: Any) -> Series:
    """A column with a score and a price."""
    intervals = {"score": around(score, 0.02)}
    return column(label, score=score, cost_per_cell_usd=usd, intervals=intervals, **more)


def test_better_stands_higher_and_dearer_further_right() -> None:
    """Both scales run as people read them, prices from 0."""
    chart = score_and_cost([priced("a", 0.5, 0.004), priced("b", 0.37, 0.001)])

    assert chart is not None
    check_inside([chart])
    a, b = marks(chart)
    assert a.x > b.x
    assert a.y < b.y
    assert {"a", "b"} <= set(texts(chart, "name"))
    assert chart.unit == "mean score; US cents an answer"
    assert "a score 0.500 at 0.40 ¢; b score 0.370 at 0.10 ¢." in chart.words


def test_a_simulated_point_never_shapes_the_front() -> None:
    """The front goes through the real columns that nothing beats, from the cheapest on, past the simulated ones."""
    columns = [
        priced("cheap", 0.4, 0.001, on_cost_front=True),
        priced("best", 0.6, 0.004, on_cost_front=True, accent=True),
        priced("worse", 0.5, 0.005, on_cost_front=False),
        priced("sim", 0.9, 0.0001, on_cost_front=True, hollow=True),
    ]
    chart = score_and_cost(columns)

    assert chart is not None
    (front,) = paths(chart, "front")
    by_name = {group.title.split()[0]: group.shapes[-1] for group in chart.groups if group.title}
    cheap, best = by_name["cheap"], by_name["best"]
    figures = numbers_of(front)
    assert figures[:4] == pytest.approx([cheap.x, cheap.y, best.x, best.y], abs=0.1)  # type: ignore[union-attr]
    assert figures[4] == 380
    assert "dotted: the front" in chart.unit
    assert "best score 0.600 at 0.40 ¢, on the front" in chart.words
    assert "sim (simulated) score 0.900 at 0.010 ¢;" in chart.words


def test_prices_far_apart_have_a_log_scale() -> None:
    """Where one costs 25 times as much as another, equal ratios are equally wide."""
    chart = score_and_cost([priced("a", 0.5, 0.0001), priced("b", 0.6, 0.001), priced("c", 0.7, 0.01)])

    assert chart is not None
    a, b, c = marks(chart)
    assert b.x - a.x == pytest.approx(c.x - b.x, abs=0.1)
    assert "log scale" in chart.unit


def test_what_is_free_stands_at_nothing() -> None:
    """A free column keeps the scale linear, whatever the others cost; with only free ones there is nothing to draw."""
    chart = score_and_cost([priced("a", 0.5, 0.0), priced("b", 0.6, 0.001), priced("c", 0.7, 0.1)])
    free = score_and_cost([priced("a", 0.5, 0.0), priced("b", 0.6, 0.0)])

    assert chart is not None
    assert "log" not in chart.unit
    assert marks(chart)[0].x == 34
    assert free is not None
    assert free.missing == "Every column that has a price is free."


def test_two_points_are_the_least() -> None:
    """One column has no such chart; of several with one price it is said that there are no two."""
    assert score_and_cost([priced("a", 0.5, 0.1)]) is None
    assert score_and_latency([column("a", score=0.5, latency_p50_s=1.0)]) is None
    lonely = score_and_cost([priced("a", 0.5, 0.1), column("b", score=0.4)])
    unknown = score_and_latency([column("a", score=0.5), column("b", score=0.4)])
    assert lonely is not None
    assert unknown is not None
    assert (lonely.missing, unknown.missing) == (
        "No two columns have a known price.",
        "No two columns have a known latency.",
    )


def test_points_on_one_spot_are_all_drawn() -> None:
    """Twelve columns of one score and one price: twelve marks, the named one last; names that find no room are left
    to the legend."""
    columns = [priced(f"model {at}", 0.5, 0.001, mark=chr(65 + at), accent=at == 3) for at in range(12)]
    chart = score_and_cost(columns)

    assert chart is not None
    check_inside([chart])
    assert len(marks(chart)) == 12
    assert marks(chart)[-1].kind == "best"
    assert len(texts(chart, "name")) == len(set(texts(chart, "name"))) > 6


def test_a_price_has_its_whisker() -> None:
    """Doubt is drawn both ways, and the scale has room for it."""
    intervals = {"score": around(0.5, 0.1), "latency_p50_s": around(1.0, 0.4)}
    chart = score_and_latency(
        [column("a", score=0.5, latency_p50_s=1.0, intervals=intervals), column("b", score=0.4, latency_p50_s=0.9)]
    )

    assert chart is not None
    check_inside([chart])
    (whiskers,) = paths(chart, "whisk")
    assert len(numbers_of(whiskers)) == 18
