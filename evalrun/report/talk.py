"""What was said in a cell, for people and for programs: messages with pictures and calls, request by request. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from evalrun.records.message import Image, Message, Picture, Tool, ToolCall, arguments_json
from evalrun.records.outcome import Response
from evalrun.records.row import Row
from evalrun.report.fields import flat, to_text

Pictures = Mapping[str, Picture]

_ON_ONE_LINE = 72


def message_text(message: Message, pictures: Pictures) -> str:
    """A message's texts, and a line for each picture: its name and size, never its bytes."""
    if isinstance(message.content, str):
        return message.content
    return "\n".join(part if isinstance(part, str) else _image_text(part, pictures) for part in message.content)


def calls_text(calls: Iterable[ToolCall]) -> str:
    """Calls one below the other, each as its name and its arguments; these over several lines where they are long."""
    return "\n".join(f"{call.name}({_arguments(call)})" for call in calls)


def message_lines(message: Message, pictures: Pictures) -> str:
    """The whole of a message: its texts and pictures, then its calls."""
    return "\n".join(filter(None, (message_text(message, pictures), calls_text(message.tool_calls))))


def tool_text(tool: Tool) -> str:
    """A tool as it would be declared: ``get_weather(city: string, unit?: string)``, and what it is for."""
    properties = tool.parameters.get("properties")
    required = tool.parameters.get("required")
    names = properties if isinstance(properties, Mapping) else {}
    needed = required if isinstance(required, list | tuple) else ()
    said = ", ".join(f"{name}{'' if name in needed else '?'}{_type(what)}" for name, what in names.items())
    return f"{tool.name}({said})" + (f": {tool.description}" if tool.description else "")


def who(message: Message, called: Mapping[str, str]) -> str:
    """Who says a message: its role, with a person's name, or that of the tool (*called*: of each call's id)."""
    name = message.name or called.get(message.tool_call_id or "")
    return f"{message.role} {name}" if name else message.role


def called_tools(messages: Iterable[Message]) -> dict[str, str]:
    """The name of the tool that each call in these messages asks for, by the call's id."""
    return {call.id: call.name for message in messages for call in message.tool_calls}


def request_messages(row: Row) -> Iterator[tuple[Message, ...] | None]:
    """The messages of each of a cell's requests; None where they are not known.

    Those of the last one are the row's own. A dialogue only ever adds to them, each reply as the assistant's, so an
    earlier request's are what stands before its reply.
    """
    earlier = row.exchanges[:-1]
    if not row.messages:
        yield from [None] * len(row.exchanges)
        return
    replied = [at for at, message in enumerate(row.messages) if message.role == "assistant"]
    places = replied[len(replied) - len(earlier) :] if len(earlier) <= len(replied) else []
    for at, exchange in enumerate(earlier):
        told = places and isinstance(exchange.outcome, Response) and _same(row.messages[places[at]], exchange.outcome)
        yield row.messages[: places[at]] if told else None
    if row.exchanges:
        yield row.messages


def message_json(message: Message) -> dict[str, Any]:
    """A message for programs; pictures by their source, a URL or the digest of a file. What it lacks is left out."""
    said: dict[str, Any] = {"role": message.role, "content": message.content}
    if not isinstance(message.content, str):
        said["content"] = [part if isinstance(part, str) else _image_json(part) for part in message.content]
    more = {
        "name": message.name,
        "tool_calls": [flat(call) for call in message.tool_calls],
        "tool_call_id": message.tool_call_id,
        "carried": message.carried,
    }
    return said | {name: value for name, value in more.items() if value}


def _same(message: Message, reply: Response) -> bool:
    return message.tool_calls == reply.tool_calls and message.text in (reply.text or "", reply.refusal)


def _image_json(image: Image) -> dict[str, Any]:
    said = {"image": image.source, "detail": image.detail, "width": image.width, "height": image.height}
    return {name: value for name, value in said.items() if value is not None}


def _image_text(image: Image, pictures: Pictures) -> str:
    picture = pictures.get(image.source)
    width = image.width or (picture.width if picture else None)
    height = image.height or (picture.height if picture else None)
    said = [picture.name if picture and picture.name else image.source]
    said += [f"{width} × {height}"] if width and height else []
    said += [f"detail {image.detail}"] if image.detail != "auto" else []
    return f"[image {', '.join(said)}]"


def _type(schema: Any) -> str:
    kind = schema.get("type") if isinstance(schema, Mapping) else None
    return f": {kind if isinstance(kind, str) else to_text(kind)}" if kind else ""


def _arguments(call: ToolCall) -> str:
    short = arguments_json(call)
    if short is None:
        return call.arguments
    return short if len(short) <= _ON_ONE_LINE else arguments_json(call, indent=2) or short
