from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.providers.dialect import Unsupported
from evalrun.providers.openai_completions import build, headers
from evalrun.records.message import Message
from evalrun.records.outcome import Choice, Failure, FailureKind, Response, Status, TokensMethod, status_of
from evalrun.records.request import Request
from evalrun.records.suite import Provider
from tests.providers.dialects import (
    ANYTHING,
    CANARY,
    LINKED,
    OBJECTS,
    STREAM,
    WEATHER,
    answer,
    arriving,
    asked,
    failure,
    parsed,
    sent,
    stream,
)
from tests.providers.openapi import valid

NAME = "openai-completions"
USER = Message(role="user", content="What is this?")
PLAIN = {"model": "m-1", "prompt": "What is this?"}


def ask(*messages: Message, params: dict[str, Any] | None = None, **more: Any) -> Request:
    """A request in this dialect."""
    return asked(NAME, *messages, params=params or {}, **more)


# ── requests ───────────────────────────────────────────────────────────────────────────────────────────────────────

REQUESTS: dict[str, tuple[Request, dict[str, Any]]] = {
    "plain": (ask(), {}),
    "the system's above it": (
        ask(Message(role="system", content="Be brief."), Message(role="developer", content="In French."), USER),
        {"prompt": "Be brief.\n\nIn French.\n\nWhat is this?"},
    ),
    "several texts": (ask(Message(role="user", content=("What is", "this?"))), {"prompt": "What is\nthis?"}),
    "everything that it has": (
        ask(
            params={
                "temperature": 0.5,
                "top_p": 0.9,
                "n": 2,
                "best_of": 3,
                "stop": ["\n"],
                "seed": 7,
                "frequency_penalty": 0.1,
                "presence_penalty": 0.2,
                "logit_bias": {"50256": -100},
                "suffix": ".",
                "echo": True,
                "user": "u-1",
                "max_tokens": 64,
            }
        ),
        {
            "temperature": 0.5,
            "top_p": 0.9,
            "n": 2,
            "best_of": 3,
            "stop": ["\n"],
            "seed": 7,
            "frequency_penalty": 0.1,
            "presence_penalty": 0.2,
            "logit_bias": {"50256": -100},
            "suffix": ".",
            "echo": True,
            "user": "u-1",
            "max_tokens": 64,
        },
    ),
    "the newer name of the limit": (ask(params={"max_completion_tokens": 32}), {"max_tokens": 32}),
    "log probabilities": (ask(params={"logprobs": True, "top_logprobs": 3}), {"logprobs": 3}),
    "log probabilities of what is chosen": (ask(params={"logprobs": True}), {"logprobs": 0}),
    "log probabilities as the wire has them": (ask(params={"logprobs": 0}), {"logprobs": 0}),
    "no log probabilities": (ask(params={"logprobs": False}), {}),
    "nothing asked": (ask(params={"best_of": 1, "echo": False, "response_format": {"type": "text"}}), {}),
    "stream": (ask(params={"stream": True}), {"stream": True, "stream_options": {"include_usage": True}}),
    "extra_body last": (ask(params={"seed": 1, "extra_body": {"seed": 2, "top_k": 5}}), {"seed": 2, "top_k": 5}),
}


@pytest.mark.parametrize(("one", "more"), REQUESTS.values(), ids=REQUESTS)
def test_build(one: Request, more: dict[str, Any]) -> None:
    """Each thing that can be asked has its word in the body, nothing else is in it, and OpenAI's document agrees."""
    body = sent(one)

    assert body == {**PLAIN, **more}
    valid("CreateCompletionRequest", body)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (ask(tools=(WEATHER,)), "openai-completions has no tools"),
        (ask(USER, Message(role="tool", content="x", tool_call_id="c")), "openai-completions has no tools"),
        (ask(Message(role="user", content=("So", LINKED))), "openai-completions has no pictures"),
        (ask(Message(role="user", content="Hi", name="Ann")), "no names of speakers"),
        (ask(params={"response_format": {"type": "json_object"}}), "no response_format"),
        (ask(params={"reasoning_effort": "low", "tool_choice": "auto"}), "no reasoning_effort, tool_choice"),
        (ask(USER, Message(role="assistant", content="A cat.")), "no conversations: it takes one message of the user"),
        (ask(USER, USER), "no conversations"),
        (ask(Message(role="assistant", content="A cat."), USER), "no conversations"),
        (ask(Message(role="system", content="Be brief.")), "no conversations"),
        (ask(messages=()), "no conversations"),
    ],
)
def test_what_it_cannot_say(one: Request, words: str) -> None:
    """What Completions have no word for is refused in words, not left out."""
    with pytest.raises(Unsupported, match=words):
        build(one)


