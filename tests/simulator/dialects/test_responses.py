from __future__ import annotations

import json
from typing import Any

import pytest

from evalrun.simulator.dialects.responses import RESPONSES
from tests.simulator.dialects.exchange import WEATHER, datas, refused, stream, whole
from tests.simulator.png import RED, WHITE, data_url, png, square

TOOL = {"type": "function", "name": "get_weather", "parameters": WEATHER, "strict": True}
CALL = {"type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": '{"city":"Paris"}'}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "18 degrees"}
QUESTION = {"role": "user", "content": "What is the weather in Paris?"}
SCHEMA = {
    "type": "object",
    "properties": {"capital": {"type": "string"}},
    "required": ["capital"],
    "additionalProperties": False,
}


def body(given: Any = "What is the capital of France?", **more: Any) -> dict[str, Any]:
    """A request at temperature 0."""
    return {"model": "large", "input": given, "temperature": 0, **more}


def text_of(response: dict[str, Any]) -> str:
    """All output texts."""
    return "".join(part["text"] for item in response["output"] if item["type"] == "message" for part in item["content"])


def test_a_response_has_its_shape() -> None:
    """Items of output, a status, and usage by its newer names."""
    found = whole(RESPONSES, body(instructions="Answer in upper case.", max_output_tokens=50))

    assert (found["object"], found["status"], found["error"]) == ("response", "completed", None)
    assert "PARIS" in text_of(found)
    assert found["instructions"] == "Answer in upper case."
    assert found["usage"]["total_tokens"] == found["usage"]["input_tokens"] + found["usage"]["output_tokens"]
    assert set(found["usage"]["output_tokens_details"]) == {"reasoning_tokens"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([{"role": "user", "content": [{"type": "input_text", "text": "What is 2 + 2?"}]}], "4"),
        (
            [
                {"type": "message", "role": "system", "content": "Answer with one word."},
                {"role": "user", "content": "What is the capital of Italy?"},
            ],
            "Rome",
        ),
        (
            [
                {"role": "user", "content": "What is 6 times 7?"},
                {
                    "type": "message",
                    "role": "assistant",
                    "content": [{"type": "output_text", "text": "42", "annotations": []}],
                },
                {"type": "reasoning", "id": "rs_1", "summary": []},
                {"role": "user", "content": "Add 5 to that."},
            ],
            "47",
        ),
        (
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "What colour is the square?"},
                        {
                            "type": "input_image",
                            "image_url": data_url(png(16, 16, square(16, 8), RED, WHITE)),
                            "detail": "low",
                        },
                    ],
                }
            ],
            "ed",
        ),
        ([QUESTION, CALL, RESULT], "18 degrees"),
    ],
)
def test_items_are_a_conversation(given: list[Any], expected: str) -> None:
    """Messages, pictures, calls and their results are read from the items."""
    assert expected in text_of(whole(RESPONSES, body(given)))


def test_calls_are_items() -> None:
    """A call is an item of its own with its id, and the choice of tools is said in this API's form."""
    found = whole(RESPONSES, body("What is the weather in Paris and in Rome?", tools=[TOOL]))
    forced = whole(RESPONSES, body("Hello.", tools=[TOOL], tool_choice={"type": "function", "name": "get_weather"}))
    calls = [item for item in found["output"] if item["type"] == "function_call"]

    assert [json.loads(call["arguments"]) for call in calls] == [{"city": "Paris"}, {"city": "Rome"}]
    assert len({call["id"] for call in calls} | {call["call_id"] for call in calls}) == 4
    assert found["output"] == calls
    assert forced["output"][0]["type"] == "function_call"


def test_a_model_that_reasons_has_an_item_for_it() -> None:
    """Reasoning is an item before the message, with a summary where that was asked for, and its tokens are counted."""
    plain = whole(RESPONSES, body(model="thinker", temperature=1, reasoning={"effort": "low"}))
    summed = whole(RESPONSES, body(model="thinker", temperature=1, reasoning={"effort": "low", "summary": "auto"}))

    assert [item["type"] for item in plain["output"]] == ["reasoning", "message"]
    assert plain["output"][0]["summary"] == []
    assert summed["output"][0]["summary"][0]["text"]
    assert plain["usage"]["output_tokens_details"]["reasoning_tokens"] > 0


def test_what_is_cut_is_incomplete() -> None:
    """With too few tokens the status says so, and why."""
    found = whole(RESPONSES, body("List the planets as a numbered list.", max_output_tokens=5))

    assert (found["status"], found["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})


def test_formats_and_probabilities_are_asked_for_in_its_words() -> None:
    """text.format has the schema flat; logprobs come by include or top_logprobs."""
    form = {"format": {"type": "json_schema", "name": "a", "schema": SCHEMA, "strict": True}}
    found = whole(RESPONSES, body(text=form, top_logprobs=2, include=["message.output_text.logprobs"]))
    part = found["output"][0]["content"][0]

    assert set(json.loads(part["text"])) == {"capital"}
    assert "".join(each["token"] for each in part["logprobs"]) == part["text"]


@pytest.mark.parametrize(
    "asked",
    [
        body(),
        body("List the planets as a numbered list.", max_output_tokens=5),
        body("What is the weather in Paris and in Rome?", tools=[TOOL]),
        body(model="thinker", temperature=1, reasoning={"summary": "auto"}),
        body(top_logprobs=1),
    ],
)
def test_a_stream_adds_up_to_the_reply(asked: dict[str, Any]) -> None:
    """The last event is the whole response, and the pieces before it join to what is in it."""
    events = stream(RESPONSES, asked)
    every = datas(events)
    reply, last = whole(RESPONSES, asked), every[-1]
    pieces = [each for each in every if each["type"].endswith(".delta")]
    texts = "".join(each["delta"] for each in pieces if each["type"] == "response.output_text.delta")
    arguments = "".join(each["delta"] for each in pieces if each["type"] == "response.function_call_arguments.delta")
    apart = ("id", "created_at", "output")

    assert last["type"] == f"response.{reply['status']}"
    assert {k: v for k, v in last["response"].items() if k not in apart} == {
        k: v for k, v in reply.items() if k not in apart
    }
    assert [item["type"] for item in last["response"]["output"]] == [item["type"] for item in reply["output"]]
    assert texts == text_of(reply)
    assert arguments == "".join(item.get("arguments", "") for item in reply["output"])
    assert [each["sequence_number"] for each in every] == list(range(len(every)))
    assert [each["type"] for each in every] == [event.name for event in events]
    assert events[-1].ends


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"input": None}, "input"),
        ({"input": [5]}, "input[0]"),
        ({"input": [{"type": "audio"}]}, "input[0].type"),
        ({"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}, "input[0].content[0].type"),
        ({"input": [RESULT]}, "messages[0].role"),
        ({"seed": 1}, "seed"),
        ({"stop": "x"}, "stop"),
        ({"messages": []}, "messages"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"reasoning": "low"}, "reasoning"),
    ],
)
def test_mistakes_get_openais_errors(asked: dict[str, Any], param: str) -> None:
    """What this API does not have, or the simulator cannot do, names the parameter."""
    status, error = refused(RESPONSES, body(**asked))

    assert (status, error["error"]["param"]) == (400, param)
