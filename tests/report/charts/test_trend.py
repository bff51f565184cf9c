from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from evalrun.records.trend import TrendPoint
from evalrun.report.charts.trend import RUNS, pass_rate_trend
from tests.report.charts.drawn import around, check_inside, column, marks, numbers_of, paths, texts


def points(label: str, *rates: float | None) -> list[TrendPoint]:
    """A column's runs, a day apart."""
    return [
        TrendPoint(
            run=f"run-{at}",
            started_at=1_795_000_000.0 + 86_400 * at,
            column=label,
            pass_rate=None if rate is None else around(rate),
        )
        for at, rate in enumerate(rates)
    ]


def test_a_line_goes_from_run_to_run() -> None:
    """Later runs lie further right, better ones higher, whatever the order in which they are told."""
    chart = pass_rate_trend([column("a", accent=True)], list(reversed(points("a", 0.5, 0.6, 0.4))))

    assert chart is not None
    check_inside([chart])
    (line,) = paths(chart, "trend")
    figures = numbers_of(line)
    assert line.d.count("L") == 2
    assert figures[::2] == sorted(figures[::2])
    assert figures[3] < figures[1] < figures[5]
    assert chart.words == "a 50.0 %, 60.0 %, 40.0 %."
    assert {"18 Nov 2026", "20 Nov 2026", "3 runs"} <= set(texts(chart, "ax"))
    assert len(marks(chart)) == 4


def test_a_line_breaks_where_a_run_says_nothing() -> None:
    """No line is drawn over a run in which nothing was scored, or in which the column was no part."""
    chart = pass_rate_trend([column("a")], points("a", 0.5, None, 0.4, 0.5))

    assert chart is not None
    (line,) = paths(chart, "trend")
    assert (line.d.count("M"), line.d.count("L")) == (2, 1)


def test_other_requests_are_thin_and_apart() -> None:
    """What a column was asked before it was changed is a line of its own, and said."""
    told = points("a", 0.5, 0.6, 0.7, 0.8)
    chart = pass_rate_trend([column("a")], [*(replace(one, same_requests=False) for one in told[:2]), *told[2:]])

    assert chart is not None
    full, thin = paths(chart, "trend")
    assert [path.d.count("L") for path in (full, thin)] == [1, 1]
    assert "thin" in thin.kind
    assert "thin: other requests than today's" in chart.unit


def test_runs_of_one_day_are_told_by_their_times() -> None:
    """A date that is the same at both ends would say nothing."""
    first, second = points("a", 0.5, 0.6)
    chart = pass_rate_trend([column("a")], [first, replace(second, started_at=first.started_at + 3_600)])

    assert chart is not None
    assert {"11:06 UTC", "12:06 UTC"} <= set(texts(chart, "ax"))


def test_one_run_is_no_trend() -> None:
    """It takes two runs; of runs without any pass rate it is said."""
    assert pass_rate_trend([column("a")], points("a", 0.5)) is None
    assert pass_rate_trend([column("a")], []) is None
    empty = pass_rate_trend([column("a")], points("a", None, None))
    assert empty is not None
    assert empty.missing == "No earlier run has a pass rate."


def test_the_latest_runs_are_shown() -> None:
    """Of more runs than there is room for the oldest go."""
    chart = pass_rate_trend([column("a")], points("a", *[0.5] * (RUNS + 9)))

    assert chart is not None
    assert f"{RUNS} runs" in texts(chart, "ax")


def test_names_at_the_ends_do_not_touch() -> None:
    """Twelve columns that end at the same rate have twelve names, a line of text apart."""
    labels = [f"m{at}" for at in range(12)]
    chart = pass_rate_trend(
        [column(label) for label in labels], [one for label in labels for one in points(label, 0.5, 0.5)]
    )

    assert chart is not None
    check_inside([chart])
    heights = sorted(mark.y for mark in marks(chart) if mark.x > 270)
    assert len(heights) == 12
    assert min(after - before for before, after in pairwise(heights)) >= 14
