"""The data of the case table: rows as columns of numbers, every text once, as JSON that is inert inside HTML.

``strings`` holds each text once; everywhere else a text is its place in there, and -1 is none. ``rows`` has one entry
a case × prompt × parameters × sample, ``cells`` one list a model, with one entry a row (null: there is no such cell).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from evalrun.records.outcome import Failure, Response
from evalrun.records.plan import Column, Plan
from evalrun.records.row import Row
from evalrun.records.score import Score
from evalrun.report.fields import model_labels, to_text, verdict_of
from evalrun.report.side_by_side import Group
from evalrun.report.talk import called_tools, calls_text, message_text, request_messages, who
from evalrun.safe_text import visible

TEXT_LIMIT = 20_000
"""Characters of one text that the page keeps; the whole of it is in results.jsonl."""

PAGE_LIMIT = 32_000_000
"""Characters of all texts together, beyond which further rows are left out of the page, and said."""

_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
_QUESTION_LIMIT = 600


class Island:
    """Collects groups of rows and gives the JSON text. What it keeps is bounded by PAGE_LIMIT."""

    def __init__(self, plan: Plan, *, text_limit: int = TEXT_LIMIT, page_limit: int = PAGE_LIMIT) -> None:
        self.models = model_labels(plan)
        self._pictures = plan.suite.pictures
        self.shown = self.left_out = 0
        self._text_limit, self._room = text_limit, page_limit
        self._strings: dict[str, int] = {}
        self._cut: dict[int, None] = {}
        self._cases: dict[int, int] = {}
        self._case_values: list[list[Any]] = []
        self._talks: dict[tuple[int, ...], int] = {}
        self._rows: list[list[Any]] = []
        self._cells: list[list[list[Any] | None]] = [[] for _ in self.models]

    def add(self, group: Group) -> None:
        """Take a group: a row for each of its samples."""
        by_model = [{row.cell.sample: row for row in group.of_model(label)} for label in self.models]
        for sample in group.samples:
            if self._room <= 0:
                self.left_out += 1
                continue
            self.shown += 1
            rows = [found.get(sample) for found in by_model]
            self._rows.append(self._row(next(row for row in rows if row is not None)))
            for cells, row in zip(self._cells, rows, strict=True):
                cells.append(None if row is None else self._cell(row))

    def json(self, models: Sequence[Mapping[str, Any]], pairs: Sequence[tuple[Column, Column]] = ()) -> str:
        """The whole as JSON text for a ``<script type="application/json">``; *models* says how to show each of them.

        *pairs* are the columns held against each other, two and two, as [model, prompt, parameters] each.
        """
        data = {
            "models": list(models),
            "pairs": [[self._column(column) for column in pair] for pair in pairs],
            "strings": list(self._strings),
            "cut": list(self._cut),
            "cases": self._case_values,
            "talks": [list(talk) for talk in self._talks],
            "rows": self._rows,
            "cells": self._cells,
        }
        return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(_ESCAPES)

    def _column(self, column: Column) -> list[int]:
        return [self.models.index(column.model), self._text(column.prompt), self._text(_params(column))]

    def _text(self, text: str | None) -> int:
        """The place of a text in ``strings``: shown as document text, cut at the limit and noted as cut."""
        if not text:
            return -1
        cut = len(text) > self._text_limit
        shown = visible(text[: self._text_limit])
        place = self._strings.setdefault(shown, len(self._strings))
        if place == len(self._strings) - 1:
            self._room -= len(shown)
        if cut:
            self._cut[place] = None
        return place

    def _row(self, row: Row) -> list[Any]:
        """[case, prompt, parameters, sample, question]."""
        return [
            self._case(row),
            self._text(row.column.prompt),
            self._text(_params(row.column)),
            row.cell.sample,
            self._text(self._question(row)),
        ]

    def _case(self, row: Row) -> int:
        """The place of the case: [id, tags, expected, [[variable, value] …]]."""
        if row.cell.case not in self._cases:
            case = row.case
            self._cases[row.cell.case] = len(self._case_values)
            self._case_values.append(
                [
                    self._text(case.id),
                    [self._text(tag) for tag in case.tags],
                    self._text(_expected(case.expected)),
                    [[self._text(name), self._text(to_text(value))] for name, value in case.vars.items()],
                ]
            )
        return self._cases[row.cell.case]

    def _cell(self, row: Row) -> list[Any]:
        """[word, output, reason, scores, talk, score, sent, received, seconds, cost, attempts, cached, finish, key].

        Then [calls, ttft, speed, reasoning, requests, choices]; each choice is [output, calls].
        """
        outcome, mark = row.outcome, row.mark
        response = outcome if isinstance(outcome, Response) else None
        return [
            self._text(verdict_of(row)),
            self._text((response.text or response.refusal) if response else None),
            self._text(_reason(row)),
            [self._score(score) for score in mark.scores] if mark else [],
            self._talk(row),
            mark.score if mark else None,
            row.prompt_tokens,
            row.completion_tokens,
            None if row.latency_s is None else round(row.latency_s, 4),
            row.cost_usd,
            row.attempts,
            int(row.from_cache),
            self._text(response.finish_reason) if response else -1,
            self._text(row.cell.request_key),
            self._text(calls_text(row.tool_calls)),
            None if row.ttft_s is None else round(row.ttft_s, 4),
            None if row.tokens_per_s is None else round(row.tokens_per_s, 1),
            self._text(response.reasoning) if response else -1,
            row.requests,
            [
                [self._text(choice.text or choice.refusal), self._text(calls_text(choice.tool_calls))]
                for choice in (response.choices if response else ())
            ],
        ]

    def _score(self, score: Score) -> list[Any]:
        """[name, value, passed, weight, reason or error, extracted]."""
        passed = None if score.passed is None else int(score.passed)
        texts = (self._text(score.error or score.reason), self._text(score.extracted))
        return [self._text(score.name), score.value, passed, score.weight, *texts]

    def _talk(self, row: Row) -> int:
        """The place of a conversation in ``talks``: who, content, calls, who, content, calls …"""
        if not row.messages:
            return -1
        called = called_tools(row.messages)
        said = (
            (who(message, called), message_text(message, self._pictures), calls_text(message.tool_calls))
            for message in row.messages
        )
        talk = tuple(self._text(part) for parts in said for part in parts)
        return self._talks.setdefault(talk, len(self._talks))

    def _question(self, row: Row) -> str:
        """What the first cell shows: the last message of the first request, unless the variables tell cases apart
        better than a long one."""
        first = next(request_messages(row), None) or row.messages
        asked = message_text(first[-1], self._pictures) if first else ""
        if asked and (len(asked) <= _QUESTION_LIMIT or not row.case.vars):
            return asked
        values = [(name, to_text(value)) for name, value in row.case.vars.items()]
        return values[0][1] if len(values) == 1 else "\n".join(f"{name}: {value}" for name, value in values)


def _expected(value: Any) -> str:
    """Alternatives as a person would list them; everything else as it is."""
    if (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and all(isinstance(v, str | int | float) for v in value)
    ):
        return " or ".join(dict.fromkeys(to_text(item) for item in value))
    return to_text(value)


def _params(column: Column) -> str:
    return ", ".join(f"{name}={to_text(value)}" for name, value in column.params.items())


def _reason(row: Row) -> str:
    if isinstance(row.outcome, Failure):
        return f"{row.outcome.kind}: {row.outcome.message}" if row.outcome.message else str(row.outcome.kind)
    return row.mark.reason if row.mark else ""
