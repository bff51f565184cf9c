from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.providers.anthropic_messages import build, headers
from evalrun.providers.dialect import Unsupported
from evalrun.providers.messages_reply import input_of
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

NAME = "anthropic-messages"
USER = Message(role="user", content="What is this?")
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
PLAIN = {"model": "m-1", "max_tokens": 4096, "messages": [{"role": "user", "content": "What is this?"}]}
TOOLS = {
    "tools": [
        {
            "name": "get_weather",
            "description": "The weather of a city.",
            "input_schema": dict(WEATHER.parameters),
        }
    ]
}


def ask(*messages: Message, params: dict[str, Any] | None = None, **more: Any) -> Request:
    """A request in this dialect."""
    return asked(NAME, *messages, params=params or {}, **more)


def format_of(kind: str, **more: Any) -> dict[str, Any]:
    """Parameters with a response_format."""
    return {"response_format": {"type": kind, **more}}


# ── requests ───────────────────────────────────────────────────────────────────────────────────────────────────────

REQUESTS: dict[str, tuple[Request, dict[str, Any]]] = {
    "plain": (ask(), {}),
    "the system's on top, wherever it was": (
        ask(Message(role="system", content="Be brief."), USER, Message(role="developer", content=("In", "French."))),
        {"system": "Be brief.\n\nIn\nFrench."},
    ),
    "turns": (
        ask(USER, Message(role="assistant", content="A cat."), USER),
        {"messages": [*PLAIN["messages"], {"role": "assistant", "content": "A cat."}, *PLAIN["messages"]]},
    ),
    "messages of one side are one turn": (
        ask(USER, Message(role="user", content="And that?")),
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "What is this?"}, {"type": "text", "text": "And that?"}],
                }
            ]
        },
    ),
    "pictures": (
        ask(Message(role="user", content=("Look:", SHOWN, LINKED))),
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "Look:"},
                        {
                            "type": "image",
                            "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
                        },
                        {"type": "image", "source": {"type": "url", "url": "https://example.org/cat.jpg"}},
                    ],
                }
            ]
        },
    ),
    "sampling": (
        ask(params={"temperature": 0.5, "top_p": 0.9, "user": "u-1", "stop": "\n", "stream": True}),
        {
            "temperature": 0.5,
            "top_p": 0.9,
            "metadata": {"user_id": "u-1"},
            "stop_sequences": ["\n"],
            "stream": True,
        },
    ),
    "several stops": (ask(params={"stop": ["a", "b"]}), {"stop_sequences": ["a", "b"]}),
    "a limit": (ask(params={"max_tokens": 64}), {"max_tokens": 64}),
    "the newer name of the limit": (ask(params={"max_completion_tokens": 0}), {"max_tokens": 0}),
    "nothing asked": (ask(params={"n": 1, "logprobs": False, "seed": None, **format_of("text")}), {}),
    "the usual tier": (ask(params={"service_tier": "default"}), {"service_tier": "standard_only"}),
    "any tier": (ask(params={"service_tier": "auto"}), {"service_tier": "auto"}),
    "effort": (
        ask(params={"reasoning_effort": "xhigh"}),
        {"output_config": {"effort": "xhigh"}, "thinking": {"type": "adaptive"}},
    ),
    "no effort": (ask(params={"reasoning_effort": "none"}), {"thinking": {"type": "disabled"}}),
    "a schema": (
        ask(params=format_of("json_schema", json_schema={"name": "thing", "schema": SCHEMA, "strict": True})),
        {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
    ),
    "effort and a schema": (
        ask(
            params={"reasoning_effort": "low", **format_of("json_schema", json_schema={"name": "t", "schema": SCHEMA})}
        ),
        {
            "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}},
            "thinking": {"type": "adaptive"},
        },
    ),
    "tools": (
        ask(tools=(WEATHER, Tool(name="now", strict=True))),
        {
            "tools": [
                *TOOLS["tools"],
                {"name": "now", "input_schema": {"type": "object", "properties": {}}, "strict": True},
            ]
        },
    ),
    "tools as it likes": (
        ask(tools=(WEATHER,), params={"tool_choice": "auto", "parallel_tool_calls": True}),
        {**TOOLS, "tool_choice": {"type": "auto"}},
    ),
    "one tool at a time": (
        ask(tools=(WEATHER,), params={"parallel_tool_calls": False}),
        {**TOOLS, "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
    ),
    "a tool it must": (
        ask(tools=(WEATHER,), params={"tool_choice": "required", "parallel_tool_calls": False}),
        {**TOOLS, "tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
    ),
    "no tool": (
        ask(tools=(WEATHER,), params={"tool_choice": "none", "parallel_tool_calls": False}),
        {**TOOLS, "tool_choice": {"type": "none"}},
    ),
    "this tool": (
        ask(tools=(WEATHER,), params={"tool_choice": {"type": "function", "function": {"name": "get_weather"}}}),
        {**TOOLS, "tool_choice": {"type": "tool", "name": "get_weather"}},
    ),
    "a choice of no tools": (ask(params={"tool_choice": "auto", "parallel_tool_calls": False}), {}),
    "calls and their answers": (
        ask(
            USER,
            Message(
                role="assistant",
                content=" ",
                tool_calls=(
                    ToolCall(id="c1", name="get_weather", arguments='{"city": "Rome"}'),
                    ToolCall(id="c2", name="get_weather", arguments="no JSON"),
                ),
            ),
            Message(role="tool", content="Sunny", tool_call_id="c1", name="get_weather"),
            Message(role="tool", content=("Rain", LINKED), tool_call_id="c2"),
            Message(role="user", content="So?"),
        ),
        {
            "messages": [
                *PLAIN["messages"],
                {
                    "role": "assistant",
                    "content": [
                        {"type": "tool_use", "id": "c1", "name": "get_weather", "input": {"city": "Rome"}},
                        {"type": "tool_use", "id": "c2", "name": "get_weather", "input": {"INVALID_JSON": "no JSON"}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "c1", "content": "Sunny"},
                        {
                            "type": "tool_result",
                            "tool_use_id": "c2",
                            "content": [
                                {"type": "text", "text": "Rain"},
                                {"type": "image", "source": {"type": "url", "url": "https://example.org/cat.jpg"}},
                            ],
                        },
                        {"type": "text", "text": "So?"},
                    ],
                },
            ]
        },
    ),
    "a text before a call": (
        ask(
            USER,
            Message(role="assistant", content="See.", tool_calls=(ToolCall(id="c1", name="now", arguments=""),)),
        ),
        {
            "messages": [
                *PLAIN["messages"],
                {
                    "role": "assistant",
                    "content": [
                        {"type": "text", "text": "See."},
                        {"type": "tool_use", "id": "c1", "name": "now", "input": {}},
                    ],
                },
            ]
        },
    ),
    "extra_body last": (
        ask(params={"temperature": 1, "extra_body": {"temperature": 0.1, "top_k": 5}}),
        {"temperature": 0.1, "top_k": 5},
    ),
}


@pytest.mark.parametrize(("one", "more"), REQUESTS.values(), ids=REQUESTS)
def test_build(one: Request, more: dict[str, Any]) -> None:
    """Each thing that can be asked has its word in the body, and nothing else is in it."""
    assert sent(one) == {**PLAIN, **more}


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (ask(params={"seed": 7}), "anthropic-messages has no seed"),
        (ask(params={"n": 2, "logprobs": True}), "no logprobs, n"),
        (ask(params={"frequency_penalty": 0.1}), "no frequency_penalty"),
        (ask(params={"logit_bias": {"1": 5}}), "no logit_bias"),
        (ask(params=format_of("json_object")), "no response_format json_object; a json_schema it has"),
        (
            ask(params={"reasoning_effort": "minimal"}),
            "no reasoning_effort minimal .it has low, medium, high",
        ),
        (ask(params={"service_tier": "flex"}), "no service_tier flex .it has auto, default, standard_only"),
        (ask(params={"tool_choice": "any"}, tools=(WEATHER,)), "no tool_choice any .it has auto, none, required"),
        (ask(Message(role="user", content="Hi", name="Ann")), "no names of speakers"),
        (ask(Message(role="system", content="Be brief.")), "no prompt without a message of the user"),
        (ask(Message(role="system", content=("So", LINKED)), USER), "no pictures in a message of the system"),
        (ask(USER, Message(role="assistant", content=("So", LINKED))), "no pictures in a message of the assistant"),
        (ask(Message(role="user", content=(Image(source="sha256:cd"),))), "picture sha256:cd did not come along"),
        (ask(USER, Message(role="tool", content="Sunny")), "without the tool_call_id"),
    ],
)
def test_what_it_cannot_say(one: Request, words: str) -> None:
    """What the Messages API has no word for is refused in words, not left out."""
    with pytest.raises(Unsupported, match=words):
        build(one)


