from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.message import Message, Tool, ToolCall
from evalrun.simulator.models import MODELS, speak
from evalrun.simulator.tools.calls import planned
from evalrun.simulator.wants import Wants
from tests.simulator.tools.toolbox import ADD, EVERY, WEATHER, answered, ask, tool, wants


def plan(text: str, want: Wants | None = None) -> list[tuple[str, dict[str, Any]]]:
    """The calls that a question asks for: names and arguments."""
    return [(call.tool.name, dict(call.arguments)) for call in planned(ask(text), want or wants())]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What is the weather in Paris?", [("get_weather", {"city": "Paris"})]),
        ("weather in paris?", [("get_weather", {"city": "Paris"})]),
        ("How warm is it in Oslo? Use °F.", [("get_weather", {"city": "Oslo", "unit": "fahrenheit"})]),
        (
            "What is the weather in Paris and in Rome?",
            [("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Rome"})],
        ),
        (
            "What is the weather in New York, Rio de Janeiro and Tokyo in Celsius?",
            [("get_weather", {"city": city, "unit": "celsius"}) for city in ("New York", "Rio de Janeiro", "Tokyo")],
        ),
        (
            "What is the weather in Paris and the time in Rome?",
            [("get_weather", {"city": "Paris"}), ("get_time", {"location": "Rome"})],
        ),
        ("What is 12 * (3 + 4)?", [("calculator", {"expression": "12 * (3 + 4)"})]),
        (
            "Calculate 3 + 4 and 5 times 6.",
            [("calculator", {"expression": "3 + 4"}), ("calculator", {"expression": "5 * 6"})],
        ),
        ("Add 2 and 3.", [("add", {"a": 2, "b": 3})]),
        ("Add 2 and 3 and add 10 and 20.", [("add", {"a": 2, "b": 3}), ("add", {"a": 10, "b": 20})]),
        ("Search the web for asyncio tutorials.", [("search_web", {"query": "asyncio tutorials"})]),
        (
            "Convert 100.5 USD to EUR.",
            [("convert_currency", {"amount": 100.5, "from_currency": "USD", "to_currency": "EUR"})],
        ),
        (
            "Book a flight from Oslo to New York on 2026-12-24 for 3 passengers.",
            [("book_flight", {"origin": "Oslo", "destination": "New York", "date": "2026-12-24", "passengers": 3})],
        ),
        (
            'Send an email to ada@example.org with the subject "Hello".',
            [("sendEmail", {"to": "ada@example.org", "subject": "Hello"})],
        ),
        (
            'Plan an online meeting with the participants "Ada" and "Bob" on 2026-05-12 at 14:30.',
            [
                (
                    "plan_meeting",
                    {"participants": ["Ada", "Bob"], "window": {"date": "2026-05-12", "time": "14:30"}, "online": True},
                )
            ],
        ),
        ("What is the capital of France?", []),
        ("Who wrote Faust?", []),
    ],
)
def test_a_question_calls_for_the_tool_that_fits(text: str, expected: list[Any]) -> None:
    """Words find the tool, names and types find its arguments, and several things make several calls."""
    assert plan(text) == expected


def test_tool_choice_rules() -> None:
    """none calls nothing; required calls something; a function is called whatever the question is."""
    question = "What is the time in Lima?"

    assert plan(question, wants(tool_choice="none")) == []
    assert plan("Tell me a joke.", wants(WEATHER, ADD, tool_choice="required")) == [("get_weather", {"city": ""})]
    assert plan(question, wants(tool_choice="required", function="get_weather")) == [("get_weather", {"city": "Lima"})]


def test_without_parallel_calls_they_come_one_by_one() -> None:
    """With parallel_tool_calls off, the second call comes after the first one's result, then the answer."""
    question, want = "What is the weather in Paris and in Rome?", wants(parallel=False)
    first, second = (
        ToolCall(id=name, name="get_weather", arguments=f'{{"city":"{name}"}}') for name in ("Paris", "Rome")
    )
    talk = answered(question, (first, "18"))
    later = planned(talk, want)
    talk += answered("", (second, "24"))[1:]

    assert plan(question, want) == [("get_weather", {"city": "Paris"})]
    assert [dict(call.arguments) for call in later] == [{"city": "Rome"}]
    assert planned(talk, want) == ()


def test_what_is_missing_is_asked_for() -> None:
    """A required argument that nobody named is asked for in words; a tool that must be called gets the least value."""
    free = speak("large", ask("What is the weather?"), temperature=0, wants=wants(WEATHER))
    forced = speak("large", ask("What is the weather?"), temperature=0, wants=wants(WEATHER, tool_choice="required"))

    assert free.calls == ()
    assert "city" in free.text
    assert [call.arguments for call in forced.calls] == ['{"city":""}']


