"""Who competes, in which order, which ranks the tests leave to each, and what nothing beats for its price or speed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from evalrun.records.comparison import ColumnFigures, Pair
from evalrun.stats.ranks import Point, pareto_front, rank_ranges


def ranking(columns: Sequence[ColumnFigures]) -> list[ColumnFigures]:
    """The columns that compete, the best first: by pass rate, then score, then cost where known, then plan order.

    Simulated ones compete only where all are simulated. A column without a scored cell does not.
    """
    real = [figures for figures in columns if not figures.simulated]
    return sorted((figures for figures in real or columns if figures.scored), key=_worth)


def with_standings(
    columns: Sequence[ColumnFigures], ranked: Sequence[ColumnFigures], pairs: Sequence[Pair]
) -> tuple[ColumnFigures, ...]:
    """The columns with place, rank and fronts, where they compete: *ranked*, told apart as *pairs* say."""
    places = {figures.column.id: place for place, figures in enumerate(ranked, 1)}
    decided = [
        (pair.first, pair.second) if pair.call == "better" else (pair.second, pair.first)
        for pair in pairs
        if pair.decided
    ]
    ranges = rank_ranges([figures.column.label for figures in ranked], decided)
    cheap = _front(ranked, lambda figures: figures.cost_per_cell_usd)
    quick = _front(ranked, lambda figures: figures.latency_p50_s)

    def standing(figures: ColumnFigures) -> ColumnFigures:
        column = figures.column
        if column.id not in places:
            return figures
        rank = ranges[column.label]
        return replace(
            figures,
            place=places[column.id],
            rank=(rank.best, rank.worst),
            on_cost_front=cheap.get(column.id),
            on_latency_front=quick.get(column.id),
        )

    return tuple(map(standing, columns))


def _front(ranked: Sequence[ColumnFigures], price: Callable[[ColumnFigures], float | None]) -> dict[str, bool]:
    """Whether each column of known price is on the front of score and price; none is where there are no two prices."""
    known = [
        Point(column=figures.column.id, score=figures.score, price=price(figures))
        for figures in ranked
        if price(figures) is not None and figures.score is not None
    ]
    if len({point.price for point in known}) < 2:
        return {}
    front = set(pareto_front(known))
    return {point.column: point.column in front for point in known}


def _worth(figures: ColumnFigures) -> tuple[float, float, float]:
    """What columns are sorted by, the best first."""
    pass_rate = figures.pass_rate.mean if figures.pass_rate else -1.0
    score = -1.0 if figures.score is None else figures.score
    cost_usd = float("inf") if figures.cost_usd is None else figures.cost_usd
    return -pass_rate, -score, cost_usd
