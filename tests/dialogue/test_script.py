from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.dialogue.script import Answer, Round, Script, Turn, answered, follows, next_request, said
from evalrun.records.message import Message, ToolCall, ToolResult
from evalrun.records.outcome import Response, TokensMethod, Usage
from evalrun.records.request import Request, request_key

OPENING = (Message(role="system", content="Be brief."), Message(role="user", content="Hello"))
FIRST = Request(
    key="first", provider="p", dialect="openai-chat", model="m", messages=OPENING, params={"seed": 3}, sample=1
)
PARIS = ToolResult(tool="weather", arguments={"city": "Paris"}, result="18 °C")
ANY = ToolResult(tool="weather", result={"sky": "grey"})
CODE = ToolResult(tool="add", function="tools.py:add")


def reply(text: str | None = "Hi", **said_of_it: Any) -> Response:
    """A reply with this text."""
    return Response(text=text, usage=USAGE, latency_s=1.0, **said_of_it)


USAGE = Usage(prompt_tokens=1, completion_tokens=1, method=TokensMethod.API)


def call(name: str = "weather", arguments: str = '{"city": "Paris"}', number: int = 1) -> ToolCall:
    """A call of a tool."""
    return ToolCall(id=f"c{number}", name=name, arguments=arguments)


def turns(*texts: str) -> tuple[Message, ...]:
    """What the user says, a message each."""
    return tuple(Message(role="user", content=text) for text in texts)


def test_turns_come_one_after_the_other() -> None:
    """Each reply is followed by the next turn, and the last one by nothing."""
    script, messages, heard = Script(opening=2, turns=turns("And?", "Why?")), OPENING, []
    while (following := follows(script, messages, reply())) is not None:
        assert isinstance(following, Turn)
        heard.append(following.message.content)
        messages = (*messages, said(reply()), following.message)

    assert heard == ["And?", "Why?"]


def test_users_of_the_opening_are_no_turns() -> None:
    """A fixed history with several user messages takes no turn away."""
    history = (*OPENING, Message(role="assistant", content="Yes?"), Message(role="user", content="More"))
    script = Script(opening=4, turns=turns("And?"))

    assert follows(script, history, reply()) == Turn(turns("And?")[0])


ANSWERS = {
    "the first that fits": ([PARIS, ANY], call(), "18 °C"),
    "one for any arguments": ([PARIS, ANY], call(arguments='{"city": "Rome"}'), '{"sky": "grey"}'),
    "more arguments than wanted": ([PARIS], call(arguments='{"city": "Paris", "unit": "C"}'), "18 °C"),
    "no arguments at all": ([ANY], call(arguments=""), '{"sky": "grey"}'),
    "arguments that fit none": ([PARIS], call(arguments="{}"), "error: no result for these arguments"),
    "a tool that nobody scripted": ([PARIS], call("time"), "error: no tool time"),
    "no JSON": ([PARIS], call(arguments='{"city": '), "error: the arguments are not valid JSON"),
    "no object": ([PARIS], call(arguments="[1]"), "error: the arguments are not a JSON object"),
    "deep JSON": ([PARIS], call(arguments="[" * 100_000), "error: the arguments are not valid JSON"),
}


@pytest.mark.parametrize(("results", "asked", "text"), ANSWERS.values(), ids=ANSWERS)
def test_a_call_gets_its_scripted_answer(results: list[ToolResult], asked: ToolCall, text: str) -> None:
    """A call is answered by the first result that is meant for it, or told in words that there is none."""
    following = follows(Script(opening=2, results=tuple(results)), OPENING, reply(None, tool_calls=(asked,)))

    assert following == Round((Answer(call=asked, text=text),))


def test_a_function_is_named_with_its_arguments() -> None:
    """A result that a function gives is not made here: its name and the arguments are."""
    asked = call("add", '{"a": 1, "b": 2}')
    following = follows(Script(opening=2, results=(CODE,)), OPENING, reply(None, tool_calls=(asked,)))

    assert following == Round((Answer(call=asked, function="tools.py:add", arguments={"a": 1, "b": 2}),))


