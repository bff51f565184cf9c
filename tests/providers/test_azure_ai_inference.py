from __future__ import annotations

from typing import Any

import pytest

from evalrun.providers.azure_ai_inference import headers, path
from evalrun.providers.send import open_send
from evalrun.records.outcome import Response
from evalrun.records.suite import Provider
from tests.providers.makers import HandClock, request
from tests.providers.openapi import valid
from tests.providers.rawserver import Say, chat, raw_server, reply

RESOURCE = "https://lab.services.ai.azure.com"
VERSION = "?api-version=2024-05-01-preview"


@pytest.mark.parametrize(
    ("base_url", "api_version", "expected"),
    [
        (RESOURCE, "", "/models/chat/completions" + VERSION),
        (RESOURCE + "/", "", "/models/chat/completions" + VERSION),
        (RESOURCE + "/models", "", "/chat/completions" + VERSION),
        (RESOURCE + "/models/", "2025-04-01", "/chat/completions?api-version=2025-04-01"),
        ("https://mine.eastus2.models.ai.azure.com", "", "/chat/completions" + VERSION),
        ("https://models.inference.ai.azure.com", "", "/chat/completions" + VERSION),
        ("https://models.github.ai/inference", "", "/chat/completions" + VERSION),
        ("https://lab.openai.azure.com/openai/deployments/mini", "", "/chat/completions" + VERSION),
        ("http://127.0.0.1:8000", "a b", "/models/chat/completions?api-version=a%20b"),
    ],
)
def test_path(base_url: str, api_version: str, expected: str) -> None:
    """A bare resource gets /models; a base_url with a path, or of a serverless endpoint, is taken as it stands."""
    provider = Provider(id="az", dialect="azure-ai-inference", base_url=base_url, api_version=api_version)

    assert path(request(), provider) == expected


@pytest.mark.parametrize(
    ("params", "extra"),
    [
        ({}, False),
        ({"temperature": 0, "max_tokens": 5, "seed": 1, "stop": ["x"], "stream": False}, False),
        ({"stream": True}, True),  # its stream_options are extra
        ({"reasoning_effort": None}, False),
        ({"extra_body": {"safe_mode": True}}, True),
        ({"reasoning_effort": "low"}, True),
        ({"n": 2}, True),
        ({"max_completion_tokens": 5}, True),
    ],
)
def test_what_azure_has_no_word_for(params: dict[str, Any], extra: bool) -> None:
    """Parameters beyond Azure's own are passed through to the model, which a header asks for."""
    provider = Provider(id="az", dialect="azure-ai-inference", base_url=RESOURCE)

    found = headers(request(params=params), provider)

    assert found == {"accept": "application/json"} | ({"extra-parameters": "pass-through"} if extra else {})


async def test_there_and_back() -> None:
    """The key goes in the header api-key, the model in the body, and the reply is read as OpenAI's."""
    async with raw_server(Say(reply(chat("Paris")))) as server:
        origin = f"http://127.0.0.1:{server.port}"
        provider = Provider(id="lab", dialect="azure-ai-inference", base_url=origin, api_key_env="AZ")
        async with open_send({"lab": provider}, {}, environ={"AZ": "key-0123456789"}, clock=HandClock()) as send:
            outcome = await send(request(params={"extra_body": {"safe_mode": True}}, dialect="azure-ai-inference"))

    assert isinstance(outcome, Response)
    head = server.requests[0].split(b"\r\n\r\n")[0].decode().split("\r\n")
    assert head[0] == "POST /models/chat/completions?api-version=2024-05-01-preview HTTP/1.1"
    assert "api-key: key-0123456789" in head
    assert "extra-parameters: pass-through" in head
    assert (server.bodies[0]["model"], server.bodies[0]["safe_mode"]) == ("m-1", True)
    valid("CreateChatCompletionRequest", server.bodies[0])
