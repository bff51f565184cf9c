from __future__ import annotations

from typing import Any

import pytest

from evalrun import tokens
from evalrun.records.message import Message, Tool
from evalrun.records.outcome import TokensMethod
from evalrun.records.request import Request
from evalrun.suite.plan import _input_tokens

TEXTS = ("What is the capital of France?", "Paris")


def request(dialect: str, **changes: Any) -> Request:
    """A request of two texts."""
    fields: dict[str, Any] = {
        "key": "k", "provider": "lab", "dialect": dialect, "model": "large", "params": {}, "sample": 0,
        "messages": tuple(Message(role="user", content=text) for text in TEXTS),
    }  # fmt: skip
    return Request(**{**fields, **changes})


@pytest.mark.parametrize("dialect", ["openai-completions", "openai-embeddings"])
def test_plain_texts_have_no_frame(dialect: str) -> None:
    """Where no chat is sent, the texts count and nothing else."""
    assert _input_tokens(request(dialect)) == (sum(map(tokens.estimate, TEXTS)), TokensMethod.ESTIMATE)
    assert _input_tokens(request(dialect, messages=())) == (0, TokensMethod.ESTIMATE)


def test_tools_are_part_of_a_chat() -> None:
    """The definitions that go along are counted before anything is sent; recorded answers take nothing."""
    plain, with_tools = request("openai-chat"), request("openai-chat", tools=(Tool(name="f"),))

    assert _input_tokens(with_tools)[0] > _input_tokens(plain)[0] > sum(map(tokens.estimate, TEXTS))
    assert _input_tokens(request("recorded")) == (0, TokensMethod.RECORDED)