def test_headers() -> None:
    """It says whether it wants a stream."""
    assert headers(ask(params={"stream": True}), Provider(id="p", dialect=NAME)) == {"accept": "text/event-stream"}


# ── replies ────────────────────────────────────────────────────────────────────────────────────────────────────────


def choice(text: Any = "Paris", **more: Any) -> dict[str, Any]:
    """A choice."""
    return {"text": text, "index": 0, "logprobs": None, "finish_reason": "stop", **more}


def said(*choices: Any, **more: Any) -> dict[str, Any]:
    """A completion with these choices."""
    usage = {"prompt_tokens": 11, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 8}}
    fields = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m-1-2026", "usage": usage}
    return {**fields, "system_fingerprint": "fp_1", "choices": list(choices), **more}


def test_a_whole_reply() -> None:
    """Texts, ends, model, fingerprint, token figures and the reply itself are taken from it."""
    body = said(choice(), choice(" Rome", index=1, finish_reason="length"))

    response = answer(ask(), body)

    assert (response.text, response.finish_reason, response.refusal) == ("Paris", "stop", None)
    assert response.choices == (Choice(text=" Rome", finish_reason="length"),)
    assert (response.model, response.system_fingerprint, response.ttft_s) == ("m-1-2026", "fp_1", None)
    usage = response.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens) == (11, 5, 8)
    assert usage.method is TokensMethod.API
    assert json.loads(response.body or "") == body


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (said(choice()), Status.ANSWERED),
        (said(choice("")), Status.NO_ANSWER),
        (said(choice("Pa", finish_reason="length")), Status.ANSWERED),
        (said(choice("x", finish_reason="content_filter")), Status.FILTERED),
        (said(choice(finish_reason=None)), Status.ANSWERED),
    ],
)
def test_what_became_of_it(body: dict[str, Any], status: Status) -> None:
    """Answers, no answers and filtered ones are told apart."""
    assert status_of(answer(ask(), body)) is status


def test_usage_that_is_missing() -> None:
    """Figures that the reply does not have are counted and marked so, of a text and not of a conversation."""
    counted = answer(ask(), said(choice(" Paris"), choice(" Rome"), usage=None)).usage

    assert (counted.prompt_tokens, counted.completion_tokens, counted.method) == (4, 2, TokensMethod.ESTIMATE)
    assert answer(ask(), said(choice()), simulated=True).usage.method is TokensMethod.SIMULATED


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "cut"),
        (b"<html>Log in</html>", "garbage"),
        (b"{}", "garbage"),
        (said(), "garbage"),
        (said(None), "garbage"),
        (said(choice(5)), "garbage"),
        (said(choice(None)), "garbage"),
        (said({"message": {"content": "Paris"}}), "garbage"),
        (said(choices=None), "garbage"),
        (said(choice(finish_reason="error")), "server"),
        (said(choice(error={"code": 429, "message": "busy"})), "rate_limit"),
        (said(choice(), error={"code": "content_filter", "message": "no"}), "filtered"),
        (b'{"choices": [{"text": "Pa', "cut"),
    ],
)
def test_a_200_without_an_answer(body: Any, kind: str) -> None:
    """A 200 that holds no answer is a failure of a fitting kind, also one that holds an error."""
    assert failure(ask(), body).kind.value == kind


# ── streams ────────────────────────────────────────────────────────────────────────────────────────────────────────

DONE = b"data: [DONE]\n\n"


def chunk(*choices: Any, usage: Any = None) -> dict[str, Any]:
    """A chunk of a stream."""
    return {"id": "cmpl-1", "object": "text_completion", "model": "m-1", "choices": list(choices), "usage": usage}


def logprobs(*words: str) -> dict[str, Any]:
    """Log probabilities of these tokens, as chunks have them."""
    return {"tokens": list(words), "token_logprobs": [-0.1] * len(words)}


