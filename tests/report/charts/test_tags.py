from __future__ import annotations

from evalrun.records.comparison import TagFigures
from evalrun.report.charts.tags import by_tag
from tests.report.charts.drawn import around, check_inside, column, marks, texts


def tag(name: str, *rates: float | None) -> TagFigures:
    """A tag with a pass rate for each column."""
    found = tuple(None if rate is None else around(rate) for rate in rates)
    return TagFigures(tag=name, cases=1_234, pass_rates=found, scored=tuple(9 for _ in rates))


def test_a_tag_is_a_block_with_a_row_a_column() -> None:
    """Tags stand below each other in their order, in each the columns in theirs, by their places in the figures."""
    columns = [(1, column("b", mark="square")), (0, column("a"))]
    chart = by_tag(columns, [tag("one", 0.2, 0.4), tag("two", 0.6, 0.8)], 2)

    assert chart is not None
    check_inside([chart])
    found = marks(chart)
    assert [mark.shape for mark in found] == ["square", "disc", "square", "disc"]
    assert [mark.y for mark in found] == sorted(mark.y for mark in found)
    assert [round(one.x) for one in sorted(found, key=lambda one: one.x)] == [round(found[at].x) for at in (1, 0, 3, 2)]
    assert texts(chart)[-4:] == ["one", "n = 1,234", "two", "n = 1,234"]
    assert "one: b 40.0 % [35.0, 45.0]; one: a 20.0 % [15.0, 25.0]" in chart.words


def test_what_is_left_out_is_said() -> None:
    """Of many tags and columns the chart shows the first, and says of how many."""
    columns = [(at, column(f"m{at}")) for at in range(9)]
    chart = by_tag(columns, [tag("one", *[0.5] * 9)], 40)

    assert chart is not None
    assert len(marks(chart)) == 6
    assert chart.unit == "%; n counts cases; the 1 largest of 40 tags; the first 6 of 9 columns"


def test_a_column_that_has_nothing_in_a_tag_leaves_a_gap() -> None:
    """It is told in words; without any verdict or any tag there is no chart."""
    columns = [(0, column("a")), (1, column("b"))]
    chart = by_tag(columns, [tag("one", None, 0.5)], 1)
    empty = by_tag(columns, [tag("one", None, None)], 1)

    assert chart is not None
    assert len(marks(chart)) == 1
    assert "one: a nothing scored" in chart.words
    assert empty is not None
    assert empty.missing == "Nothing is scored in any tag."
    assert by_tag(columns, [], 0) is None
