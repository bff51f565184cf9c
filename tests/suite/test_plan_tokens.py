from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evalrun import tokens
from evalrun.records.message import Message, Tool
from evalrun.records.outcome import TokensMethod
from evalrun.records.request import Request
from evalrun.scoring import OPTIONS
from evalrun.suite.load import load_suite
from evalrun.suite.plan import _input_tokens, asking, expected_requests, first_request, make_plan

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


def test_all_that_was_chosen_from_is_billed(tmp_path: Path) -> None:
    """With best_of legacy completions write more answers than they give: the estimate and the booking know."""
    suite = tmp_path / "suite.yaml"
    suite.write_text(
        "version: 1\nmodels: [simulator-completions/small]\nprompts: {p: hello}\ncases: [{expected: x}]\n"
        "scorers: [equals]\nparams: {max_tokens: 10, n: 2, best_of: 5}\n"
    )
    plan = make_plan(load_suite(suite, scorers=OPTIONS))

    assert [expected_requests(plan, cell)[0][1] for cell in asking(plan, plan.cells)] == [50]
    assert first_request(plan, plan.cells[0]).output_tokens == 50