def test_headers() -> None:
    """The version of the API is in every request."""
    provider = Provider(id="p", dialect=NAME)

    assert headers(ask(), provider) == {"accept": "application/json", "anthropic-version": "2023-06-01"}
    assert headers(ask(params={"stream": True}), provider)["accept"] == "text/event-stream"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ('{"a": [1, "ä"]}', {"a": [1, "ä"]}),
        ("", {}),
        ("  ", {}),
        ("{", {"INVALID_JSON": "{"}),
        ("[1]", {"INVALID_JSON": "[1]"}),
        ("null", {"INVALID_JSON": "null"}),
        ('{"a": 1, "a": 2}', {"INVALID_JSON": '{"a": 1, "a": 2}'}),
    ],
)
def test_arguments_go_back_as_an_object(arguments: str, said: dict[str, Any]) -> None:
    """What a model wrote for JSON and is none goes back to it inside an object, not changed."""
    assert input_of(arguments) == said


# ── replies ────────────────────────────────────────────────────────────────────────────────────────────────────────

THINKING = {"type": "thinking", "thinking": "Italy, so", "signature": "EqQB"}
HIDDEN = {"type": "redacted_thinking", "data": "EmwK"}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Rome", "days": [1, 2]}}


def text_block(text: str = "Paris") -> dict[str, Any]:
    """A block of text."""
    return {"type": "text", "text": text}


