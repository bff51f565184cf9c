"""Values of a suite as JSON and as text of a cell. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pydantic_core

from evalrun.records.outcome import SCORED
from evalrun.records.plan import Column, Plan
from evalrun.records.row import Row
from evalrun.records.suite import Gate
from evalrun.safe_text import json_text


def plain(value: Any) -> Any:
    """*value* in JSON's own types: mappings and sequences anew; what JSON lacks, NaN and dates among them, as text."""
    if isinstance(value, str) or value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else json.dumps(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [plain(item) for item in items]
    return str(value)


def to_json(value: Any, *, indent: int | None = None) -> str:
    """JSON text that keeps every string exactly and holds no control, bidi or separator character as such."""
    return json_text(_dumps(value, _SHORT) if indent is None else _dumps(value, _encoder(indent=indent)))


def record_json(value: Any) -> str:
    """`to_json` of what our own records hold, texts, figures, lists and mappings by name: three times as fast."""
    try:
        text = pydantic_core.to_json(value, inf_nan_mode="strings").decode()
    except ValueError:  # half a surrogate pair, which UTF-8 cannot say
        return to_json(value)
    return json_text(text)


def flat(record: Any) -> dict[str, Any]:
    """A record's fields by name, not copied: dataclasses.asdict would cost ten times as much."""
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def _encoder(**form: Any) -> json.JSONEncoder:
    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=plain, **form)


_PLAIN, _SHORT = _encoder(), _encoder(separators=(",", ":"))


def _dumps(value: Any, encoder: json.JSONEncoder = _PLAIN) -> str:
    """JSON text; only what json does not take as it is goes through plain."""
    try:
        return encoder.encode(value)
    except (TypeError, ValueError):
        return encoder.encode(plain(value))


def to_text(value: Any) -> str:
    """A value as a person would write it: strings as they are, None as nothing, lists and mappings as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else _dumps(value)


def expected_text(value: Any) -> str:
    """What a case expects as people read it: of several answers that will do, each once, with ``or`` between."""
    if isinstance(value, list | tuple) and all(isinstance(item, str | int | float) for item in value):
        return " or ".join(dict.fromkeys(map(to_text, value)))
    return to_text(value)


def narrowed(gate: Gate) -> str:
    """What a gate is narrowed to, ``model large, tag europe or asia``; empty where it is for everything."""
    return ", ".join(f"{key} {' or '.join(names)}" for key, names in gate.only.items())


def params_text(column: Column) -> str:
    """The parameters that tell a column from its neighbours, as JSON; empty where there are none."""
    return to_text(dict(column.params)) if column.params else ""


def scorer_names(plan: Plan) -> tuple[str, ...]:
    """The scorers of the suite, then those of single cases, each once, in the order of the suite."""
    own = [scorer.name for scorer in plan.suite.scorers]
    return tuple(dict.fromkeys([*own, *(s.name for case in plan.suite.cases for s in case.scorers)]))


def variable_names(plan: Plan) -> tuple[str, ...]:
    """Every variable that some case sets, in the order of the suite."""
    return tuple(dict.fromkeys(name for case in plan.suite.cases for name in case.vars))


def model_labels(plan: Plan) -> tuple[str, ...]:
    """The labels of the models that have a column, in the order of the plan."""
    return tuple(dict.fromkeys(column.model for column in plan.columns))


def verdict_of(row: Row) -> str:
    """One word for what became of a cell: ``pass``, ``fail``, ``unscored`` where a scorer broke, else its status."""
    if row.scored and row.mark is not None and row.mark.verdict is not None:
        return row.mark.verdict
    return "unscored" if row.status in SCORED and row.mark is not None else str(row.status)


def utc(at: float) -> str:
    """A Unix time as ISO 8601 in UTC, to the second: ``2026-11-20T10:31:07Z``."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def minute(at: float) -> str:
    """A Unix time in UTC, to the minute: ``2026-11-20 10:31``."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")


def moment(iso: str) -> str:
    """An ISO 8601 time in UTC as people read it: ``21 Nov 2026, 00:00 UTC``; anything else as it is."""
    try:
        at = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    return at.astimezone(UTC).strftime("%-d %b %Y, %H:%M UTC") if at.tzinfo else iso
