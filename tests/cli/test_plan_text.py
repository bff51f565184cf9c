from __future__ import annotations

from dataclasses import replace

from evalrun.cli.plan_text import request_lines
from evalrun.records.message import Image, Message, Tool, ToolCall
from evalrun.records.request import Request
from tests.report.factory import PHOTO, WEATHER
from tests.report.hostile import HOSTILE
from tests.report.hostile_run import messages_of, tool_of

REQUEST = Request(
    key="k",
    provider="lab",
    dialect="openai-chat",
    model="large",
    messages=(
        Message(role="user", content=("Look:", Image(source="sha256:paris", detail="low"))),
        Message(role="assistant", content="", tool_calls=(ToolCall(id="1", name="get_weather", arguments="{}"),)),
        Message(role="tool", content="two\nlines", tool_call_id="1"),
    ),
    params={"temperature": 0, "tool_choice": "auto"},
    sample=0,
    input_tokens=99,
    tools=(WEATHER, Tool(name="other")),
    pictures={"sha256:paris": PHOTO},
)


def test_a_request_is_shown_whole() -> None:
    """Parameters, tools with their parameters, and every message with its pictures, calls and speaker."""
    assert list(request_lines("case c", REQUEST)) == [
        "",
        "── case c",
        "lab/large temperature=0, tool_choice='auto' ~99 tokens",
        "[tools]",
        "  get_weather(city: string): Look up the weather.",
        "  other()",
        "[user]",
        "  Look:",
        "  [image paris.png, 640 × 480, detail low]",
        "[assistant]",
        "  get_weather({})",
        "[tool get_weather]",
        "  two",
        "  lines",
    ]


def test_hostile_requests_are_inert() -> None:
    """No text of a request is an escape sequence, or a line that a CI system obeys."""
    for text in HOSTILE:
        shown = replace(REQUEST, messages=messages_of(text), tools=(tool_of(text),), params={text: text}, model=text)
        lines = list(request_lines(text, shown))

        assert not any("\x1b" in line or "\r" in line or "\n" in line for line in lines)
        assert not any(line.lstrip().startswith(("::", "##[", "##vso", "##teamcity")) for line in lines)
