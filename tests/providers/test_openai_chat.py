from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.providers.classify import EXCERPT
from evalrun.providers.dialect import encode
from evalrun.providers.openai_chat import build, parse
from evalrun.providers.reply import Reply
from evalrun.records.message import Message
from evalrun.records.outcome import Failure, FailureKind, Outcome, Response, Status, TokensMethod, status_of
from evalrun.redact import Redactor
from tests.providers.makers import request
from tests.providers.rawserver import chat

NOW = 1_800_000_000.0
CLEAN = Redactor([])


def parsed(body: Any, status: int = 200, **more: Any) -> Outcome:
    """What the dialect makes of a reply."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = Reply(status=status, headers={}, body=content, latency_s=0.5)
    return parse(reply, request(), now=NOW, redact=CLEAN, **more)


def answer(body: Any, **more: Any) -> Response:
    """The Response that a reply must be."""
    outcome = parsed(body, **more)
    assert isinstance(outcome, Response), outcome
    return outcome


def choice(**message: Any) -> dict[str, Any]:
    """A chat completion with this message."""
    return chat(choices=[{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}])


def test_build() -> None:
    """Model, messages and parameters go out as the request has them."""
    asked = request(
        messages=(Message(role="system", content="Be brief."), Message(role="user", content="ä")),
        params={"temperature": 0.5, "stop": ["\n"], "seed": 9},
    )

    body = build(asked)

    assert body == {
        "temperature": 0.5,
        "stop": ["\n"],
        "seed": 9,
        "model": "m-1",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "ä"}],
    }
    assert json.loads(encode(body)) == body


@given(st.text())
def test_any_prompt_arrives(text: str) -> None:
    """Whatever the prompt's text, it arrives unchanged, in ASCII."""
    sent = encode(build(request(text)))

    assert sent.isascii()
    assert json.loads(sent)["messages"][0]["content"] == text


def test_a_whole_reply() -> None:
    """Text, end, model, fingerprint and all token figures are taken from the reply, and the reply itself is kept."""
    body = chat(
        "Paris",
        system_fingerprint="fp_1",
        usage={
            "prompt_tokens": 11,
            "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 8},
            "completion_tokens_details": {"reasoning_tokens": 3},
        },
    )

    response = answer(body)

    assert (response.text, response.finish_reason, response.refusal) == ("Paris", "stop", None)
    assert (response.model, response.system_fingerprint, response.latency_s) == ("m-1", "fp_1", 0.5)
    usage = response.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens, usage.reasoning_tokens) == (11, 5, 8, 3)
    assert usage.method is TokensMethod.API
    assert json.loads(response.body or "") == body


