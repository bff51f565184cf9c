from __future__ import annotations

import json
from typing import Any

import pytest

from evalrun.simulator.complaints import error_body
from evalrun.simulator.dialects.messages import MESSAGES
from evalrun.simulator.engine import Rules
from evalrun.simulator.faults import reply_to
from tests.simulator.dialects.exchange import ANTHROPIC, WEATHER, datas, refused, stream, whole
from tests.simulator.png import RED, WHITE, data_url, png, square

TOOL = {"name": "get_weather", "description": "The weather", "input_schema": WEATHER}
PICTURE = data_url(png(16, 16, square(16, 8), RED, WHITE)).partition(",")[2]
CALL = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Paris"}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "18 degrees"}]}
QUESTION = {"role": "user", "content": "What is the weather in Paris?"}


def body(*messages: Any, text: str = "What is the capital of France?", **more: Any) -> dict[str, Any]:
    """A request at temperature 0."""
    said = list(messages) or [{"role": "user", "content": text}]
    return {"model": "large", "max_tokens": 100, "messages": said, "temperature": 0, **more}


def text_of(message: dict[str, Any]) -> str:
    """All its texts."""
    return "".join(block.get("text", "") for block in message["content"])


def test_a_message_has_its_shape() -> None:
    """Blocks of content, a stop reason, and usage in Anthropic's names."""
    found = whole(MESSAGES, body(system="Answer in upper case."), ANTHROPIC)

    assert (found["type"], found["role"], found["stop_reason"], found["stop_sequence"]) == (
        "message", "assistant", "end_turn", None,
    )  # fmt: skip
    assert "PARIS" in text_of(found)
    assert found["usage"]["input_tokens"] > 0 < found["usage"]["output_tokens"]
    assert found["usage"]["cache_read_input_tokens"] == 0


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([{"role": "user", "content": [{"type": "text", "text": "What is 2 + 2?"}]}], "4"),
        ([{"role": "user", "content": "What is 6 times 7?"}, {"role": "assistant", "content": "42"},
          {"role": "user", "content": "Add 5 to that."}], "47"),
        ([{"role": "user", "content": [
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}},
            {"type": "text", "text": "What colour is the square?"}]}], "ed"),
        ([{"role": "user", "content": [
            {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
            {"type": "text", "text": "What is in this picture?"}]}], "cannot see"),
        ([QUESTION, {"role": "assistant", "content": [{"type": "text", "text": "I look."}, CALL]},
          {"role": "user", "content": [RESULT]}], "18 degrees"),
    ],
)  # fmt: skip
def test_blocks_are_a_conversation(messages: list[Any], expected: str) -> None:
    """Texts, pictures, uses of tools and their results are read from the blocks."""
    assert expected in text_of(whole(MESSAGES, body(*messages), ANTHROPIC))


def test_tools_are_used() -> None:
    """A use is a block with an object as its input; the choice of tools is said in this API's form."""
    found = whole(MESSAGES, body(text="What is the weather in Paris and in Rome?", tools=[TOOL]), ANTHROPIC)
    choice = {"type": "tool", "name": "get_weather", "disable_parallel_tool_use": True}
    forced = whole(MESSAGES, body(text="Weather in Paris and Rome", tools=[TOOL], tool_choice=choice), ANTHROPIC)
    none = whole(MESSAGES, body(text="Weather in Paris", tools=[TOOL], tool_choice={"type": "none"}), ANTHROPIC)

    assert found["stop_reason"] == "tool_use"
    assert [block["input"] for block in found["content"]] == [{"city": "Paris"}, {"city": "Rome"}]
    assert all(block["id"].startswith("toolu_") for block in found["content"])
    assert [block["input"] for block in forced["content"]] == [{"city": "Paris"}]
    assert none["stop_reason"] == "end_turn"


def test_arguments_that_are_no_json_leave_nothing() -> None:
    """This API's input is an object always: a model's slip of the pen leaves an empty one, whole or as a stream."""
    from evalrun.simulator.dialects.messages import _object

    assert (_object('{"city":'), _object("[1]"), _object('{"a": 1}')) == ({}, {}, {"a": 1})


def test_it_says_what_stopped_it() -> None:
    """A stop sequence is named; too few tokens are said."""
    days = "List the days of the week as a bulleted list."
    stopped = whole(MESSAGES, body(text=days, stop_sequences=["- Tuesday"]), ANTHROPIC)
    cut = whole(MESSAGES, body(text=days, max_tokens=5), ANTHROPIC)

    assert (stopped["stop_reason"], stopped["stop_sequence"]) == ("stop_sequence", "- Tuesday")
    assert text_of(stopped) == "- Monday\n"
    assert (cut["stop_reason"], cut["stop_sequence"]) == ("max_tokens", None)


def test_thinking_is_a_block() -> None:
    """A model that reasons shows its thinking where that is on, and does not think where it is off."""
    said = body(model="thinker", max_tokens=9000, temperature=1)
    on = whole(MESSAGES, {**said, "thinking": {"type": "enabled", "budget_tokens": 2048}}, ANTHROPIC)
    off = whole(MESSAGES, said, ANTHROPIC)

    assert [block["type"] for block in on["content"]] == ["thinking", "text"]
    assert on["content"][0]["thinking"]
    assert on["content"][0]["signature"]
    assert [block["type"] for block in off["content"]] == ["text"]
    assert on["usage"]["output_tokens"] > off["usage"]["output_tokens"]


