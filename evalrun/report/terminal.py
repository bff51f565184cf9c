"""What a run says in a terminal at its end: sentences, a table, gates, and the command that goes on. Pure.

It fits the width that it is given, colour only repeats what a word says already, and foreign text is inert: every line
passes through safe_text, so that none can be an escape sequence or a command of a CI system.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath

from evalrun.records.comparison import ColumnFigures, Comparison, Pair
from evalrun.records.outcome import TokensMethod
from evalrun.records.plan import Plan
from evalrun.records.run import RunFacts
from evalrun.report import numbers
from evalrun.report.fields import minute, narrowed
from evalrun.report.lines import wrapped as _wrapped
from evalrun.report.regressions_text import regression_lines
from evalrun.report.standings import by_place, pairs_shown, rank
from evalrun.report.totals import Totals, not_scored, words
from evalrun.safe_text import cells_wide, pad, safe_line, safe_text

_BOLD, _RED, _GREEN, _YELLOW, _DIM, _OFF = "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[2m", "\x1b[0m"
_GAP = 2
_LONG_WORD = 15
_LEAST_LABEL, _MOST_LABEL = 12, 32
_NAME = 9
_MOST_PAIRS = 6


def summary(
    plan: Plan, comparison: Comparison, facts: RunFacts, *, width: int, color: bool, quiet: bool = False
) -> str:
    """The text to print when a run ends, without a line break at its end; *quiet* leaves out table and facts.

    No line is over *width* cells but for paths and commands, which are kept whole so that they can be copied.
    """
    width = max(40, width)
    paint = _painter(color=color)
    conclusion = [paint(line, _BOLD) for sentence in comparison.conclusion for line in _wrapped(sentence, width)]
    told = {"simulated": _simulated(comparison), "errors": _errors(comparison), "note": facts.notes}
    figures = [
        [*_table(by_place(comparison), width, paint), *_total_line(comparison, width)],
        _named({"pairs": _pairs(comparison), "samples": _samples(comparison)}, width),
        _named(told, width),
        _worse(facts, width),
    ]
    gates, ending = _gates(comparison, width, paint), _ending(plan, comparison, facts, width, paint)
    blocks = [conclusion, gates, ending] if quiet else [conclusion, *figures, gates, ending]
    return "\n\n".join("\n".join(block) for block in blocks if block)


class _painter:  # noqa: N801  # it is called like a function
    """Wraps text in a colour, or not."""

    def __init__(self, *, color: bool) -> None:
        self.color = color

    def __call__(self, text: str, code: str) -> str:
        return f"{code}{text}{_OFF}" if self.color and text else text


@dataclass(frozen=True, slots=True)
class _Figure:
    """A column of the table: heading, cells, alignment, and how soon it is left out when the terminal is narrow."""

    heading: str
    cells: tuple[str, ...]
    right: bool = True
    leave: int = 0

    @property
    def width(self) -> int:
        return max(map(cells_wide, (self.heading, *self.cells)))


def _table(columns: Sequence[ColumnFigures], width: int, paint: _painter) -> list[str]:
    if not columns:
        return []
    figures = _fitting(_figures(columns), width, label=min(_MOST_LABEL, _label_width(columns)))
    room = width - sum(figure.width + _GAP for figure in figures)
    label = max(4, min(_MOST_LABEL, _label_width(columns), room))
    lines = []
    for row in range(-1, len(columns)):
        name = "column" if row < 0 else safe_line(columns[row].column.label, label)
        cells = [
            pad(figure.heading if row < 0 else figure.cells[row], figure.width, right=figure.right)
            for figure in figures
        ]
        line = safe_text((" " * _GAP).join([pad(name, label), *cells]).rstrip())
        lines.append(paint(line, _DIM) if row < 0 else line)
    return lines


def _label_width(columns: Sequence[ColumnFigures]) -> int:
    return max(len("column"), *(cells_wide(safe_line(c.column.label)) for c in columns))


def _figures(columns: Sequence[ColumnFigures]) -> list[_Figure]:
    """All figures that the table may show. What is left out first has the highest *leave*."""
    rates = tuple(
        f"{numbers.rate(c.pass_rate.mean)} {numbers.bounds(c.pass_rate)}" if c.pass_rate else numbers.UNKNOWN
        for c in columns
    )
    scored = tuple(numbers.of(c.scored, c.planned) for c in columns)
    scores = tuple(numbers.rate(c.score) for c in columns)
    tokens = tuple(
        f"{_about(c)}{numbers.tokens(c.prompt_tokens)} / {numbers.tokens(c.completion_tokens)}" for c in columns
    )
    costs = tuple(f"{_about(c) if c.cost_usd else ''}{numbers.money(c.cost_usd)}" for c in columns)
    nothing_paid = all(not c.cost_usd for c in columns)
    streamed = any(c.ttft_p50_s is not None for c in columns)
    same = all(c.pass_rate is not None and c.score == c.pass_rate.mean for c in columns)
    every = all(c.simulated for c in columns)
    bounds = tuple(numbers.bounds(c.intervals["score"]) if "score" in c.intervals else "" for c in columns)
    return [
        _Figure("rank", _shown(tuple(map(rank, columns))), right=False, leave=3),
        _Figure("pass rate", rates, right=False),
        _Figure("scored", scored),
        _Figure("score", scores, leave=7 if same else 4),
        _Figure("of score", () if same else bounds, right=False, leave=10),
        _Figure("tokens in/out", tokens, leave=1),
        _Figure("cost", costs, leave=6 if nothing_paid else 2),
        _Figure("p50", tuple(numbers.seconds(c.latency_p50_s) for c in columns), leave=5),
        *([_Figure("ttft", tuple(numbers.seconds(c.ttft_p50_s) for c in columns), leave=2)] if streamed else []),
        _Figure("p95", tuple(numbers.seconds(c.latency_p95_s) for c in columns), leave=8),
        _Figure("front", tuple(map(_front, columns)), right=False, leave=9),
        _Figure("not scored", tuple(_note(c, every=every) for c in columns), right=False),
    ]


def _shown(cells: tuple[str, ...]) -> tuple[str, ...]:
    """The cells, where at least two have something to say."""
    return cells if sum(map(bool, cells)) > 1 else ()


def _front(figures: ColumnFigures) -> str:
    """The fronts that a column is on: none scores higher for as little, or as soon."""
    on = ((figures.on_cost_front, "cost"), (figures.on_latency_front, "speed"))
    return ", ".join(word for is_on, word in on if is_on)


def _pairs(comparison: Comparison) -> list[str]:
    """A line for each pair that the conclusion does not tell whole; of many the first, and how many more."""
    if len(comparison.pairs) < 2:
        return []
    pairs = [pair for pair in comparison.pairs if not _is_told(pair, comparison)]
    lines = [_pair(pair, needs=not _told(pair, comparison)) for pair in pairs[:_MOST_PAIRS]]
    more = len(pairs) - len(lines)
    lines += [f"{numbers.count(more)} more pairs in report.html"] if more else []
    return [*lines, *filter(None, [pairs_shown(comparison)])]


def _told(pair: Pair, comparison: Comparison) -> str:
    """The sentence of the conclusion that names both columns of a pair, and how far they differ or what it lacks."""
    size = numbers.points_bounds(pair.difference, negate=pair.difference.mean < 0)
    return next(
        (
            sentence
            for sentence in comparison.conclusion
            if pair.first in sentence and pair.second in sentence and (pair.needs or size) in sentence
        ),
        "",
    )


def _is_told(pair: Pair, comparison: Comparison) -> bool:
    """Whether the conclusion says all that matters of a pair: who is better, by how much, and how sure that is."""
    return pair.decided and not pair.watched and bool(_told(pair, comparison))


def _pair(pair: Pair, *, needs: bool) -> str:
    """``large – mini: +37.5 points [2.1, 72.9], better, p=0.031``, p in one word, so that no line breaks in it."""
    by = f"{numbers.points(pair.difference.mean)} points {numbers.points_bounds(pair.difference)}"
    p = pair.p_value if pair.p_adjusted is None else pair.p_adjusted
    how = pair.watched or numbers.p(p).replace(" ", "") + (", stopped early" if pair.stopped_early else "")
    said = f"{pair.first} – {pair.second}: {by}, {pair.call}, {how}"
    return f"{said} ({pair.needs})" if needs and pair.needs and pair.needs != pair.watched else said


def _samples(comparison: Comparison) -> list[str]:
    """How verdicts vary over the samples of a case, a line a column."""
    said = []
    for figures in by_place(comparison):
        most = max(figures.pass_at, default=1)
        if most < 2 or figures.unsteady is None:
            continue
        parts = [
            f"pass@{most} {numbers.rate(figures.pass_at[most])}",
            f"pass^{most} {numbers.rate(figures.pass_all[most])}",
        ]
        unsteady = f"{numbers.percent(figures.unsteady.mean)} {numbers.percent_bounds(figures.unsteady)}"
        said.append(f"{figures.column.label}: {', '.join(parts)}, verdicts differ in {unsteady} of cases")
    return said


def _about(*columns: ColumnFigures) -> str:
    """The mark of an estimate, where the tokens of any of these are counted by rule of thumb."""
    return "~" if any(TokensMethod.ESTIMATE in figures.tokens_methods for figures in columns) else ""


def _note(figures: ColumnFigures, *, every: bool) -> str:
    """Why cells have no verdict, and what a reader must know of the column; of simulated ones not where *every* is."""
    said = [words(not_scored(figures)) if not_scored(figures) else ""]
    said += [f"{numbers.count(figures.spared)} not needed" if figures.spared else ""]
    said += [f"{numbers.count(figures.truncated)} truncated" if figures.truncated else ""]
    said += ["simulated" if figures.simulated and not every else "", "recorded" if figures.recorded else ""]
    return ", ".join(filter(None, said))


def _fitting(figures: list[_Figure], width: int, *, label: int) -> list[_Figure]:
    """Leave out figures until the rest fits with whole labels, the last four only with shortened ones."""
    figures = [figure for figure in figures if any(figure.cells)]

    def over(label_width: int) -> bool:
        return label_width + sum(figure.width + _GAP for figure in figures) > width

    while over(label if any(f.leave > 3 for f in figures) else min(label, _LEAST_LABEL)):
        most = max(figures, key=lambda figure: figure.leave)
        if not most.leave:
            last = figures[-1]
            if last.heading != "not scored":
                break
            figures = figures[:-1]
            continue
        figures = [figure for figure in figures if figure is not most]
    return figures


def _total_line(comparison: Comparison, width: int) -> list[str]:
    """Tokens and money over all columns, where there is more than one."""
    if len(comparison.columns) < 2:
        return []
    totals, about = Totals.of(comparison), _about(*comparison.columns)
    money = (about if totals.cost_usd else "") + numbers.money(totals.cost_usd)
    if totals.cost_unknown:
        money = "cost unknown"
    parts = [
        f"{numbers.of(totals.scored, totals.planned)} scored",
        *([f"{numbers.count(totals.spared)} not needed"] if totals.spared else []),
        numbers.plural(totals.requests, "request"),
        f"{about}{numbers.tokens(totals.prompt_tokens)} / {numbers.tokens(totals.completion_tokens)} tokens"
        + (" where known" if totals.tokens_partial else ""),
        money + (" where known" if totals.cost_partial else ""),
        *([f"{numbers.count(totals.from_cache)} from cache"] if totals.from_cache else []),
    ]
    return _wrapped("total: " + ", ".join(part for part in parts if part != numbers.UNKNOWN), width)


def _gates(comparison: Comparison, width: int, paint: _painter) -> list[str]:
    lines: list[str] = []
    for gate in comparison.gates:
        word = gate.verdict.upper() if gate.failed else gate.verdict
        colour = _RED if gate.failed else _GREEN if gate.verdict == "pass" else _YELLOW
        only = narrowed(gate.gate)
        text = f"{gate.gate.text}{f' for {only}' if only else ''}{f': {gate.reason}' if gate.reason else ''}"
        head = "" if lines else "gates"
        beside = len(word) < _LONG_WORD  # else its text goes below
        indent = _NAME + (len(word) if beside else _GAP) + _GAP
        first, *rest = _wrapped(text, width - indent) or [""]
        lines.append((pad(head, _NAME) + paint(word, colour) + (" " * _GAP + first if beside else "")).rstrip())
        rest = rest if beside else [first, *rest]
        lines += [" " * indent + line for line in rest]
    return lines


def _simulated(comparison: Comparison) -> list[str]:
    labels = [c.column.label for c in comparison.columns if c.simulated]
    if not labels:
        return []
    who = "every model here is" if len(labels) == len(comparison.columns) else f"{', '.join(labels)}:"
    return [f"{who} evalrun's rule-based simulator, no real model"]


def _errors(comparison: Comparison) -> list[str]:
    """The most frequent error of each column, but for what the conclusion says."""
    said = " ".join(comparison.conclusion)
    return [
        f"{c.column.label}: {c.top_error}"
        for c in comparison.columns
        if c.top_error and c.top_error.rstrip(".") not in said
    ]


def _worse(facts: RunFacts, width: int) -> list[str]:
    """What got worse, behind its name."""
    lines = regression_lines(facts.regressions, width - _NAME) if facts.regressions else []
    return [safe_text(pad("" if at else "worse", _NAME) + line) for at, line in enumerate(lines)]


def _named(facts: Mapping[str, Sequence[str]], width: int) -> list[str]:
    """Facts under their names: each name once, its texts beside it."""
    lines: list[str] = []
    indent = max([len(name) + 1 for name, texts in facts.items() if texts], default=0)
    indent = max(_NAME, indent)
    for name, texts in facts.items():
        said = [line for text in texts for line in _wrapped(text, width - indent)]
        lines += [pad("" if at else name, indent) + line for at, line in enumerate(said)]
    return lines


def _ending(plan: Plan, comparison: Comparison, facts: RunFacts, width: int, paint: _painter) -> list[str]:
    """How the run stands, the command that goes on, and where the report is."""
    lines = []
    if facts.state != "complete" or not comparison.complete:
        totals = Totals.of(comparison)
        state = "incomplete" if facts.state == "complete" else facts.state
        said = f"{state}: {facts.reason}" if facts.reason else state
        planned = numbers.count(max(totals.planned, len(plan.cells)))
        left = f"{numbers.count(totals.not_scored)} of {planned} cells have no verdict."
        lines += [paint(line, _YELLOW) for line in _wrapped(f"{_sentence(said)} {left}", width)]
    if facts.go_on:
        command, after = f"{pad('go on', _NAME - 1)}{_unbroken(facts.go_on)}", _after(facts)
        beside = cells_wide(command) + _GAP + 1 + cells_wide(after) <= width
        lines.append(safe_text(f"{command}   {after}".rstrip() if beside else command))
        lines += [] if beside else [" " * (_NAME - 1) + line for line in _wrapped(after, width - _NAME + 1)]
    lines.append(safe_text(f"{pad('report', _NAME - 1)}{_unbroken(str(PurePath(facts.folder) / 'report.html'))}"))
    return lines


def _after(facts: RunFacts) -> str:
    """``after 2026-11-21 00:00 UTC (in 6 h 12 min)``; what is no time stands as it is."""
    if not facts.resume_after:
        return ""
    try:
        at = datetime.fromisoformat(facts.resume_after).astimezone(UTC)
    except (ValueError, OverflowError):
        return f"after {facts.resume_after}"
    left_min = math.ceil((at.timestamp() - facts.finished_at) / 60)
    return f"after {minute(at.timestamp())} UTC" + (f" (in {_span(left_min)})" if left_min > 0 else "")


def _span(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    days, part = divmod(hours, 24)
    if days:
        return f"{numbers.plural(days, 'day')} {part} h" if part else numbers.plural(days, "day")
    return f"{hours} h {rest:02d} min" if hours else f"{rest} min"


def _unbroken(text: str) -> str:
    """A path or a command on one line, as it is but for line breaks."""
    return text.replace("\n", "\\n")


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else text + "."