@pytest.mark.parametrize(
    ("body", "text", "status"),
    [
        (chat("Paris"), "Paris", Status.ANSWERED),
        (chat(""), "", Status.NO_ANSWER),
        (chat(None), None, Status.NO_ANSWER),
        (choice(), None, Status.NO_ANSWER),
        (choice(content=None, refusal="I cannot."), None, Status.REFUSED),
        (choice(content="", refusal=""), "", Status.NO_ANSWER),
        (choice(content=None, tool_calls=[{"id": "c", "function": {"name": "f"}}]), None, Status.ANSWERED),
        (choice(content=[{"type": "text", "text": "Pa"}, {"type": "text", "text": "ris"}]), "Paris", Status.ANSWERED),
        (choice(content=[{"type": "image"}]), None, Status.NO_ANSWER),
        (choice(content=[]), None, Status.NO_ANSWER),
        (chat(choices=[{"message": {"content": "Pa"}, "finish_reason": "length"}]), "Pa", Status.ANSWERED),
        (chat(choices=[{"message": {"content": ""}, "finish_reason": "length"}]), "", Status.NO_ANSWER),
        (chat(choices=[{"message": {"content": "x"}, "finish_reason": "content_filter"}]), "x", Status.FILTERED),
        (chat(choices=[{"message": {"content": "x"}, "finish_reason": None}]), "x", Status.ANSWERED),
        (chat(choices=[{"message": {"content": "a"}}, {"message": {"content": "b"}}]), "a", Status.ANSWERED),
        (chat("x", error=None), "x", Status.ANSWERED),
    ],
)
def test_what_became_of_it(body: dict[str, Any], text: str | None, status: Status) -> None:
    """An answer, no answer, a refusal and a filtered answer are told apart."""
    response = answer(body)

    assert response.text == text
    assert status_of(response) is status


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "cut"),
        (b"   \n", "cut"),
        (b"<html><body>Log in</body></html>", "garbage"),
        (b'data: {"choices": []}\n\n', "cut"),
        (b"null", "garbage"),
        (b'"text"', "garbage"),
        (b"[]", "garbage"),
        (b"{}", "garbage"),
        (b'{"choices": []}', "garbage"),
        (b'{"choices": null}', "garbage"),
        (b'{"choices": {"0": 1}}', "garbage"),
        (b'{"choices": [null]}', "garbage"),
        (b'{"choices": [{"message": null}]}', "garbage"),
        (b'{"choices": [{"message": {"content": 5}}]}', "garbage"),
        (b'{"choices": [{"message": {"content": ["x"]}}]}', "garbage"),
        (b'{"choices": [{"message": {"content": [{"type": "text", "text": 5}]}}]}', "garbage"),
        (b'{"choices": [{"message": {"content": "a", "content": "b"}}]}', "garbage"),
        (b'{"choices": [{"message": {"content": "a"}, "score": NaN}]}', "garbage"),
        (b'{"choices": [{"message": {"content": "a"}, "score": -Infinity}]}', "garbage"),
        (b'{"created": ' + b"9" * 5000 + b', "choices": [{"message": {"content": "a"}}]}', "garbage"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "garbage"),
        (b'{"choices": [{"message": {"content": "a"}}]} and more', "garbage"),
        (b'{"choices": [{"message": {"content": "a"}}', "cut"),
        (b'{"choices": [{"message": {"content": "a\xc3', "cut"),
        (b'{"choices": [{"message": {"content": "a"}, "finish_reason": "error"}]}', "server"),
        (b'{"choices": [{"error": {"code": 429, "message": "busy"}, "message": {"content": "a"}}]}', "rate_limit"),
        (b'{"error": {"code": "content_filter", "message": "no", "status": 400}}', "filtered"),
        (b'{"error": "out of memory"}', "garbage"),
    ],
)
def test_a_200_without_an_answer(body: bytes, kind: str) -> None:
    """A 200 that holds no answer is a failure of a fitting kind with the beginning of the body."""
    failure = parsed(body)

    assert isinstance(failure, Failure)
    assert failure.kind.value == kind
    assert failure.http_status == 200
    assert len(failure.body or "") <= EXCERPT


def test_lone_surrogates_are_kept() -> None:
    """A model that ends in the middle of an emoji has answered all the same."""
    assert answer(b'{"choices": [{"message": {"content": "ok \\ud83d"}}]}').text == "ok \ud83d"


@pytest.mark.parametrize(
    ("usage", "prompt", "completion", "method"),
    [
        ({"prompt_tokens": 11, "completion_tokens": 2}, 11, 2, TokensMethod.API),
        ({"prompt_tokens": 11.0, "completion_tokens": 0}, 11, 0, TokensMethod.API),
        ({"prompt_tokens": 11}, 11, None, TokensMethod.ESTIMATE),
        ({"prompt_tokens": -1, "completion_tokens": 2}, None, 2, TokensMethod.ESTIMATE),
        ({"prompt_tokens": True, "completion_tokens": "2"}, None, None, TokensMethod.ESTIMATE),
        ({"prompt_tokens": 10**30, "completion_tokens": 2}, None, 2, TokensMethod.ESTIMATE),
        (None, None, None, TokensMethod.ESTIMATE),
        ([], None, None, TokensMethod.ESTIMATE),
    ],
)
def test_usage(usage: Any, prompt: int | None, completion: int | None, method: TokensMethod) -> None:
    """Token figures are the reply's; what it does not say is counted, and the method says so."""
    found = answer(chat("Paris", usage=usage)).usage

    assert found.method is method
    for figure, expected in ((found.prompt_tokens, prompt), (found.completion_tokens, completion)):
        assert figure is not None
        assert figure == expected if expected is not None else 0 < figure < 100


