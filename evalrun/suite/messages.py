"""Messages as a suite says them -> `Message` records, with the places of their templates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evalrun.errors import Code
from evalrun.records.message import Content, Image, Message, ToolCall
from evalrun.suite.border import Border
from evalrun.suite.complaints import hint
from evalrun.suite.document import Document, Path
from evalrun.suite.prompt_entries import CallEntry, FunctionCall, ImagePart, MessageEntry
from evalrun.suite.templates import Written, written_in

_MAY_SHOW_PICTURES = ("user", "tool")


@dataclass(frozen=True, slots=True)
class Said:
    """Messages, and where the templates in them are written."""

    messages: tuple[Message, ...]
    written: tuple[Written, ...]


def read_messages(entries: Sequence[MessageEntry], border: Border, path: Path) -> Said:
    """The messages of a conversation; what is wrong is complained about."""
    _check_calls(entries, border, path)
    messages: list[Message] = []
    written: list[Written] = []
    for index, entry in enumerate(entries):
        at = (*path, index)
        _check_role(entry, border, at)
        content, templates = read_content(entry.content or "", border.document, (*at, "content"))
        calls, more = _calls(entry.tool_calls or (), border.document, (*at, "tool_calls"))
        written += [*templates, *more]
        messages.append(
            Message(
                role=entry.role, content=content, name=entry.name, tool_calls=calls, tool_call_id=entry.tool_call_id
            )
        )
    return Said(tuple(messages), tuple(written))


def read_content(
    said: str | Sequence[str | ImagePart], document: Document, path: Path
) -> tuple[Content, list[Written]]:
    """A message's content, and the templates in it."""
    if isinstance(said, str):
        return said, [Written(said, document, path)]
    parts: list[str | Image] = []
    written: list[Written] = []
    for index, part in enumerate(said):
        if isinstance(part, str):
            parts.append(part)
            written.append(Written(part, document, (*path, index)))
        else:
            parts.append(Image(source=part.image, detail=part.detail))
            written.append(Written(part.image, document, (*path, index, "image"), "image"))
    return tuple(parts), written


def _check_role(entry: MessageEntry, border: Border, path: Path) -> None:
    """What only some roles may say, and must."""
    role = entry.role
    if not entry.content and not entry.tool_calls:
        border.add(path, Code.MISSING_KEY, "`content` is missing")
    if entry.tool_calls and role != "assistant":
        border.add((*path, "tool_calls"), Code.NOT_ALLOWED, f"only the assistant calls tools, not {role}", of_key=True)
    if entry.tool_call_id and role != "tool":
        words = f"only a message of role tool answers a call, not {role}"
        border.add((*path, "tool_call_id"), Code.NOT_ALLOWED, words, of_key=True)
    if isinstance(entry.content, list) and role not in _MAY_SHOW_PICTURES:
        for index, part in enumerate(entry.content):
            if isinstance(part, ImagePart):
                words = f"pictures go into messages of the user, or of a tool, not {role}"
                border.add((*path, "content", index), Code.NOT_ALLOWED, words)


def _check_calls(entries: Sequence[MessageEntry], border: Border, path: Path) -> None:
    """Every call has an id of its own and is answered before anybody else speaks, and every answer has its call."""
    known: set[str] = set()
    waiting: dict[str, Path] = {}
    for index, entry in enumerate(entries):
        at = (*path, index)
        if entry.role == "tool":
            _check_answer(entry.tool_call_id or "", border, at, known, waiting)
            waiting.pop(entry.tool_call_id or "", None)
            continue
        _complain_of(waiting, border)
        waiting = {}
        for number, call in enumerate(entry.tool_calls or ()):
            place = (*at, "tool_calls", number, "id")
            if call.id in known:
                border.add(place, Code.BAD_CALL, "an earlier call has this id")
            known.add(call.id)
            waiting[call.id] = place
    _complain_of(waiting, border)


def _check_answer(call: str, border: Border, path: Path, known: set[str], waiting: dict[str, Path]) -> None:
    if not call:
        border.add(path, Code.MISSING_KEY, "`tool_call_id` is missing: the id of the call that this answers")
    elif call not in known:
        words = f"no call of the assistant before this has the id{hint(call, sorted(known))}"
        border.add((*path, "tool_call_id"), Code.BAD_CALL, words)
    elif call not in waiting:
        words = "this call is answered already, or others have spoken since"
        border.add((*path, "tool_call_id"), Code.BAD_CALL, words)


def _complain_of(waiting: dict[str, Path], border: Border) -> None:
    for place in waiting.values():
        words = "nothing answers this call: a message of role tool, with this tool_call_id, must come next"
        border.add(place, Code.BAD_CALL, words)


def _calls(
    entries: Sequence[CallEntry | FunctionCall], document: Document, path: Path
) -> tuple[tuple[ToolCall, ...], list[Written]]:
    calls: list[ToolCall] = []
    written: list[Written] = []
    for index, entry in enumerate(entries):
        called = entry.function if isinstance(entry, FunctionCall) else entry
        inside = () if called is entry else ("function",)
        at = (*path, index, *inside, "arguments")
        arguments = called.arguments
        if isinstance(arguments, str):
            written += [Written(text, document, at, "value") for text in arguments_in(arguments)]
        else:
            written += written_in(arguments, document, at)
            arguments = json.dumps(arguments, ensure_ascii=False)
        calls.append(ToolCall(id=entry.id, name=called.name, arguments=arguments))
    return tuple(calls), written


def arguments_in(text: str) -> list[str]:
    """The templates in the arguments of a call: the texts in them where they are JSON, else the whole."""
    value: Any
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return [text]
    return [w.text for w in written_in(value, Document("", None), ())]
