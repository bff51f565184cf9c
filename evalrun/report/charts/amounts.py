"""The charts of tokens and of latencies: how much a column takes for an answer, a row each."""

from __future__ import annotations

from collections.abc import Sequence

from evalrun.records.comparison import LATENCY_BINS_A_DECADE, ColumnFigures
from evalrun.report import numbers
from evalrun.report.charts.rows import EDGE, Rows, axis, drawn
from evalrun.report.charts.scale import Scale, linear, logarithmic
from evalrun.report.charts.series import Series
from evalrun.report.charts.shapes import WIDTH, Chart, Group, Path, at, box, line

_BAR = 13.0


def tokens(columns: Sequence[Series]) -> Chart:
    """Mean tokens in and out of an answer, as bars from 0; columns of which nobody knows say so."""
    shares = [_tokens_an_answer(one.figures) for one in columns]
    known = [sent + received for sent, received in filter(None, shares)]
    if not known:
        return Chart(name="tokens", title="Tokens an answer", missing="No column's tokens are known.")
    scale, rows = linear([0.0, *known], 0.0, WIDTH - EDGE), Rows(count=len(columns))
    groups = [axis(scale, rows.top, rows.foot, numbers.tokens)]
    for index, (one, share) in enumerate(zip(columns, shares, strict=True)):
        said = f"{numbers.tokens(share[0])} in + {numbers.tokens(share[1])} out" if share else "not known"
        shapes = _stacked(one, share, scale, rows, index) if share else ()
        groups.append(Group(shapes=(*rows.heading(index, one, said), *shapes), title=f"{one.name} {said}"))
    return drawn(
        name="tokens",
        title="Tokens an answer",
        unit="mean; solid is in, light is out",
        groups=groups,
        foot=rows.foot,
    )


def _tokens_an_answer(figures: ColumnFigures) -> tuple[float, float] | None:
    """Mean tokens sent and received for an answer: the mean of both, parted as their sums are."""
    sent, received, mean = figures.prompt_tokens, figures.completion_tokens, figures.tokens_per_cell
    if sent is None or received is None or mean is None:
        return None
    return (mean * sent / (sent + received), mean * received / (sent + received)) if sent + received else (0.0, 0.0)


def _stacked(one: Series, share: tuple[float, float], scale: Scale, rows: Rows, index: int) -> tuple[Path, Path]:
    sent, both, high = scale(share[0]), scale(sum(share)), _BAR if rows.pitch == rows.roomy else 8.0
    top = rows.line(index) - high / 2
    return (
        Path(d=box(0.0, top, sent, high), kind=one.kind("solid")),
        Path(d=box(sent, top, max(0.0, both - sent), high), kind=one.kind("light")),
    )


def latencies(columns: Sequence[Series]) -> Chart:
    """How the latencies of answers spread in each column, on one log scale, each drawn to the same height."""
    known = [bin_ for one in columns for bin_ in one.figures.latency_bins]
    if not known:
        return Chart(name="latency", title="Latency of an answer", missing="No latency is known of any answer.")
    scale = logarithmic([_begins(min(known)), _begins(max(known) + 1)], EDGE, WIDTH - EDGE)
    rows = Rows(count=len(columns), roomy=58.0)
    groups = [axis(scale, rows.top, rows.foot, seconds_tick)]
    for index, one in enumerate(columns):
        low, high = one.figures.latency_p50_s, one.figures.latency_p95_s
        said = f"{numbers.seconds(low)} · {numbers.seconds(high)}" if low is not None else "not known"
        words = f"p50 {numbers.seconds(low)}, p95 {numbers.seconds(high)}" if low is not None else said
        base = rows.top + (index + 1) * rows.pitch - 4.0
        shapes = _hill(one, scale, base, rows.pitch - 21.0) if one.figures.latency_bins else ()
        groups.append(Group(shapes=(*rows.heading(index, one, said), *shapes), title=f"{one.name} {words}"))
    return drawn(
        name="latency",
        title="Latency of an answer",
        unit="log scale, each drawn to the same height; ticks: p50, p95",
        groups=groups,
        foot=rows.foot,
    )


def _hill(one: Series, scale: Scale, base: float, high: float) -> tuple[Path, ...]:
    """A column's latencies as steps over a base line, and strokes at the median and the 95th percentile."""
    bins = one.figures.latency_bins
    first, last, most = min(bins), max(bins), max(bins.values())
    d = f"M{at(scale(_begins(first)))} {at(base)}"
    for place in range(first, last + 1):
        d += f"V{at(base - high * bins.get(place, 0) / most)}H{at(scale(_begins(place + 1)))}"
    marked = [s for s in (one.figures.latency_p50_s, one.figures.latency_p95_s) if s is not None and s > 0]
    strokes = "".join(line(scale(s), base, scale(s), base - min(9.0, high)) for s in marked)
    return Path(d=f"{d}V{at(base)}Z", kind=one.kind("hill")), *([Path(d=strokes, kind="stroke")] if strokes else [])


def _begins(place: int) -> float:
    """Where a bin begins, in seconds."""
    return float(10.0 ** (place / LATENCY_BINS_A_DECADE))


def seconds_tick(seconds: float) -> str:
    """A round latency at an axis: ``20 ms``, ``0.5 s``, ``2 s``, ``100 s``."""
    if seconds < 0.1 - 1e-12:
        return f"{seconds * 1000:g} ms" if seconds else "0"
    return f"{seconds:g} s"
