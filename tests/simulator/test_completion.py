from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun import tokens
from evalrun.simulator.engine import Rules
from evalrun.simulator.pieces import alternatives, pieces, token_logprobs
from tests.simulator.test_engine import ask, body

WEATHER = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


def reply(**more: Any) -> dict[str, Any]:
    """The body of the reply to one question."""
    found = ask(Rules(), body(**more))[0]
    assert found.status == 200, found.body
    assert found.body is not None
    return found.body


def refused(**more: Any) -> tuple[int, str | None, str | None, str]:
    """Status, parameter, code and message of a refusal."""
    found = ask(Rules(), body(**more))[0]
    assert found.body is not None
    error = found.body["error"]
    return found.status, error["param"], error["code"], error["message"]


def test_n_answers_differ_above_temperature_zero() -> None:
    """Several choices are several draws, of which the first is the one that comes alone; at 0 they are all the same."""
    question = "Name the currency of Peru, please."
    alone = reply(text=question, model="small", temperature=1)
    warm = reply(text=question, model="small", temperature=1, n=12)
    cold = reply(text=question, model="small", n=3)
    texts = [choice["message"]["content"] for choice in warm["choices"]]

    assert [choice["index"] for choice in warm["choices"]] == list(range(12))
    assert len(set(texts)) > 1
    assert texts[0] == alone["choices"][0]["message"]["content"]
    assert len({choice["message"]["content"] for choice in cold["choices"]}) == 1
    assert warm["usage"]["completion_tokens"] == sum(map(tokens.estimate, texts))


def test_logprobs_belong_to_the_tokens() -> None:
    """Each token has its probability and those of the likeliest in its place; together they are the text."""
    choice = reply(text="Name three fruits, separated by commas.", logprobs=True, top_logprobs=3)["choices"][0]
    found = choice["logprobs"]["content"]

    assert "".join(each["token"] for each in found) == choice["message"]["content"]
    assert all(each["logprob"] < 0 for each in found)
    assert all(len(each["top_logprobs"]) == 3 for each in found)
    assert all(bytes(each["bytes"]).decode() == each["token"] for each in found)
    assert reply()["choices"][0]["logprobs"] is None


@given(st.text(max_size=200))
def test_pieces_are_the_text_and_its_tokens(text: str) -> None:
    """Pieces join to the text, and there are as many as are counted, or fewer where signs are indivisible."""
    found = pieces(text)

    assert "".join(found) == text
    assert len(found) <= tokens.estimate(text)
    assert not text.isascii() or len(found) == tokens.estimate(text)
    assert len(token_logprobs(text, 2)) == len(found)


def test_alternatives_are_less_likely_and_no_more_than_one_together() -> None:
    """The probabilities in one place do not exceed 1 and fall."""
    row = [value for _, value in alternatives("some text", 1, "text", 20)]

    assert sum(map(math.exp, row)) <= 1.0001
    assert row[1:] == sorted(row[1:], reverse=True)
    assert alternatives("some text", 1, "text", 0) == []


def test_a_call_is_a_tool_call() -> None:
    """A reply with calls has no text, ends with tool_calls, and its tokens count the arguments."""
    found = reply(text="What is the weather in Paris?", tools=[WEATHER])
    choice = found["choices"][0]

    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert json.loads(choice["message"]["tool_calls"][0]["function"]["arguments"]) == {"city": "Paris"}
    assert found["usage"]["completion_tokens"] > 5
    assert found["usage"]["prompt_tokens"] > reply(text="What is the weather in Paris?")["usage"]["prompt_tokens"]


def test_a_call_that_does_not_fit_is_cut() -> None:
    """With too few tokens there is no call, and the reply says that it was cut."""
    found = reply(text="What is the weather in Paris?", tools=[WEATHER], max_tokens=5)

    assert found["choices"][0]["finish_reason"] == "length"
    assert "tool_calls" not in found["choices"][0]["message"]
    assert found["usage"]["completion_tokens"] == 5


def thinker(**more: Any) -> dict[str, Any]:
    """What a model that reasons replies."""
    return reply(model="thinker", temperature=None, **more)


def test_a_model_that_reasons_says_how_much() -> None:
    """Reasoning tokens are part of the completion's, grow with the effort, and are none with the effort none."""
    spent = {
        effort: [
            thinker(text=f"What is {n} + 2?", reasoning_effort=effort)["usage"]["completion_tokens_details"][
                "reasoning_tokens"
            ]
            for n in range(10)
        ]
        for effort in ("none", "minimal", "low", "medium", "high")
    }
    usage = thinker()["usage"]

    assert [sum(row) for row in spent.values()] == sorted(sum(row) for row in spent.values())
    assert sum(spent["none"]) == 0 < sum(spent["low"])
    assert usage["completion_tokens"] > usage["completion_tokens_details"]["reasoning_tokens"] > 0


def test_thoughts_may_leave_nothing_for_the_answer() -> None:
    """Where the limit is spent on reasoning, the answer is empty and cut."""
    found = thinker(max_completion_tokens=10)

    assert found["choices"][0]["message"]["content"] == ""
    assert found["choices"][0]["finish_reason"] == "length"
    assert found["usage"]["completion_tokens"] == 10


@pytest.mark.parametrize(
    ("asked", "param", "code", "words"),
    [
        ({"max_tokens": 9}, "max_tokens", "unsupported_parameter", "Use 'max_completion_tokens' instead."),
        ({"temperature": 0}, "temperature", "unsupported_value", "Only the default (1) value is supported."),
        ({"top_p": 0.5}, "top_p", "unsupported_value", "does not support 0.5 with this model"),
        ({"presence_penalty": 1}, "presence_penalty", "unsupported_value", "Only the default (0)"),
        ({"logprobs": True}, "logprobs", "unsupported_parameter", "not supported with this model"),
        ({"stop": "x"}, "stop", "unsupported_parameter", "not supported with this model"),
    ],
)
def test_a_model_that_reasons_refuses_what_openais_refuse(
    asked: dict[str, Any], param: str, code: str, words: str
) -> None:
    """Sampling parameters are a 400 in OpenAI's words; their usual values are not."""
    status, found_param, found_code, message = refused(**{"model": "thinker", "temperature": None, **asked})

    assert (status, found_param, found_code) == (400, param, code)
    assert words in message


def test_other_models_do_not_reason() -> None:
    """An effort is a 400 for a model that cannot make one; the usual sampling values are fine for one that reasons."""
    assert refused(reasoning_effort="low")[:3] == (400, "reasoning_effort", "unsupported_parameter")
    assert ask(Rules(), body(model="thinker", temperature=1, top_p=1, presence_penalty=0))[0].status == 200
