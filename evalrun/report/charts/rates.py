"""The charts of pass rates: each column's with its interval, and what the others differ from the leader by."""

from __future__ import annotations

from collections.abc import Sequence

from evalrun.records.comparison import Interval, Pair
from evalrun.report import numbers
from evalrun.report.charts.rows import EDGE, Rows, axis, drawn
from evalrun.report.charts.scale import Scale, linear
from evalrun.report.charts.series import Series
from evalrun.report.charts.shapes import WIDTH, Chart, Group, Path, Shape, Text, line, whisker
from evalrun.report.charts.words import SMALL, width

_OVERHEAD = 18.0
_OPPOSITE = {"better": "worse", "worse": "better"}


def pass_rates(columns: Sequence[Series]) -> Chart:
    """Every column's pass rate with its interval, a row each; a column without a verdict says so."""
    known = [one.figures.pass_rate for one in columns if one.figures.pass_rate is not None]
    if not known:
        return Chart(name="pass-rate", title="Pass rate", missing="Nothing is scored, so there is no pass rate.")
    ends = [bound for rate in known for bound in (rate.low, rate.high)]
    scale, rows = linear(ends, EDGE, WIDTH - EDGE, floor=0.0, top=1.0), Rows(count=len(columns))
    groups = [axis(scale, rows.top, rows.foot, percent_tick, " %")]
    for index, one in enumerate(columns):
        rate = one.figures.pass_rate
        said = numbers.percent(rate.mean) if rate else "nothing scored"
        shapes = _doubt(one, rate, scale, rows.line(index)) if rate else ()
        title = f"{one.name} {said}{f' {numbers.percent_bounds(rate)}' if rate else ''}"
        groups.append(Group(shapes=(*rows.heading(index, one, said), *shapes), title=title))
    return drawn(
        name="pass-rate",
        title="Pass rate",
        unit="passed / scored, %",
        groups=groups,
        foot=rows.foot,
    )


def differences(pairs: Sequence[tuple[Series, Pair]], leader: str) -> Chart | None:
    """What each column of *pairs* differs from the *leader* by, signed from the leader; None without a pair."""
    if not pairs:
        return None
    shown = [(one, pair, _from_leader(pair, leader)) for one, pair in pairs]
    ends = [bound for _, _, by in shown for bound in (by.low, by.high)]
    scale, rows = linear([0.0, *ends], EDGE, WIDTH - EDGE, floor=-1.0, top=1.0), Rows(count=len(shown), top=_OVERHEAD)
    groups = [axis(scale, rows.top, rows.foot, _points), _zero(scale, rows.foot)]
    for index, (one, pair, by) in enumerate(shown):
        call = pair.call if pair.second == leader else _OPPOSITE.get(pair.call, pair.call)
        said = f"{numbers.points(by.mean)} {call}"
        shapes = (*rows.heading(index, one, said), *_doubt(one, by, scale, rows.line(index)))
        groups.append(Group(shapes=shapes, title=f"{one.name} {said} {numbers.points_bounds(by)}"))
    return drawn(
        name="difference",
        title=f"Difference from {leader}",
        unit="points of pass rate, paired",
        groups=groups,
        foot=rows.foot,
    )


def _from_leader(pair: Pair, leader: str) -> Interval:
    """The difference as the other one sees it: what it has more than the leader."""
    by = pair.difference
    return by if pair.second == leader else Interval(mean=-by.mean, low=-by.high, high=-by.low)


def _doubt(one: Series, by: Interval, scale: Scale, y: float) -> tuple[Shape, ...]:
    """A mark at the mean with its whisker."""
    return (
        Path(d=whisker(scale(by.low), scale(by.high), y), kind=one.kind("whisk")),
        one.at(scale(by.mean), y),
    )


def _zero(scale: Scale, foot: float) -> Group:
    """The line of no difference, and which side is which, where there is room to say so."""
    x = scale(0.0)
    shapes: list[Shape] = [Path(d=line(x, _OVERHEAD - 12.0, x, foot), kind="zero")]
    if x > width("worse", SMALL) + 8.0:
        shapes.append(Text(x=x - 6.0, y=_OVERHEAD - 4.0, text="worse", kind="ax", anchor="end"))
    if WIDTH - x > width("better", SMALL) + 8.0:
        shapes.append(Text(x=x + 6.0, y=_OVERHEAD - 4.0, text="better", kind="ax"))
    return Group(shapes=tuple(shapes))


def percent_tick(share: float) -> str:
    """A round share at an axis, as a percentage: ``40``, ``2.5``."""
    return numbers.fixed(share, 0, 2) if abs(share * 100 - round(share * 100)) < 1e-6 else numbers.fixed(share, 1, 2)


def _points(share: float) -> str:
    return f"+{percent_tick(share)}" if share > 0 else percent_tick(share)