def said(*content: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A message with these blocks."""
    usage = {
        "input_tokens": 11,
        "cache_creation_input_tokens": 100,
        "cache_read_input_tokens": 1000,
        "output_tokens": 5,
        "output_tokens_details": {"thinking_tokens": 3},
        "service_tier": "standard",
    }
    fields = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-1", "stop_sequence": None}
    return {**fields, "content": list(content), "stop_reason": "end_turn", "usage": usage, **more}


@pytest.mark.parametrize(
    ("body", "text", "finish_reason", "status"),
    [
        (said(text_block()), "Paris", "stop", Status.ANSWERED),
        (said(text_block("Pa"), text_block("ris")), "Paris", "stop", Status.ANSWERED),
        (said(text_block(""), stop_reason="stop_sequence", stop_sequence="\n"), "", "stop", Status.NO_ANSWER),
        (said(), None, "stop", Status.NO_ANSWER),
        (said(THINKING, HIDDEN, text_block()), "Paris", "stop", Status.ANSWERED),
        (said(CALL, stop_reason="tool_use"), None, "tool_calls", Status.ANSWERED),
        (said(text_block("Pa"), stop_reason="max_tokens"), "Pa", "length", Status.ANSWERED),
        (said(text_block("Pa"), stop_reason="model_context_window_exceeded"), "Pa", "length", Status.ANSWERED),
        (said(text_block("Pa"), stop_reason="pause_turn"), "Pa", "length", Status.ANSWERED),
        (said(text_block("I will not."), stop_reason="refusal"), "I will not.", "refusal", Status.REFUSED),
        (said(stop_reason="refusal"), None, "refusal", Status.REFUSED),
        (said(text_block(), stop_reason="something_new"), "Paris", "something_new", Status.ANSWERED),
        (said(text_block(), stop_reason=None), "Paris", None, Status.ANSWERED),
    ],
)
def test_what_became_of_it(body: dict[str, Any], text: str | None, finish_reason: str, status: Status) -> None:
    """Answers, calls and refusals are told apart, in the words of chat completions where these have one."""
    response = answer(ask(), body)

    assert (response.text, response.finish_reason, status_of(response)) == (text, finish_reason, status)


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({"type": "refusal", "category": "bio", "explanation": "It may do harm."}, "It may do harm."),
        ({"type": "refusal", "category": "bio", "explanation": None}, "bio"),
        (None, "refused"),
        ([], "refused"),
    ],
)
def test_why_it_refused(details: Any, words: str) -> None:
    """A refusal says why as far as the reply does."""
    assert answer(ask(), said(stop_reason="refusal", stop_details=details)).refusal == words


def test_a_whole_reply() -> None:
    """Text, calls, thinking, model, token figures and the reply itself are taken from it."""
    body = said(THINKING, text_block("See."), CALL, stop_reason="tool_use")

    response = answer(ask(), body)

    assert (response.text, response.reasoning, response.refusal) == ("See.", "Italy, so", None)
    assert response.tool_calls == (
        ToolCall(id="toolu_1", name="get_weather", arguments='{"city": "Rome", "days": [1, 2]}'),
    )
    assert (response.model, response.latency_s, response.ttft_s, response.choices) == ("claude-1", 2.0, None, ())
    usage = response.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens) == (1111, 5, 1000)
    assert (usage.reasoning_tokens, usage.method) == (3, TokensMethod.API)
    assert json.loads(response.body or "") == body


@pytest.mark.parametrize(
    ("usage", "prompt", "method"),
    [
        ({"input_tokens": 11, "output_tokens": 5}, 11, TokensMethod.API),
        ({"input_tokens": 11, "output_tokens": 5, "cache_creation_input_tokens": None}, 11, TokensMethod.API),
        ({"cache_read_input_tokens": 9, "output_tokens": 5}, None, TokensMethod.ESTIMATE),
        ({"input_tokens": 11}, 11, TokensMethod.ESTIMATE),
        (None, None, TokensMethod.ESTIMATE),
    ],
)
def test_usage(usage: Any, prompt: int | None, method: TokensMethod) -> None:
    """The prompt is all that was read, from a cache or not; what the reply does not say is counted and marked."""
    counted = answer(ask(), said(text_block(), usage=usage)).usage

    assert counted.method is method
    assert counted.prompt_tokens == prompt if prompt else 0 < (counted.prompt_tokens or 0) < 100


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "cut"),
        (b"<html>Log in</html>", "garbage"),
        (b"[]", "garbage"),
        (b"{}", "garbage"),
        (b'{"content": null}', "garbage"),
        (b'{"content": "Paris"}', "garbage"),
        (b'{"content": ["x"]}', "garbage"),
        (b'{"content": [{"type": "text"}]}', "garbage"),
        (b'{"content": [{"type": "text", "text": 5}]}', "garbage"),
        (b'{"content": [], "content": []}', "garbage"),
        (b'{"content": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}", "garbage"),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "overload"),
        ({"type": "error", "error": {"type": "not_found_error", "message": "model: x"}}, "not_found"),
        ({"type": "error", "error": {"type": "permission_error", "message": "No"}}, "auth"),
        ({"type": "error", "error": {"type": "something_new", "message": "No"}}, "garbage"),
    ],
)
def test_a_200_without_an_answer(body: Any, kind: str) -> None:
    """A 200 that holds no answer is a failure of a fitting kind, also one that holds an error."""
    assert failure(ask(), body).kind.value == kind


@pytest.mark.parametrize(
    ("status", "type_", "kind"),
    [
        (400, "invalid_request_error", "bad_request"),
        (401, "authentication_error", "auth"),
        (402, "billing_error", "money"),
        (403, "permission_error", "auth"),
        (404, "not_found_error", "not_found"),
        (413, "request_too_large", "bad_request"),
        (429, "rate_limit_error", "rate_limit"),
        (500, "api_error", "server"),
        (504, "timeout_error", "server"),
        (529, "overloaded_error", "overload"),
    ],
)
def test_errors(status: int, type_: str, kind: str) -> None:
    """Anthropic's errors are of the kind that its reference says, 529 among them."""
    found = failure(ask(), {"type": "error", "error": {"type": type_, "message": "No"}, "request_id": "r"}, status)

    assert (found.kind.value, found.code, found.http_status) == (kind, type_, status)


# ── tool rounds ────────────────────────────────────────────────────────────────────────────────────────────────────


def replied(response: Response) -> Message:
    """The assistant's message that a reply is in the next request."""
    return Message(
        role="assistant", content=response.text or "", tool_calls=response.tool_calls, carried=response.carried
    )


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("thinks", [False, True])
def test_a_tool_round(streamed: bool, thinks: bool) -> None:
    """Thinking with its signature, texts and calls come back with the next request, as they came and in their order."""
    content = [*((THINKING, HIDDEN) if thinks else ()), text_block("See."), CALL]
    whole = said(*content, stop_reason="tool_use")

    response = answer(ask(), stream(events(whole)) if streamed else whole, headers=STREAM if streamed else {})
    result = Message(role="tool", content="Sunny", tool_call_id=response.tool_calls[0].id)
    following = sent(ask(USER, replied(response), result, tools=(WEATHER,)))

    assert bool(response.carried) is thinks
    assert following["messages"] == [
        *PLAIN["messages"],
        {"role": "assistant", "content": content},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "Sunny"}]},
    ]


