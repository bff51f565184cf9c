"""The tools of a prompt and what answers them: written in the suite, in a file, or brought by each case."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from evalrun import template
from evalrun.errors import Code
from evalrun.records.message import Tool, ToolResult
from evalrun.records.suite import Case, Prompt
from evalrun.suite.border import Border, Form
from evalrun.suite.complaints import Complaints, listed, printable
from evalrun.suite.definitions import as_tools
from evalrun.suite.document import Path, dotted
from evalrun.suite.functions import check_function
from evalrun.suite.json_schemas import function_fault
from evalrun.suite.prompt_entries import MAX_TOOLS, FunctionTool, ToolEntry, ToolForm, ToolResultEntry, ToolsFile
from evalrun.suite.rendering import tools_of
from evalrun.suite.sources import Sources
from evalrun.suite.templates import Written, written_in
from evalrun.suite.value_files import read_value_file

_FORM: Form[list[ToolEntry | FunctionTool]] = Form(Annotated[list[ToolForm], Field(min_length=1, max_length=MAX_TOOLS)])

_Placed = tuple[ToolEntry | FunctionTool, Border, Path]


@dataclass(frozen=True, slots=True)
class ToolSet:
    """Tools, and the template that stands for those of a case."""

    tools: tuple[Tool, ...] = ()
    template: str = ""
    written: tuple[Written, ...] = ()


def read_tools(
    said: str | ToolsFile | Sequence[ToolEntry | FunctionTool | ToolsFile], border: Border, path: Path, sources: Sources
) -> ToolSet:
    """The tools of a prompt; what is wrong is complained about."""
    if isinstance(said, str):
        if "{{" not in said and "{%" not in said:
            words = "a text here is a template for a case's own tools ('{{ functions }}'); a file is {file: tools.json}"
            border.add(path, Code.BAD_TOOLS, words)
            return ToolSet()
        return ToolSet(template=said, written=(Written(said, border.document, path, "tools"),))
    found: list[_Placed] = []
    for entry, at in [(said, path)] if isinstance(said, ToolsFile) else [(e, (*path, i)) for i, e in enumerate(said)]:
        found += _from_file(entry, border, at, sources) if isinstance(entry, ToolsFile) else [(entry, border, at)]
    _check(found)
    return ToolSet(as_tools(entry for entry, _, _ in found))


def read_results(
    entries: Sequence[ToolResultEntry],
    border: Border,
    path: Path,
    sources: Sources,
    *,
    allow_code: bool,
) -> tuple[tuple[ToolResult, ...], tuple[Written, ...]]:
    """What the tools answer, and the templates in it; what is wrong is complained about."""
    results: list[ToolResult] = []
    written: list[Written] = []
    for index, entry in enumerate(entries):
        at = (*path, index)
        digest = ""
        if entry.function is not None:
            spot = border.document.spot((*at, "function"))
            digest = check_function(entry.function, spot, sources, border.complaints, allowed=allow_code)
        written += written_in(entry.arguments, border.document, (*at, "arguments"))
        written += written_in(entry.result, border.document, (*at, "result"))
        results.append(
            ToolResult(
                tool=entry.tool,
                arguments=entry.arguments,
                result=entry.result,
                function=entry.function or "",
                digest=digest,
            )
        )
    return tuple(results), tuple(written)


def check_tools(prompt: Prompt, written: Written, cases: Sequence[Case], complaints: Complaints) -> None:
    """Complain where what a case brings for tools is none."""
    faults: dict[str, list[str]] = {}
    good: set[str] = set()
    for case in cases:
        fault = _fault_of(prompt, case, good)
        if fault:
            faults.setdefault(fault, []).append(case.id)
    for fault, ids in faults.items():
        complaints.add(written.spot(), Code.BAD_TOOLS, f"no tools for {listed(ids)}: {printable(fault)}")


def _fault_of(prompt: Prompt, case: Case, good: set[str]) -> str:
    """What is wrong with a case's tools. *good* are the schemas, as JSON, that need no second look; it grows."""
    try:
        tools = tools_of(prompt, case)
    except template.TemplateFault as error:
        return f"cannot be rendered: {error}"
    except ValueError as error:
        return str(error)
    for tool in tools[len(prompt.tools) :]:
        text = json.dumps(tool.parameters)
        if text not in good:
            fault = function_fault(tool.parameters)
            if fault is not None:
                place = dotted(("parameters", *fault.path))
                return f"{tool.name}: {place}: {fault.message}"
            good.add(text)
    return ""


def _from_file(entry: ToolsFile, border: Border, path: Path, sources: Sources) -> list[_Placed]:
    spot = border.document.spot((*path, "file"))
    document = read_value_file(entry.file, spot, sources, border.complaints)
    if document is None:
        return []
    inside = Border(document, border.complaints)
    value: Any = document.value
    entries = inside.take(_FORM, [value] if isinstance(value, dict) else value, ())
    one = isinstance(value, dict)
    return [(found, inside, () if one else (index,)) for index, found in enumerate(entries or ())]


def _check(found: Sequence[_Placed]) -> None:
    """Each tool has a name of its own, and parameters that are a JSON Schema."""
    names: set[str] = set()
    for entry, border, path in found:
        if isinstance(entry, FunctionTool):
            entry, path = entry.function, (*path, "function")
        if entry.name in names:
            border.add((*path, "name"), Code.DUPLICATE_NAME, f"another tool is called `{entry.name}`")
        names.add(entry.name)
        fault = function_fault(entry.parameters or {})
        if fault is not None:
            border.add((*path, "parameters", *fault.path), Code.BAD_SCHEMA, fault.message)
