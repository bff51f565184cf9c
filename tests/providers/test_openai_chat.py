from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.providers.dialect import Unsupported, encode
from evalrun.providers.openai_chat import build, headers, path
from evalrun.records.message import Image, Message, Picture, Tool, ToolCall
from evalrun.records.request import Request
from evalrun.records.suite import Provider
from tests.providers import exchanges as recorded
from tests.providers.makers import request
from tests.providers.openapi import valid

PICTURE = Picture(media_type="image/png", base64="iVBORw0KGgo=", width=2, height=1)
DIGEST = "sha256:" + "0" * 64
WEATHER = Tool(
    name="get_weather",
    description="The weather in a city.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    strict=True,
)
WEATHER_SENT = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        "strict": True,
    },
}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}, "strict": True}}


def user(*parts: str | Image) -> dict[str, Any]:
    """A request with one message of these parts, and one picture's file."""
    return {"messages": (Message(role="user", content=parts),), "pictures": {DIGEST: PICTURE}}


def messages(*said: Message) -> dict[str, Any]:
    """A request with these messages."""
    return {"messages": said}


CALLS = (ToolCall(id="x", name="f", arguments='{"a": 1'), ToolCall(id="y", name="g", arguments=""))
CALLS_SENT = [
    {"id": "x", "type": "function", "function": {"name": "f", "arguments": '{"a": 1'}},
    {"id": "y", "type": "function", "function": {"name": "g", "arguments": ""}},
]


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        (messages(Message(role="system", content="Be brief.")), {"role": "system", "content": "Be brief."}),
        (messages(Message(role="developer", content="ä")), {"role": "developer", "content": "ä"}),
        (messages(Message(role="user", content="a", name="Ann")), {"role": "user", "content": "a", "name": "Ann"}),
        (messages(Message(role="assistant", content="")), {"role": "assistant", "content": ""}),
        (
            messages(Message(role="assistant", content="", tool_calls=CALLS)),
            {"role": "assistant", "content": None, "tool_calls": CALLS_SENT},
        ),
        (
            messages(Message(role="assistant", content="Wait.", tool_calls=CALLS)),
            {"role": "assistant", "content": "Wait.", "tool_calls": CALLS_SENT},
        ),
        (
            messages(Message(role="tool", content="21", tool_call_id="x")),
            {"role": "tool", "content": "21", "tool_call_id": "x"},
        ),
        (
            messages(Message(role="system", content=("a", "b"))),
            {"role": "system", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        ),
        (
            user("What is this?", Image(source="https://example.org/a.png", detail="low")),
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}},
                ],
            },
        ),
        (
            user(Image(source=DIGEST)),
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}],
            },
        ),
    ],
)
def test_messages(asked: dict[str, Any], sent: dict[str, Any]) -> None:
    """Every kind of message has its form on the wire."""
    body = build(request(**asked))

    assert body["messages"] == [sent]
    assert json.loads(encode(body)) == body
    valid("CreateChatCompletionRequest", body)


@pytest.mark.parametrize(
    "params",
    [
        {"temperature": 0.5, "top_p": 0.9, "seed": 9, "stop": ["\n"], "user": "u"},
        {"frequency_penalty": 0.0, "presence_penalty": -2, "logit_bias": {"50256": -100}},
        {"max_tokens": 5},
        {"max_completion_tokens": 5, "reasoning_effort": "minimal", "service_tier": "flex"},
        {"logprobs": True, "top_logprobs": 3, "n": 2},
        {"response_format": {"type": "json_object"}},
        {"response_format": SCHEMA},
        {"stream": False, "stop": "END"},
        {"tool_choice": "required", "parallel_tool_calls": False},
        {"tool_choice": {"type": "function", "function": {"name": "get_weather"}}},
    ],
)
def test_parameters(params: dict[str, Any]) -> None:
    """Every parameter goes out as the request has it, under OpenAI's name, beside model, messages and tools."""
    body = build(request("Hello", params=params, tools=(WEATHER,)))

    hello = [{"role": "user", "content": "Hello"}]
    assert body == {**params, "model": "m-1", "messages": hello, "tools": [WEATHER_SENT]}
    valid("CreateChatCompletionRequest", body)


def test_a_parameter_of_null_is_not_sent() -> None:
    """A parameter that a nearer place sets to nothing is not there."""
    assert "seed" not in build(request(params={"seed": None}))


@pytest.mark.parametrize(
    ("tool", "sent"),
    [
        (WEATHER, WEATHER_SENT["function"]),
        (Tool(name="now"), {"name": "now", "parameters": {"type": "object", "properties": {}}}),
        (Tool(name="f", parameters={"type": "object"}, strict=False), {"strict": False}),
    ],
)
def test_tools(tool: Tool, sent: dict[str, Any]) -> None:
    """A tool has its name, and what else it says; a tool without parameters has an empty object of them."""
    body = build(request(tools=(tool,)))

    (found,) = body["tools"]
    assert found["type"] == "function"
    assert found["function"] | sent == found["function"]
    assert set(found["function"]) <= {"name", "description", "parameters", "strict"}
    valid("CreateChatCompletionRequest", body)