def test_a_schema_is_kept() -> None:
    """output_config.format asks for JSON of a schema."""
    schema = {"type": "object", "properties": {"capital": {"type": "string"}}, "required": ["capital"]}
    config = {"format": {"type": "json_schema", "schema": {**schema, "additionalProperties": False}}}
    found = whole(MESSAGES, body(output_config=config), ANTHROPIC)

    assert set(json.loads(text_of(found))) == {"capital"}


@pytest.mark.parametrize(
    "asked",
    [
        body(),
        body(text="List the planets as a numbered list.", max_tokens=5),
        body(text="What is the weather in Paris and in Rome?", tools=[TOOL]),
        body(model="thinker", max_tokens=9000, temperature=1, thinking={"type": "enabled", "budget_tokens": 2048}),
    ],
)
def test_a_stream_adds_up_to_the_reply(asked: dict[str, Any]) -> None:
    """Block by block the pieces join to the whole, and the last delta has its stop reason and usage."""
    events = stream(MESSAGES, asked, ANTHROPIC)
    blocks: list[dict[str, Any]] = []
    partial: dict[int, str] = {}
    for data in datas(events):
        if data["type"] == "content_block_start":
            blocks.append(dict(data["content_block"]))
        elif data["type"] == "content_block_delta":
            delta = data["delta"]
            if delta["type"] == "input_json_delta":
                partial[data["index"]] = partial.get(data["index"], "") + delta["partial_json"]
            else:
                name = delta["type"].removesuffix("_delta")
                blocks[data["index"]][name] += delta[name]
    for index, text in partial.items():
        blocks[index]["input"] = json.loads(text)
    for block in blocks:
        block.pop("id", None)
    reply = whole(MESSAGES, asked, ANTHROPIC)
    ending = next(data for data in datas(events) if data["type"] == "message_delta")

    assert blocks == [{name: value for name, value in block.items() if name != "id"} for block in reply["content"]]
    assert ending["delta"] == {"stop_reason": reply["stop_reason"], "stop_sequence": reply["stop_sequence"]}
    assert ending["usage"]["output_tokens"] == reply["usage"]["output_tokens"]
    assert [event.name for event in events][:2] == ["message_start", "ping"]
    assert (events[-1].name, events[-1].ends) == ("message_stop", True)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"temperature": 1.5}, "Invalid 'temperature'"),
        ({"stop": ["x"]}, "stop: Extra inputs are not permitted"),
        ({"seed": 1}, "seed: Extra inputs are not permitted"),
        ({"messages": []}, "at least one message"),
        ({"messages": [{"role": "system", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": [{"type": "audio"}]}]}, "messages.0.content.0.type"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages.0.content.0.source"),
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "all"}}, "tool_choice.type"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools.0"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, "does not support thinking"),
        ({"model": "thinker", "thinking": {"type": "enabled", "budget_tokens": 5}}, "greater than or equal to 1024"),
        ({"system": 5}, "system: Input should be"),
    ],
)
def test_mistakes_get_anthropics_errors(asked: dict[str, Any], words: str) -> None:
    """Each is an invalid_request_error in Anthropic's envelope, and says where."""
    status, error = refused(MESSAGES, {**body(), **asked}, ANTHROPIC)

    assert (status, error["type"], error["error"]["type"]) == (400, "error", "invalid_request_error")
    assert words in error["error"]["message"]


def test_the_version_must_be_said() -> None:
    """Without the header anthropic-version nothing is answered."""
    status, error = refused(MESSAGES, body())

    assert (status, error["error"]["message"]) == (400, "anthropic-version: header is required")


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("401", 401, "authentication_error"),
        ("403", 403, "permission_error"),
        ("429", 429, "rate_limit_error"),
        ("500", 500, "api_error"),
        ("503", 529, "overloaded_error"),
        ("529", 529, "overloaded_error"),
        ("money", 400, "invalid_request_error"),
        ("filter", 400, "invalid_request_error"),
    ],
)
def test_every_fault_has_anthropics_words(name: str, status: int, kind: str) -> None:
    """A fault's status and type are those that this API has for it."""
    said, _, error = reply_to(name)
    found, body = MESSAGES.error(said, error)

    assert (found, body["type"], body["error"]["type"]) == (status, "error", kind)
    assert body["error"]["message"]


def test_a_limit_is_refused_in_its_own_words() -> None:
    """What the anthropic style made is not wrapped once more; an unknown model is not found."""
    style = {"type": "error", "error": {"type": "rate_limit_error", "message": "Over."}}
    unknown = refused(MESSAGES, body(model="claude"), ANTHROPIC, rules=Rules())

    assert MESSAGES.error(429, style) == (429, style)
    assert unknown == (404, {"type": "error", "error": {"type": "not_found_error", "message": "model: claude"}})
    assert MESSAGES.error(418, error_body("Tea.", "x"))[1]["error"]["type"] == "invalid_request_error"