USAGE = {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16}
CHUNKS = [
    chunk(),
    chunk(choice("", index=1, finish_reason=None)),
    chunk(choice("Grüß", finish_reason=None, logprobs=logprobs("Grüß"))),
    chunk(choice("Sal", index=1, finish_reason=None)),
    chunk(choice(" dich", logprobs=logprobs(" di", "ch")), choice("ut", index=1, finish_reason="length")),
]
LAST = chunk(usage=USAGE)


def test_a_stream() -> None:
    """Texts are joined by index, the last chunk's figures count, and the time to the first piece is that of a text."""
    body = stream([*CHUNKS, LAST]) + DONE

    response = answer(ask(params={"stream": True}), body, **arriving(body))

    assert (response.text, response.finish_reason) == ("Grüß dich", "stop")
    assert response.choices == (Choice(text="Salut", finish_reason="length"),)
    assert (response.usage.prompt_tokens, response.usage.completion_tokens) == (11, 5)
    assert response.ttft_s == 1.5
    whole = json.loads(response.body or "")
    assert whole["choices"][0]["logprobs"] == logprobs("Grüß", " di", "ch") | {"token_logprobs": [-0.1] * 3}
    assert (whole["usage"], whole["model"], whole["choices"][1]["text"]) == (USAGE, "m-1", "Salut")


def test_the_end() -> None:
    """A stream without its end mark counts only where HTTP says that it is whole, and every choice why it ended."""
    ended, open_ = stream(CHUNKS), stream(CHUNKS[:-1])
    one = ask(params={"stream": True})

    assert answer(one, ended, headers=STREAM, framed=True).text == "Grüß dich"
    assert failure(one, ended, headers=STREAM, framed=False).kind is FailureKind.CUT
    assert failure(one, open_, headers=STREAM, framed=True).kind is FailureKind.CUT
    assert failure(one, b": comment\n\n", headers=STREAM, framed=True).kind is FailureKind.CUT
    assert failure(one, DONE, headers=STREAM, framed=True).kind is FailureKind.GARBAGE


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        ({"error": {"code": 429, "message": "busy"}}, "rate_limit"),
        ({"error": {"type": "server_error", "message": "Oops"}}, "server"),
        (chunk(choice(error={"type": "server_error", "message": "Oops"})), "server"),
        (chunk(choice(finish_reason="error")), "server"),
        (chunk(choice(index="0")), "garbage"),
        ({"choices": "x"}, "garbage"),
    ],
)
def test_a_stream_that_goes_wrong(bad: dict[str, Any], kind: str) -> None:
    """An error in a stream is a failure of its kind, whatever came before."""
    assert failure(ask(), stream([*CHUNKS, bad]) + DONE, headers=STREAM).kind.value == kind


def test_a_cut_stream_is_never_an_answer() -> None:
    """A stream cut after any byte before its end mark is whole is a failure."""
    body = stream([*CHUNKS, LAST]) + DONE
    one = ask(params={"stream": True})

    outcomes = [parsed(one, body[:size], headers=STREAM, framed=False) for size in range(len(body))]

    assert not any(isinstance(outcome, Response) for outcome in outcomes)
    assert {outcome.kind.value for outcome in outcomes if isinstance(outcome, Failure)} == {"cut"}


# ── whatever comes ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@given(body=ANYTHING | st.builds(lambda part, more: said(choice() | part, **more), OBJECTS, OBJECTS))
def test_any_json(body: Any) -> None:
    """Any JSON in the place of any part of a reply, whole or streamed, is a Response or a Failure."""
    chunked = f"data: {json.dumps(body)}\n\n".encode() + DONE

    assert isinstance(parsed(ask(), body), Response | Failure)
    assert isinstance(parsed(ask(), chunked, headers=STREAM), Response | Failure)


def test_a_secret_in_a_reply() -> None:
    """A key that a reply repeats is in nothing that is kept, though it comes in pieces."""
    pieces = [chunk(choice(part, finish_reason=None)) for part in (CANARY[:9], CANARY[9:])]

    for response in (
        answer(ask(), said(choice(CANARY), choice(CANARY), model=CANARY), secret=CANARY),
        answer(ask(), stream(pieces) + DONE, headers=STREAM, secret=CANARY),
    ):
        assert CANARY not in repr(response)
        assert response.text == "***"
