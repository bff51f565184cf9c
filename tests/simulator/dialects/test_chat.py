from __future__ import annotations

from typing import Any

import pytest

from evalrun.simulator.dialects.chat import CHAT
from tests.simulator.dialects.exchange import WEATHER, datas, stream, whole

TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}


def body(text: str, **more: Any) -> dict[str, Any]:
    """A request at temperature 0."""
    return {"model": "large", "messages": [{"role": "user", "content": text}], "temperature": 0, **more}


def joined(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The choices that the chunks of a stream add up to."""
    choices: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        for each in chunk["choices"]:
            choice = choices.setdefault(
                each["index"], {"index": each["index"], "content": "", "calls": {}, "tokens": []}
            )
            delta = each["delta"]
            choice["content"] += delta.get("content") or ""
            choice["tokens"] += (each["logprobs"] or {}).get("content", [])
            choice["finish_reason"] = each["finish_reason"]
            for call in delta.get("tool_calls", []):
                whole_call = choice["calls"].setdefault(
                    call["index"], {"id": call.get("id"), "name": "", "arguments": ""}
                )
                whole_call["name"] += call["function"].get("name", "")
                whole_call["arguments"] += call["function"]["arguments"]
    return [choices[index] for index in sorted(choices)]


@pytest.mark.parametrize(
    "asked",
    [
        body("What is the capital of France?"),
        body("List the planets as a numbered list.", logprobs=True, top_logprobs=1),
        body("Name the currency of Peru.", model="small", n=3, temperature=1),
        body("What is the weather in Paris and in Rome?", tools=[TOOL]),
        body("List the planets as a numbered list.", max_tokens=5),
        body('Say "ä 漢字 🎉".'),
    ],
)
def test_a_stream_adds_up_to_the_reply(asked: dict[str, Any]) -> None:
    """The chunks' texts, calls, probabilities and ends are those of the whole reply."""
    reply, chunks = whole(CHAT, asked), datas(stream(CHAT, asked))
    expected = [
        {
            "index": choice["index"],
            "content": choice["message"]["content"] or "",
            "calls": {
                at: {"id": call["id"], **call["function"]}
                for at, call in enumerate(choice["message"].get("tool_calls", []))
            },
            "tokens": (choice["logprobs"] or {}).get("content", []),
            "finish_reason": choice["finish_reason"],
        }
        for choice in reply["choices"]
    ]
    for choice, found in zip(expected, joined(chunks), strict=True):
        for at, call in found["calls"].items():
            assert call["arguments"] == choice["calls"][at]["arguments"]
            assert call["name"] == choice["calls"][at]["name"]
        assert {**found, "calls": 0} == {**choice, "calls": 0}


def test_every_chunk_has_the_same_frame() -> None:
    """One id, one time, one model, and the object of a chunk; usage is null until the last, if it was asked for."""
    asked = body("What is the capital of France?", stream_options={"include_usage": True})
    *chunks, last = datas(stream(CHAT, asked))
    events = stream(CHAT, asked)

    assert len({(chunk["id"], chunk["created"], chunk["model"], chunk["object"]) for chunk in [*chunks, last]}) == 1
    assert chunks[0]["object"] == "chat.completion.chunk"
    assert all(chunk["usage"] is None and chunk["choices"] for chunk in chunks)
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == last["usage"]["prompt_tokens"] + last["usage"]["completion_tokens"]
    assert events[-1].data == "[DONE]"
    assert "usage" not in datas(stream(CHAT, body("What is 2 + 2?")))[0]


def test_arguments_come_in_pieces() -> None:
    """The first fragment of a call names it; the others hold its arguments only."""
    chunks = datas(stream(CHAT, body("What is the weather in Oslo?", tools=[TOOL])))
    calls = [call for chunk in chunks for each in chunk["choices"] for call in each["delta"].get("tool_calls", [])]

    assert set(calls[0]) == {"index", "id", "type", "function"}
    assert calls[0]["function"] == {"name": "get_weather", "arguments": ""}
    assert len(calls) > 2
    assert all(set(call) == {"index", "function"} and set(call["function"]) == {"arguments"} for call in calls[1:])
