"""The texts of a case as a line of JSON: its question, what is expected, its variables, and every answer with reasons.

Every string goes through safe_text.visible here, so that a page may show it as it is. A text that must come back
exactly, such as a request's body, is written as JSON text first (fields.to_json), which passes unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from evalrun.records.message import Message
from evalrun.records.outcome import Failure, Response
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.report.fields import to_text
from evalrun.report.talk import called_tools, calls_text, message_text, request_messages, who
from evalrun.safe_text import visible

TEXT_LIMIT = 200_000
"""Characters of one text that a page keeps; the whole of it is in results.jsonl."""

_QUESTION_LIMIT = 600


def case_line(plan: Plan, rows: Sequence[Row], *, text_limit: int = TEXT_LIMIT) -> str:
    """A case: [expected, [[variable, value] …], [question …], [cell …]], the cells in the order of *rows*.

    A cell: [output, reason, extracted, place of its question, calls, detail]. What ends in nothing is left out.
    """
    questions: dict[str, int] = {}
    cells: list[list[Any]] = []
    talked: tuple[tuple[Message, ...], int, list[list[str]]] | None = None
    for row in rows:
        if talked is None or talked[0] != row.messages or len(row.exchanges) != 1:
            question = questions.setdefault(_question(row, plan), len(questions))
            talked = (row.messages, question, _talk(row, plan))
        cells.append(_cell(row, talked[1], talked[2]))
    case = rows[0].case
    variables = [[name, to_text(value)] for name, value in case.vars.items()]
    line = [_expected(case.expected), variables, list(questions), cells]
    return json.dumps(_shown(line, text_limit), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _shown(value: Any, limit: int) -> Any:
    """The same with every string as a document shows it, and cut at the limit, which is said."""
    if isinstance(value, str):
        if len(value) <= limit:
            return visible(value)
        cut = f"cut after {limit:,} of {len(value):,} characters; all of it is in results.jsonl"
        return f"{visible(value[:limit])}\n… {cut}"
    if isinstance(value, list | tuple):
        return [_shown(one, limit) for one in value]
    if isinstance(value, Mapping):
        return {visible(name): _shown(one, limit) for name, one in value.items()}
    return value


def _cell(row: Row, question: int, talk: list[list[str]]) -> list[Any]:
    outcome = row.outcome
    response = outcome if isinstance(outcome, Response) else None
    output = (response.text or response.refusal or "") if response else ""
    extracted = next((s.extracted for s in row.mark.scores if s.extracted), "") if row.mark else ""
    return [output, _reason(row), extracted, question, calls_text(row.tool_calls), _detail(row, talk)]


def _detail(row: Row, talk: list[list[str]]) -> dict[str, Any]:
    """What only an opened cell shows."""
    response = row.outcome if isinstance(row.outcome, Response) else None
    choices = response.choices if response else ()
    detail = {
        "scores": [
            [s.name, s.value, s.passed, s.weight, s.error or s.reason, s.extracted or ""]
            for s in (row.mark.scores if row.mark else ())
        ],
        "talk": talk,
        "key": row.cell.request_key[:16],
        "ttft": None if row.ttft_s is None else round(row.ttft_s, 4),
        "speed": None if row.tokens_per_s is None else round(row.tokens_per_s, 1),
        "finish": response.finish_reason if response else None,
        "reasoning": response.reasoning if response else None,
        "choices": [[choice.text or choice.refusal or "", calls_text(choice.tool_calls)] for choice in choices],
    }
    return {name: value for name, value in detail.items() if value}


def _talk(row: Row, plan: Plan) -> list[list[str]]:
    """A conversation: who, content, calls of each message."""
    called = called_tools(row.messages)
    return [
        [who(message, called), message_text(message, plan.suite.pictures), calls_text(message.tool_calls)]
        for message in row.messages
    ]


def _question(row: Row, plan: Plan) -> str:
    """What the first cell shows: the last message of the first request, unless the variables tell cases apart
    better than a long one."""
    first = next(request_messages(row), None) or row.messages
    asked = message_text(first[-1], plan.suite.pictures) if first else ""
    if asked and (len(asked) <= _QUESTION_LIMIT or not row.case.vars):
        return asked
    values = [(name, to_text(value)) for name, value in row.case.vars.items()]
    return values[0][1] if len(values) == 1 else "\n".join(f"{name}: {value}" for name, value in values)


def _expected(value: Any) -> str:
    """Alternatives as a person would list them; everything else as it is."""
    if isinstance(value, list | tuple) and all(isinstance(v, str | int | float) for v in value):
        return " or ".join(dict.fromkeys(to_text(item) for item in value))
    return to_text(value)


def _reason(row: Row) -> str:
    if isinstance(row.outcome, Failure):
        return f"{row.outcome.kind}: {row.outcome.message}" if row.outcome.message else str(row.outcome.kind)
    return row.mark.reason if row.mark else ""
