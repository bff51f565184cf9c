"""One cell in a terminal: its conversation with what the scorers said of it, or the request and the reply as JSON.

Every line fits the width, unless it is JSON, which is for copying. Foreign text is inert. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from evalrun.records.outcome import Failure, Response
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.records.score import Score
from evalrun.records.wire import Wire
from evalrun.report import numbers
from evalrun.report.fields import expected_text, verdict_of
from evalrun.report.lines import folded
from evalrun.report.snippets import body_json, escaped, filled
from evalrun.report.talk import called_tools, calls_text, message_lines, tool_text, who
from evalrun.safe_text import safe_line, safe_text

_BOLD, _RED, _GREEN, _DIM, _OFF = "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[2m", "\x1b[0m"
_COLORS = {"pass": _GREEN, "fail": _RED}
_INDENT = "  "


def chat_text(plan: Plan, row: Row, *, width: int, color: bool) -> str:
    """The conversation of a cell, its scores, and what was expected, without a line break at its end."""
    return "\n".join(_Page(max(40, width), color=color).lines(plan, row))


def raw_text(row: Row, wire: Wire | str) -> str:
    """The body of the last request and the reply to it, as JSON, each under a heading that begins with ``#``."""
    if isinstance(wire, str):
        said = [f"# request: {safe_line(wire)}"]
    else:
        said = [f"# request: POST {safe_line(wire.request.url)}", filled(body_json(wire.request), wire)]
    outcome = row.outcome
    body = outcome.body if outcome is not None else None
    if body:
        return "\n".join([*said, "# reply", json_lines(body)])
    lack = f"{outcome.kind}: {outcome.message}" if isinstance(outcome, Failure) else "it was not kept"
    return "\n".join([*said, f"# reply: {'nothing came back' if outcome is None else safe_line(lack)}"])


def json_lines(text: str) -> str:
    """JSON text over several lines, every string of it inert; text that is no JSON as a JSON string."""
    try:
        value = json.loads(text, parse_float=_Figure, parse_int=_Figure)
        return _shown(value, 0)
    except (ValueError, RecursionError):
        return f'"{escaped(text, "json")}"'


class _Figure(str):
    """A number as it was written: a reply is not to be rounded on its way to the screen."""

    __slots__ = ()


def _shown(value: object, depth: int) -> str:
    if isinstance(value, _Figure):
        return str(value)
    if isinstance(value, str):
        return f'"{escaped(value, "json")}"'
    inside, outside = _INDENT * (depth + 1), _INDENT * depth
    if isinstance(value, dict) and value:
        items = [f'{inside}"{escaped(key, "json")}": {_shown(item, depth + 1)}' for key, item in value.items()]
        return "{\n" + ",\n".join(items) + f"\n{outside}}}"
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(inside + _shown(item, depth + 1) for item in value) + f"\n{outside}]"
    return json.dumps(value)


class _Page:
    """Lines of one width, with colour or without."""

    def __init__(self, width: int, *, color: bool) -> None:
        self._width = width
        self._color = color

    def lines(self, plan: Plan, row: Row) -> Iterator[str]:
        """All of it."""
        yield from self._head(plan, row)
        pictures = plan.suite.pictures
        if row.tools:
            yield from self._turn("tools", "\n".join(map(tool_text, row.tools)))
        called = called_tools(row.messages)
        for message in row.messages:
            yield from self._turn(who(message, called), message_lines(message, pictures))
        yield from self._reply(row)
        if row.case.expected is not None:
            yield from self._turn("expected", expected_text(row.case.expected))

    def _head(self, plan: Plan, row: Row) -> Iterator[str]:
        word = verdict_of(row)
        score = f" · score {numbers.rate(row.mark.score)}" if row.mark and row.mark.score is not None else ""
        yield self._paint(safe_line(f"{row.case.id} · {row.column.label}", self._width), _BOLD)
        place = [f"row {numbers.count(row.cell.position + 1)} of results.csv", *row.case.tags]
        place += [f"sample {row.cell.sample}"] if plan.suite.samples > 1 or row.cell.sample else []
        yield from folded(" · ".join(place), self._width)
        yield self._paint(f"{word.replace('_', ' ')}{score}", _COLORS.get(word, ""))
        for one in row.mark.scores if row.mark else ():
            yield from self._score(one)

    def _score(self, one: Score) -> Iterator[str]:
        word = "no result" if one.passed is None else "pass" if one.passed else "fail"
        value = "" if one.value is None else f" {numbers.rate(one.value)}"
        said = [f"{one.name}: {word}{value}, weight {one.weight:g}"]
        said += [one.error or one.reason] if one.error or one.reason else []
        said += [f"compared {one.extracted}"] if one.extracted is not None else []
        lines = folded(safe_line("; ".join(said)), self._width - len(_INDENT) * 2)
        yield from (safe_text(_INDENT + (_INDENT if at else "") + line) for at, line in enumerate(lines))

    def _turn(self, name: str, text: str) -> Iterator[str]:
        yield ""
        yield self._paint(safe_line(name, self._width), _BOLD)
        yield from self._text(text or "(empty)")

    def _text(self, text: str) -> Iterator[str]:
        yield from (safe_text(_INDENT + line) for line in folded(text, self._width - len(_INDENT)))

    def _reply(self, row: Row) -> Iterator[str]:
        outcome = row.outcome
        if not isinstance(outcome, Response):
            why = f"{outcome.kind}: {outcome.message}" if isinstance(outcome, Failure) else "not asked yet"
            yield from self._turn("no answer", why)
            return
        if outcome.reasoning:
            yield from self._turn("reasoning", outcome.reasoning)
        said = (outcome.text or outcome.refusal, calls_text(outcome.tool_calls))
        yield from self._turn("refusal" if outcome.refusal else "answer", "\n".join(filter(None, said)))
        yield from (self._paint(line, _DIM) for line in self._text(_figures(row, outcome)))
        for at, choice in enumerate(outcome.choices, 2):
            said = (choice.text or choice.refusal, calls_text(choice.tool_calls))
            yield from self._turn(f"answer {at}", "\n".join(filter(None, said)))

    def _paint(self, text: str, code: str) -> str:
        return f"{code}{text}{_OFF}" if self._color and code and text else text


def _figures(row: Row, response: Response) -> str:
    sent, wrote = row.prompt_tokens, row.completion_tokens
    said = [f"{numbers.count(sent)} tokens in" if sent is not None else ""]
    said += [f"{numbers.count(wrote)} out" if wrote is not None else ""]
    said += [numbers.seconds(row.latency_s) if row.latency_s is not None else ""]
    said += [f"first token after {numbers.seconds(row.ttft_s)}" if row.ttft_s is not None else ""]
    said += [numbers.speed(row.tokens_per_s) if row.tokens_per_s else ""]
    said += [numbers.money(row.cost_usd) if row.cost_usd is not None else ""]
    said += [numbers.plural(row.requests, "request") if row.requests > 1 else ""]
    said += ["from the cache" if row.from_cache else numbers.plural(row.attempts, "attempt") if row.attempts else ""]
    said += [f"finish reason {response.finish_reason}" if response.finish_reason else ""]
    return " · ".join(filter(None, said)) or "nothing is known of it"
