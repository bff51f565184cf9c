from __future__ import annotations

from typing import Any

import pytest

from evalrun.simulator.dialects.azure import DEPLOYMENTS, INFERENCE, V1
from evalrun.simulator.faults import reply_to
from tests.simulator.dialects.exchange import datas, refused, stream, whole

CHAT, V1_CHAT, MODELS_CHAT = (table["chat/completions"] for table in (DEPLOYMENTS, V1, INFERENCE))
PLACE: dict[str, Any] = {"place": {"deployment": "large"}, "query": {"api-version": "2024-10-21"}}
VERSION: dict[str, Any] = {"query": {"api-version": "2024-05-01-preview"}}


def body(**more: Any) -> dict[str, Any]:
    """A request at temperature 0."""
    return {"messages": [{"role": "user", "content": "What is the capital of France?"}], "temperature": 0, **more}


def test_the_deployment_is_the_model() -> None:
    """Whatever the body says, the path decides; the filters' reports are in the reply."""
    found = whole(CHAT, body(model="something else"), **PLACE)

    assert found["model"] == "large"
    assert "Paris" in found["choices"][0]["message"]["content"]
    assert found["choices"][0]["content_filter_results"]["hate"] == {"filtered": False, "severity": "safe"}
    assert found["prompt_filter_results"][0]["content_filter_results"]["jailbreak"]["detected"] is False


@pytest.mark.parametrize("dialect", [CHAT, V1_CHAT])
def test_a_stream_begins_with_a_chunk_of_nothing(dialect: Any) -> None:
    """Azure's first chunk has no choices, no id and no model, but the report on the prompt."""
    first, second, *_ = datas(stream(dialect, body(model="large"), **PLACE))

    assert (first["choices"], first["id"], first["model"], first["created"]) == ([], "", "", 0)
    assert first["prompt_filter_results"]
    assert second["choices"][0]["delta"]["role"] == "assistant"
    assert stream(dialect, body(model="large"), **PLACE)[-1].data == "[DONE]"


def test_the_new_form_has_no_version() -> None:
    """/openai/v1 takes the model from the body and no api-version."""
    assert whole(V1_CHAT, body(model="small"))["model"] == "small"
    assert whole(V1["completions"], {"model": "large", "prompt": "What is 2 + 2?"})["prompt_filter_results"]
    assert whole(V1["responses"], {"model": "large", "input": "What is 2 + 2?"})["object"] == "response"


@pytest.mark.parametrize(
    ("place", "status", "code"),
    [
        ({**PLACE, "query": {}}, 404, "404"),
        ({**PLACE, "place": {"deployment": "gpt-4o"}}, 404, "DeploymentNotFound"),
    ],
)
def test_what_is_not_deployed_is_not_found(place: dict[str, Any], status: int, code: str) -> None:
    """An unknown deployment, or no api-version, is a 404 with Azure's codes."""
    found, error = refused(CHAT, body(), **place)

    assert (found, error["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [("401", 401, "401"), ("filter", 400, "content_filter"), ("500", 500, None), ("money", 429, "insufficient_quota")],
)
def test_faults_have_azures_words(fault: str, status: int, code: str | None) -> None:
    """A refused key and a filtered prompt look as Azure makes them."""
    said, _, error = reply_to(fault)
    found, told = CHAT.error(said, error)

    assert (found, told["error"]["code"]) == (status, code)
    assert ("innererror" in told["error"]) == (fault == "filter")


def test_limits_are_told_as_azure_does() -> None:
    """Unless the rules name another style."""
    assert (CHAT.style("openai"), CHAT.style("github"), MODELS_CHAT.style("openai")) == ("azure", "github", "azure")


def test_inference_is_plain() -> None:
    """Azure AI inference answers in OpenAI's shape, without the filters' reports."""
    found = whole(MODELS_CHAT, body(model="large"), **VERSION)

    assert "Paris" in found["choices"][0]["message"]["content"]
    assert "prompt_filter_results" not in found


@pytest.mark.parametrize(
    ("header", "n"), [({}, None), ({"extra-parameters": "drop"}, 1), ({"extra-parameters": "pass-through"}, 2)]
)
def test_extra_parameters_are_ruled_by_a_header(header: dict[str, str], n: int | None) -> None:
    """What this API does not name is an error, is dropped, or reaches the model."""
    asked = body(model="large", n=2)
    if n is None:
        status, error = refused(MODELS_CHAT, asked, header, **VERSION)
        assert (status, error["error"]["param"]) == (400, "n")
    else:
        assert len(whole(MODELS_CHAT, asked, header, **VERSION)["choices"]) == n


@pytest.mark.parametrize(
    ("more", "asked", "code"),
    [
        ({}, {"model": "large"}, "MissingApiVersionParameter"),
        (VERSION, {"model": "gpt"}, "unknown_model"),
        ({**VERSION, "headers": {"extra-parameters": "maybe"}}, {"model": "large"}, "invalid_value"),
    ],
)
def test_inference_refuses_in_its_words(more: dict[str, Any], asked: dict[str, Any], code: str) -> None:
    """No version, an unknown model and a strange header are a 400 each."""
    status, error = refused(MODELS_CHAT, body(**asked), **more)

    assert (status, error["error"]["code"]) == (400, code)


@pytest.mark.parametrize("dialect", [CHAT, MODELS_CHAT])
def test_a_body_that_is_none_is_refused(dialect: Any) -> None:
    """What is no object is a 400."""
    assert refused(dialect, None, **PLACE)[0] == 400
