from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.providers.dialect import Unsupported
from evalrun.providers.openai_responses import build, headers
from evalrun.records.message import Image, Message, Tool, ToolCall
from evalrun.records.outcome import Failure, FailureKind, Response, Status, TokensMethod, status_of
from evalrun.records.request import Request
from evalrun.records.suite import Provider
from tests.providers.dialects import (
    ANYTHING,
    CANARY,
    LINKED,
    OBJECTS,
    SHOWN,
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

NAME = "openai-responses"
USER = Message(role="user", content="What is this?")
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
PLAIN = {"model": "m-1", "input": [{"role": "user", "content": "What is this?"}], "store": False}


def ask(*messages: Message, params: dict[str, Any] | None = None, **more: Any) -> Request:
    """A request in this dialect."""
    return asked(NAME, *messages, params=params or {}, **more)


def said(*output: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A response object with these output items."""
    usage = {
        "input_tokens": 11,
        "input_tokens_details": {"cached_tokens": 8},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 16,
    }
    fields = {"id": "resp_1", "object": "response", "status": "completed", "error": None, "incomplete_details": None}
    return {**fields, "model": "m-1-2026", "store": False, "output": list(output), "usage": usage, **more}


def message(text: str = "Paris", **more: Any) -> dict[str, Any]:
    """An output message."""
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part], **more}


def refusal(text: str = "I cannot.") -> dict[str, Any]:
    """An output message that refuses."""
    return message(content=[{"type": "refusal", "refusal": text}])


def call(name: str = "get_weather", arguments: str = '{"city": "Rome"}', call_id: str = "call_1") -> dict[str, Any]:
    """A call of a tool among the output."""
    fields = {"type": "function_call", "id": "fc_1", "status": "completed"}
    return {**fields, "call_id": call_id, "name": name, "arguments": arguments}


def reasoning(**more: Any) -> dict[str, Any]:
    """Reasoning among the output, hidden, with a summary."""
    summary = [{"type": "summary_text", "text": "Thinking of Italy."}]
    return {"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": "gAAA", **more}


def as_documented(body: dict[str, Any]) -> None:
    """Fail the running test where OpenAI's document does not allow *body*.

    A message with parts is held against its own schema: two alternatives of InputItem describe it alike, so that as one
    of just one of them, which the document says, none is ever valid.
    """
    of_parts = [item for item in body["input"] if isinstance(item.get("content"), list) and item["role"] != "assistant"]
    for item in of_parts:
        valid("InputMessage", item)
    items = [{**item, "content": "parts"} if item in of_parts else item for item in body["input"]]
    valid("CreateResponse", {**body, "input": items})


# ── requests ───────────────────────────────────────────────────────────────────────────────────────────────────────

REQUESTS: dict[str, tuple[Request, dict[str, Any]]] = {
    "plain": (ask(), {}),
    "conversation": (
        ask(
            Message(role="system", content="Be brief."),
            Message(role="developer", content="In French."),
            Message(role="user", content="Hello"),
            Message(role="assistant", content="Salut"),
            USER,
        ),
        {
            "input": [
                {"role": "system", "content": "Be brief."},
                {"role": "developer", "content": "In French."},
                {"role": "user", "content": "Hello"},
                {"role": "assistant", "content": "Salut"},
                {"role": "user", "content": "What is this?"},
            ]
        },
    ),
    "an empty answer in the history": (
        ask(USER, Message(role="assistant", content=""), USER),
        {"input": [*PLAIN["input"], {"role": "assistant", "content": ""}, *PLAIN["input"]]},
    ),
    "pictures": (
        ask(Message(role="user", content=("Look:", SHOWN, LINKED))),
        {
            "input": [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "Look:"},
                        {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"},
                        {"type": "input_image", "image_url": "https://example.org/cat.jpg", "detail": "auto"},
                    ],
                }
            ]
        },
    ),
    "sampling": (
        ask(params={"temperature": 0.5, "top_p": 0.9, "user": "u-1", "service_tier": "flex", "max_tokens": 64}),
        {"temperature": 0.5, "top_p": 0.9, "user": "u-1", "service_tier": "flex", "max_output_tokens": 64},
    ),
    "the newer name of the limit": (ask(params={"max_completion_tokens": 32}), {"max_output_tokens": 32}),
    "log probabilities": (
        ask(params={"logprobs": True, "top_logprobs": 3}),
        {"top_logprobs": 3, "include": ["message.output_text.logprobs"]},
    ),
    "log probabilities of what is chosen": (
        ask(params={"logprobs": True}),
        {"include": ["message.output_text.logprobs"]},
    ),
    "nothing asked": (
        ask(
            params={"logprobs": False, "n": 1, "logit_bias": {}, "presence_penalty": 0.0, "seed": None, "stream": False}
        ),
        {},
    ),
    "effort": (ask(params={"reasoning_effort": "high"}), {"reasoning": {"effort": "high"}}),
    "plain text": (ask(params={"response_format": {"type": "text"}}), {}),
    "any object": (
        ask(params={"response_format": {"type": "json_object"}}),
        {"text": {"format": {"type": "json_object"}}},
    ),
    "a schema": (
        ask(
            params={
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "thing", "description": "A thing.", "schema": SCHEMA, "strict": True},
                }
            }
        ),
        {
            "text": {
                "format": {
                    "type": "json_schema",
                    "name": "thing",
                    "description": "A thing.",
                    "schema": SCHEMA,
                    "strict": True,
                }
            }
        },
    ),
    "stream": (ask(params={"stream": True}), {"stream": True, "stream_options": {"include_obfuscation": False}}),
    "tools": (
        ask(tools=(WEATHER, Tool(name="now", strict=False)), params={"tool_choice": "required"}),
        {
            "tools": [
                {
                    "type": "function",
                    "name": "get_weather",
                    "description": "The weather of a city.",
                    "parameters": dict(WEATHER.parameters),
                    "strict": None,
                },
                {"type": "function", "name": "now", "parameters": {}, "strict": False},
            ],
            "tool_choice": "required",
        },
    ),
    "one tool, one at a time": (
        ask(
            params={
                "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
                "parallel_tool_calls": False,
            }
        ),
        {"tool_choice": {"type": "function", "name": "get_weather"}, "parallel_tool_calls": False},
    ),
    "calls and their answers": (
        ask(
            USER,
            Message(
                role="assistant",
                content="Let me see.",
                tool_calls=(
                    ToolCall(id="c1", name="get_weather", arguments='{"city": "Rome"}'),
                    ToolCall(id="c2", name="get_weather", arguments="no JSON"),
                ),
            ),
            Message(role="tool", content="Sunny", tool_call_id="c1", name="get_weather"),
            Message(role="tool", content=("Rain", LINKED), tool_call_id="c2"),
        ),
        {
            "input": [
                *PLAIN["input"],
                {"role": "assistant", "content": "Let me see."},
                {"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": '{"city": "Rome"}'},
                {"type": "function_call", "call_id": "c2", "name": "get_weather", "arguments": "no JSON"},
                {"type": "function_call_output", "call_id": "c1", "output": "Sunny"},
                {
                    "type": "function_call_output",
                    "call_id": "c2",
                    "output": [
                        {"type": "input_text", "text": "Rain"},
                        {"type": "input_image", "image_url": "https://example.org/cat.jpg", "detail": "auto"},
                    ],
                },
            ]
        },
    ),
    "extra_body last": (
        ask(params={"temperature": 1, "extra_body": {"store": True, "temperature": 0.1, "truncation": "auto"}}),
        {"temperature": 0.1, "store": True, "truncation": "auto"},
    ),
}


@pytest.mark.parametrize(("one", "more"), REQUESTS.values(), ids=REQUESTS)
def test_build(one: Request, more: dict[str, Any]) -> None:
    """Each thing that can be asked has its word in the body, nothing else is in it, and OpenAI's document agrees."""
    body = sent(one)

    assert body == {**PLAIN, **more}
    as_documented(body)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (ask(params={"seed": 7}), "openai-responses has no seed"),
        (ask(params={"stop": ["\n"], "n": 2}), "openai-responses has no n, stop"),
        (ask(params={"frequency_penalty": 0.1}), "no frequency_penalty"),
        (ask(params={"presence_penalty": 0.1}), "no presence_penalty"),
        (ask(params={"logit_bias": {"1": 5}}), "no logit_bias"),
        (ask(params={"model": "other"}), "no model"),
        (ask(params={"suffix": "."}), "no suffix"),
        (ask(Message(role="user", content="Hi", name="Ann")), "no names of speakers"),
        (ask(Message(role="user", content=(Image(source="sha256:cd"),))), "picture sha256:cd did not come along"),
        (ask(Message(role="assistant", content=("So", LINKED)), USER), "no pictures in a message of the assistant"),
        (ask(USER, Message(role="tool", content="Sunny")), "without the tool_call_id"),
    ],
)
def test_what_it_cannot_say(one: Request, words: str) -> None:
    """What the Responses API has no word for is refused in words, not left out."""
    with pytest.raises(Unsupported, match=words):
        build(one)


