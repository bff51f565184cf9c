"""Parameters as a suite says them -> as requests hold them: short forms spelled out, schemas read and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from evalrun.errors import Code
from evalrun.suite.border import Border, Form
from evalrun.suite.complaints import Complaints
from evalrun.suite.document import Document, Path, read_yaml
from evalrun.suite.json_schemas import schema_fault
from evalrun.suite.param_entries import (
    JsonSchemaFormat,
    MatrixEntry,
    NamedSchema,
    NamedTool,
    ParamsEntry,
    PlainFormat,
    SchemaFormat,
)
from evalrun.suite.sources import Sources
from evalrun.suite.value_files import read_value_file

_PARAMS: Form[ParamsEntry] = Form(ParamsEntry)
_WORDS = frozenset(("stop", "user", "suffix"))
"""Parameters whose text stays text, though it may look like a number."""

_CHOICES = ("auto", "none", "required")


def read_params(entry: ParamsEntry | None, path: Path, border: Border, sources: Sources) -> dict[str, Any]:
    """The parameters that were said at *path*; a number without a fraction is whole, so that 0 and 0.0 are one."""
    if entry is None:
        return {}
    return {
        name: _settled(name, getattr(entry, name), (*path, name), border, sources)
        for name in ParamsEntry.model_fields
        if name in entry.model_fields_set
    }


def read_matrix(entry: MatrixEntry | None, path: Path, border: Border, sources: Sources) -> dict[str, tuple[Any, ...]]:
    """The values of each parameter of a matrix, likewise."""
    if entry is None:
        return {}
    return {
        name: tuple(
            _settled(name, value, (*path, name, index), border, sources)
            for index, value in enumerate(getattr(entry, name))
        )
        for name in MatrixEntry.model_fields
        if name in entry.model_fields_set
    }


def check_params(given: Mapping[str, Any], complaints: Complaints, sources: Sources) -> dict[str, Any]:
    """The parameters of ``--set``, read and checked."""
    read: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(value, str) and name in ParamsEntry.model_fields:
            document = read_yaml("--set", value, complaints)
            if document is None:
                continue
            value = value if name in _WORDS and not isinstance(document.value, list) else document.value
        read[name] = value
    border = Border(Document("--set", read), complaints)
    return read_params(border.take(_PARAMS, read, ()), (), border, sources)


def _settled(name: str, value: Any, path: Path, border: Border, sources: Sources) -> Any:
    if name == "response_format":
        return _response_format(value, path, border, sources)
    if name == "tool_choice":
        return _tool_choice(value)
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _tool_choice(value: str | NamedTool) -> Any:
    if isinstance(value, str) and value in _CHOICES:
        return value
    return {"type": "function", "function": {"name": value if isinstance(value, str) else value.function.name}}


def _response_format(
    value: str | PlainFormat | JsonSchemaFormat | SchemaFormat, path: Path, border: Border, sources: Sources
) -> Any:
    if isinstance(value, SchemaFormat):
        return _from_schema(value, (*path, "schema"), border, sources)
    if isinstance(value, JsonSchemaFormat):
        schema = value.json_schema
        _check_schema(schema.schema_, border, (*path, "json_schema", "schema"))
        return _json_schema(schema.name, schema.schema_, schema)
    return {"type": value if isinstance(value, str) else value.type}


def _from_schema(entry: SchemaFormat, path: Path, border: Border, sources: Sources) -> Any:
    schema, name = entry.schema_, "answer"
    if isinstance(schema, str):
        document = read_value_file(schema, border.document.spot(path), sources, border.complaints)
        if document is None:
            return None
        name = re.sub(r"[^a-zA-Z0-9_-]+", "_", PurePath(schema).stem)[:64].strip("_") or name
        schema, border, path = document.value, Border(document, border.complaints), ()
    _check_schema(schema, border, path)
    return _json_schema(entry.name or name, schema, entry)


def _check_schema(schema: Any, border: Border, path: Path) -> None:
    fault = schema_fault(schema)
    if fault is not None:
        border.add((*path, *fault.path), Code.BAD_SCHEMA, fault.message)


def _json_schema(name: str, schema: Any, said: NamedSchema | SchemaFormat) -> dict[str, Any]:
    more = {"description": said.description, "schema": schema, "strict": said.strict}
    named = {"name": name, **{key: value for key, value in more.items() if value is not None}}
    return {"type": "json_schema", "json_schema": named}
