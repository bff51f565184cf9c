"""Pass rates from run to run: a line a column, the runs in the order of time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from evalrun.records.comparison import Interval
from evalrun.records.trend import TrendPoint
from evalrun.report import numbers
from evalrun.report.charts.labels import HEIGHT, apart
from evalrun.report.charts.rates import percent_tick
from evalrun.report.charts.rows import drawn
from evalrun.report.charts.scale import Scale, linear
from evalrun.report.charts.series import Series
from evalrun.report.charts.shapes import WIDTH, Chart, Group, Path, Shape, Text, at, line, upright
from evalrun.report.charts.words import SMALL, fitted, width

RUNS = 30
"""How many runs the chart has room for: the latest ones."""

_TOP, _LEFT, _NAMES, _HIGH = 10.0, 34.0, 116.0, 146.0
_MARKED_UP_TO = 12


def pass_rate_trend(columns: Sequence[Series], trend: Sequence[TrendPoint]) -> Chart | None:
    """The pass rate of each column in each run of *trend*; None where there are not two runs.

    A line breaks, and is thin before, where its column was asked something else than today, or has nothing scored.
    """
    runs = sorted({(point.started_at, point.run) for point in trend})[-RUNS:]
    if len(runs) < 2:
        return None
    places = {run: place for place, (_, run) in enumerate(runs)}
    found = {(point.column, places[point.run]): point for point in trend if point.run in places}
    rates = [point.pass_rate for point in found.values() if point.pass_rate is not None]
    shown = [one for one in columns if any(label == one.label for label, _ in found)]
    if not rates or not shown:
        return Chart(name="trend", title="Trend of the pass rate", missing="No earlier run has a pass rate.")
    foot = _TOP + max(_HIGH, len(shown) * HEIGHT)
    across = linear([0.0, len(runs) - 1.0], _LEFT + 8.0, WIDTH - _NAMES - 12.0, ticks=len(runs))
    across = Scale(low=0.0, high=len(runs) - 1.0, start=across.start, end=across.end, ticks=())
    up = linear(_reach(rates), foot, _TOP, floor=0.0, top=1.0)
    groups = [_scores(up), _dates(runs, across, foot)]
    groups += [
        _line(one, [found.get((one.label, at)) for at in range(len(runs))], across, up)
        for one in sorted(shown, key=lambda one: one.accent)
    ]
    groups.append(_ends(shown, found, len(runs), across, up, foot))
    return drawn(
        name="trend",
        title="Trend of the pass rate",
        unit=_unit(found.values()),
        groups=groups,
        foot=foot,
    )


def _unit(points: Iterable[TrendPoint]) -> str:
    changed = not all(point.same_requests for point in points)
    return "%, run by run" + ("; thin: other requests than today's" if changed else "")


def _reach(rates: Sequence[Interval]) -> list[float]:
    """The bounds of every rate, so that whiskers fit."""
    return [bound for rate in rates for bound in (rate.low, rate.high)]


def _scores(up: Scale) -> Group:
    shapes: list[Shape] = []
    for tick in up.ticks:
        shapes.append(Path(d=line(_LEFT, up(tick), WIDTH - _NAMES, up(tick)), kind="grid"))
        shapes.append(Text(x=_LEFT - 6.0, y=up(tick) + 4.0, text=percent_tick(tick), kind="ax", anchor="end"))
    return Group(shapes=tuple(shapes))


def _dates(runs: Sequence[tuple[float, str]], across: Scale, foot: float) -> Group:
    """The days of the first and the last run, or their times where that is one day."""
    ends = [datetime.fromtimestamp(runs[end][0], UTC) for end in (0, -1)]
    first, last = (end.strftime("%-d %b %Y") for end in ends)
    if first == last:
        first, last = (end.strftime("%H:%M UTC") for end in ends)
    middle = f"{len(runs)} runs"
    shapes: list[Shape] = [Text(x=_LEFT, y=foot + 14.0, text=first, kind="ax")]
    right = WIDTH - _NAMES + 8.0
    shapes.append(Text(x=right, y=foot + 14.0, text=last, kind="ax", anchor="end"))
    left_end, right_start = _LEFT + width(first, SMALL), right - width(last, SMALL)
    if right_start - left_end > width(middle, SMALL) + 8.0:
        shapes.append(Text(x=(left_end + right_start) / 2, y=foot + 14.0, text=middle, kind="ax", anchor="middle"))
    return Group(shapes=tuple(shapes))


def _line(one: Series, points: Sequence[TrendPoint | None], across: Scale, up: Scale) -> Group:
    """A column's line: full where it was asked what it is asked today, thin where that was something else."""
    full, thin, doubt = "", "", ""
    marks: list[Shape] = []
    before: TrendPoint | None = None
    for place, point in enumerate(points):
        if point is None or point.pass_rate is None:
            before = None
            continue
        x, y = across(float(place)), up(point.pass_rate.mean)
        goes_on = before is not None and before.same_requests == point.same_requests
        step = f"{'L' if goes_on else 'M'}{at(x)} {at(y)}"
        full, thin = (full + step, thin) if point.same_requests else (full, thin + step)
        doubt += upright(x, up(point.pass_rate.low), up(point.pass_rate.high), half=2.0) if one.accent else ""
        if len(points) <= _MARKED_UP_TO:
            marks.append(one.at(x, y))
        before = point
    kinds = ((doubt, "whisk thin"), (full, "trend"), (thin, "trend thin"))
    rates = ", ".join(numbers.percent(one.pass_rate.mean) for one in points if one is not None and one.pass_rate)
    lines = [Path(d=d, kind=one.kind(kind)) for d, kind in kinds if d]
    return Group(shapes=(*lines, *marks), title=f"{one.name} {rates}")


def _ends(
    shown: Sequence[Series],
    found: dict[tuple[str, int], TrendPoint],
    runs: int,
    across: Scale,
    up: Scale,
    foot: float,
) -> Group:
    """Each column's name beside the end of its line, moved apart where lines end close together."""
    ends = []
    for one in shown:
        known = [
            (place, point.pass_rate)
            for place in range(runs)
            if (point := found.get((one.label, place))) is not None and point.pass_rate is not None
        ]
        if known:
            ends.append((one, across(float(known[-1][0])), up(known[-1][1].mean)))
    heights = apart([y for _, _, y in ends], least=HEIGHT, top=_TOP, bottom=foot)
    shapes: list[Shape] = []
    for (one, x, y), height in zip(ends, heights, strict=True):
        left = WIDTH - _NAMES + 8.0
        shapes.append(Path(d=line(x, y, left - 3.0, height), kind="lead"))
        shapes.append(one.at(left + 3.0, height))
        shapes.append(Text(x=left + 13.0, y=height + 4.0, text=fitted(one.label, WIDTH - left - 13.0), kind="name"))
    return Group(shapes=tuple(shapes))