@pytest.mark.parametrize(
    ("model", "params", "reasons"),
    [
        ("gpt-5.1", {}, True),
        ("openai/o4-mini", {}, True),
        ("gpt-oss-120b", {}, True),
        ("gpt-4o", {}, False),
        ("gpt-5-chat-latest", {}, False),
        ("my-deployment", {}, False),
        ("my-deployment", {"reasoning_effort": "low"}, True),
        ("my-deployment", {"reasoning_effort": "none"}, False),
    ],
)
def test_hidden_reasoning_is_asked_for(model: str, params: dict[str, Any], reasons: bool) -> None:
    """Models that reason are asked for their reasoning where tools may bring it back, and others would refuse it."""
    with_tools = sent(ask(model=model, params=params, tools=(WEATHER,)))
    without = sent(ask(model=model, params=params))

    assert with_tools.get("include") == (["reasoning.encrypted_content"] if reasons else None)
    assert "include" not in without
    as_documented(with_tools)


def test_address_and_headers() -> None:
    """It goes to /responses and says whether it wants a stream."""
    provider = Provider(id="p", dialect=NAME)

    assert headers(ask(), provider) == {"accept": "application/json"}
    assert headers(ask(params={"stream": True}), provider) == {"accept": "text/event-stream"}


# ── replies ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "text", "finish_reason", "status"),
    [
        (said(message()), "Paris", "stop", Status.ANSWERED),
        (said(message("Pa"), message("ris")), "Paris", "stop", Status.ANSWERED),
        (said(message("")), "", "stop", Status.NO_ANSWER),
        (said(), None, "stop", Status.NO_ANSWER),
        (said(message(content=[])), None, "stop", Status.NO_ANSWER),
        (said(reasoning(), message()), "Paris", "stop", Status.ANSWERED),
        (said(refusal()), None, "stop", Status.REFUSED),
        (said(call()), None, "tool_calls", Status.ANSWERED),
        (said(message("Let me see."), call()), "Let me see.", "tool_calls", Status.ANSWERED),
        (
            said(message("Pa"), status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
            "Pa",
            "length",
            Status.ANSWERED,
        ),
        (
            said(reasoning(), status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
            None,
            "length",
            Status.NO_ANSWER,
        ),
        (
            said(message("x"), status="incomplete", incomplete_details={"reason": "content_filter"}),
            "x",
            "content_filter",
            Status.FILTERED,
        ),
        (said(message("x"), status="incomplete", incomplete_details=None), "x", "length", Status.ANSWERED),
        (
            said(message("Looking it up.", phase="commentary"), message("Paris", phase="final_answer")),
            "Paris",
            "stop",
            Status.ANSWERED,
        ),
        (said(message("Looking it up.", phase="commentary"), call()), "Looking it up.", "tool_calls", Status.ANSWERED),
        (
            said({"type": "web_search_call", "id": "ws_1", "status": "completed"}, message()),
            "Paris",
            "stop",
            Status.ANSWERED,
        ),
    ],
)
def test_what_became_of_it(body: dict[str, Any], text: str | None, finish_reason: str, status: Status) -> None:
    """Answers, calls, refusals, and answers cut or filtered are told apart, in the words of chat completions."""
    response = answer(ask(), body)

    assert (response.text, response.finish_reason, status_of(response)) == (text, finish_reason, status)


def test_a_whole_reply() -> None:
    """Text, calls, refusal, reasoning, model, token figures and the reply itself are taken from it."""
    body = said(reasoning(), message("See."), refusal("No."), call(), call("now", "{}", "call_2"))

    response = answer(ask(), body)

    assert (response.text, response.refusal, response.reasoning) == ("See.", "No.", "Thinking of Italy.")
    assert response.tool_calls == (
        ToolCall(id="call_1", name="get_weather", arguments='{"city": "Rome"}'),
        ToolCall(id="call_2", name="now", arguments="{}"),
    )
    assert (response.model, response.latency_s, response.ttft_s, response.choices) == ("m-1-2026", 2.0, None, ())
    usage = response.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens, usage.reasoning_tokens) == (11, 5, 8, 3)
    assert usage.method is TokensMethod.API
    assert json.loads(response.body or "") == body


