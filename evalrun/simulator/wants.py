"""What a request wants besides an answer to its messages: tools, a schema, effort, and which of several answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from evalrun.records.message import Tool

Choice = Literal["auto", "none", "required"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The JSON Schema that an answer has to fit. *strict*: without fail."""

    name: str
    schema: Mapping[str, Any]
    strict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wants:
    """*function* is the one tool that must be called, where *tool_choice* is ``required`` and names one."""

    tools: tuple[Tool, ...] = ()
    tool_choice: Choice = "auto"
    function: str = ""
    parallel: bool = True
    schema: Schema | None = None
    effort: str | None = None

    def marks(self) -> list[Any]:
        """What of it is in the draws: nothing where nothing is wanted."""
        if self == _NOTHING:
            return []
        tools = [[tool.name, tool.description, dict(tool.parameters)] for tool in self.tools]
        schema = dict(self.schema.schema) if self.schema else None
        return [[tools, self.tool_choice, self.function, self.parallel, schema, self.effort]]


_NOTHING = Wants()