def test_an_empty_text_is_not_carried() -> None:
    """A text without words, which would be refused, does not come back beside what must."""
    response = answer(ask(), said(THINKING, text_block("\n"), CALL, stop_reason="tool_use"))

    assert json.loads(response.carried or "") == [THINKING, CALL]


# ── streams ────────────────────────────────────────────────────────────────────────────────────────────────────────


def halves(text: str) -> tuple[str, str]:
    """A text in two pieces."""
    return text[: len(text) // 2], text[len(text) // 2 :]


def deltas(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """How a block begins, and the deltas that make it whole."""
    kind = block["type"]
    if kind == "text":
        return {**block, "text": ""}, [{"type": "text_delta", "text": part} for part in halves(block["text"])]
    if kind == "thinking":
        began = {**block, "thinking": "", "signature": ""}
        pieces = [{"type": "thinking_delta", "thinking": part} for part in halves(block["thinking"])]
        return began, [*pieces, {"type": "signature_delta", "signature": block["signature"]}]
    if kind == "tool_use":
        parts = ("", *halves(json.dumps(block["input"])))
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": part} for part in parts]
    return block, []


def events(whole: dict[str, Any], *, stop: bool = True) -> list[dict[str, Any]]:
    """The stream that a message would have come as, with a ping in it."""
    first = {**whole, "content": [], "stop_reason": None, "usage": {**whole["usage"], "output_tokens": 1}}
    pieces: list[dict[str, Any]] = [{"type": "message_start", "message": first}]
    for index, block in enumerate(whole["content"]):
        began, grows = deltas(block)
        pieces.append({"type": "content_block_start", "index": index, "content_block": began})
        pieces += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in grows]
        pieces.append({"type": "content_block_stop", "index": index})
        pieces += [{"type": "ping"}] if not index else []
    last = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    pieces.append({"type": "message_delta", "delta": last, "usage": {"output_tokens": whole["usage"]["output_tokens"]}})
    return [*pieces, *([{"type": "message_stop"}] if stop else [])]


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    "content",
    [
        [text_block("Grüß dich")],
        [THINKING, HIDDEN, text_block("See."), CALL, {**CALL, "id": "toolu_2", "input": {}}],
        [text_block("a"), text_block("b")],
        [],
    ],
)
def test_a_stream_adds_up(content: list[dict[str, Any]], named: bool) -> None:
    """A stream is what the same message would have been in one piece, with the last of each figure."""
    whole = said(*content)

    response = answer(ask(params={"stream": True}), stream(events(whole), named=named), headers=STREAM)
    plain = answer(ask(), whole)

    assert json.loads(response.body or "") == whole
    assert (response.text, response.tool_calls, response.usage) == (plain.text, plain.tool_calls, plain.usage)
    assert (response.finish_reason, response.reasoning, response.carried) == (
        plain.finish_reason,
        plain.reasoning,
        plain.carried,
    )


