"""How the case table's columns are called, marked and switched: by model, by prompt or by parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from evalrun.records.comparison import Comparison
from evalrun.records.plan import Column, Plan
from evalrun.report.column_rows import mark
from evalrun.report.fields import to_text
from evalrun.report.slugs import slugs
from evalrun.report.standings import leading
from evalrun.safe_text import visible


def table_columns(plan: Plan, comparison: Comparison) -> dict[str, Any]:
    """The plan's ``columns``; the ways to lay them out (``by``); and ``pairs`` of them, two places each.

    A way has its ``key``, its ``choices``, which are the columns of the table then, and ``of``: the choice of each
    column of the plan.
    """
    best = leading(comparison)
    figures = {one.column.id: one for one in comparison.columns}
    columns = []
    for column, slug in zip(plan.columns, slugs(column.label for column in plan.columns), strict=True):
        known = figures.get(column.id)
        columns.append(
            {
                **_choice(column.label, slug, mark(plan, column.model)),
                "model": visible(column.model),
                "prompt": visible(column.prompt),
                "params": visible(params_said(column)),
                "simulated": known is not None and known.simulated,
                "recorded": known is not None and known.recorded,
                "best": best is not None and best.column.id == column.id,
            }
        )
    places = {column.label: place for place, column in enumerate(plan.columns)}
    return {
        "columns": columns,
        "by": [
            _way("models", plan, columns, lambda column: column.model),
            _way("prompts", plan, columns, lambda column: column.prompt),
            _way("parameters", plan, columns, params_said),
        ],
        "pairs": [[places[pair.first], places[pair.second]] for pair in comparison.pairs],
    }


def params_said(column: Column) -> str:
    """The parameters that tell a column from its neighbours, as people write them."""
    return ", ".join(f"{name}={to_text(value)}" for name, value in column.params.items())


def _choice(label: str, slug: str, shape: str) -> dict[str, Any]:
    return {"label": visible(label), "slug": slug, "mark": shape}


def _way(key: str, plan: Plan, columns: Sequence[dict[str, Any]], name_of: Callable[[Column], str]) -> dict[str, Any]:
    names = tuple(dict.fromkeys(map(name_of, plan.columns)))
    of = [names.index(name_of(column)) for column in plan.columns]
    choices = []
    for place, (name, slug) in enumerate(zip(names, slugs(names), strict=True)):
        mine = [column for column, choice in zip(columns, of, strict=True) if choice == place]
        shape = mine[0]["mark"] if key == "models" else _letter(place)
        flags = {flag: any(column[flag] for column in mine) for flag in ("simulated", "recorded", "best")}
        if key != "models":
            flags |= {flag: all(column[flag] for column in mine) for flag in ("simulated", "recorded")}
        choices.append({**_choice(name or "none", slug, shape), **flags})
    return {"key": key, "choices": choices, "of": of}


def _letter(place: int) -> str:
    return chr(ord("A") + place) if place < 26 else str(place - 25)