def test_open_reasoning() -> None:
    """A model that shows its reasoning itself, without a summary, is heard."""
    shown = reasoning(summary=[], content=[{"type": "reasoning_text", "text": "Italy, so Rome."}])

    assert answer(ask(), said(shown, message("Rome"))).reasoning == "Italy, so Rome."


@pytest.mark.parametrize("usage", [None, [], {}, {"input_tokens": -1, "output_tokens": True}])
def test_usage_that_is_missing(usage: Any) -> None:
    """Figures that the reply does not have are counted and marked so; the simulator's own are marked as such."""
    counted = answer(ask(), said(message(), usage=usage)).usage

    assert counted.method is TokensMethod.ESTIMATE
    assert 0 < (counted.prompt_tokens or 0) < 100
    assert 0 < (counted.completion_tokens or 0) < 100
    assert answer(ask(), said(message()), simulated=True).usage.method is TokensMethod.SIMULATED


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "cut"),
        (b"<html>Log in</html>", "garbage"),
        (b"[]", "garbage"),
        (b"{}", "garbage"),
        (b'{"output": null}', "garbage"),
        (b'{"output": ["x"]}', "garbage"),
        (b'{"output": [{"type": "message", "content": null}]}', "garbage"),
        (b'{"output": [{"type": "message", "content": [5]}]}', "garbage"),
        (b'{"output": [{"type": "message", "content": [{"type": "output_text", "text": 5}]}]}', "garbage"),
        (b'{"output": [], "output": []}', "garbage"),
        (b'{"output": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}", "garbage"),
        (b'{"output": [], "created_at": ' + b"9" * 5000 + b"}", "garbage"),
        (said(status="failed", error={"code": "server_error", "message": "Oops"}), "server"),
        (said(status="failed", error={"code": "rate_limit_exceeded", "message": "Slow down"}), "rate_limit"),
        (said(status="failed", error={"code": "invalid_prompt", "message": "No"}), "bad_request"),
        (said(status="failed", error={"code": "image_too_large", "message": "No"}), "bad_request"),
        (said(status="failed", error={"code": "image_content_policy_violation", "message": "No"}), "filtered"),
        (said(status="failed", error={"code": "bio_policy", "message": "No"}), "filtered"),
        (said(status="failed", error=None), "server"),
        (said(message("Pa"), status="cancelled"), "server"),
        (said(status="queued"), "garbage"),
        (said(status="in_progress"), "garbage"),
    ],
)
def test_a_200_without_an_answer(body: Any, kind: str) -> None:
    """A 200 that holds no answer is a failure of a fitting kind, also one that holds an error."""
    found = failure(ask(), body)

    assert (found.kind.value, found.http_status) == (kind, 200)
    assert found.message