def test_parallel_calls_are_answered_together_in_their_order() -> None:
    """Every call of a reply gets an answer, which says whose it is."""
    calls = (call(number=1), call(arguments='{"city": "Rome"}', number=2))
    following = follows(Script(opening=2, results=(PARIS, ANY)), OPENING, reply(None, tool_calls=calls))

    assert isinstance(following, Round)
    assert [answered(a, a.text).tool_call_id for a in following.answers] == ["c1", "c2"]


def test_nobody_answers_where_nothing_is_scripted() -> None:
    """A prompt without results ends with the calls, also where turns are left."""
    script = Script(opening=2, turns=turns("And?"))

    assert follows(script, OPENING, reply(None, tool_calls=(call(),))) is None


def test_rounds_have_an_end_and_count_anew_each_turn() -> None:
    """After the most rounds in a turn the reply with calls is the last; a new turn begins from none."""
    script = Script(opening=2, turns=turns("And?"), results=(ANY,), max_tool_rounds=2)
    calls = reply(None, tool_calls=(call(),))
    messages: tuple[Message, ...] = OPENING
    for _ in range(2):
        following = follows(script, messages, calls)
        assert isinstance(following, Round)
        messages = (*messages, said(calls), answered(following.answers[0], "x"))

    assert follows(script, messages, calls) is None
    later = (*messages, said(reply()), turns("And?")[0])
    assert isinstance(follows(script, later, calls), Round)


def test_a_filtered_reply_ends_the_dialogue() -> None:
    """What a content filter took away is not gone on from."""
    assert follows(Script(opening=2, turns=turns("And?")), OPENING, reply(finish_reason="content_filter")) is None


def test_a_refusal_is_said_in_the_conversation() -> None:
    """The next turn sees the words of a refusal as the assistant's."""
    assert said(reply(None, refusal="No.")) == Message(role="assistant", content="No.")


def test_what_a_dialect_wants_back_goes_along() -> None:
    """Hidden reasoning is a part of the assistant's message."""
    assert said(reply(carried='[{"type": "reasoning"}]')).carried == '[{"type": "reasoning"}]'


def test_the_next_request_differs_in_its_messages_and_key_alone() -> None:
    """Parameters, tools, sample and model stay; the key is that of what is asked now."""
    messages = (*OPENING, said(reply()), *turns("And?"))
    request = next_request(FIRST, messages)

    assert request.key == request_key(
        provider="p", dialect="openai-chat", version=1, model="m", messages=messages, params={"seed": 3}, sample=1
    )
    assert replace(request, key="first", messages=OPENING, input_tokens=0) == FIRST
    assert request.input_tokens > 0


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=30),
    st.integers(0, 4),
    st.integers(1, 3),
)
def test_every_dialogue_ends(replies: list[tuple[bool, int]], spoken: int, rounds: int) -> None:
    """Whatever a model says, it is asked at most (turns + 1) × (rounds + 1) times."""
    script = Script(opening=2, turns=turns(*"abcdef"[:spoken]), results=(ANY,), max_tool_rounds=rounds)
    messages: tuple[Message, ...] = OPENING
    asked = 0
    said_next = iter(replies)
    while True:
        asked += 1
        calls, number = next(said_next, (True, 1))
        outcome = reply(None, tool_calls=tuple(call(number=n) for n in range(number)) if calls else ())
        following = follows(script, messages, outcome)
        if following is None:
            break
        messages = (*messages, said(outcome))
        if isinstance(following, Turn):
            messages = (*messages, following.message)
        else:
            messages = (*messages, *(answered(answer, answer.text) for answer in following.answers))

    assert asked <= (spoken + 1) * (rounds + 1)


def test_results_that_are_no_text_are_json() -> None:
    """A result of any value is sent as the JSON that says it."""
    result = ToolResult(tool="weather", result=[1, {"ä": None}])
    following = follows(Script(opening=2, results=(result,)), OPENING, reply(None, tool_calls=(call(),)))

    assert isinstance(following, Round)
    assert json.loads(following.answers[0].text) == [1, {"ä": None}]