@pytest.mark.parametrize(
    ("content", "at_s"),
    [
        ([text_block("Hello")], 1.5),
        ([THINKING, text_block("Hello")], 4.5),
        ([CALL], 1.0),
        ([], None),
        ([THINKING], None),
    ],
)
def test_time_to_the_first_piece(content: list[dict[str, Any]], at_s: float | None) -> None:
    """The first piece of an answer is that of a text or of a call; thinking is before it."""
    body = stream(events(said(*content)))

    assert answer(ask(params={"stream": True}), body, **arriving(body)).ttft_s == at_s


def test_arguments_that_are_no_json() -> None:
    """What a model wrote for a call's arguments is kept to the letter, and goes back inside an object."""
    pieces = events(said(THINKING, {**CALL, "input": {}}, stop_reason="tool_use"))
    broken = [
        {**piece, "delta": {"type": "input_json_delta", "partial_json": '{"city": '}}
        if piece.get("delta", {}).get("partial_json") == "{"
        else {**piece, "delta": {"type": "input_json_delta", "partial_json": "Rome"}}
        if piece.get("delta", {}).get("partial_json") == "}"
        else piece
        for piece in pieces
    ]

    response = answer(ask(), stream(broken), headers=STREAM)

    assert response.tool_calls[0].arguments == '{"city": Rome'
    assert json.loads(response.carried or "")[1]["input"] == {"INVALID_JSON": '{"city": Rome'}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "overload"),
        ({"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down"}}, "rate_limit"),
        ({"type": "error", "error": {"type": "api_error", "message": "Oops"}}, "server"),
        ({"type": "error", "error": {"type": "something_new", "message": "Oops"}}, "server"),
        ({"type": "error"}, "server"),
    ],
)
def test_an_error_in_a_stream(error: dict[str, Any], kind: str) -> None:
    """An error after a 200 is a failure of its kind, whatever came before."""
    pieces = events(said(text_block()))

    assert failure(ask(), stream([*pieces[:3], error, *pieces[3:]]), headers=STREAM).kind.value == kind


