from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.message import Image, Message, Tool, ToolCall
from evalrun.report.talk import called_tools, calls_text, message_lines, message_text, tool_text, who
from tests.report.factory import PHOTO, WEATHER

PICTURES = {"sha256:paris": PHOTO}
SPREAD = """\
{
  "title": "A rather long title of an event",
  "place": "Somewhere in Paris, France",
  "guests": 2
}"""
LONG = '{"title":"A rather long title of an event","place":"Somewhere in Paris, France","guests":2}'


@pytest.mark.parametrize(
    ("image", "text"),
    [
        (Image(source="sha256:paris"), "[image paris.png, 640 × 480]"),
        (Image(source="sha256:paris", detail="high", width=64, height=48), "[image paris.png, 64 × 48, detail high]"),
        (Image(source="sha256:other"), "[image sha256:other]"),
        (Image(source="https://a.example/x.png", detail="low"), "[image https://a.example/x.png, detail low]"),
    ],
)
def test_a_picture_is_its_name_and_size(image: Image, text: str) -> None:
    """Pictures are named, never shown; the size is the message's, else the file's."""
    assert message_text(Message(role="user", content=("Look:", image)), PICTURES) == f"Look:\n{text}"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('{"city":"Paris"}', 'f({"city": "Paris"})'),
        ("", "f()"),
        ('{"city":', 'f({"city":)'),
        ("[NaN]", "f([NaN])"),
        (
            LONG,
            f"f({SPREAD})",
        ),
    ],
)
def test_a_call_is_its_name_and_arguments(arguments: str, text: str) -> None:
    """Arguments have our spacing where they are JSON, over several lines where they are long."""
    assert calls_text([ToolCall(id="1", name="f", arguments=arguments)]) == text


@given(st.text(), st.text())
def test_any_call_has_a_text(name: str, arguments: str) -> None:
    """Whatever a model writes."""
    assert calls_text([ToolCall(id="1", name=name, arguments=arguments)]).startswith(name)


@pytest.mark.parametrize(
    ("tool", "text"),
    [
        (WEATHER, "get_weather(city: string): Look up the weather."),
        (Tool(name="f"), "f()"),
        (
            Tool(
                name="f",
                parameters={"properties": {"a": {"type": "integer"}, "b": {"type": ["string", "null"]}, "c": {}}},
            ),
            'f(a?: integer, b?: ["string", "null"], c?)',
        ),
        (Tool(name="f", parameters={"properties": [1], "required": "a"}), "f()"),
        (Tool(name="f", parameters={"properties": {"a": 1}, "required": ["a"]}), "f(a)"),
    ],
)
def test_a_tool_is_shown_as_it_would_be_declared(tool: Tool, text: str) -> None:
    """Names and types of parameters, optional ones marked; a definition of any form has a text."""
    assert tool_text(tool) == text


def test_who_says_a_message() -> None:
    """A role, with the person's name, or that of the tool whose call is answered."""
    call = ToolCall(id="1", name="f", arguments="{}")
    asked = Message(role="assistant", content="So:", tool_calls=(call, call))
    called = called_tools([asked])

    assert who(Message(role="user", content=""), called) == "user"
    assert who(Message(role="user", content="", name="Ann"), called) == "user Ann"
    assert who(Message(role="tool", content="", tool_call_id="1"), called) == "tool f"
    assert who(Message(role="tool", content="", tool_call_id="2"), called) == "tool"
    assert message_lines(asked, {}) == "So:\nf({})\nf({})"