def test_a_follow_up_calls_the_same_tool() -> None:
    """ "And in Rome?" is about what the last call was about."""
    call = ToolCall(id="call_1", name="get_weather", arguments='{"city":"Paris"}')
    talk = [*answered("What is the weather in Paris?", (call, "18")), Message(role="assistant", content="18 degrees.")]
    found = planned([*talk, Message(role="user", content="And in Rome?")], wants())

    assert [(each.tool.name, dict(each.arguments)) for each in found] == [("get_weather", {"city": "Rome"})]


CITIES = ["Paris", "Rome", "Oslo", "Lima", "Cairo", "Tokyo", "Vienna", "Madrid", "Ottawa", "Accra"]


def wrong(model: str, count: int = 300) -> tuple[int, int, int, int]:
    """Of *count* questions: all calls that were not right, and of these no JSON, other arguments, no call at all."""
    broken = other = prose = 0
    for number in range(count):
        city = CITIES[number % len(CITIES)]
        text = f"Question {number}: what is the weather in {city}?"
        spoken = speak(model, ask(text), temperature=0, wants=wants(WEATHER))
        if not spoken.calls:
            prose += 1
            continue
        try:
            other += json.loads(spoken.calls[0].arguments) != {"city": city}
        except ValueError:
            broken += 1
    return broken + other + prose, broken, other, prose


def test_models_err_with_tools_as_their_rate_says() -> None:
    """The share of calls that go wrong grows as models shrink, and every kind of error is made."""
    large, small = wrong("large"), wrong("small")

    assert 0 < large[0] / 300 < 0.10
    assert 0.22 < small[0] / 300 < 0.42
    assert min(small[1:]) > 0


def test_no_prose_where_a_call_is_required() -> None:
    """A model that must call errs in the arguments only."""
    want = wants(WEATHER, tool_choice="required")
    every = [speak("small", ask(f"{n}: weather in Rome?"), temperature=0, wants=want) for n in range(150)]

    assert all(spoken.calls for spoken in every)


def test_calls_are_the_same_every_time() -> None:
    """Two askings make one and the same call, its id included; a seed counts above temperature 0 only."""
    cold = {speak("small", ask("weather in Rome?"), temperature=0, seed=seed, wants=wants()) for seed in (1, 2, 3)}
    warm = {speak("small", ask("weather in Rome?"), temperature=1, seed=seed, wants=wants()).calls for seed in range(9)}

    assert len(cold) == 1
    assert len(warm) > 1


SCHEMAS = st.recursive(
    st.fixed_dictionaries({"type": st.sampled_from(["string", "integer", "number", "boolean", "null", "strange"])})
    | st.fixed_dictionaries({"enum": st.lists(st.text(max_size=4) | st.integers(), max_size=3)}),
    lambda inner: (
        st.fixed_dictionaries({"type": st.just("array"), "items": inner})
        | st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(st.text(max_size=6), inner, max_size=3)}
        )
    ),
    max_leaves=6,
)


@given(
    st.dictionaries(st.text(max_size=8), SCHEMAS, max_size=4),
    st.lists(
        st.sampled_from(["weather in Paris", "and", "3", '"x"', "from Rome to Oslo", "?", "true", "2026-01-02", "EUR"])
    ),
    st.sampled_from(["auto", "required"]),
)
def test_any_tool_is_called_or_not(properties: dict[str, Any], words: list[str], choice: Any) -> None:
    """Whatever a tool takes and whatever is asked, something is said and nothing raised."""
    made = Tool(name="weather", parameters={"properties": properties, "required": list(properties)})

    for model in MODELS:
        spoken = speak(model, ask(" ".join(words)), wants=Wants(tools=(made, WEATHER), tool_choice=choice))
        assert spoken.calls or isinstance(spoken.text, str)


@pytest.mark.parametrize("part", ["a", "A ", "weather in A and ", "1 + ", "1", "from A to ", '"', "and ", "in A, "])
def test_no_question_to_a_tool_takes_long(part: str) -> None:
    """A long repetition of anything is answered in a moment."""
    began = time.perf_counter()
    for before in ("", "What is the weather in ", "Search for "):
        speak(
            "large",
            ask(before + part * (20_000 // len(part))),
            wants=wants(*EVERY, tool("about", "About it", about="string")),
        )

    assert time.perf_counter() - began < 3
