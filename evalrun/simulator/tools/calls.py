"""The calls that a model makes of its tools: the right ones, and those of a model that errs.  (pure)"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalrun.records.message import Message, Tool, ToolCall
from evalrun.simulator.draws import Draws
from evalrun.simulator.families.country_table import COUNTRIES
from evalrun.simulator.tools.arguments import MOST_CALLS, arguments, least
from evalrun.simulator.tools.matching import LONGEST_TEXT, best, properties_of
from evalrun.simulator.wants import Wants

# How an error shows itself, by share: a wrong argument, arguments that are no JSON, prose instead of a call; the rest
# leaves an argument out.
_WRONG, _BROKEN, _PROSE = 0.55, 0.15, 0.20
_PARTS = re.compile(r"\s*(?:[;?!]|\.(?=\s)|,?\s+(?:and|then|also)\s)\s*")
_ELLIPTICAL = re.compile(r"\W*(?:and|what about|how about|now|also)\b", re.IGNORECASE)
_LONGEST_ELLIPSIS = 60
_MOST_PARTS = 2 * MOST_CALLS


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A call that the question asks for. *missing* are arguments that it has to have and that nobody named."""

    tool: Tool
    arguments: Mapping[str, Any]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """What a model makes of it: calls, or a text instead."""

    calls: tuple[ToolCall, ...] = ()
    text: str = ""


def planned(messages: Sequence[Message], wants: Wants) -> tuple[Planned, ...]:
    """The calls to make now: none where the question needs none, or all were made since it was asked."""
    if not wants.tools or wants.tool_choice == "none" or not messages or messages[-1].role not in ("user", "tool"):
        return ()
    at = max((place for place, message in enumerate(messages) if message.role == "user"), default=None)
    if at is None:
        return ()
    made = sum(len(message.tool_calls) for message in messages[at:])
    text = messages[at].text[:LONGEST_TEXT]
    every = _all(text, wants, messages[:at])
    if made and wants.tool_choice == "required" and made >= len(every):
        return ()  # a model that is told to call goes on calling only as long as there is something to ask
    left = every[made:]
    return tuple(left if wants.parallel else left[:1])


def _all(text: str, wants: Wants, before: Sequence[Message]) -> list[Planned]:
    tools = wants.tools
    if wants.function:
        named = [tool for tool in tools if tool.name == wants.function]
        return _calls_of(named[0], text, text, must=True) if named else []
    tool = best(tools, text) or _tool_before(text, tools, before)
    if tool is None:
        return _calls_of(tools[0], text, text, must=True)[:1] if wants.tool_choice == "required" else []
    must = wants.tool_choice == "required"
    groups = _groups(text, tools)
    if len(groups) < 2:
        return _calls_of(tool, text, text, must=must)
    found: list[Planned] = []
    for each, part in groups:
        found += [call for call in _calls_of(each, part, text, must=must) if call not in found]
    return found[:MOST_CALLS]


def _tool_before(text: str, tools: Sequence[Tool], before: Sequence[Message]) -> Tool | None:
    """For "And in Rome?", the tool that was called last."""
    if len(text) > _LONGEST_ELLIPSIS or not _ELLIPTICAL.match(text):
        return None
    called = [call.name for message in before for call in message.tool_calls]
    return next((tool for tool in tools if called and tool.name == called[-1]), None)


def _groups(text: str, tools: Sequence[Tool]) -> list[tuple[Tool, str]]:
    """The parts of *text* that ask for a tool each, with what follows them and asks for none."""
    groups: list[tuple[Tool, str]] = []
    for part in _PARTS.split(text, maxsplit=_MOST_PARTS):
        tool = best(tools, part)
        if tool is not None:
            groups.append((tool, part))
        elif groups:
            last, said = groups[-1]
            groups[-1] = (last, f"{said} and {part}")
    return groups


def _calls_of(tool: Tool, text: str, whole: str, *, must: bool) -> list[Planned]:
    found, missing = arguments(tool.parameters, text)
    if missing and whole != text:
        found, missing = arguments(tool.parameters, whole)
    if missing and must:
        members = properties_of(tool.parameters)
        found = [{**call, **{name: least(members[name]) for name in missing if name not in call}} for call in found]
        missing = ()
    return [Planned(tool=tool, arguments=call, missing=missing) for call in found]


def called(plan: Sequence[Planned], draws: Draws, *, erred: bool, must: bool) -> Called:
    """*plan* as calls. Where something is missing the model asks back; where it *erred*, something is wrong."""
    lacking = next((call for call in plan if call.missing), None)
    if lacking is not None:
        names = " and the ".join(name.replace("_", " ") for name in lacking.missing)
        return Called(text=f"I need the {names} for that. Which is it?")
    texts = [json.dumps(dict(call.arguments), ensure_ascii=False, separators=(",", ":")) for call in plan]
    if erred:
        at = draws.index("call that is wrong", len(plan))
        kind = draws.number("kind of tool error")
        if _WRONG + _BROKEN <= kind < _WRONG + _BROKEN + _PROSE and not must:
            return Called(text=f"You could use {plan[at].tool.name} for that, and then you would know.")
        if _WRONG <= kind < _WRONG + _BROKEN:
            texts[at] = draws.one("broken arguments", (texts[at][:-1], texts[at].replace('"', "'"), texts[at] + "}"))
        else:
            changed = _mistaken(plan[at], draws, leave_out=kind >= _WRONG + _BROKEN + _PROSE)
            texts[at] = json.dumps(changed, ensure_ascii=False, separators=(",", ":"))
    calls = [
        ToolCall(id=f"call_{draws.hex(f'call {at}', 24)}", name=call.tool.name, arguments=text)
        for at, (call, text) in enumerate(zip(plan, texts, strict=True))
    ]
    return Called(calls=tuple(calls))


def _mistaken(call: Planned, draws: Draws, *, leave_out: bool) -> dict[str, Any]:
    """The arguments with one of them left out or wrong; invented where there are none."""
    changed = dict(call.arguments)
    if not changed:
        return {"input": call.tool.name}
    name = draws.one("argument that is wrong", sorted(changed))
    if leave_out:
        del changed[name]
        return changed
    changed[name] = _other(changed[name], properties_of(call.tool.parameters).get(name, {}), draws)
    return changed


def _other(value: Any, part: Mapping[str, Any], draws: Draws) -> Any:
    options = part.get("enum")
    others = [option for option in options if option != value] if isinstance(options, list) else []
    if others:
        return draws.one("other option", others)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + draws.one("other number", (1, 10, -1))
    if isinstance(value, list):
        return value[:-1]
    if isinstance(value, str):
        capitals = [country.capital for country in COUNTRIES]
        return (
            draws.one("other place", [each for each in capitals if each != value]) if value in capitals else value[:-1]
        )
    return None
