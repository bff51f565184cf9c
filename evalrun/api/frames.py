"""Tables of a run for pandas: the columns of its CSV files, figures in full and as numbers, and NA for what is missing.

Texts are word for word, without the guards against formulas that a spreadsheet needs.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import pandas as pd
from pandas.api.extensions import ExtensionDtype

from evalrun.records.comparison import ColumnFigures, Comparison, Interval
from evalrun.records.outcome import Failure, Response
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.records.run_comparison import ComparedColumn, Flip
from evalrun.report.csv_files import write_summary
from evalrun.report.fields import flat, params_text, scorer_names, variable_names
from evalrun.report.json_files import request_lines

_Kind = ExtensionDtype | str

_TEXT: _Kind = pd.StringDtype("python")
"""Texts as Python has them: replies may hold what no UTF-8 can."""

_Field = tuple[_Kind, Callable[[Row], Any]]


def _response(row: Row) -> Response | None:
    return row.outcome if isinstance(row.outcome, Response) else None


def _failure(row: Row) -> Failure | None:
    return row.outcome if isinstance(row.outcome, Failure) else None


def _of_mark(name: str) -> Callable[[Row], Any]:
    return lambda row: getattr(row.mark, name, None)


def _of_response(name: str) -> Callable[[Row], Any]:
    return lambda row: getattr(_response(row), name, None)


def _of_row(name: str) -> Callable[[Row], Any]:
    return lambda row: getattr(row, name)


def _waited(name: str) -> Callable[[Row], Any]:
    return lambda row: sum(getattr(exchange, name) for exchange in row.exchanges) if row.exchanges else None


_BEFORE: dict[str, _Field] = {
    "case": (_TEXT, lambda row: row.case.id),
    "tags": ("object", lambda row: row.case.tags),
    "prompt": (_TEXT, lambda row: row.column.prompt),
    "model": (_TEXT, lambda row: row.column.model),
    "params": (_TEXT, lambda row: params_text(row.column)),
    "sample": ("Int64", lambda row: row.cell.sample),
    "status": (_TEXT, lambda row: str(row.status)),
    "verdict": (_TEXT, _of_mark("verdict")),
    "score": ("Float64", _of_mark("score")),
    "reason": (_TEXT, _of_mark("reason")),
}
_AFTER: dict[str, _Field] = {
    "finish_reason": (_TEXT, _of_response("finish_reason")),
    "prompt_tokens": ("Int64", _of_row("prompt_tokens")),
    "completion_tokens": ("Int64", _of_row("completion_tokens")),
    "total_tokens": ("Int64", _of_row("total_tokens")),
    "cached_tokens": ("Int64", _of_row("cached_tokens")),
    "reasoning_tokens": ("Int64", _of_row("reasoning_tokens")),
    "tokens_method": (_TEXT, lambda row: str(row.tokens_method) if row.tokens_method else None),
    "cost_usd": ("Float64", _of_row("cost_usd")),
    "price_date": (_TEXT, lambda row: row.exchanges[-1].price_date or None if row.exchanges else None),
    "judge_tokens": ("Int64", lambda _: None),
    "judge_cost_usd": ("Float64", lambda _: None),
    "latency_s": ("Float64", _of_row("latency_s")),
    "ttft_s": ("Float64", _of_row("ttft_s")),
    "queue_s": ("Float64", _waited("queue_s")),
    "retry_wait_s": ("Float64", _waited("retry_wait_s")),
    "requests": ("Int64", _of_row("requests")),
    "attempts": ("Int64", _of_row("attempts")),
    "from_cache": ("boolean", _of_row("from_cache")),
    "system_fingerprint": (_TEXT, _of_response("system_fingerprint")),
    "error_kind": (_TEXT, lambda row: str(failure.kind) if (failure := _failure(row)) else None),
    "error": (_TEXT, lambda row: failure.message if (failure := _failure(row)) else None),
    "request_key": (_TEXT, lambda row: row.cell.request_key),
}
_TEXTS_OF_SUMMARY = frozenset({"column", "label", "prompt", "model", "params", "rank", "tokens_methods", "top_error"})
_FLAGS_OF_SUMMARY = frozenset({"simulated", "recorded", "on_cost_front", "on_latency_front"})
_REQUEST: dict[str, _Kind] = {
    "run": _TEXT,
    "position": "Int64",
    "request": "Int64",
    "case": _TEXT,
    "column": _TEXT,
    "prompt": _TEXT,
    "model": _TEXT,
    "model_id": _TEXT,
    "params": "object",
    "sample": "Int64",
    "result": _TEXT,
    "output": _TEXT,
    "refusal": _TEXT,
    "reasoning": _TEXT,
    "finish_reason": _TEXT,
    "tool_calls": "object",
    "choices": "object",
    "prompt_tokens": "Int64",
    "completion_tokens": "Int64",
    "cached_tokens": "Int64",
    "reasoning_tokens": "Int64",
    "tokens_method": _TEXT,
    "cost_usd": "Float64",
    "price_date": _TEXT,
    "latency_s": "Float64",
    "ttft_s": "Float64",
    "queue_s": "Float64",
    "retry_wait_s": "Float64",
    "from_cache": "boolean",
    "model_said": _TEXT,
    "system_fingerprint": _TEXT,
    "error": _TEXT,
    "http_status": "Int64",
    "code": _TEXT,
    "retry_after_s": "Float64",
    "messages": "object",
    "attempts": "object",
    "request_key": _TEXT,
}

_INTERVAL = ("a", "b", "difference")
_MEASURE: dict[str, _Kind] = {
    "column": _TEXT,
    "column_a": _TEXT,
    "column_b": _TEXT,
    "measure": _TEXT,
    "cells": "Int64",
    "cases": "Int64",
    **{f"{name}{end}": "Float64" for name in _INTERVAL for end in ("", "_low", "_high")},
    "p_value": "Float64",
    "p_adjusted": "Float64",
    "call": _TEXT,
    "more_cases": "Int64",
    "effect_size": "Float64",
}
_FLIP: dict[str, _Kind] = {
    "case": _TEXT,
    "column": _TEXT,
    "sample": "Int64",
    "before": _TEXT,
    "after": _TEXT,
    "score_before": "Float64",
    "score_after": "Float64",
    "case_b": _TEXT,
    "changed": "boolean",
}


def results_frame(plan: Plan, rows: Iterable[Row], run: str) -> pd.DataFrame:
    """A row a cell, with the columns of results.csv. Variables and expected values keep their own types."""
    table: dict[str, _Field] = {
        "run": (_TEXT, lambda _: run),
        "suite": (_TEXT, lambda _: plan.suite.name),
        **_BEFORE,
        **{f"scorer.{name}": ("Float64", _scorer(name)) for name in scorer_names(plan)},
        "output": (_TEXT, lambda row: row.output if _response(row) else None),
        "expected": ("", lambda row: row.case.expected),
        **{f"var.{name}": ("", _variable(name)) for name in variable_names(plan)},
        **_AFTER,
    }
    values: dict[str, list[Any]] = {name: [] for name in table}
    for row in rows:
        for name, (_, take) in table.items():
            values[name].append(take(row))
    return pd.DataFrame({name: _column(values[name], kind) for name, (kind, _) in table.items()})


def summary_frame(comparison: Comparison) -> pd.DataFrame:
    """A row a column of the comparison, with the columns of summary.csv."""
    file = io.StringIO()
    write_summary(file, comparison)
    file.seek(0)
    known = [_figures(figures) for figures in comparison.columns]
    records = [
        {name: own.get(name, _read(name, text)) for name, text in record.items()}
        for record, own in zip(csv.DictReader(file), known, strict=True)
    ]
    columns = {name: [record[name] for record in records] for name in (records[0] if records else ())}
    return pd.DataFrame({name: _column(values, _kind_in_summary(name, values)) for name, values in columns.items()})


def requests_frame(rows: Iterable[Row], run: str) -> pd.DataFrame:
    """A row a request, with the members of requests.jsonl as columns and its usage member by member."""
    lines = [json.loads(line) for row in rows for line in request_lines(row, run)]
    for line in lines:
        usage = line.pop("usage", None) or {}
        line |= {"tokens_method" if name == "method" else name: value for name, value in usage.items()}
    return _frame(lines, _REQUEST)


def measures_frame(columns: Iterable[ComparedColumn]) -> pd.DataFrame:
    """A row for each figure of each column of two runs."""
    records = []
    for column in columns:
        names = {"column": column.label, "column_a": column.label_a, "column_b": column.label_b}
        for measure in column.measures:
            record = {**names, "measure": measure.name}
            record |= {name: getattr(measure, name) for name in _MEASURE if hasattr(measure, name)}
            for name in _INTERVAL:
                if (interval := getattr(measure, f"{name}_interval")) is not None:
                    record |= {f"{name}_low": interval.low, f"{name}_high": interval.high}
            records.append(record)
    return _frame(records, _MEASURE)


def flips_frame(flips: Iterable[Flip]) -> pd.DataFrame:
    """A row for each flip. Its case in B has a name where that is another."""
    return _frame([flat(flip) | {"case_b": flip.case_b or None} for flip in flips], _FLIP)


def _frame(records: Sequence[Mapping[str, Any]], kinds: Mapping[str, _Kind]) -> pd.DataFrame:
    """The records in rows, with the columns of *kinds*, then those that *kinds* does not know."""
    names = dict.fromkeys([*kinds, *(name for record in records for name in record)])
    return pd.DataFrame(
        {name: _column([record.get(name) for record in records], kinds.get(name, "")) for name in names}
    )


def _scorer(name: str) -> Callable[[Row], Any]:
    return lambda row: next((one.value for one in row.mark.scores if one.name == name), None) if row.mark else None


def _variable(name: str) -> Callable[[Row], Any]:
    return lambda row: row.case.vars.get(name)


def _figures(figures: ColumnFigures) -> dict[str, Any]:
    """A column's figures under the names of summary.csv, as far as they are figures."""
    column = figures.column
    found: dict[str, Any] = {"column": column.id, "label": column.label, "prompt": column.prompt, "model": column.model}
    for name, value in figures.scorers.items():
        found |= _named(f"scorer.{name}", value)
    for name in (field.name for field in fields(figures) if field.name != "rank"):
        value = getattr(figures, name)
        if value is None or isinstance(value, Interval | str | int | float):
            found |= _named(name, value)
    for name, interval in figures.intervals.items():
        found |= {f"{name}_low": interval.low, f"{name}_high": interval.high}
    return found


