"""A cell and its exchanges so far -> the next request, or done.  (pure)

All state is the conversation itself: how many turns were taken and how many rounds of tools they took is counted in the
messages, so that a run which goes on after a crash asks what it would have asked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from evalrun import tokens
from evalrun.catalog import DIALECTS
from evalrun.records.message import Message, ToolCall, ToolResult
from evalrun.records.outcome import Response
from evalrun.records.request import Request, request_key

_ERROR = "error: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What follows a cell's first request, all rendered: the user's *turns*, and the *results* that answer calls.

    *opening* is how many messages the first request has. Without results nobody answers calls, and a reply with calls
    is the last; otherwise after *max_tool_rounds* rounds in one turn.
    """

    opening: int
    turns: tuple[Message, ...] = ()
    results: tuple[ToolResult, ...] = ()
    max_tool_rounds: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a call gets: *text*, or what the *function* (``file.py:name``) returns for the *arguments*."""

    call: ToolCall
    text: str = ""
    function: str = ""
    arguments: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """The user says this next."""

    message: Message


@dataclass(frozen=True, slots=True)
class Round:
    """The calls are answered next, each with its answer."""

    answers: tuple[Answer, ...]


def follows(script: Script, messages: Sequence[Message], reply: Response) -> Turn | Round | None:
    """What follows *reply* to *messages*; None: nothing, the dialogue is over."""
    if reply.finish_reason == "content_filter":
        return None
    if reply.tool_calls:
        if script.results and _rounds(messages, script.opening) < script.max_tool_rounds:
            return Round(tuple(_answer(script.results, call) for call in reply.tool_calls))
        return None
    taken = sum(1 for message in messages[script.opening :] if message.role == "user")
    return Turn(script.turns[taken]) if taken < len(script.turns) else None


def said(reply: Response) -> Message:
    """A reply as a message of the conversation."""
    return Message(
        role="assistant",
        content=reply.text or reply.refusal or "",
        tool_calls=reply.tool_calls,
        carried=reply.carried,
    )


def answered(answer: Answer, text: str) -> Message:
    """A call's answer as a message."""
    return Message(role="tool", content=text, tool_call_id=answer.call.id)


def next_request(first: Request, messages: tuple[Message, ...]) -> Request:
    """The request that sends *messages*, in all else like the cell's *first* one."""
    key = request_key(
        provider=first.provider,
        dialect=first.dialect,
        version=DIALECTS[first.dialect],
        model=first.model,
        messages=messages,
        params=first.params,
        sample=first.sample,
        tools=first.tools,
    )
    request = replace(first, key=key, messages=messages)
    return replace(request, input_tokens=tokens.count_request(request)[0])


def failed(why: str) -> str:
    """What a model is told where a tool has no answer for it."""
    return f"{_ERROR}{why}"


def _rounds(messages: Sequence[Message], opening: int) -> int:
    """How many rounds of calls the present turn had."""
    rounds = 0
    for message in reversed(messages[opening:]):
        if message.role == "user":
            break
        rounds += bool(message.tool_calls)
    return rounds


def _answer(results: Sequence[ToolResult], call: ToolCall) -> Answer:
    """The first result that is meant for the call; an error in words, for the model to read, where none is."""
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        return Answer(call=call, text=failed("the arguments are not valid JSON"))
    if not isinstance(arguments, dict):
        return Answer(call=call, text=failed("the arguments are not a JSON object"))
    for result in results:
        if result.tool == call.name and _fits(result.arguments, arguments):
            if result.function:
                return Answer(call=call, function=result.function, arguments=arguments)
            return Answer(call=call, text=_text(result.result))
    known = any(result.tool == call.name for result in results)
    return Answer(call=call, text=failed("no result for these arguments" if known else f"no tool {call.name}"))


def _fits(wanted: Mapping[str, Any] | None, arguments: Mapping[str, Any]) -> bool:
    return wanted is None or all(name in arguments and arguments[name] == value for name, value in wanted.items())


def _text(result: Any) -> str:
    return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
