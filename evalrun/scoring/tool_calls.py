"""Scorers of tool calls. They look at the calls of all of a cell's replies, those among them that tools answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evalrun.records.message import Tool, ToolCall
from evalrun.scoring.call_patterns import CallPattern, call_patterns, difference, plain_name
from evalrun.scoring.json_values import NotJson, loads
from evalrun.scoring.options import ToolCallsOptions
from evalrun.scoring.schemas import violation
from evalrun.scoring.scorer import Finding, NoResult, Subject, listed, quote, texts

CALLS_READ = 500
"""A reply may hold any number of calls; those beyond are counted, and match nothing."""

REASONS_SHOWN = 3
_BROKEN = object()


def valid_calls(subject: Subject, options: Any) -> Finding:
    """The scorer ``is-valid-openai-tools-call``: every call names a tool, and its arguments fit the tool's schema.

    Where the tools are not known, arguments are a JSON object. No call at all is a fail, negated or not.
    """
    calls = subject.row.all_tool_calls
    if not calls:
        return Finding(value=0.0, reason="no tool call", settled=True)
    tools = {plain_name(tool.name): tool for tool in subject.row.tools}
    faults = ((at, call, _fault(call, tools)) for at, call in enumerate(calls, 1))
    first = next((f"call {at}, {quote(call.name)}: {fault}" for at, call, fault in faults if fault), "")
    return Finding(value=float(not first), reason=first, opposite="expected a call that is not valid")


def tool_call_f1(subject: Subject, options: Any) -> Finding:
    """The scorer ``tool-call-f1``: the tools that were called against those expected, each of both counted once.

    The score is 2PR / (P + R), where P is the part of the called ones that was expected, R that of the expected ones
    that was called.
    """
    value = subject.value
    names = [part.strip() for part in value.split(",")] if isinstance(value, str) else texts(value)
    wanted = {plain_name(name): name for name in names if name}
    if not wanted:
        raise NoResult("there is no expected tool")
    called = {plain_name(call.name): call.name for call in subject.row.all_tool_calls}
    missing, extra = _without(wanted, called), _without(called, wanted)
    said = [f"{listed(missing)} not called"] if missing else []
    said += [f"{listed(extra)} not expected"] if extra else []
    return Finding(
        value=2 * len(wanted.keys() & called.keys()) / (len(wanted) + len(called)),
        reason="; ".join(said),
        opposite=f"expected not to call {listed([*wanted.values()])}",
    )


def tool_calls(subject: Subject, options: ToolCallsOptions) -> Finding:
    """The scorer ``tool-calls``: the calls are those expected, in any order.

    The score is the number of pairs that can be made of an expected and a matching call, by the larger number of both.
    """
    wanted, calls = call_patterns(subject.value), subject.row.all_tool_calls
    read = [(call, _arguments(call)) for call in calls[:CALLS_READ]]
    exact = options.arguments == "exact"
    told = [[_against(pattern, call, given, exact=exact) for call, given in read] for pattern in wanted]
    taken = _pairs(told, len(read))
    most = max(len(wanted), len(calls))
    lacking = [at for at in range(len(wanted)) if at not in taken.values()]
    spare = [call.name for at, call in enumerate(calls) if at not in taken]
    return Finding(
        value=len(taken) / most if most else 1.0,
        reason=_reason([(wanted[at], told[at]) for at in lacking], spare),
        opposite="expected other calls than these" if wanted else "expected a tool call",
    )


def _fault(call: ToolCall, tools: dict[str, Tool]) -> str:
    tool = tools.get(plain_name(call.name))
    if tools and tool is None:
        return "there is no such tool"
    try:
        arguments = loads(call.arguments)
    except NotJson as error:
        return f"the arguments are no JSON: {error}"
    if not isinstance(arguments, dict):
        return "the arguments are no JSON object"
    return violation(dict(tool.parameters), arguments) if tool and tool.parameters else ""


def _arguments(call: ToolCall) -> Any:
    try:
        return loads(call.arguments)
    except NotJson:
        return _BROKEN


def _against(pattern: CallPattern, call: ToolCall, given: Any, *, exact: bool) -> str | None:
    """How a call differs from an expected one; None where it is of another tool, empty where it matches."""
    if plain_name(pattern.name) != plain_name(call.name):
        return None
    if given is _BROKEN:
        return f"the arguments are no JSON: {quote(call.arguments)}"
    return difference(pattern, given, exact=exact)


def _pairs(told: Sequence[Sequence[str | None]], calls: int) -> dict[int, int]:
    """As many pairs as there can be: a call's place -> that of the expected one it stands for (augmenting paths)."""
    taken: dict[int, int] = {}

    def place(wanted: int, seen: set[int]) -> bool:
        for call in range(calls):
            if told[wanted][call] == "" and call not in seen:
                seen.add(call)
                if call not in taken or place(taken[call], seen):
                    taken[call] = wanted
                    return True
        return False

    for wanted in range(len(told)):
        place(wanted, set())
    return taken


def _reason(lacking: Sequence[tuple[CallPattern, Sequence[str | None]]], spare: Sequence[str]) -> str:
    """Which expected calls were not made, and how what was made instead differs; which calls nobody expected."""
    said = []
    for pattern, told in lacking[:REASONS_SHOWN]:
        near = next(filter(None, told), "")
        said.append(f"{quote(pattern.name)}: {near}" if near else f"{quote(pattern.name)} is not called")
    if len(lacking) > REASONS_SHOWN:
        said.append(f"{len(lacking) - REASONS_SHOWN} more are not called")
    if len(spare) > len(lacking):
        said.append(f"more calls than expected: {listed(spare)}")
    return "; ".join(said)


def _without(these: dict[str, str], those: dict[str, str]) -> list[str]:
    return [name for plain, name in these.items() if plain not in those]