# ── tool rounds ────────────────────────────────────────────────────────────────────────────────────────────────────


def replied(response: Response) -> Message:
    """The assistant's message that a reply is in the next request."""
    return Message(
        role="assistant",
        content=response.text or "",
        tool_calls=response.tool_calls,
        carried=response.carried,
    )


@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool_round(streamed: bool) -> None:
    """Hidden reasoning, phases and calls come back with the next request, as they came and in their order."""
    items = [reasoning(), message("Let me see.", phase="commentary"), call()]
    first = ask(model="gpt-5.1", tools=(WEATHER,), params={"stream": streamed})
    body = stream([{"type": "response.completed", "response": said(*items)}]) if streamed else said(*items)

    response = answer(first, body)
    result = Message(role="tool", content="Sunny", tool_call_id=response.tool_calls[0].id)
    following = sent(ask(USER, replied(response), result, model="gpt-5.1", tools=(WEATHER,)))

    assert following["input"] == [
        *PLAIN["input"],
        *items,
        {"type": "function_call_output", "call_id": "call_1", "output": "Sunny"},
    ]
    as_documented(following)


@pytest.mark.parametrize(
    ("items", "more", "kept"),
    [
        ([message("See."), call()], {}, None),
        ([reasoning(encrypted_content=None), call()], {}, None),
        ([reasoning(encrypted_content=None), message(phase="final_answer")], {}, [message(phase="final_answer")]),
        ([reasoning(encrypted_content=None), call()], {"store": True}, [reasoning(encrypted_content=None), call()]),
        (
            [reasoning(encrypted_content=None, content=[{"type": "reasoning_text", "text": "So"}]), call()],
            {},
            [reasoning(encrypted_content=None, content=[{"type": "reasoning_text", "text": "So"}]), call()],
        ),
    ],
)
def test_what_is_carried(items: list[Any], more: dict[str, Any], kept: list[Any] | None) -> None:
    """Items come back where text and calls do not say all; reasoning that nobody kept is not asked for by its id."""
    carried = answer(ask(), said(*items, **more)).carried

    assert (json.loads(carried) if carried else None) == kept


