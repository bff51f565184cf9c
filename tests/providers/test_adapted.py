"""What the catalog leaves of a suite's parameters, every dialect can say."""

from __future__ import annotations

from typing import Any

import pytest

from evalrun.catalog.adapt import adapt
from evalrun.providers.send import DIALECTS
from tests.providers.makers import request

TUNING: dict[str, Any] = {
    "temperature": 0.5, "top_p": 0.5, "max_tokens": 5, "max_completion_tokens": 6, "seed": 1, "frequency_penalty": 1.0,
    "presence_penalty": 1.0, "logit_bias": {"5": 1}, "reasoning_effort": "low", "service_tier": "auto",
    "parallel_tool_calls": True, "user": "me",
}  # fmt: skip
SAID = {name: {name: value} for name, value in TUNING.items()}
SAID |= {"logprobs": {"logprobs": True, "top_logprobs": 2}, "all": {**TUNING, "logprobs": True, "top_logprobs": 2}}


@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_tuning_never_skips_a_cell(dialect: str, said: dict[str, Any]) -> None:
    """No dialect refuses a request for parameters that only tune how an answer is drawn."""
    params, _ = adapt("lab", dialect, "a-model", said)

    assert DIALECTS[dialect].build(request(dialect=dialect, params=params))
