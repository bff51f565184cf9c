from __future__ import annotations

from typing import Any

import pytest

from evalrun import tokens
from evalrun.simulator.dialects.completions import COMPLETIONS
from tests.simulator.dialects.exchange import datas, refused, stream, whole


def body(prompt: Any = "What is the capital of France?", **more: Any) -> dict[str, Any]:
    """A request at temperature 0."""
    return {"model": "large", "prompt": prompt, "temperature": 0, **more}


def text(**more: Any) -> str:
    """The text of the first choice."""
    return str(whole(COMPLETIONS, body(**more))["choices"][0]["text"])


def test_a_prompt_is_answered() -> None:
    """A reply has the shape of a text completion."""
    reply = whole(COMPLETIONS, body())

    assert reply["object"] == "text_completion"
    assert reply["id"].startswith("cmpl-")
    assert "Paris" in reply["choices"][0]["text"]
    assert set(reply["choices"][0]) == {"text", "index", "logprobs", "finish_reason"}
    assert reply["usage"]["completion_tokens"] == tokens.estimate(reply["choices"][0]["text"])


def test_a_prompt_is_gone_on_with() -> None:
    """Where the answer begins as the prompt does, the rest of it comes; echo puts the prompt before it."""
    prompt = "The capital of Italy is"

    assert text(prompt=prompt) == " Rome."
    assert text(prompt=prompt, echo=True) == "The capital of Italy is Rome."
    assert text(prompt=[prompt]) == " Rome."


def test_a_suffix_is_where_it_ends() -> None:
    """What comes after the completion is not in it."""
    assert (
        text(prompt="List the days of the week, separated by commas.", suffix=", Thursday")
        == "Monday, Tuesday, Wednesday"
    )


def test_sixteen_tokens_are_the_usual_limit() -> None:
    """Without max_tokens a completion is cut at 16 tokens, as this API does."""
    question = "List the planets as a numbered list."
    short, long = (whole(COMPLETIONS, body(question, **more)) for more in ({}, {"max_tokens": 100}))

    assert short["choices"][0]["finish_reason"] == "length"
    assert short["usage"]["completion_tokens"] == 16
    assert long["choices"][0]["finish_reason"] == "stop"


def test_the_best_of_several_are_chosen() -> None:
    """best_of makes more than it gives, and pays for them all."""
    more = {"prompt": "Name the currency of Peru, please.", "model": "small", "temperature": 1}
    two, of_eight = (whole(COMPLETIONS, body(**more, **each)) for each in ({"n": 2}, {"n": 2, "best_of": 8}))

    assert len(two["choices"]) == len(of_eight["choices"]) == 2
    assert of_eight["usage"]["completion_tokens"] > two["usage"]["completion_tokens"]


def test_logprobs_are_in_columns() -> None:
    """Tokens, their probabilities, the likeliest and where each begins, echo's tokens included."""
    prompt = "The capital of Italy is"
    choice = whole(COMPLETIONS, body(prompt, logprobs=2, echo=True))["choices"][0]
    found = choice["logprobs"]

    assert "".join(found["tokens"]) == choice["text"]
    assert [
        choice["text"][at : at + len(token)] for at, token in zip(found["text_offset"], found["tokens"], strict=True)
    ] == found["tokens"]
    assert all(value < 0 for value in found["token_logprobs"])
    assert all(len(each) == 2 for each in found["top_logprobs"])


@pytest.mark.parametrize("more", [{}, {"n": 3, "model": "small", "temperature": 1}, {"echo": True, "logprobs": 1}])
def test_a_stream_adds_up_to_the_reply(more: dict[str, Any]) -> None:
    """The pieces of each choice join to its text, with its tokens, and end as it does; usage comes last."""
    asked = body("List the planets as a numbered list.", max_tokens=60, **more)
    reply = whole(COMPLETIONS, asked)
    events = stream(COMPLETIONS, {**asked, "stream_options": {"include_usage": True}})
    *chunks, last = datas(events)
    for choice in reply["choices"]:
        pieces = [each for chunk in chunks for each in chunk["choices"] if each["index"] == choice["index"]]
        assert "".join(piece["text"] for piece in pieces) == choice["text"]
        assert pieces[-1]["finish_reason"] == choice["finish_reason"]
        if choice["logprobs"]:
            assert [token for piece in pieces[:-1] for token in piece["logprobs"]["tokens"]] == choice["logprobs"][
                "tokens"
            ]

    assert last["usage"] == reply["usage"]
    assert events[-1].data == "[DONE]"


@pytest.mark.parametrize(
    ("asked", "status", "param"),
    [
        ({"prompt": None}, 400, "prompt"),
        ({"prompt": ["a", "b"]}, 400, "prompt"),
        ({"prompt": [1, 2]}, 400, "prompt"),
        ({"prompt": 5}, 400, "prompt"),
        ({"messages": []}, 400, "messages"),
        ({"tools": []}, 400, "tools"),
        ({"n": 3, "best_of": 2}, 400, "best_of"),
        ({"best_of": 2, "stream": True}, 400, "stream"),
        ({"logprobs": 9}, 400, "logprobs"),
        ({"echo": "yes"}, 400, "echo"),
        ({"echo": True, "suffix": "x"}, 400, "echo"),
        ({"model": "thinker"}, 404, "model"),
        ({"model": "gpt"}, 404, None),
    ],
)
def test_mistakes_get_openais_errors(asked: dict[str, Any], status: int, param: str | None) -> None:
    """Each mistake names the parameter at fault; a model that reasons is for chats only."""
    found, error = refused(COMPLETIONS, body(**asked))

    assert (found, error["error"]["param"]) == (status, param)
