from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.message import Image, Message, ToolCall, arguments_json
from evalrun.records.outcome import Attempt, Exchange, Failure, FailureKind, Outcome, Response, TokensMethod, Usage
from evalrun.records.plan import Cell, Column
from evalrun.records.row import Row
from evalrun.records.suite import Case, Model

CALL = ToolCall(id="1", name="get_weather", arguments='{"city":"Paris"}')
SAID = '[{"name": "get_weather", "arguments": {"city": "Paris"}}]'


def reply(text: str | None = "yes", *, tokens: tuple[int | None, ...] = (10, 20), **rest: Any) -> Response:
    """A reply that took a second; *tokens* are prompt, completion, cached and reasoning ones."""
    prompt, completion, cached, reasoning = (*tokens, None, None)[:4]
    usage = Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=cached,
        reasoning_tokens=reasoning,
        method=rest.pop("method", TokensMethod.API),
    )
    return Response(text=text, usage=usage, **{"latency_s": 1.0, **rest})


def row(*outcomes: Outcome, messages: tuple[Message, ...] = ()) -> Row:
    """A cell with these outcomes, each after one attempt, and a cent for each reply."""
    attempts = (Attempt(sent_at=0.0, latency_s=1.0, result="ok"),)
    return Row(
        cell=Cell(0, "k", "k", 0, 0, 0, 0, 0),
        case=Case(id="c"),
        column=Column(id="col", label="m", prompt="p", model="m"),
        model=Model(provider="lab", name="m", label="m"),
        exchanges=tuple(Exchange(request_key="k", outcome=one, cost_usd=0.01, attempts=attempts) for one in outcomes),
        messages=messages,
    )


@pytest.mark.parametrize(
    ("outcome", "output"),
    [
        (reply("yes"), "yes"),
        (reply("yes", tool_calls=(CALL,)), "yes"),
        (reply(None, refusal="no", tool_calls=(CALL,)), "no"),
        (reply(None), ""),
        (reply(None, tool_calls=(CALL,)), SAID),
        (reply("", tool_calls=(CALL, CALL)), f"{SAID[:-1]}, {SAID[1:]}"),
        (reply(None, tool_calls=(ToolCall(id="1", name="f", arguments="{"),)), '[{"name": "f", "arguments": "{"}]'),
        (reply(None, tool_calls=(ToolCall(id="1", name='"', arguments=""),)), '[{"name": "\\"", "arguments": ""}]'),
        (
            reply(None, tool_calls=(ToolCall(id="1", name="f", arguments="[NaN, 1e999]"),)),
            '[{"name": "f", "arguments": "[NaN, 1e999]"}]',
        ),
        (Failure(kind=FailureKind.SERVER, message="no"), ""),
    ],
)
def test_the_output_is_text_or_refusal_or_the_calls_as_json(outcome: Outcome, output: str) -> None:
    """An answer of nothing but calls is JSON; arguments that are none stay as they are."""
    assert row(outcome).output == output


@given(st.text(), st.text())
def test_any_calls_are_json(name: str, arguments: str) -> None:
    """Whatever a model writes for a name and for arguments, the output is JSON that says it."""
    said = json.loads(row(reply(None, tool_calls=(ToolCall(id="1", name=name, arguments=arguments),))).output)

    assert said[0]["name"] == name
    assert said[0]["arguments"] == arguments or json.loads(arguments) == said[0]["arguments"]


@pytest.mark.parametrize("arguments", ["9" * 5000, "[" * 100_000, "{", "", "NaN", "-Infinity", "1e999", "\ud800"])
def test_arguments_that_cannot_be_repeated_are_none(arguments: str) -> None:
    """Broken, endless and overlong arguments are no fault of ours."""
    assert arguments_json(ToolCall(id="1", name="f", arguments=arguments)) is None


def test_figures_of_several_requests_are_sums() -> None:
    """Tokens, cost, latency and attempts are of all requests; cached and reasoning tokens as far as replies say."""
    both = row(reply(tokens=(10, 20, 4, None)), reply(tokens=(30, 5, None, 3)))

    assert (both.prompt_tokens, both.completion_tokens) == (40, 25)
    assert (both.cached_tokens, both.reasoning_tokens) == (4, 3)
    assert (both.cost_usd, both.latency_s, both.requests, both.attempts) == (0.02, 2.0, 2, 2)
    assert row(reply()).cached_tokens is None
    assert row(reply(), reply(tokens=(None, 1))).prompt_tokens is None


@pytest.mark.parametrize(
    ("methods", "least"),
    [
        ((TokensMethod.API,), TokensMethod.API),
        ((TokensMethod.ESTIMATE, TokensMethod.API), TokensMethod.ESTIMATE),
        ((TokensMethod.EXACT, TokensMethod.API, TokensMethod.EXACT), TokensMethod.EXACT),
    ],
)
def test_the_method_of_tokens_is_the_least_of_all_replies(methods: tuple[TokensMethod, ...], least: str) -> None:
    """A sum is as good as its worst part."""
    assert row(*(reply(method=method) for method in methods)).tokens_method == least
    assert row(Failure(kind=FailureKind.SERVER, message="no")).tokens_method is None


@pytest.mark.parametrize(
    ("replies", "ttft_s", "speed"),
    [
        ((reply(),), None, None),
        ((reply(ttft_s=0.5),), 0.5, 40.0),
        ((reply(ttft_s=0.5), reply(ttft_s=0.2)), 0.2, 40 / 1.3),
        ((reply(ttft_s=0.5), reply()), None, 40.0),
        ((reply(ttft_s=1.0),), 1.0, None),
        ((reply(ttft_s=0.5, tokens=(1, None)),), 0.5, None),
    ],
)
def test_speed_is_of_what_was_streamed(
    replies: tuple[Response, ...], ttft_s: float | None, speed: float | None
) -> None:
    """The time to the first piece is the last reply's; tokens a second are counted from the first piece on."""
    one = row(*replies)

    assert one.ttft_s == ttft_s
    assert one.tokens_per_s == (None if speed is None else pytest.approx(speed))


def test_a_conversation_is_all_that_was_said() -> None:
    """Messages, pictures, calls and the last reply stand in order behind their roles."""
    messages = (
        Message(role="user", content=("Look:", Image(source="https://a.example/x.png"))),
        Message(role="assistant", content="", tool_calls=(CALL,)),
        Message(role="tool", content="18", tool_call_id="1"),
    )

    assert row(reply("Warm.", tool_calls=(CALL,)), messages=messages).conversation == (
        "user: Look:\n[image https://a.example/x.png]\n"
        'assistant calls get_weather({"city":"Paris"})\n'
        "tool: 18\n"
        "assistant: Warm.\n"
        'assistant calls get_weather({"city":"Paris"})'
    )
    assert row(Failure(kind=FailureKind.SERVER, message="no"), messages=messages[:1]).conversation.endswith("x.png]")


def test_all_tool_calls_are_those_of_every_reply() -> None:
    """The calls that tools answered are among them; the last reply's alone are *tool_calls*."""
    other = ToolCall(id="2", name="other", arguments="{}")
    both = row(reply(None, tool_calls=(CALL,)), reply(None, tool_calls=(other,)))

    assert both.all_tool_calls == (CALL, other)
    assert both.tool_calls == (other,)
