"""JSON Schema: the first thing about a value that breaks a schema, and where.

A schema may refer to its own parts and to no other document: nothing is fetched, and no file is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NoReturn

from jsonschema_rs import ValidationErrorKind, Validator, validator_for

from evalrun.scoring.json_values import NotJson, loads
from evalrun.scoring.scorer import NoResult

MESSAGE_CHARACTERS = 160
MAX_DEPTH = 200
"""How deep a schema or a value may be nested: the validator goes down on the stack of the process."""


def schema_of(value: Any) -> Any:
    """A schema as a suite says it: as it stands, or as JSON text. Raises NoResult where it is no JSON Schema."""
    if isinstance(value, str):
        try:
            value = loads(value)
        except NotJson as error:
            raise NoResult(f"not a JSON Schema: {error}") from None
    _compiled(_text(value))
    return value


def violation(schema: Any, value: Any) -> str:
    """The first rule of *schema* that *value* breaks, behind its place; empty where it breaks none.

    Raises NoResult where the schema is none, or one of its patterns takes too long.
    """
    validator = _compiled(_text(schema))
    if _is_deep(value):
        return "nested too deeply"
    try:
        return _first(validator, value)
    except UnicodeEncodeError:  # half a surrogate pair, which no validator reads
        return _first(validator, _encodable(value))


def _first(validator: Validator, value: Any) -> str:
    try:
        error = next(iter(validator.iter_errors(value)), None)
    except UnicodeEncodeError:
        raise
    except ValueError as fault:
        raise NoResult(f"it cannot be held against the schema: {_short(str(fault))}") from None
    if error is None:
        return ""
    message = _short(error.message)
    if isinstance(error.kind, ValidationErrorKind.BacktrackLimitExceeded):
        raise NoResult(f"a pattern of the schema takes too long: {message}")
    place = _short(dotted(error.instance_path))
    return f"{place}: {message}" if place else message


def dotted(path: Iterable[str | int]) -> str:
    """The place of a value inside another one: ``items.0.name``."""
    return ".".join(map(str, path))


def _text(schema: Any) -> str:
    if not isinstance(schema, dict | bool):
        raise NoResult(f"a JSON Schema is a mapping, not {type(schema).__name__}")
    if _is_deep(schema):
        raise NoResult("not a JSON Schema: nested too deeply")
    try:
        return json.dumps(schema)
    except (TypeError, ValueError) as error:
        raise NoResult(f"not a JSON Schema: {_short(str(error))}") from None


@lru_cache(maxsize=256)
def _compiled(schema: str) -> Validator:
    try:
        return validator_for(json.loads(schema), retriever=_fetch_nothing)  # of a text it would round numbers
    except ValueError as error:
        said = str(getattr(error, "message", error)).rpartition("ValueError: ")[2]  # ours, where we refused to fetch
        raise NoResult(f"not a JSON Schema: {_short(said)}") from None


def _fetch_nothing(uri: str) -> NoReturn:
    raise ValueError(f"{uri} is another document, and only a schema's own parts are looked at")


def _is_deep(value: Any) -> bool:
    """Whether a value is nested more than MAX_DEPTH levels, without going down on the stack."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [below for one in level if isinstance(one, dict | list) for below in _members(one)]
        if not level:
            return False
    return True


def _members(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _encodable(value: Any) -> Any:
    """The value with U+FFFD for every half of a surrogate pair."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    return value


def _short(text: str) -> str:
    flat = " ".join(text[: 4 * MESSAGE_CHARACTERS].split())
    return flat if len(flat) <= MESSAGE_CHARACTERS else flat[: MESSAGE_CHARACTERS - 1] + "…"
