from __future__ import annotations

import json
from typing import Any

import pytest

from evalrun.providers import azure_openai
from evalrun.providers.azure_openai import path
from evalrun.providers.reply import Reply
from evalrun.providers.send import open_send
from evalrun.records.outcome import Failure, Response, Status, status_of
from evalrun.records.suite import Provider
from evalrun.redact import Redactor
from tests.providers.makers import HandClock, request
from tests.providers.openapi import valid
from tests.providers.rawserver import Say, chat, raw_server, reply

RESOURCE = "https://lab.openai.azure.com"


@pytest.mark.parametrize(
    ("base_url", "api_version", "model", "expected"),
    [
        (RESOURCE, "", "mini", "/openai/deployments/mini/chat/completions?api-version=2024-10-21"),
        (RESOURCE + "/", "", "mini", "/openai/deployments/mini/chat/completions?api-version=2024-10-21"),
        (RESOURCE, "2025-04-01", "mini", "/openai/deployments/mini/chat/completions?api-version=2025-04-01"),
        (RESOURCE, "", "a/b ?#é", "/openai/deployments/a%2Fb%20%3F%23%C3%A9/chat/completions?api-version=2024-10-21"),
        (RESOURCE, "x&y=1", "..", "/openai/deployments/../chat/completions?api-version=x%26y%3D1"),
        ("https://gate.example/team", "", "mini", "/openai/deployments/mini/chat/completions?api-version=2024-10-21"),
        (RESOURCE + "/openai/v1", "", "mini", "/chat/completions"),
        (RESOURCE + "/openai/v1/", "", "mini", "/chat/completions"),
        (RESOURCE + "/openai/v1", "preview", "mini", "/chat/completions?api-version=preview"),
    ],
)
def test_path(base_url: str, api_version: str, model: str, expected: str) -> None:
    """The deployment stands in the path, its name quoted, with the api-version; the v1 form has neither."""
    provider = Provider(id="az", dialect="azure-openai", base_url=base_url, api_version=api_version)

    assert path(request(model=model), provider) == expected


async def test_there_and_back() -> None:
    """The key goes in the header api-key, the body is OpenAI's, and the reply is read as OpenAI's."""
    async with raw_server(Say(reply(chat("Paris")))) as server:
        origin = f"http://127.0.0.1:{server.port}"
        provider = Provider(id="lab", dialect="azure-openai", base_url=origin, api_key_env="AZ")
        async with open_send({"lab": provider}, {}, environ={"AZ": "key-0123456789"}, clock=HandClock()) as send:
            outcome = await send(request(model="mini", dialect="azure-openai"))

    assert isinstance(outcome, Response)
    head = server.requests[0].split(b"\r\n\r\n")[0].decode().split("\r\n")
    assert head[0] == "POST /openai/deployments/mini/chat/completions?api-version=2024-10-21 HTTP/1.1"
    assert "api-key: key-0123456789" in head
    assert not any(line.lower().startswith("authorization:") for line in head)
    assert server.bodies[0]["messages"] == [{"role": "user", "content": "Capital of France?"}]
    valid("CreateChatCompletionRequest", server.bodies[0])


SAFE = {"hate": {"filtered": False, "severity": "safe"}}
HIT = {"hate": {"filtered": True, "severity": "high"}}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (
            200,
            {
                "choices": [
                    {"message": {"content": "x"}, "finish_reason": "content_filter", "content_filter_results": HIT}
                ]
            },
            Status.FILTERED,
        ),
        (200, {"choices": [{"finish_reason": "content_filter", "content_filter_results": HIT}]}, Status.FILTERED),
        (
            200,
            {
                "choices": [{"message": {"content": "x"}, "finish_reason": "stop", "content_filter_results": SAFE}],
                "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": SAFE}],
            },
            Status.ANSWERED,
        ),
        (
            400,
            {
                "error": {
                    "code": "content_filter",
                    "message": "The response was filtered",
                    "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": HIT},
                }
            },
            Status.FILTERED,
        ),
    ],
)
def test_what_the_filter_did(status: int, body: dict[str, Any], expected: Status) -> None:
    """What the content filter held back is filtered, in the prompt as in the answer; its all-clear changes nothing."""
    sent = Reply(status=status, headers={}, body=json.dumps(body).encode(), latency_s=1)

    outcome = azure_openai.parse(sent, request(), now=0, redact=Redactor(()))

    assert status_of(outcome) is expected
    assert isinstance(outcome, Failure) == (status == 400)