def _kind_in_summary(name: str, values: list[Any]) -> _Kind:
    if name in _TEXTS_OF_SUMMARY:
        return _TEXT
    if name in _FLAGS_OF_SUMMARY:
        return "boolean"
    return "Float64" if all(value is None for value in values) else _kind_of(values)


def _named(name: str, value: Any) -> dict[str, Any]:
    """A figure under its name; one with an interval under three."""
    if isinstance(value, Interval):
        return {name: value.mean, f"{name}_low": value.low, f"{name}_high": value.high}
    return {name: value}


def _read(name: str, text: str) -> Any:
    """A cell of summary.csv: a number where it is one, None where it is empty."""
    if name in _TEXTS_OF_SUMMARY:
        return text or None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"": None, "true": True, "false": False}.get(text, text)


def _column(values: list[Any], kind: _Kind) -> pd.Series[Any]:
    """A column of that *kind*; of the kind that all its values have where none is named."""
    kind = kind or _kind_of(values)
    shown = [pd.NA if value is None else value for value in values]
    try:
        return pd.Series(shown, dtype=kind)
    except OverflowError:
        return pd.Series(shown, dtype="object")


def _kind_of(values: list[Any]) -> _Kind:
    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return "object"
    if kinds == {str}:
        return _TEXT
    if kinds == {bool}:
        return "boolean"
    if kinds == {int}:
        return "Int64"
    return "Float64" if kinds == {int, float} or kinds == {float} else "object"