@pytest.mark.parametrize(
    ("params", "options"),
    [
        ({"stream": True}, {"include_usage": True}),
        ({"extra_body": {"stream": True}}, {"include_usage": True}),
        ({"stream": True, "extra_body": {"stream_options": {"include_obfuscation": False}}}, "as given"),
        ({"stream": True, "extra_body": {"stream_options": None}}, None),
        ({"stream": False}, None),
        ({}, None),
    ],
)
def test_a_stream_is_asked_for_its_usage(params: dict[str, Any], options: Any) -> None:
    """stream_options come with a stream and only then, and extra_body has the last word."""
    body = build(request(params=params))

    given = {"include_obfuscation": False} if options == "as given" else options
    assert body.get("stream_options") == given
    assert ("stream_options" in body) == (given is not None)
    valid("CreateChatCompletionRequest", body)


def test_extra_body_is_merged_last() -> None:
    """What extra_body says replaces what the dialect says, model and messages included, and adds what is new."""
    extra = {"model": "other", "temperature": 1, "verbosity": "low", "provider": {"order": ["x"]}}

    body = build(request("Hello", params={"temperature": 0, "extra_body": extra}))

    assert body == {"messages": [{"role": "user", "content": "Hello"}], **extra}
    valid("CreateChatCompletionRequest", body)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"params": {"suffix": "x"}}, "suffix"),
        ({"params": {"echo": True}}, "echo"),
        ({"params": {"best_of": 3}}, "best_of"),
        ({"params": {"dimensions": 256, "encoding_format": "float"}}, "dimensions"),
        (user(Image(source="sha256:absent")), "sha256:absent"),
        (messages(Message(role="system", content=(Image(source="https://x/y"),))), "system"),
        (messages(Message(role="tool", content=(Image(source="https://x/y"),), tool_call_id="x")), "tool"),
    ],
)
def test_what_chat_completions_lack(asked: dict[str, Any], words: str) -> None:
    """What changes the question and has no word here is refused, and the refusal says what it is."""
    with pytest.raises(Unsupported, match=words):
        build(request(**asked))


@given(st.text())
def test_any_prompt_arrives(text: str) -> None:
    """Whatever the prompt's text, it arrives unchanged, in ASCII."""
    sent = encode(build(request(text)))

    assert sent.isascii()
    assert json.loads(sent)["messages"][0]["content"] == text


def test_where_it_goes() -> None:
    """The path is the same for every request, and so is what is accepted: a server may answer a stream with JSON."""
    provider = Provider(id="lab", dialect="openai-chat", base_url="https://example.org/v1")

    assert path(request(), provider) == "/chat/completions"
    assert headers(request(), provider) == {"accept": "application/json"}


def test_recorded_requests(shared_data: Path) -> None:
    """What others sent, put into our words and built again, is what they sent: messages, calls, tools, parameters."""
    asked = [
        exchange for exchange in recorded.exchanges(shared_data) if exchange.url.split("?")[0].endswith("/completions")
    ]
    rebuilt = 0
    for exchange in asked:
        body = build(_read(exchange))
        if exchange.asked.get("messages"):
            assert _plain(body) == _plain(exchange.asked), exchange.key
            valid("CreateChatCompletionRequest", body)
            rebuilt += 1

    assert rebuilt >= 75


def _read(exchange: recorded.Exchange) -> Request:
    """The recorded request as a Request; what no parameter of ours says goes into extra_body."""
    ours = ("temperature", "top_p", "max_tokens", "max_completion_tokens", "seed", "stop", "n", "stream", "user")
    ours = (*ours, "response_format", "tool_choice", "parallel_tool_calls", "reasoning_effort")
    theirs = {k: v for k, v in exchange.asked.items() if k not in (*ours, "messages", "tools", "model")}
    return request(
        model=exchange.asked.get("model", "m-1"),
        messages=tuple(map(_message, exchange.asked.get("messages", []))),
        tools=tuple(_tool(tool["function"]) for tool in exchange.asked.get("tools") or ()),
        params={k: v for k, v in exchange.asked.items() if k in ours} | {"extra_body": theirs},
    )


def _message(said: dict[str, Any]) -> Message:
    content = said.get("content")
    if isinstance(content, list):
        content = tuple(part["text"] for part in content)
    calls = [(call["id"], call["function"]) for call in said.get("tool_calls") or ()]
    return Message(
        role=said["role"],
        content=content or "",
        name=said.get("name"),
        tool_call_id=said.get("tool_call_id"),
        tool_calls=tuple(ToolCall(id=key, name=call["name"], arguments=call["arguments"]) for key, call in calls),
    )


def _tool(function: dict[str, Any]) -> Tool:
    return Tool(
        name=function["name"],
        description=function.get("description", ""),
        parameters=function.get("parameters", {}),
        strict=function.get("strict"),
    )


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    """A body without what may be said in two ways: nothing, null and empty; a stream's options."""
    said = json.loads(
        json.dumps({k: v for k, v in body.items() if v is not None and k not in ("stream_options", "model")})
    )
    said["messages"] = [{k: v for k, v in message.items() if v not in (None, "", [])} for message in said["messages"]]
    for tool in said.get("tools", ()):
        tool["function"] = {k: v for k, v in tool["function"].items() if v}
    return said
