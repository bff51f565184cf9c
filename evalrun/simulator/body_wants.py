"""Tools and response formats of a chat request, checked as OpenAI checks them.  (pure)"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from evalrun.records.message import Tool
from evalrun.simulator.complaints import BadBody, missing, wrong_type, wrong_value
from evalrun.simulator.models import EFFORTS
from evalrun.simulator.schemas import complaint
from evalrun.simulator.wants import Choice, Schema, Wants

FORMATS = ("text", "json_object", "json_schema")
MOST_TOOLS = 128
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CHOICES: Mapping[str, Choice] = {"auto": "auto", "none": "none", "required": "required"}


def read_wants(body: Mapping[str, Any]) -> Wants:
    """What *body* asks for besides an answer. Raises BadBody."""
    tools = _tools(body.get("tools"))
    parallel = body.get("parallel_tool_calls")
    for name in ("tool_choice", "parallel_tool_calls"):
        if body.get(name) is not None and not tools:
            raise BadBody(f"'{name}' is only allowed when 'tools' are specified.", name)
    if parallel is not None and not isinstance(parallel, bool):
        raise wrong_type("parallel_tool_calls", "a boolean")
    choice, function = _choice(body.get("tool_choice"), tools)
    effort = body.get("reasoning_effort")
    if effort is not None and effort not in EFFORTS:
        raise wrong_value("reasoning_effort", effort, tuple(EFFORTS))
    return Wants(
        tools=tools,
        tool_choice=choice,
        function=function,
        parallel=parallel is not False,
        schema=_schema(body.get("response_format")),
        effort=effort,
    )


def json_only(response_format: object) -> bool:
    """Whether a JSON object of any kind is asked for. Raises BadBody."""
    kind = response_format.get("type") if isinstance(response_format, Mapping) else response_format
    if kind is not None and kind not in FORMATS:
        words = ", ".join(f"'{name}'" for name in FORMATS)
        raise BadBody(f"The simulator knows the response formats {words}.", "response_format", "unsupported_value")
    return kind == "json_object"


def _schema(response_format: object) -> Schema | None:
    if not isinstance(response_format, Mapping) or response_format.get("type") != "json_schema":
        return None
    said = response_format.get("json_schema")
    if not isinstance(said, Mapping):
        raise missing("json_schema", "response_format")
    name, schema = said.get("name"), said.get("schema")
    if not isinstance(name, str):
        raise missing("name", "response_format.json_schema")
    if not _NAME.fullmatch(name):
        raise _bad_name("response_format.json_schema.name", name)
    if not isinstance(schema, Mapping):
        raise missing("schema", "response_format.json_schema")
    strict = said.get("strict") is True
    if why := complaint(schema, strict=strict):
        raise BadBody(f"Invalid schema for response_format '{name}': {why}", "response_format")
    return Schema(name=name, schema=schema, strict=strict)


def _bad_name(path: str, name: str) -> BadBody:
    words = "string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
    return BadBody(f"Invalid '{path}': {words}", path, "invalid_value")


def _tools(said: object) -> tuple[Tool, ...]:
    if said is None:
        return ()
    if not isinstance(said, list):
        raise wrong_type("tools", "an array of objects")
    if not said:
        raise BadBody("Invalid 'tools': empty array. Expected at least one tool.", "tools", "empty_array")
    if len(said) > MOST_TOOLS:
        raise BadBody(f"Invalid 'tools': array too long. At most {MOST_TOOLS}.", "tools", "array_above_max_length")
    return tuple(_tool(tool, f"tools[{at}]") for at, tool in enumerate(said))


def _tool(tool: object, path: str) -> Tool:
    kind = tool.get("type") if isinstance(tool, Mapping) else None
    if kind != "function" or not isinstance(tool, Mapping):
        raise wrong_value(f"{path}.type", kind, ("function",))
    said = tool.get("function")
    if not isinstance(said, Mapping):
        raise missing("function", path)
    name = said.get("name")
    if not isinstance(name, str):
        raise missing("name", f"{path}.function")
    if not _NAME.fullmatch(name):
        raise _bad_name(f"{path}.function.name", name)
    parameters = said.get("parameters")
    if parameters is not None and not isinstance(parameters, Mapping):
        raise wrong_type(f"{path}.function.parameters", "an object")
    strict = said.get("strict") is True
    if parameters and (why := complaint(parameters, strict=strict)):
        raise BadBody(
            f"Invalid schema for function '{name}': {why}", f"{path}.function.parameters", "invalid_function_parameters"
        )
    description = said.get("description")
    return Tool(
        name=name,
        description=description if isinstance(description, str) else "",
        parameters=parameters or {},
        strict=strict,
    )


def _choice(said: object, tools: tuple[Tool, ...]) -> tuple[Choice, str]:
    """How free the model is to call, and the one function that it must call."""
    if said is None:
        return "auto", ""
    if isinstance(said, str) and said in _CHOICES:
        return _CHOICES[said], ""
    function = said.get("function") if isinstance(said, Mapping) and said.get("type") == "function" else None
    name = function.get("name") if isinstance(function, Mapping) else None
    if not isinstance(name, str):
        raise wrong_value("tool_choice", said, tuple(_CHOICES))
    if name not in {tool.name for tool in tools}:
        raise BadBody(f"Tool choice '{name}' not found in 'tools' parameter.", "tool_choice", "invalid_value")
    return "required", name