def test_simulated_figures() -> None:
    """The simulator's own figures are marked as such; what it does not say is counted as for everyone."""
    assert answer(chat("x"), simulated=True).usage.method is TokensMethod.SIMULATED
    assert answer(chat("x", usage=None), simulated=True).usage.method is TokensMethod.ESTIMATE


@given(status=st.integers(100, 599), body=st.binary())
def test_any_bytes(status: int, body: bytes) -> None:
    """Any bytes with any status are a Response or a Failure."""
    assert isinstance(parsed(body, status), Response | Failure)


WORDS = st.sampled_from(
    ["error", "choices", "message", "content", "finish_reason", "refusal", "usage", "prompt_tokens", "text", "type"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=20,
)


@given(
    body=JSON
    | st.builds(lambda part: {"choices": [part]}, JSON)
    | st.builds(lambda part, usage: {"choices": [{"message": part}], "usage": usage}, JSON, JSON)
)
def test_any_json(body: Any) -> None:
    """Any JSON, nested in the place of any part of a reply, is a Response or a Failure."""
    assert isinstance(parsed(json.dumps(body).encode()), Response | Failure)


@given(st.data())
def test_a_prefix_is_never_an_answer(data: st.DataObject) -> None:
    """A reply cut anywhere is a failure."""
    text = data.draw(st.text())
    whole = json.dumps(chat(text, extra={"a": [1, {}]}), ensure_ascii=data.draw(st.booleans())).encode(
        "utf-8", "replace"
    )
    cut = data.draw(st.integers(0, len(whole) - 1))

    outcome = parsed(whole[:cut])

    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.CUT


def test_recorded_exchanges(shared_data: Path) -> None:
    """Recorded replies of several services give the text, end and token figures that stand in them."""
    seen = {"answers": 0, "failures": 0}
    with (shared_data / "cassettes" / "normalized.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            exchange = json.loads(line)
            response = exchange["response"]
            kind = "".join(response["headers"].get("content-type", []))
            if "/chat/completions" not in exchange["request"]["url"] or kind.startswith("text/event-stream"):
                continue
            outcome = parsed(response["body"].encode(), response["status"])
            try:
                said = json.loads(response["body"])
            except ValueError:
                said = {}
            if response["status"] != 200 or "choices" not in said:
                assert isinstance(outcome, Failure), exchange["id"]
                seen["failures"] += 1
                continue
            message = said["choices"][0]["message"]
            assert isinstance(outcome, Response), exchange["id"]
            assert outcome.text == message.get("content"), exchange["id"]
            assert outcome.refusal == message.get("refusal"), exchange["id"]
            assert outcome.finish_reason == said["choices"][0]["finish_reason"], exchange["id"]
            assert outcome.usage.prompt_tokens == said["usage"]["prompt_tokens"], exchange["id"]
            assert outcome.usage.completion_tokens == said["usage"]["completion_tokens"], exchange["id"]
            assert outcome.usage.method is TokensMethod.API
            seen["answers"] += 1

    assert seen["answers"] >= 35
    assert seen["failures"] >= 10


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ("test_authentication_error", "auth"),
        ("test_model_not_found", "not_found"),
        ("test_openrouter_errors_raised", "overload"),
        ("test_prompt_content_filtering.yaml#0", "filtered"),
        ("test_tool_use_failed_error.yaml#0", "bad_request"),
        ("context_length_exceeded_errors", "bad_request"),
        ("test_text_response", "garbage"),
        ("test_chat_completion_404", "not_found"),
    ],
)
def test_recorded_errors(part: str, kind: str, shared_data: Path) -> None:
    """Recorded error replies are of the kind that a person would say they are."""
    with (shared_data / "cassettes" / "normalized.jsonl").open(encoding="utf-8") as lines:
        exchanges = [json.loads(line) for line in lines]
    found = [
        parsed(exchange["response"]["body"].encode(), exchange["response"]["status"])
        for exchange in exchanges
        if part in exchange["id"] and "/chat/completions" in exchange["request"]["url"]
    ]

    assert any(isinstance(outcome, Failure) for outcome in found)
    assert {outcome.kind.value for outcome in found if isinstance(outcome, Failure)} == {kind}
