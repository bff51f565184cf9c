from __future__ import annotations

from evalrun.records.comparison import Interval, Pair
from evalrun.report.charts.rates import differences, pass_rates
from tests.report.charts.drawn import around, check_inside, column, marks, numbers_of, paths, texts


def pair(first: str, second: str, by: Interval, *, decided: bool = True) -> Pair:
    """A pair with a difference."""
    return Pair(
        first=first,
        second=second,
        both=1,
        only_first=1,
        only_second=0,
        neither=1,
        difference=by,
        p_value=0.01,
        decided=decided,
    )


def test_a_higher_pass_rate_lies_further_right() -> None:
    """Marks stand in the order of the rates, each inside its whisker, a row each, the first column at the top."""
    rates = [0.39, 0.21, 0.38]
    chart = pass_rates([column(f"m{rate}", pass_rate=around(rate)) for rate in rates])
    found, whiskers = marks(chart), [numbers_of(path) for path in paths(chart, "whisk")]

    check_inside([chart])
    assert sorted(found, key=lambda mark: mark.x) == [found[1], found[2], found[0]]
    assert [mark.y for mark in found] == sorted(mark.y for mark in found)
    assert all(min(whisker[::2]) < mark.x < whisker[2] for mark, whisker in zip(found, whiskers, strict=True))
    assert texts(chart, "figure") == ["39.0 %", "21.0 %", "38.0 %"]
    assert "m0.39 39.0 % [34.0, 44.0]; m0.21 21.0 %" in chart.words


def test_many_columns_make_a_chart_longer_not_wider() -> None:
    """From six columns on a row is 28 units high."""
    heights = [pass_rates([column(f"m{at}", pass_rate=around(0.5)) for at in range(n)]).height for n in (6, 12)]

    assert heights[1] - heights[0] == 6 * 28


def test_a_column_without_a_verdict_has_no_mark() -> None:
    """It keeps its row, and says so; without any verdict there is a line of words instead of a chart."""
    chart = pass_rates([column("a", pass_rate=around(0.5)), column("b")])
    empty = pass_rates([column("a"), column("b")])

    assert len(marks(chart)) == 1
    assert texts(chart, "figure") == ["50.0 %", "nothing scored"]
    assert (empty.groups, empty.missing) == ((), "Nothing is scored, so there is no pass rate.")


def test_only_the_named_column_has_the_accent_and_only_simulated_ones_are_hollow() -> None:
    """The look of marks and whiskers follows the column."""
    chart = pass_rates(
        [
            column("a", accent=True, pass_rate=around(0.6)),
            column("s", hollow=True, pass_rate=around(0.5)),
            column("b", pass_rate=around(0.4)),
        ]
    )

    assert [mark.kind for mark in marks(chart)] == ["best", "sim", ""]
    assert [path.kind for path in paths(chart, "whisk")] == ["whisk best", "whisk sim", "whisk"]
    assert texts(chart)[-2] == "b"
    assert "s (simulated)" in texts(chart)


def test_differences_are_signed_from_the_leader() -> None:
    """A column that is worse lies left of the line of no difference, whichever way round its pair is."""
    a, b, c = column("a"), column("b"), column("c")
    by = Interval(mean=0.17, low=0.14, high=0.20)
    round_about = Interval(mean=-0.05, low=-0.12, high=0.02)
    chart = differences([(b, pair("a", "b", by)), (c, pair("c", "a", round_about, decided=False))], "a")

    assert a
    assert chart is not None
    check_inside([chart])
    (zero,) = paths(chart, "zero")
    assert all(mark.x < numbers_of(zero)[0] for mark in marks(chart))
    assert texts(chart, "figure") == ["−17.0 worse", "−5.0 not distinguishable"]
    assert "b −17.0 worse [−20.0, −14.0]; c −5.0 not distinguishable [−12.0, 2.0]." in chart.words


def test_which_side_is_better_is_said_where_there_is_room() -> None:
    """At the edge of the chart a side that has no room has no word."""
    by = Interval(mean=0.5, low=0.4, high=0.6)
    chart = differences([(column("b"), pair("a", "b", by))], "a")

    assert chart is not None
    assert "worse" in texts(chart)
    assert "better" not in texts(chart)
    assert differences([], "a") is None
