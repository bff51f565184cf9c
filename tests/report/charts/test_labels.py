from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from evalrun.report.charts.labels import HEIGHT, Box, apart, place

FRAME = Box(30.0, 0.0, 380.0, 160.0)
SPOTS = st.tuples(st.floats(min_value=34, max_value=374), st.floats(min_value=10, max_value=156))


@given(points=st.lists(st.tuples(SPOTS, st.floats(min_value=8, max_value=170)), min_size=1, max_size=14))
def test_no_name_lies_on_another(points: list[tuple[tuple[float, float], float]]) -> None:
    """Wherever the points are: names keep off each other and off every mark, and stay inside."""
    spots, widths = [spot for spot, _ in points], [wide for _, wide in points]
    labels = [label for label in place(spots, widths, FRAME) if label is not None]

    assert labels or len(points) > 8
    assert all(label.box.within(FRAME) for label in labels)
    assert not any(one.box.meets(other.box) for one, other in combinations(labels, 2))
    marks = [Box(x - 7, y - 7, x + 7, y + 7) for x, y in spots]
    assert not any(label.box.meets(mark) for label in labels for mark in marks)


def test_a_lone_point_has_its_name_beside_it() -> None:
    """With nothing in the way the name stands at the right, near."""
    (label,) = place([(100.0, 80.0)], [50.0], FRAME)

    assert label is not None
    assert (label.anchor, label.far) == ("start", False)
    assert label.x == 110.0


def test_a_name_at_the_right_edge_turns_round() -> None:
    """Where there is no room at the right the name ends at the left of its point."""
    (label,) = place([(370.0, 80.0)], [50.0], FRAME)

    assert label is not None
    assert label.anchor == "end"


def test_a_name_keeps_off_a_whisker_where_it_can() -> None:
    """What is avoided is crossed only where nothing else is free."""
    avoided = [Box(92.0, 77.0, 200.0, 83.0)]
    (label,) = place([(100.0, 80.0)], [50.0], FRAME, avoided=avoided)

    assert label is not None
    assert not label.box.meets(avoided[0])


@given(heights=st.lists(st.floats(min_value=10, max_value=156), max_size=12))
def test_heights_are_moved_apart(heights: list[float]) -> None:
    """Names at the ends of lines keep their order and do not touch, however close their lines end."""
    moved = apart(heights, least=HEIGHT, top=10.0, bottom=156.0)
    order = sorted(range(len(heights)), key=heights.__getitem__)
    ordered = [moved[index] for index in order]

    assert all(after - before >= HEIGHT - 1e-6 for before, after in pairwise(ordered))
    assert all(at >= 10.0 - 1e-6 for at in ordered)


def test_heights_with_room_stay() -> None:
    """Nothing moves that need not."""
    assert apart([20.0, 100.0], least=HEIGHT, top=10.0, bottom=156.0) == [20.0, 100.0]
