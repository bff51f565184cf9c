from __future__ import annotations

from typing import Any

import pytest

from tests.providers.openapi import valid

ASKED = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


def test_a_request_that_is_right(shared_data: Any) -> None:
    """A plain chat request is what OpenAI describes."""
    valid("CreateChatCompletionRequest", ASKED)


@pytest.mark.parametrize(
    ("schema", "wrong"),
    [
        ("CreateChatCompletionRequest", {"messages": []}),
        ("CreateChatCompletionRequest", {"temperature": 9}),
        ("CreateChatCompletionRequest", {"n": "2"}),
        ("CreateCompletionRequest", {"prompt": {}}),
        ("CreateResponse", {"temperature": 9}),
        ("CreateEmbeddingRequest", {"input": 5}),
    ],
)
def test_a_request_that_is_wrong(schema: str, wrong: dict[str, Any], shared_data: Any) -> None:
    """A body that breaks the description is told where."""
    with pytest.raises(AssertionError, match=next(iter(wrong))):
        valid(schema, ASKED | {"input": "x", "prompt": "x"} | wrong)
