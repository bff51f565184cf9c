"""The chart of pass rates by tag: a block a tag, in it a whisker for each column."""

from __future__ import annotations

from collections.abc import Sequence

from evalrun.records.comparison import TagFigures
from evalrun.report import numbers
from evalrun.report.charts.rates import percent_tick
from evalrun.report.charts.rows import EDGE, axis, drawn, heading
from evalrun.report.charts.scale import linear
from evalrun.report.charts.series import Series
from evalrun.report.charts.shapes import WIDTH, Chart, Group, Path, whisker

COLUMNS = 6
"""How many columns the chart has room for."""

_TOP, _HEAD, _STEP, _GAP = 4.0, 23.0, 11.0, 7.0


def by_tag(columns: Sequence[tuple[int, Series]], tags: Sequence[TagFigures], possible: int) -> Chart | None:
    """Each tag's pass rates in the first of *columns*, each with its place in the figures; None without a tag.

    *possible* counts all tags of the suite, of which *tags* are the largest.
    """
    shown = columns[:COLUMNS]
    known = [rate for tag in tags for place, _ in shown if (rate := tag.pass_rates[place]) is not None]
    if not tags:
        return None
    if not known:
        return Chart(name="tags", title="Pass rate by tag", missing="Nothing is scored in any tag.")
    ends = [bound for rate in known for bound in (rate.low, rate.high)]
    scale = linear(ends, EDGE, WIDTH - EDGE, floor=0.0, top=1.0)
    block = _HEAD + len(shown) * _STEP + _GAP
    foot = _TOP + len(tags) * block
    groups = [axis(scale, _TOP, foot, percent_tick, " %")]
    for index, tag in enumerate(tags):
        top = _TOP + index * block
        groups.append(Group(shapes=heading(tag.tag, f"n = {numbers.count(tag.cases)}", top + 11.0)))
        for row, (place, one) in enumerate(shown):
            rate, y = tag.pass_rates[place], top + _HEAD + row * _STEP
            if rate is None:
                groups.append(Group(shapes=(), title=f"{tag.tag}: {one.name} nothing scored"))
                continue
            said = f"{tag.tag}: {one.name} {numbers.percent(rate.mean)} {numbers.percent_bounds(rate)}"
            shapes = Path(d=whisker(scale(rate.low), scale(rate.high), y, half=3.0), kind=one.kind("whisk"))
            groups.append(Group(shapes=(shapes, one.at(scale(rate.mean), y)), title=said))
    return drawn(
        name="tags",
        title="Pass rate by tag",
        unit=_unit(len(shown), len(columns), len(tags), possible),
        groups=groups,
        foot=foot,
    )


def _unit(shown: int, columns: int, tags: int, possible: int) -> str:
    said = ["%; n counts cases"]
    if tags < possible:
        said.append(f"the {tags} largest of {possible:,} tags")
    if shown < columns:
        said.append(f"the first {shown} of {columns} columns")
    return "; ".join(said)
