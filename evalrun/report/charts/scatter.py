"""Score against what it takes, cost or time: a point a column, with the front that no other column beats."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evalrun.records.comparison import Interval
from evalrun.report import numbers
from evalrun.report.charts.amounts import seconds_tick
from evalrun.report.charts.labels import Box, Label, place
from evalrun.report.charts.rows import axis, drawn
from evalrun.report.charts.scale import Scale, linear, logarithmic
from evalrun.report.charts.series import Series
from evalrun.report.charts.shapes import WIDTH, Chart, Group, Path, Shape, Text, at, line, upright, whisker
from evalrun.report.charts.words import fitted, width

_TOP, _LEFT, _RIGHT = 10.0, 34.0, WIDTH - 7.0
_HIGH, _MORE_FROM, _MORE = 146.0, 5, 14.0
_FAR_APART = 25.0
_NAME = 170.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A column's score and price, with intervals where they are known; *front*: nothing beats it for its price."""

    one: Series
    score: float
    price: float
    score_doubt: Interval | None
    price_doubt: Interval | None
    front: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What scores are held against: how the chart is called and labelled, and what it says without two columns."""

    name: str
    title: str
    unit: str
    tick: Callable[[float], str]
    say: Callable[[float], str]
    missing: str


COST = Price(
    name="score-cost",
    title="Score against cost",
    unit="US cents an answer",
    tick=lambda cents: f"{cents:g} ¢",
    say=numbers.cents,
    missing="No two columns have a known price.",
)
LATENCY = Price(
    name="score-latency",
    title="Score against latency",
    unit="median latency of an answer",
    tick=seconds_tick,
    say=numbers.seconds,
    missing="No two columns have a known latency.",
)


def score_and_cost(columns: Sequence[Series]) -> Chart | None:
    """Mean score against what an answer costs, in US cents; None where there is one column."""
    points = [
        Point(
            one=one,
            score=figures.score,
            price=100 * figures.cost_per_cell_usd,
            score_doubt=figures.intervals.get("score"),
            price_doubt=_in_cents(figures.intervals.get("cost_per_cell_usd")),
            front=bool(figures.on_cost_front) and not one.hollow,
        )
        for one in columns
        if (figures := one.figures).score is not None and figures.cost_per_cell_usd is not None
    ]
    if len(points) > 1 and not any(point.price for point in points):
        return Chart(name=COST.name, title=COST.title, missing="Every column that has a price is free.")
    return _chart(COST, points) if len(columns) > 1 else None


def score_and_latency(columns: Sequence[Series]) -> Chart | None:
    """Mean score against the median latency of an answer; None where there is one column."""
    points = [
        Point(
            one=one,
            score=figures.score,
            price=figures.latency_p50_s,
            score_doubt=figures.intervals.get("score"),
            price_doubt=figures.intervals.get("latency_p50_s"),
            front=bool(figures.on_latency_front) and not one.hollow,
        )
        for one in columns
        if (figures := one.figures).score is not None and figures.latency_p50_s is not None
    ]
    return _chart(LATENCY, points) if len(columns) > 1 else None


def _in_cents(usd: Interval | None) -> Interval | None:
    return None if usd is None else Interval(mean=100 * usd.mean, low=100 * usd.low, high=100 * usd.high)


def _chart(price: Price, points: Sequence[Point]) -> Chart:
    if len(points) < 2:
        return Chart(name=price.name, title=price.title, missing=price.missing)
    foot = _TOP + _HIGH + max(0, len(points) - _MORE_FROM) * _MORE
    across, up = _across(points), _up(points, foot)
    front = sorted((point for point in points if point.front), key=lambda point: (point.price, -point.score))
    groups = [
        axis(across, _TOP, foot, price.tick, left=_LEFT - 3.0),
        _scores(up),
        *([_front(front, across, up)] if len(front) > 1 else []),
    ]
    groups += [_drawn(point, across, up, price) for point in sorted(points, key=lambda point: point.one.accent)]
    groups += _names(points, front, across, up, Box(_LEFT, 0.0, WIDTH, foot))
    unit = [price.unit, *(["log scale"] * across.log)]
    said = ["mean score", ", ".join(unit), *(["dotted: the front"] * (len(front) > 1))]
    return drawn(
        name=price.name,
        title=price.title,
        unit="; ".join(said),
        groups=groups,
        foot=foot,
    )


def _across(points: Sequence[Point]) -> Scale:
    """Prices with their intervals, from 0, or on a log scale where they lie far apart and none is 0."""
    prices = [point.price for point in points]
    bounds = [bound for point in points if (doubt := point.price_doubt) for bound in (doubt.low, doubt.high)]
    if min(prices) > 0 and max(prices) / min(prices) >= _FAR_APART:
        return logarithmic([*prices, *(bound for bound in bounds if bound > 0)], _LEFT + 8.0, _RIGHT, ticks=5)
    return linear([0.0, *prices, *bounds], _LEFT, _RIGHT, ticks=5, floor=0.0)


def _up(points: Sequence[Point], foot: float) -> Scale:
    doubts = [doubt for point in points if (doubt := point.score_doubt) is not None]
    values = [*(point.score for point in points), *(bound for doubt in doubts for bound in (doubt.low, doubt.high))]
    return linear(values, foot, _TOP, floor=0.0, top=1.0)


def _scores(up: Scale) -> Group:
    shapes: list[Shape] = []
    for tick in up.ticks:
        shapes.append(Path(d=line(_LEFT, up(tick), WIDTH, up(tick)), kind="grid"))
        shapes.append(Text(x=_LEFT - 6.0, y=up(tick) + 4.0, text=f"{tick:g}", kind="ax", anchor="end"))
    return Group(shapes=tuple(shapes))


def _front(front: Sequence[Point], across: Scale, up: Scale) -> Group:
    """Steps from each column of the front to the next, and on to the right."""
    d = f"M{at(across(front[0].price))} {at(up(front[0].score))}"
    for point in front[1:]:
        d += f"H{at(across(point.price))}V{at(up(point.score))}"
    return Group(shapes=(Path(d=f"{d}H{at(WIDTH)}", kind="front"),))


def _drawn(point: Point, across: Scale, up: Scale, price: Price) -> Group:
    one, x, y = point.one, across(point.price), up(point.score)
    lines = []
    if point.score_doubt is not None:
        lines.append(upright(x, up(point.score_doubt.low), up(point.score_doubt.high), half=3.0))
    if point.price_doubt is not None:
        lines.append(whisker(across(point.price_doubt.low), across(point.price_doubt.high), y, half=3.0))
    doubt = (Path(d="".join(lines), kind=one.kind("whisk")),) if lines else ()
    title = f"{one.name} score {numbers.rate(point.score)} at {price.say(point.price)}"
    return Group(shapes=(*doubt, one.at(x, y)), title=f"{title}, on the front" if point.front else title)


def _names(points: Sequence[Point], front: Sequence[Point], across: Scale, up: Scale, frame: Box) -> list[Group]:
    """The names beside their points, the accented one first; where there is no room the legend knows the mark."""
    order = sorted(points, key=lambda point: (not point.one.accent, up(point.score)))
    texts = [fitted(point.one.label, _NAME) for point in order]
    spots = [(across(point.price), up(point.score)) for point in order]
    avoided = [box for point in points for box in _whiskers(point, across, up)]
    if len(front) > 1:
        avoided += _steps(front, across, up)
    labels = place(spots, [width(text) for text in texts], frame, avoided=avoided)
    return [
        Group(shapes=_label(spot, text, label))
        for spot, text, label in zip(spots, texts, labels, strict=True)
        if label is not None
    ]


def _whiskers(point: Point, across: Scale, up: Scale) -> list[Box]:
    """Where a point's whiskers lie."""
    x, y, found = across(point.price), up(point.score), []
    if point.score_doubt is not None:
        found.append(Box(x - 3.0, up(point.score_doubt.high), x + 3.0, up(point.score_doubt.low)))
    if point.price_doubt is not None:
        found.append(Box(across(point.price_doubt.low), y - 3.0, across(point.price_doubt.high), y + 3.0))
    return found


def _steps(front: Sequence[Point], across: Scale, up: Scale) -> list[Box]:
    """Where the steps of the front lie."""
    found = []
    for point, after in zip(front, [*front[1:], None], strict=True):
        left, y = across(point.price), up(point.score)
        right = across(after.price) if after else WIDTH
        found.append(Box(left, y - 1.0, right, y + 1.0))
        if after:
            found.append(Box(right - 1.0, up(after.score), right + 1.0, y))
    return found


def _label(spot: tuple[float, float], text: str, label: Label) -> tuple[Shape, ...]:
    said = Text(x=label.x, y=label.y, text=text, anchor=label.anchor, kind="name")
    if not label.far:
        return (said,)
    middle = label.y - 4.0
    end = label.x if label.anchor != "middle" else min(max(spot[0], label.box.left), label.box.right)
    near = middle if label.anchor != "middle" else middle + (6.0 if middle < spot[1] else -6.0)
    return Path(d=line(*spot, end, near), kind="lead"), said
