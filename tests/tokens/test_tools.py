from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun import tokens
from evalrun.records.message import Message, Tool
from evalrun.records.outcome import TokensMethod
from evalrun.tokens.tools import tool_tokens

# OpenAI cookbook, "How to count tokens with tiktoken": the tool and the messages that were checked with the API.
CITY = {"type": "string", "description": "The city and state, e.g. San Francisco, CA"}
UNIT = {"type": "string", "description": "The unit of temperature to return", "enum": ["celsius", "fahrenheit"]}
QUESTION = (
    Message(role="system", content="You are a helpful assistant that can answer to questions about the weather."),
    Message(role="user", content="What's the weather like in San Francisco?"),
)


def weather(**properties: Any) -> Tool:
    """The cookbook's tool, or one with other parameters."""
    return Tool(
        name="get_current_weather",
        description="Get the current weather in a given location",
        parameters={"type": "object", "properties": properties, "required": ["location"]},
    )


WEATHER = weather(location=CITY, unit=UNIT)

pytestmark = [pytest.mark.shared, pytest.mark.usefixtures("ranks")]


@pytest.mark.parametrize(
    ("model", "expected"), [("gpt-3.5-turbo", 105), ("gpt-4", 105), ("gpt-4o", 101), ("gpt-4o-mini", 101)]
)
def test_the_published_example_counts_as_published(model: str, expected: int) -> None:
    """A tool with an enum, and two messages, count as the API counted them."""
    assert tokens.count_messages(QUESTION, model, [WEATHER]) == (expected, TokensMethod.EXACT)


def test_no_tools_cost_nothing() -> None:
    """Without a tool there is no overhead, and the count stays exact."""
    assert tool_tokens((), "gpt-4o") == (0, TokensMethod.EXACT)
    assert tokens.count_messages(QUESTION, "gpt-4o", ())[1] is TokensMethod.EXACT


def test_a_dot_at_the_end_is_dropped() -> None:
    """One full stop at the end of a description costs nothing, as the rule says."""
    dotted = weather(location={**CITY, "description": CITY["description"] + "."}, unit=UNIT)

    assert tool_tokens([dotted], "gpt-4o") == tool_tokens([WEATHER], "gpt-4o")


@pytest.mark.parametrize(
    "nested",
    [
        {"type": "object", "description": "Where.", "properties": {"street": CITY, "town": CITY}},
        {"type": "array", "description": "Where.", "items": {"type": "string"}},
        {"anyOf": [CITY, {"type": "null"}]},
        {"type": ["string", "null"], "description": "Where."},
        {"type": "string"},
        {"type": "integer", "description": "How many.", "minimum": 1},
        True,
    ],
)
def test_a_nested_schema_is_an_estimate(nested: Any) -> None:
    """What the rule does not cover is counted as its JSON, and the whole is marked."""
    plain = weather(unit=UNIT)
    found, method = tool_tokens([weather(unit=UNIT, location=nested)], "gpt-4o")

    assert method is TokensMethod.ESTIMATE
    assert found > tool_tokens([plain], "gpt-4o")[0]


def test_deeper_costs_more() -> None:
    """Each member of a nested object adds to the count."""
    one = weather(at={"type": "object", "properties": {"a": CITY}})
    two = weather(at={"type": "object", "properties": {"a": CITY, "b": CITY}})

    assert tool_tokens([two], "gpt-4o")[0] > tool_tokens([one], "gpt-4o")[0] + 5


def test_a_model_that_nobody_published_a_rule_for_is_an_estimate() -> None:
    """The rule was published for gpt-3.5, gpt-4 and gpt-4o; gpt-4.1 and a simulated model count likewise, marked."""
    assert tool_tokens([WEATHER], "gpt-4.1")[1] is TokensMethod.ESTIMATE
    assert tool_tokens([WEATHER], "large")[1] is TokensMethod.ESTIMATE


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["type", "properties", "required", "$defs", "enum"]), json_values))
def test_any_schema_has_a_count(schema: dict[str, Any]) -> None:
    """Whatever a suite calls a schema, there is a count."""
    assert tool_tokens([Tool(name="f", parameters=schema)], "gpt-4o")[0] >= 12
