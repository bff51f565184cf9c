"""The texts of a case as a line of JSON: its question, what is expected, its variables, and every answer with reasons.

Every string goes through safe_text.visible here, so that a page may show it as it is. A text that must come back
exactly, such as a request's body, is written as JSON text first (fields.to_json), which passes unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pydantic_core

from evalrun.records.message import Message
from evalrun.records.outcome import Failure, Response
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.report.cell_detail import CellDetails
from evalrun.report.fields import expected_text, to_text
from evalrun.report.talk import calls_text, message_text, request_messages
from evalrun.safe_text import visible

TEXT_LIMIT = 200_000
"""Characters of one text that a page keeps; the whole of it is in results.jsonl."""

_QUESTION_LIMIT = 600
_ESCAPED = ("\\u", "\\r", "\\b", "\\f")
_IN_DOUBT = re.compile(
    r"\\[bfru]|[^\x20-\x7e\xa1-\xac\xae-\u02ff\u0370-\u05ff\u0900-\u17ff\u2010-\u2027\u2030-\u205e"
    r"\u3000-\ud7ff\uf900-\ufdff]"
)
"""What of a line's JSON makes it worth the while to look at every string of it."""


def case_line(plan: Plan, rows: Sequence[Row], details: CellDetails, *, text_limit: int = TEXT_LIMIT) -> str:
    """A case: [expected, [[variable, value] …], [question …], [cell …], [conversation …], shared], the cells in the
    order of *rows*.

    A cell: [output, reason, extracted, place of its question, calls, place of its conversation, detail], the last two
    as *details* has them. *shared* are the entries of detail that all cells have in common.
    """
    questions: dict[str, int] = {}
    cells: list[list[Any]] = []
    talks: list[list[Any]] = []
    known: tuple[Message, ...] | None = None
    question = -1
    for row in rows:
        if known != row.messages or len(row.exchanges) != 1:
            question = questions.setdefault(_question(row, plan), len(questions))
        if known != row.messages:
            known = row.messages
            talks.append(details.conversation(row.messages))
        cells.append([*_cell(row, question), len(talks) - 1, details.of(row)])
    case = rows[0].case
    variables = [[name, to_text(value)] for name, value in case.vars.items()]
    line = [expected_text(case.expected), variables, list(questions), cells, talks, _shared(cells)]
    try:
        text = _json(line)
    except ValueError:  # half a surrogate pair, which UTF-8 cannot say
        return _json(_shown(line, text_limit))
    return text if len(text) <= text_limit and _harmless(text) else _json(_shown(line, text_limit))


def _json(line: Any) -> str:
    return pydantic_core.to_json(line, inf_nan_mode="strings").decode()


def _harmless(text: str) -> bool:
    """Whether nothing in a line's JSON can need an escape, told cheaply: most lines are plain text."""
    if text.isascii():
        return "\x7f" not in text and ("\\" not in text or not any(sign in text for sign in _ESCAPED))
    return not _IN_DOUBT.search(text)


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


def _shared(cells: list[list[Any]]) -> dict[str, Any]:
    """What the details of all cells say alike, such as how a reply ended; it is taken out of each."""
    details = [cell[-1] for cell in cells]
    first, *others = details
    shared = {name: value for name, value in first.items() if all(one.get(name) == value for one in others)}
    for detail in details:
        for name in shared:
            del detail[name]
    return shared


def _cell(row: Row, question: int) -> list[Any]:
    outcome = row.outcome
    response = outcome if isinstance(outcome, Response) else None
    output = (response.text or response.refusal or "") if response else ""
    extracted = next((s.extracted for s in row.mark.scores if s.extracted), "") if row.mark else ""
    return [output, _reason(row), extracted, question, calls_text(row.tool_calls)]


def _question(row: Row, plan: Plan) -> str:
    """What the first cell shows: the last message of the first request, unless the variables tell cases apart
    better than a long one."""
    first = next(request_messages(row), None) or row.messages
    asked = message_text(first[-1], plan.suite.pictures) if first else ""
    if asked and (len(asked) <= _QUESTION_LIMIT or not row.case.vars):
        return asked
    values = [(name, to_text(value)) for name, value in row.case.vars.items()]
    return values[0][1] if len(values) == 1 else "\n".join(f"{name}: {value}" for name, value in values)


def _reason(row: Row) -> str:
    if isinstance(row.outcome, Failure):
        return f"{row.outcome.kind}: {row.outcome.message}" if row.outcome.message else str(row.outcome.kind)
    return row.mark.reason if row.mark else ""
