"""A suite's history in a terminal: a line a run and column, a sparkline, and what drifted. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evalrun.records.history import History, HistoryColumn, HistoryPoint, HistoryRun
from evalrun.report import numbers
from evalrun.report.fields import minute
from evalrun.report.lines import wrapped
from evalrun.safe_text import cells_wide, cut, pad, safe_line, safe_text

_BARS = "▁▂▃▄▅▆▇█"
_LEAST_SPAN = 0.1  # noise must not look like a landslide
_BOLD, _DIM, _OFF = "\x1b[1m", "\x1b[2m", "\x1b[0m"
_ENDS = (18, 37, 53, 59, 68, 80)

Paint = Callable[[str, str], str]


def history_text(found: History, *, width: int, color: bool) -> str:
    """The text to print, without a line break at its end. No line is over *width* cells (80 at least)."""
    width = max(80, width)

    def paint(text: str, code: str) -> str:
        return f"{code}{text}{_OFF}" if color and text else text

    blocks = [
        wrapped(_head(found), width),
        *(_column(column, width, paint) for column in found.columns),
        _left_out([run for run in found.runs if not run.compared], width),
        [paint(line, _BOLD) for sentence in found.conclusion for line in wrapped(sentence, width)],
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def sparkline(values: Sequence[float | None]) -> str:
    """Rates as a row of small bars; the whole height is their range, a tenth at least. What is missing is a dot."""
    known = [value for value in values if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    span = max(_LEAST_SPAN, high - low)
    start, top = (low + high - span) / 2, len(_BARS) - 1
    return "".join("·" if value is None else _BARS[round((value - start) / span * top)] for value in values)


def _head(found: History) -> str:
    span = f", {minute(found.runs[0].started_at)} to {minute(found.runs[-1].started_at)}" if len(found.runs) > 1 else ""
    older = f" ({numbers.plural(found.older, 'older run')} left out: --last)" if found.older else ""
    return f"{found.suite}: {numbers.plural(len(found.runs), 'run')}{span}{older}"


def _column(column: HistoryColumn, width: int, paint: Paint) -> list[str]:
    rates = [None if point is None or point.pass_rate is None else point.pass_rate.mean for point in column.points]
    bars = sparkline(rates)
    label = safe_line(column.label, max(8, width - cells_wide(bars) - 2))
    head = _line("", "pass rate", "scored", "score", "cost", "p50")
    return [
        f"{paint(label, _BOLD)}  {bars}",
        paint(head, _DIM),
        *(_point(point) for point in column.points if point is not None),
    ]


def _point(point: HistoryPoint) -> str:
    rate = point.pass_rate
    return _line(
        minute(point.started_at),
        f"{numbers.rate(rate.mean)} {numbers.bounds(rate)}" if rate else numbers.UNKNOWN,
        numbers.of(point.scored, point.planned),
        numbers.rate(point.score),
        numbers.money(point.cost_usd),
        numbers.seconds(point.latency_p50_s),
    )


def _line(title: str, *cells: str) -> str:
    text = pad(f"  {title}", _ENDS[0])
    for cell, end in zip(cells, _ENDS[1:], strict=True):
        text += pad(f" {cell}", end - cells_wide(text), right=True)
    return safe_text(cut(text.rstrip(), _ENDS[-1]))


def _left_out(runs: Sequence[HistoryRun], width: int) -> list[str]:
    """Runs that are not compared, each with the reason."""
    lines = []
    for run in runs:
        first, *rest = wrapped(f"{run.run} {run.state}, not compared: {run.why}", width - 20)
        lines += [pad(f"  {minute(run.started_at)}", 20) + first, *(" " * 20 + line for line in rest)]
    return lines