@pytest.mark.parametrize(
    "event",
    [
        {"type": "message_start", "message": None},
        {"type": "content_block_start", "index": "0", "content_block": {}},
        {"type": "content_block_start", "index": 0, "content_block": None},
        {"type": "content_block_delta", "index": 7, "delta": {"type": "text_delta", "text": "x"}},
        {"type": "content_block_delta", "index": [0], "delta": {"type": "text_delta", "text": "x"}},
        {"type": "content_block_delta", "index": 0, "delta": None},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": 5}},
        {"type": "content_block_stop", "index": 7},
    ],
)
def test_an_event_that_cannot_be_placed(event: dict[str, Any]) -> None:
    """An event that cannot be placed spoils its stream: what it meant would be missing."""
    pieces = events(said(text_block()))

    assert failure(ask(), stream([*pieces[:2], event, *pieces[2:]]), headers=STREAM).kind is FailureKind.GARBAGE


def test_what_a_later_event_leaves_open_stays() -> None:
    """An event that says null of a reason or of a figure takes back nothing that was said."""
    pieces = events(said(text_block()))
    empty = {"type": "message_delta", "delta": {"stop_reason": None}, "usage": {"output_tokens": None}}

    response = answer(ask(), stream([*pieces[:-1], empty, pieces[-1]]), headers=STREAM)

    assert (response.finish_reason, response.usage.completion_tokens) == ("stop", 5)


