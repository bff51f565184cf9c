"""All charts of a page, in their order, and the legend of their marks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evalrun.records.comparison import Comparison
from evalrun.records.plan import Plan
from evalrun.records.trend import TrendPoint
from evalrun.report.charts.amounts import latencies, tokens
from evalrun.report.charts.rates import differences, pass_rates
from evalrun.report.charts.scatter import score_and_cost, score_and_latency
from evalrun.report.charts.series import Series
from evalrun.report.charts.tags import by_tag
from evalrun.report.charts.trend import pass_rate_trend
from evalrun.report.column_rows import column_mark
from evalrun.report.standings import best_column, by_place, leading, pair_of


def charts_view(plan: Plan, comparison: Comparison, trend: Sequence[TrendPoint]) -> dict[str, Any]:
    """The charts and their legend. *trend* holds the runs of the suite, this one among them if it is complete."""
    columns = series(plan, comparison)
    drawn = [
        pass_rates(columns),
        _differences(comparison, columns),
        score_and_cost(columns),
        score_and_latency(columns),
        latencies(columns),
        tokens(columns),
        by_tag(_placed(comparison, columns), comparison.tags, comparison.tags_possible),
        pass_rate_trend(columns, trend),
    ]
    return {
        "drawn": [chart for chart in drawn if chart is not None and not chart.missing],
        "missing": [chart for chart in drawn if chart is not None and chart.missing],
        "legend": [
            {"label": one.label, "mark": one.mark, "best": one.accent, "simulated": one.hollow} for one in columns
        ],
        "hollow": any(one.hollow for one in columns),
    }


def series(plan: Plan, comparison: Comparison) -> list[Series]:
    """Every column with its look, as a leaderboard."""
    named = leading(comparison)
    return [
        Series(
            figures=figures,
            mark=column_mark(plan, figures.column),
            accent=figures is named,
            hollow=figures.simulated,
        )
        for figures in by_place(comparison)
    ]


def _differences(comparison: Comparison, columns: Sequence[Series]) -> Any:
    best = best_column(comparison)
    if best is None:
        return None
    label = best.column.label
    found = [(one, pair_of(comparison, label, one.label)) for one in columns if one.label != label]
    return differences([(one, pair) for one, pair in found if pair is not None], label)


def _placed(comparison: Comparison, columns: Sequence[Series]) -> list[tuple[int, Series]]:
    """Each column with its place in the comparison."""
    places = {figures.column.id: place for place, figures in enumerate(comparison.columns)}
    return [(places[one.figures.column.id], one) for one in columns]
