"""Tools that the tests of the simulated models share."""

from __future__ import annotations

from typing import Any

from evalrun.records.message import Message, Tool, ToolCall
from evalrun.simulator.wants import Wants


def tool(name: str, description: str, required: tuple[str, ...] = (), **properties: Any) -> Tool:
    """A tool whose parameters are *properties*; a type alone stands for a schema."""
    schemas = {each: {"type": part} if isinstance(part, str) else part for each, part in properties.items()}
    needed = list(required or schemas)
    return Tool(
        name=name,
        description=description,
        parameters={"type": "object", "properties": schemas, "required": needed},
    )


UNIT = {"type": "string", "enum": ["celsius", "fahrenheit"]}
WEATHER = tool("get_weather", "Get the current weather in a city.", ("city",), city="string", unit=UNIT)
TIME = tool("get_time", "The local time in a place", location="string")
CALCULATOR = tool("calculator", "Evaluate an arithmetic expression", expression="string")
ADD = tool("add", "Add two numbers", a="number", b="integer")
SEARCH = tool("search_web", "Search the web", query="string")
CONVERT = tool(
    "convert_currency", "Convert an amount of money", amount="number", from_currency="string", to_currency="string"
)
FLIGHT = tool(
    "book_flight",
    "Book a flight",
    ("origin", "destination"),
    origin="string",
    destination="string",
    date="string",
    passengers="integer",
)
MAIL = tool(
    "sendEmail",
    "Send an email",
    ("to",),
    to={"type": "string", "description": "The email address"},
    subject="string",
    body="string",
)
MEETING = tool(
    "plan_meeting",
    "Plan a meeting",
    ("participants", "window"),
    participants={"type": "array", "items": {"type": "string"}},
    window={"type": "object", "properties": {"date": {"type": "string"}, "time": {"type": "string"}}},
    online="boolean",
)
EVERY = (WEATHER, TIME, CALCULATOR, ADD, SEARCH, CONVERT, FLIGHT, MAIL, MEETING)


def ask(text: str) -> list[Message]:
    """One question."""
    return [Message(role="user", content=text)]


def answered(question: str, *results: tuple[ToolCall, str]) -> list[Message]:
    """A question, the calls that were made for it, and their results."""
    calls = tuple(call for call, _ in results)
    told = [Message(role="tool", content=text, tool_call_id=call.id) for call, text in results]
    return [*ask(question), Message(role="assistant", content="", tool_calls=calls), *told]


def wants(*tools: Tool, **more: Any) -> Wants:
    """A request's tools, all of them where none is named."""
    return Wants(tools=tools or EVERY, **more)