def test_events_of_types_to_come_are_passed_over() -> None:
    """The reference says that types may be added."""
    pieces = events(said(text_block()))
    news = {"type": "content_block_delta", "index": 0, "delta": {"type": "sound_delta", "sound": "x"}}

    assert answer(ask(), stream([*pieces[:2], {"type": "news"}, news, *pieces[2:]]), headers=STREAM).text == "Paris"


def test_the_end() -> None:
    """A stream without message_stop counts only where HTTP says that it is whole and the model why it stopped."""
    body = stream(events(said(text_block()), stop=False))
    earlier = stream(events(said(text_block()), stop=False)[:-1])

    assert answer(ask(), body, headers=STREAM, framed=True).text == "Paris"
    assert failure(ask(), body, headers=STREAM, framed=False).kind is FailureKind.CUT
    assert failure(ask(), earlier, headers=STREAM, framed=True).kind is FailureKind.CUT


def test_a_cut_stream_is_never_an_answer() -> None:
    """A stream cut after any byte before its last event is whole is a failure."""
    body = stream(events(said(THINKING, text_block("Grüß dich"), CALL)))
    one = ask(params={"stream": True})

    outcomes = [parsed(one, body[:size], headers=STREAM, framed=False) for size in range(len(body))]

    assert not any(isinstance(outcome, Response) for outcome in outcomes)
    assert {outcome.kind.value for outcome in outcomes if isinstance(outcome, Failure)} == {"cut"}


# ── whatever comes ─────────────────────────────────────────────────────────────────────────────────────────────────


@given(
    body=ANYTHING | st.builds(lambda blocks, more: said(*blocks, **more), st.lists(OBJECTS, max_size=3), OBJECTS),
)
def test_any_json(body: Any) -> None:
    """Any JSON in the place of any part of a reply is a Response or a Failure."""
    assert isinstance(parsed(ask(), body), Response | Failure)


@given(st.data())
def test_any_events(data: st.DataObject) -> None:
    """Any JSON among the events of a stream is a Response or a Failure."""
    pieces = events(said(THINKING, text_block(), CALL))
    place = data.draw(st.integers(0, len(pieces) - 1))
    pieces[place] = {**pieces[place], **data.draw(OBJECTS)}

    assert isinstance(parsed(ask(), stream(pieces), headers=STREAM), Response | Failure)


def test_a_secret_in_a_reply() -> None:
    """A key that a reply repeats is in nothing that is kept, though it comes in pieces."""
    whole = said(
        {**THINKING, "thinking": f"The key is {CANARY}", "signature": CANARY},
        text_block(f"It is {CANARY}."),
        {**CALL, "input": {"city": CANARY}},
        model=CANARY,
    )

    for response in (
        answer(ask(), whole, secret=CANARY),
        answer(ask(), stream(events(whole)), headers=STREAM, secret=CANARY),
    ):
        assert CANARY not in repr(response)
        assert response.text == "It is ***."


def test_a_reply_without_words_is_left_out() -> None:
    """The API refuses an empty text, so a turn in which the model said nothing is not sent back to it."""
    said = (
        Message(role="user", content="One?"),
        Message(role="assistant", content=""),
        Message(role="user", content="Two?"),
    )
    asked = Request(key="k", provider="p", dialect="anthropic-messages", model="m", messages=said, params={}, sample=0)
    blocks = [{"type": "text", "text": "One?"}, {"type": "text", "text": "Two?"}]

    assert build(asked)["messages"] == [{"role": "user", "content": blocks}]
