"""Definitions of tools -> `Tool` records: written in a suite, in a file, or in a case's data."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field

from evalrun.records.message import Tool
from evalrun.suite.border import Border, Form
from evalrun.suite.complaints import Complaints
from evalrun.suite.document import Document
from evalrun.suite.prompt_entries import MAX_TOOLS, FunctionTool, ToolEntry, ToolForm

_FORM: Form[list[ToolEntry | FunctionTool]] = Form(Annotated[list[ToolForm], Field(max_length=MAX_TOOLS)])


def as_tools(entries: Iterable[ToolEntry | FunctionTool]) -> tuple[Tool, ...]:
    """The records of checked definitions."""
    return tuple(_tool(entry.function if isinstance(entry, FunctionTool) else entry) for entry in entries)


def tools_in(value: Any) -> tuple[Tool, ...]:
    """The tools that a case's value defines: a list, one definition, or either as JSON text; nothing is no tools.

    Raises ValueError, in words, where it defines none.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else []
        except (ValueError, RecursionError):
            raise ValueError("the tools are a text that is not JSON") from None
    value = [] if value is None else [value] if isinstance(value, dict) else value
    complaints = Complaints()
    entries = Border(Document("", value), complaints).take(_FORM, value, ())
    if entries is None:
        first = complaints.all()[0]
        raise ValueError(f"{first.path}: {first.message}" if first.path else first.message)
    return as_tools(entries)


def _tool(entry: ToolEntry) -> Tool:
    return Tool(
        name=entry.name, description=entry.description or "", parameters=entry.parameters or {}, strict=entry.strict
    )
