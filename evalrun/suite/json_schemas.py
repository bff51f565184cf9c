"""Whether a value is a JSON Schema; nothing is fetched, whatever it refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from evalrun.suite.complaints import hint, printable
from evalrun.suite.document import MAX_DEPTH, Path

TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")

# What programmers of one language or another call them.
_MEANT = {
    "dict": "object", "map": "object", "list": "array", "tuple": "array", "set": "array", "float": "number",
    "double": "number", "int": "integer", "long": "integer", "str": "string", "text": "string", "bool": "boolean",
    "none": "null",
}  # fmt: skip
_DRAFTS = "2020-12, 2019-09, draft-07, draft-06, draft-04"
_QUOTED = re.compile(r"'([^']*)'")


@dataclass(frozen=True, slots=True)
class SchemaFault:
    """What is wrong with a schema, and where in it."""

    path: Path
    message: str


def schema_fault(schema: Any) -> SchemaFault | None:
    """The first thing that is wrong with a JSON Schema (any draft; 2020-12 where it does not say); None: nothing."""
    import jsonschema_rs

    if not isinstance(schema, dict):
        return SchemaFault((), "a JSON Schema is a mapping")
    if _is_deep(schema):  # in Rust only the end of the stack would stop it
        return SchemaFault((), f"nested more than {MAX_DEPTH} levels deep")
    try:
        jsonschema_rs.validator_for(schema, retriever=_refuse)
    except jsonschema_rs.ValidationError as error:
        return _in_words(schema, tuple(error.instance_path), error.message)
    except (ValueError, TypeError, jsonschema_rs.ReferencingError) as error:
        return SchemaFault((), f"not a JSON Schema: {printable(str(error))}")
    return None


def function_fault(schema: Any) -> SchemaFault | None:
    """Likewise of a tool's parameters, whose schema is of type object; no schema is no parameters."""
    if schema == {}:
        return None
    if isinstance(schema, dict) and "type" not in schema:
        return SchemaFault((), "the parameters of a tool are a JSON Schema with `type: object`")
    fault = schema_fault(schema)
    if fault is None and schema["type"] != "object":
        return SchemaFault(("type",), "the parameters of a tool are a JSON Schema with `type: object`")
    return fault


def _refuse(address: str) -> Any:
    raise ValueError(f"{address} is not fetched")


def _is_deep(schema: Any) -> bool:
    level = [schema]
    for _ in range(MAX_DEPTH):
        level = [
            below
            for value in level
            if isinstance(value, dict | list)
            for below in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return False
    return True


def _in_words(schema: Any, path: Path, message: str) -> SchemaFault:
    if message.startswith("Unknown meta-schema"):
        return SchemaFault(("$schema",), f"`$schema` names no draft that is known here ({_DRAFTS})")
    if "Pointer" in message or "Resource" in message or "anchor" in message.lower():
        named = _QUOTED.search(message)
        target = named[1] if named else ""
        path = _place_of(schema, target)
        said = _at(schema, path) if path else target
        words = "leads nowhere: it must lead to a place in the same schema (#/$defs/…), and nothing is fetched"
        return SchemaFault(path, f"the reference `{printable(said)}` {words}")
    value = _at(schema, path)
    if path and path[-1] == "type" and isinstance(value, str):
        meant = _MEANT.get(value.lower())
        did_you = f" (did you mean {meant}?)" if meant else hint(value, TYPES)
        return SchemaFault(path, f"`{printable(value)}` is no type of JSON Schema{did_you}")
    return SchemaFault(path, f"not a JSON Schema: {printable(message)}")


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _place_of(schema: Any, target: str) -> Path:
    """Where a reference to *target* stands, else the schema itself."""
    return next((path for path, text in _references(schema, ()) if target in text), ())


def _references(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key in ("$ref", "$dynamicRef", "$recursiveRef") and isinstance(item, str):
                yield (*path, key), item
            else:
                yield from _references(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(item, (*path, index))
