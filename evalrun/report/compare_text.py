"""A comparison of two runs in a terminal: what is compared, a table, the worst flips, and the conclusion. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import PurePath

from evalrun.records.comparison import Interval
from evalrun.records.run_comparison import ComparedColumn, Flip, Measure, RunComparison, RunSide
from evalrun.report import numbers
from evalrun.report.compare_words import changes, needed, p_value, signed, signed_bounds
from evalrun.report.fields import utc
from evalrun.report.lines import wrapped
from evalrun.safe_text import cells_wide, cut, pad, safe_line, safe_text

FLIPS_SHOWN = 10
COLUMNS_SHOWN = 12
_BOLD, _RED, _GREEN, _DIM, _OFF = "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[2m", "\x1b[0m"
_ENDS = (11, 31, 51, 73, 80)
_DIFFERENCE = 21
_MANY = 10
_NAME = 10
TITLES = {"pass_rate": "pass rate", "score": "score", "tokens": "tokens", "cost_usd": "cost", "latency_s": "latency"}

FORMS: dict[str, Callable[[float], str]] = {
    "tokens": numbers.tokens,
    "cost_usd": numbers.money,
    "latency_s": numbers.seconds,
}

Paint = Callable[[str, str], str]


def comparison_text(found: RunComparison, *, width: int, color: bool) -> str:
    """The text to print, without a line break at its end. No line is over *width* cells (80 at least) but paths."""
    width = max(80, width)

    def paint(text: str, code: str) -> str:
        return f"{code}{text}{_OFF}" if color and text else text

    blocks = [
        [*_sides(found, width), *_changes(found, width)],
        *_table(found, width, paint),
        _flips(found, width, paint),
        [line for note in found.notes for line in _hanging("note", note, width)],
        [paint(line, _BOLD) for sentence in found.conclusion for line in wrapped(sentence, width)],
        _files(found),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _sides(found: RunComparison, width: int) -> list[str]:
    sides = (found.a,) if found.one_run else (found.a, found.b)
    lines = []
    for side in sides:
        name = "run" if found.one_run else side.name
        lines += _hanging(name, f"{_run(side)}, {utc(side.started_at)}, {side.state}", width)
    return lines


def _run(side: RunSide) -> str:
    return f"{side.suite}/{side.run}"


def _changes(found: RunComparison, width: int) -> list[str]:
    """Counts of what is matched and what is not, and the first of each by name."""
    if found.one_run:
        return []
    parts = [f"{numbers.plural(found.matched, 'cell')} of {numbers.plural(found.cases_matched, 'case')} matched"]
    parts += [f"{numbers.count(found.cells_added)} added"] if found.cells_added else []
    parts += [f"{numbers.count(found.cells_removed)} removed"] if found.cells_removed else []
    lines = _hanging("cells", ", ".join(parts), width)
    for name, texts in changes(found):
        shown = _fitting(texts, width - len(name) - 26)
        more = f" … {len(texts) - len(shown)} more" if len(shown) < len(texts) else ""
        lines += _hanging("", f"{name}: {', '.join(shown)}{more}", width)
    return lines


def _fitting(texts: Sequence[str], room: int) -> list[str]:
    """The first of *texts* that have room on a line, one at least."""
    shown: list[str] = []
    for text in texts:
        line = safe_line(text, room)
        room -= cells_wide(line) + 2
        if shown and room < 0:
            break
        shown.append(line)
    return shown


def _table(found: RunComparison, width: int, paint: Paint) -> list[list[str]]:
    """A block a column: a line for each figure, A, B and the difference, and a line with the call and the flips."""
    blocks = [_block(column, found, width, paint) for column in found.columns[:COLUMNS_SHOWN]]
    left = len(found.columns) - len(blocks)
    if left:
        blocks.append([f"… {left} more: see comparison.html, or choose with --column"])
    return blocks


def _block(column: ComparedColumn, found: RunComparison, width: int, paint: Paint) -> list[str]:
    heads = (column.label_a, column.label_b, "difference") if found.one_run else ("A", "B", "B − A")
    label = "" if found.one_run else column.label + (" (simulated)" if column.simulated else "")
    lines = []
    if not found.one_run:
        lines.append(paint(safe_line(label, width), _BOLD))
    lines.append(paint(_line("", *(safe_line(head, 20) for head in heads), "p"), _DIM))
    lines += [_figures(measure) for measure in column.measures if not says_nothing(measure)]
    return [*lines, *_verdict(column, found, width, paint)]


def says_nothing(measure: Measure) -> bool:
    """Whether it says nothing: a score that is no more than the pass rate, or a cost of nothing."""
    if measure.name == "cost_usd":
        return not measure.a and not measure.b
    return measure.name == "score" and measure.p_value is None


def _figures(measure: Measure) -> str:
    """A figure's line: both sides, the difference, and for what is tested how likely chance alone comes so far."""
    title = TITLES[measure.name]
    if measure.name in ("pass_rate", "score"):
        sides = [_rate(measure.a, measure.a_interval), _rate(measure.b, measure.b_interval)]
        return _line(title, *sides, difference(measure), p_value(measure.p_adjusted))
    form = FORMS[measure.name]
    return _line(title, form(measure.a), form(measure.b), share(measure), "")


