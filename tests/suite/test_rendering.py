from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.message import Content, Image, Message, Picture, Tool, ToolCall, ToolResult
from evalrun.records.suite import Case, Prompt, Suite
from evalrun.suite.rendering import render_messages, render_turns, results_of, tools_of

PICTURE = Picture(media_type="image/png", base64="AAAA", width=20, height=10, name="cat.png")
SUITE = Suite(
    name="s",
    file="s.yaml",
    text="",
    digest="",
    models=(),
    providers={},
    prompts=(),
    cases=(),
    pictures={"sha256:ab": PICTURE},
    picture_files={"cat.png": "sha256:ab"},
)
WEATHER = {"name": "weather", "description": "Now.", "parameters": {"type": "object"}}
WEATHER_TOOL = Tool(name="weather", description="Now.", parameters={"type": "object"})


def case(**variables: Any) -> Case:
    """A case of these variables."""
    return Case(id="a", vars=variables)


def prompt(*messages: Message, **more: Any) -> Prompt:
    """A prompt of these messages."""
    return Prompt(name="p", messages=messages, **more)


CONTENTS: dict[str, tuple[Content, Content]] = {
    "a text": ("Hi {{ x }}", "Hi b"),
    "parts": (("{{ x }}", "c"), ("b", "c")),
    "a file": ((Image(source="{{ pet }}.png"),), (Image(source="sha256:ab", width=20, height=10),)),
    "a detail": (
        (Image(source=" cat.png", detail="low"),),
        (Image(source="sha256:ab", detail="low", width=20, height=10),),
    ),
    "a URL": ((Image(source="https://a.example/{{ x }}"),), (Image(source="https://a.example/b"),)),
    "a loud URL": ((Image(source="HTTPS://a.example/"),), (Image(source="HTTPS://a.example/"),)),
}


@pytest.mark.parametrize(("written", "sent"), CONTENTS.values(), ids=CONTENTS)
def test_content_is_rendered(written: Content, sent: Content) -> None:
    """Texts and pictures take the case's variables, in messages and turns alike; a file becomes its digest."""
    variables = case(x="b", pet="cat")

    messages = render_messages(prompt(Message(role="system", content=written, name="n")), variables, SUITE)
    turns = render_turns(prompt(turns=(written, "bye")), variables, SUITE)

    assert messages == (Message(role="system", content=sent, name="n"),)
    assert turns == (Message(role="user", content=sent), Message(role="user", content="bye"))


def test_a_picture_that_was_not_read_is_a_bug() -> None:
    """A name that loading did not find raises, rather than being sent."""
    with pytest.raises(ValueError, match=r"dog\.png"):
        render_messages(prompt(Message(role="user", content=(Image(source="dog.png"),))), case(), SUITE)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ('{"a":   1}', '{"a":   1}'),
        ('{"a": "{{ x }}", "b": "in {{ x }}"}', '{"a": "b\\"c", "b": "in b\\"c"}'),
        ('{"n": "{{ n }}"}', '{"n": 3}'),
        ("not JSON {{ n }}", "not JSON 3"),
    ],
)
def test_a_call_in_the_history_keeps_its_arguments_json(written: str, sent: str) -> None:
    """Variables go into the arguments' values with their types; text without any stays to the letter."""
    call = ToolCall(id="1", name="f", arguments=written)
    answer = Message(role="tool", content="{{ n }}", tool_call_id="1")

    messages = render_messages(
        prompt(Message(role="assistant", content="", tool_calls=(call,)), answer), case(x='b"c', n=3), SUITE
    )

    assert messages[0].tool_calls == (ToolCall(id="1", name="f", arguments=sent),)
    assert messages[1] == Message(role="tool", content="3", tool_call_id="1")


@given(value=st.text())
def test_arguments_hold_any_text(value: str) -> None:
    """Whatever a variable holds, the arguments of a call parse to it again."""
    call = ToolCall(id="1", name="f", arguments='{"a": "{{ x }}"}')

    (message,) = render_messages(
        prompt(Message(role="assistant", content="", tool_calls=(call,))), case(x=value), SUITE
    )

    assert json.loads(message.tool_calls[0].arguments) == {"a": value}


@pytest.mark.parametrize(
    "value",
    [
        [WEATHER],
        WEATHER,
        {"type": "function", "function": WEATHER},
        [{"type": "function", **WEATHER}],
        json.dumps([WEATHER]),
        json.dumps(WEATHER),
    ],
    ids=["list", "one", "nested", "flat", "text", "text of one"],
)
def test_tools_come_from_the_case(value: Any) -> None:
    """A list of definitions, one, or JSON text of either, after those of the prompt."""
    own = Tool(name="own")

    assert tools_of(prompt(tools=(own,), tools_from="{{ f }}"), case(f=value)) == (own, WEATHER_TOOL)


@pytest.mark.parametrize("value", [[], None, "", " ", "[]"], ids=repr)
def test_a_case_may_have_no_tools(value: Any) -> None:
    """Nothing, an empty text and an empty list are no tools."""
    assert tools_of(prompt(tools_from="{{ f }}"), case(f=value)) == ()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("weather", "not JSON"),
        (3, "must be a list, not `3`"),
        ([3], "must be a mapping"),
        ([{"name": "a.b"}], "64 letters"),
        ([{"nam": "a"}], "nam"),
        ([{"description": "a"}], "`name` is missing"),
        ([WEATHER, WEATHER], "two tools are called `weather`"),
        ([{"name": "own"}], "two tools are called `own`"),
        ("[" * 100_000, "not JSON"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_defines_no_tools_is_refused(value: Any, words: str) -> None:
    """A value of the case that holds no definitions raises ValueError in words."""
    with pytest.raises(ValueError, match=words):
        tools_of(prompt(tools=(Tool(name="own"),), tools_from="{{ f }}"), case(f=value))


def test_prompts_without_a_template_have_their_own_tools() -> None:
    """The tools written in the prompt are those of every case."""
    assert tools_of(prompt(tools=(WEATHER_TOOL,)), case()) == (WEATHER_TOOL,)


def test_results_keep_types() -> None:
    """Arguments and results are rendered through, and a variable alone keeps its type."""
    scripted = ToolResult(
        tool="f", arguments={"n": "{{ n }}", "t": "a {{ n }}"}, result={"list": ["{{ all }}"], "x": "{{ n }}!"}
    )
    plain = ToolResult(tool="f", function="t.py:f")

    first, second = results_of(prompt(tool_results=(scripted, plain)), case(n=3, all=[1, 2]))

    assert first == ToolResult(tool="f", arguments={"n": 3, "t": "a 3"}, result={"list": [[1, 2]], "x": "3!"})
    assert second == plain
