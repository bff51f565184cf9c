"""How many tokens tool definitions and calls are.

Source of the rule: OpenAI cookbook, "How to count tokens with tiktoken", for flat parameters of gpt-3.5, gpt-4, gpt-4o
and gpt-4o-mini. What it does not cover, a nested schema above all, is counted as the JSON that it is, as an estimate.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from evalrun.records.message import Tool, ToolCall
from evalrun.records.outcome import TokensMethod
from evalrun.tokens.encodings import count, encoding_name, plain_name

_PER_FUNCTION = {"o200k_base": 7, "cl100k_base": 10}
_PER_FUNCTION_ELSEWHERE = 10
_PROPERTIES = 3
_PER_PROPERTY = 3
_ENUM = -3
_PER_ENUM_ITEM = 3
_AT_END = 12

_PER_CALL = 3

_PUBLISHED = re.compile(r"(ft:)?(chatgpt-4o|gpt-4o|gpt-4|gpt-3\.?5)(?![.\d])")
_FLAT = frozenset({"type", "description", "enum"})
_TOP = frozenset({"type", "properties", "required"})


class _Tally:
    """Tokens so far and how they were found. Mutable: changed by its methods only."""

    def __init__(self, model: str) -> None:
        self._model = model
        self.total = 0
        self.method = TokensMethod.EXACT

    def text(self, text: str) -> None:
        """Add a text's tokens."""
        tokens, method = count(text, self._model)
        self.total += tokens
        if method is not TokensMethod.EXACT:
            self.method = method

    def uncovered(self, part: Any) -> None:
        """Add what no rule covers, as JSON; the whole is an estimate from here on."""
        self.method = TokensMethod.ESTIMATE
        if part:
            self.text(json.dumps(part, ensure_ascii=False, separators=(",", ":"), default=str))


def tool_tokens(tools: Iterable[Tool], model: str) -> tuple[int, TokensMethod]:
    """Tokens of the definitions of *tools* in a request for *model*, and how they were found; none are no tokens."""
    tools = tuple(tools)
    tally = _Tally(model)
    if not tools:
        return 0, TokensMethod.EXACT
    if not _PUBLISHED.match(plain_name(model)):
        tally.method = TokensMethod.ESTIMATE
    for tool in tools:
        tally.total += _PER_FUNCTION.get(encoding_name(model) or "", _PER_FUNCTION_ELSEWHERE)
        tally.text(f"{tool.name}:{_without_dot(tool.description)}")
        _parameters(tool.parameters, tally)
    return tally.total + _AT_END, tally.method


def call_tokens(calls: Iterable[ToolCall], model: str) -> int:
    """About the tokens of calls in an assistant's message: names and arguments. No rule is published for them."""
    return sum(_PER_CALL + count(call.name, model)[0] + count(call.arguments, model)[0] for call in calls)


def _parameters(schema: Mapping[str, Any], tally: _Tally) -> None:
    properties = schema.get("properties")
    if rest := {key: value for key, value in schema.items() if key not in _TOP}:
        tally.uncovered(rest)
    if not isinstance(properties, Mapping):
        if properties is not None:
            tally.uncovered(properties)
        return
    if properties:
        tally.total += _PROPERTIES
    for name, kind in properties.items():
        tally.total += _PER_PROPERTY
        _property(str(name), kind, tally)


def _property(name: str, schema: Any, tally: _Tally) -> None:
    said = schema if isinstance(schema, Mapping) else {}
    kind, about, enum = said.get("type"), said.get("description"), said.get("enum")
    if isinstance(enum, list | tuple):
        tally.total += _ENUM
        for item in enum:
            tally.total += _PER_ENUM_ITEM
            tally.text(item if isinstance(item, str) else json.dumps(item, default=str))
    flat = isinstance(kind, str) and isinstance(about, str) and kind not in ("object", "array")
    tally.text(f"{name}:{kind if isinstance(kind, str) else ''}:{_without_dot(str(about or ''))}")
    rest = {key: value for key, value in said.items() if key not in _FLAT}
    if not isinstance(kind, str) and kind is not None:
        rest["type"] = kind
    if rest or not flat:
        tally.uncovered(rest)


def _without_dot(text: str) -> str:
    return text.removesuffix(".")