def difference(measure: Measure) -> str:
    """A difference with its interval: of pass rates in points, ``+12.5 [6.1, 18.9]``; of scores as they are."""
    interval = measure.difference_interval
    if measure.name == "score":
        return signed(measure.difference) + (f" {signed_bounds(interval, 2)}" if interval else "")
    for digits in (1, 0):
        text = signed(measure.difference, digits, 2)
        text += f" {signed_bounds(interval, digits, 2)}" if interval else ""
        if cells_wide(text) <= _DIFFERENCE:
            break
    return text


def share(measure: Measure) -> str:
    """A difference as a part of A's mean, with its interval: ``+12.0 % [−3.0, 27.0]``; ``31 times`` for a large one.

    Of nothing there is no part.
    """
    if not measure.a:
        return "same" if not measure.b else numbers.UNKNOWN
    if measure.b / measure.a >= _MANY:
        return numbers.times(measure.b / measure.a)
    interval = measure.difference_interval
    by = f"{numbers.points(measure.difference / measure.a)} %"
    if interval is None:
        return by
    low, high = (numbers.fixed(bound / measure.a, 1, 2) for bound in (interval.low, interval.high))
    return f"{by} [{low}, {high}]"


def _rate(value: float, interval: Interval | None) -> str:
    return numbers.rate(value) + (f" {numbers.bounds(interval)}" if interval else "")


def _line(title: str, *cells: str) -> str:
    """A line of the table: the title, then cells that end at the same places in every line."""
    text = pad(f"  {title}", _ENDS[0])
    for cell, end in zip(cells, _ENDS[1:], strict=True):
        text += pad(f" {cell}", end - cells_wide(text), right=True)
    return safe_text(cut(text.rstrip(), _ENDS[-1]))


def _verdict(column: ComparedColumn, found: RunComparison, width: int, paint: Paint) -> list[str]:
    """The call in words, how many cells it stands on, and how many flipped."""
    rate = column.measure("pass_rate")
    if rate is None:
        return ["  nothing was scored on both sides"]
    call = str(rate.call)
    if found.one_run:
        call = {"better": f"{column.label_b} is better", "worse": f"{column.label_a} is better"}.get(call, call)
    why = rate.watched or needed(rate)
    flips = [f"{n} {word}" for n, word in ((column.only_a, "pass → fail"), (column.only_b, "fail → pass")) if n]
    base = f"{numbers.of(column.compared, column.matched)} cells compared, {', '.join(flips) or 'no flips'}"
    colour = {"better": _GREEN, "worse": _RED}.get(rate.call or "", _DIM)
    lines = [paint(f"  {line}", colour) for line in wrapped(f"{call}{f' ({why})' if why else ''}", width - 2)]
    return [*lines, f"  {base}"]


def _flips(found: RunComparison, width: int, paint: Paint) -> list[str]:
    if not found.flips:
        return []
    kinds = Counter(flip.kind for flip in found.flips)
    said = ", ".join(f"{numbers.count(count)} {kind.replace('->', '→')}" for kind, count in kinds.items())
    lines = [paint(safe_line(f"flips: {said}"), _BOLD)]
    lines += [_flip(flip, width, several=len(found.columns) > 1) for flip in found.flips[:FLIPS_SHOWN]]
    if left := len(found.flips) - FLIPS_SHOWN:
        lines += [f"  … {numbers.count(left)} more in comparison.csv"] if left > 0 else []
    return lines


def _flip(flip: Flip, width: int, *, several: bool) -> str:
    scores = ""
    if flip.score_before is not None and flip.score_after is not None:
        scores = f"{numbers.fixed(flip.score_before, 2)} → {numbers.fixed(flip.score_after, 2)}"
    case = f"{flip.case} → {flip.case_b}" if flip.case_b else flip.case
    where = [case, *([flip.column] if several else []), *([f"sample {flip.sample}"] if flip.sample else [])]
    where += ["case changed"] if flip.changed else []
    room = width - 17 - (len(scores) + 2 if scores else 0)
    place = cut(safe_line(" · ".join(where)), room)
    return safe_text(f"  {flip.kind.replace('->', '→'):<13}  {pad(place, room)}  {scores}".rstrip())


def _hanging(name: str, text: str, width: int) -> list[str]:
    lines = wrapped(text, width - _NAME)
    return [pad("" if at else name, _NAME) + line for at, line in enumerate(lines)]


def _files(found: RunComparison) -> list[str]:
    if not found.folder:
        return []
    path = str(PurePath(found.folder) / "comparison.html").replace("\n", "\\n")
    return [safe_text(f"{pad('page', _NAME)}{path}")]
