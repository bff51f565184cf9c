from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.providers.classify import EXCERPT
from evalrun.providers.openai_chat import build, parse
from evalrun.providers.reply import Reply
from evalrun.records.message import Message, ToolCall
from evalrun.records.outcome import Choice, Failure, FailureKind, Outcome, Response, Status, TokensMethod, status_of
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
        (chat(choices=[{"finish_reason": "content_filter", "content_filter_results": {}}]), None, Status.FILTERED),
        (chat("x", prompt_filter_results=[{"prompt_index": 0}]), "x", Status.ANSWERED),
    ],
)
def test_what_became_of_it(body: dict[str, Any], text: str | None, status: Status) -> None:
    """An answer, no answer, a refusal and a filtered answer are told apart."""
    response = answer(body)

    assert response.text == text
    assert status_of(response) is status


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            {"tool_calls": [{"id": "x", "type": "function", "function": {"name": "f", "arguments": '{"a": 1'}}]},
            [ToolCall(id="x", name="f", arguments='{"a": 1')],
        ),
        (
            {"tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}, {"id": "", "function": {"name": "g"}}]},
            [ToolCall(id="call_0", name="f", arguments='{"a":1}'), ToolCall(id="call_1", name="g", arguments="")],
        ),
        ({"tool_calls": None, "function_call": {"name": "f", "arguments": "{}"}}, [("call_0", "f", "{}")]),
        ({"tool_calls": [{"id": "x", "custom": {"name": "f", "input": "a"}}]}, [("x", "f", "a")]),
        ({"tool_calls": [], "function_call": None}, []),
    ],
)
def test_tool_calls(message: dict[str, Any], expected: list[Any]) -> None:
    """Calls are kept as the model wrote them; a call without an id is given one."""
    response = answer(choice(content=None, **message))

    assert list(response.tool_calls) == [c if isinstance(c, ToolCall) else _call(*c) for c in expected]
    assert status_of(response) is (Status.ANSWERED if expected else Status.NO_ANSWER)


def _call(key: str, name: str, arguments: str) -> ToolCall:
    return ToolCall(id=key, name=name, arguments=arguments)


@pytest.mark.parametrize(
    ("message", "text", "reasoning"),
    [
        ({"content": "a", "reasoning_content": "hm"}, "a", "hm"),
        ({"content": "a", "reasoning": "hm"}, "a", "hm"),
        ({"content": "a", "reasoning": None, "reasoning_content": ""}, "a", None),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "h"}, {"type": "text", "text": "m"}]},
                    {"type": "text", "text": "a"},
                ]
            },
            "a",
            "hm",
        ),
        ({"content": [{"type": "thinking", "thinking": "hm"}]}, None, "hm"),
        ({"content": [{"type": "thinking", "thinking": 5}, {"type": "text", "text": "a"}]}, "a", None),
    ],
)
def test_reasoning(message: dict[str, Any], text: str | None, reasoning: str | None) -> None:
    """What a model says of its thinking is no part of its answer."""
    response = answer(choice(**message))

    assert (response.text, response.reasoning) == (text, reasoning)


def test_several_answers() -> None:
    """All answers of one reply are kept, by their index; what is none is left out, for whoever counts them to see."""
    choices = [
        {"index": 2, "message": {"content": "c"}, "finish_reason": "length"},
        {"index": 3, "message": {"content": 5}},
        {"index": 4, "error": {"code": 500}},
        {"index": 0, "message": {"content": "a"}, "finish_reason": "stop"},
        {"index": 1, "message": {"content": None, "tool_calls": [{"id": "x", "function": {"name": "f"}}]}},
        {"index": 5, "message": {"content": "half"}, "finish_reason": "error"},
    ]

    response = answer(chat(choices=choices))

    assert (response.text, response.finish_reason) == ("a", "stop")
    assert response.choices == (
        Choice(text=None, tool_calls=(ToolCall(id="x", name="f", arguments=""),)),
        Choice(text="c", finish_reason="length"),
    )


CALL = {"id": "x", "type": "function", "function": {"name": "f", "arguments": "{}"}}
SIGNED = {"extra_content": {"google": {"thought_signature": "c2lnbg=="}}}


@pytest.mark.parametrize(
    ("message", "more"),
    [
        ({"tool_calls": [CALL]}, {}),
        ({"tool_calls": [CALL], "reasoning_content": "hm"}, {"reasoning_content": "hm"}),
        ({"tool_calls": [CALL], "reasoning_details": [{"data": "x"}]}, {"reasoning_details": [{"data": "x"}]}),
        ({"tool_calls": [CALL | SIGNED, CALL | {"id": "y"}]}, {"tool_calls": [CALL | SIGNED, CALL | {"id": "y"}]}),
        ({"content": "a", "reasoning_content": "hm"}, None),
    ],
)
def test_what_goes_back(message: dict[str, Any], more: dict[str, Any] | None) -> None:
    """With tool calls, hidden reasoning and signatures go back to the vendor just as they came; else nothing does."""
    said: dict[str, Any] = {"content": None} | message
    response = answer(choice(**said))
    reply = Message(
        role="assistant", content=response.text or "", tool_calls=response.tool_calls, carried=response.carried
    )

    (sent,) = build(request(messages=(reply,)))["messages"]

    if more is None:
        assert sent == {"role": "assistant", "content": "a"}
    else:
        assert sent == {"role": "assistant", "content": None, "tool_calls": said["tool_calls"]} | more


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
        (b'{"object": "error", "message": "too long", "code": 400}', "bad_request"),
        (b'{"choices": [{"message": {"tool_calls": [{"id": "x"}]}}]}', "garbage"),
        (b'{"choices": [{"message": {"tool_calls": ["x"]}}]}', "garbage"),
        (b'{"choices": [{"message": {"tool_calls": {"0": 1}}}]}', "garbage"),
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
    [
        *("error", "choices", "message", "content", "finish_reason", "refusal", "usage", "prompt_tokens", "text", "id"),
        *("type", "index", "tool_calls", "function", "name", "arguments", "reasoning", "function_call"),
    ]
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