# ── streams ────────────────────────────────────────────────────────────────────────────────────────────────────────


def events(*last: dict[str, Any]) -> list[dict[str, Any]]:
    """A stream of an answer and a call, with *last* at its end."""
    return [
        {"type": "response.created", "response": said(status="in_progress", usage=None)},
        {"type": "response.in_progress", "response": said(status="in_progress", usage=None)},
        {"type": "response.output_item.added", "output_index": 0, "item": reasoning(encrypted_content="g")},
        {"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "Thinking"},
        {"type": "response.output_item.done", "output_index": 0, "item": reasoning()},
        {"type": "response.output_item.added", "output_index": 1, "item": message("")},
        {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": ""},
        {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "Grüß"},
        {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": " dich"},
        {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "{}"},
        *last,
    ]


WHOLE = said(reasoning(), message("Grüß dich"), call())


def test_a_stream() -> None:
    """The last event's response is the reply; the time to the first piece of the answer is that of its text."""
    body = stream(events({"type": "response.completed", "response": WHOLE}))

    response = answer(ask(params={"stream": True}), body, **arriving(body))
    whole = answer(ask(), WHOLE)

    assert (response.text, response.finish_reason, response.reasoning) == ("Grüß dich", "tool_calls", whole.reasoning)
    assert (response.tool_calls, response.usage, response.carried) == (whole.tool_calls, whole.usage, whole.carried)
    assert response.ttft_s == 4.0
    assert json.loads(response.body or "") == WHOLE


def test_a_stream_of_a_call_alone() -> None:
    """Where the answer is a call, its first piece is that of the call's arguments."""
    pieces = events({"type": "response.completed", "response": said(call())})
    body = stream([pieces[0], *pieces[-2:]])

    assert answer(ask(params={"stream": True}), body, **arriving(body)).ttft_s == 1.0


@pytest.mark.parametrize(
    ("last", "kind"),
    [
        ([], "cut"),
        ([{"type": "error", "code": "rate_limit_exceeded", "message": "Slow down", "param": None}], "rate_limit"),
        ([{"type": "error", "code": None, "message": "Oops", "param": None}], "server"),
        ([{"type": "error", "error": {"type": "server_error", "code": None, "message": "Oops"}}], "server"),
        ([{"error": {"code": 429, "message": "Slow down"}}], "rate_limit"),
        (
            [
                {
                    "type": "response.failed",
                    "response": said(status="failed", error={"code": "rate_limit_exceeded", "message": "Slow"}),
                }
            ],
            "rate_limit",
        ),
        (
            [{"type": "response.failed", "response": said(status="failed", error={"code": "new", "message": ""})}],
            "server",
        ),
        ([{"type": "response.failed", "response": said(status="failed")}], "server"),
        ([{"type": "response.completed", "response": None}], "garbage"),
        ([{"type": "response.completed", "response": {"output": "x"}}], "garbage"),
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_a_stream_without_an_answer(last: list[dict[str, Any]], kind: str, named: bool) -> None:
    """A stream that breaks off or ends in an error is a failure of a fitting kind, whatever came before."""
    found = failure(ask(params={"stream": True}), stream(events(*last), named=named), headers=STREAM)

    assert (found.kind.value, found.http_status) == (kind, 200)


@pytest.mark.parametrize("reason", ["max_output_tokens", "content_filter"])
def test_an_incomplete_stream(reason: str) -> None:
    """An answer that the model did not end is whole on the wire."""
    last = said(message("Pa"), status="incomplete", incomplete_details={"reason": reason})

    response = answer(ask(), stream(events({"type": "response.incomplete", "response": last})), headers=STREAM)

    assert (response.text, response.finish_reason) == ("Pa", "length" if reason == "max_output_tokens" else reason)


def test_data_that_is_no_json() -> None:
    """An event that cannot be read spoils its stream."""
    body = b"data: {oops}\n\n" + stream([{"type": "response.completed", "response": WHOLE}])

    assert failure(ask(), body, headers=STREAM).kind is FailureKind.GARBAGE


def test_a_plain_reply_to_a_stream() -> None:
    """A server that does not stream is understood, and a stream without its content-type too."""
    asking = ask(params={"stream": True})

    assert answer(asking, said(message())).text == "Paris"
    assert answer(asking, stream([{"type": "response.completed", "response": said(message())}])).text == "Paris"


@pytest.mark.parametrize("framed", [True, False])
def test_a_cut_stream_is_never_an_answer(framed: bool) -> None:
    """A stream cut after any byte before its last event is whole is a failure."""
    body = stream(events({"type": "response.completed", "response": said(message("Grüß dich"))}))

    outcomes = [
        parsed(ask(params={"stream": True}), body[:size], headers=STREAM, framed=framed) for size in range(len(body))
    ]

    assert {outcome.kind.value for outcome in outcomes if isinstance(outcome, Failure)} == {"cut"}
    assert not any(isinstance(outcome, Response) for outcome in outcomes)


# ── whatever comes ─────────────────────────────────────────────────────────────────────────────────────────────────


@given(
    body=ANYTHING
    | st.builds(lambda items, more: said(*items, **more), st.lists(OBJECTS, max_size=3), OBJECTS)
    | st.builds(lambda part, more: said(message(content=[part]), call() | more), OBJECTS, OBJECTS)
)
def test_any_json(body: Any) -> None:
    """Any JSON in the place of any part of a reply, whole or streamed, is a Response or a Failure."""
    last = json.dumps({"type": "response.completed", "response": body})

    assert isinstance(parsed(ask(), body), Response | Failure)
    assert isinstance(parsed(ask(), f"data: {last}\n\n".encode(), headers=STREAM), Response | Failure)


def test_a_secret_in_a_reply() -> None:
    """A key that a reply repeats is in nothing that is kept, though a model may spell it in pieces."""
    items = [reasoning(encrypted_content=CANARY), message(f"It is {CANARY}."), call(arguments=CANARY), refusal(CANARY)]
    body = stream([{"type": "response.completed", "response": said(*items, model=CANARY)}])

    for response in (
        answer(ask(), said(*items, model=CANARY), secret=CANARY),
        answer(ask(), body, headers=STREAM, secret=CANARY),
    ):
        assert CANARY not in repr(response)
        assert response.text == "It is ***."


def test_recorded_exchanges(shared_data: Path) -> None:
    """Recorded exchanges of OpenAI give the text, the calls and the token figures that stand in them."""
    found = []
    with (shared_data / "cassettes" / "normalized.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            exchange = json.loads(line)
            if not exchange["request"]["url"].endswith("/responses"):
                continue
            reply = exchange["response"]
            told = {"content-type": "".join(reply["headers"]["content-type"])}
            outcome = parsed(ask(), reply["body"].encode(), reply["status"], headers=told)
            if isinstance(outcome, Failure):
                found.append((outcome.kind.value, outcome.code, None, None))
                continue
            names = ",".join(f"{one.name}{one.arguments}" for one in outcome.tool_calls)
            usage = outcome.usage
            found.append((outcome.text, names, usage.prompt_tokens, usage.completion_tokens))

    assert found == [
        (None, 'get_capital{"country":"PotatoLand"}', 40, 18),
        ("The capital of PotatoLand is Potato City.", "", 67, 11),
        (None, 'get_capital{"country":"France"}', 255, 16),
        ("The capital of France is Paris.", "", 278, 9),
        ("not_found", "model_not_found", None, None),
        ("pong", "", 11, 5),
    ]
