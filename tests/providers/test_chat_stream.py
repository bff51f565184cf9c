from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.providers.openai_chat import parse
from evalrun.providers.reply import Reply
from evalrun.records.message import ToolCall
from evalrun.records.outcome import Failure, Outcome, Response, Status, TokensMethod, status_of
from evalrun.redact import Redactor
from tests.providers.makers import request

NOW = 1_800_000_000.0
DONE = "[DONE]"
USAGE = {"prompt_tokens": 11, "completion_tokens": 2, "total_tokens": 13}


class Key:
    """A secret."""

    def reveal(self) -> str:
        return "sk-canary-0123456789abcdef"


def stream(*data: Any) -> bytes:
    """A stream of events with this data; what is no text is said in JSON."""
    said = (part if isinstance(part, str) else json.dumps(part) for part in data)
    return "".join(f"data: {part}\n\n" for part in said).encode()


def chunk(delta: Any = None, end: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    """A chunk with a piece of one answer."""
    choice = {"index": index, "delta": {} if delta is None else delta, "finish_reason": end}
    return {"id": "c", "object": "chat.completion.chunk", "created": 7, "model": "m-1", "choices": [choice], **more}


def usage(**more: Any) -> dict[str, Any]:
    """The chunk with the token figures."""
    return {"id": "c", "object": "chat.completion.chunk", "choices": [], "usage": USAGE, **more}


def calls(*fragments: dict[str, Any]) -> dict[str, Any]:
    """A chunk with fragments of tool calls."""
    return chunk({"tool_calls": list(fragments)})


def call(name: str | None = None, arguments: Any = None, **more: Any) -> dict[str, Any]:
    """A fragment of a tool call."""
    said = {"name": name, "arguments": arguments}
    return {**more, "function": {key: value for key, value in said.items() if value is not None}}


def parsed(body: bytes, *, framed: bool = True, redact: Redactor | None = None, **more: Any) -> Outcome:
    """What the dialect makes of a stream."""
    headers = {"content-type": "text/event-stream; charset=utf-8"}
    fields: dict[str, Any] = {"headers": headers, "body": body, "latency_s": 9.0, "framed": framed} | more
    return parse(Reply(status=200, **fields), request(), now=NOW, redact=redact or Redactor([]))


def answer(*data: Any, **more: Any) -> Response:
    """The Response that a stream must be."""
    outcome = parsed(stream(*data), **more)
    assert isinstance(outcome, Response), outcome
    return outcome


def test_a_whole_stream() -> None:
    """The chunks add up to a chat completion: text, end, model, fingerprint, figures, log probabilities."""
    response = answer(
        chunk({"role": "assistant", "content": "", "refusal": None}, system_fingerprint="fp_1"),
        chunk({"content": "Pa"}, usage=None) | {"obfuscation": "xyz"},
        chunk({"content": "ris"}),
        chunk(end="stop"),
        usage(),
        DONE,
    )

    assert (response.text, response.finish_reason, response.refusal) == ("Paris", "stop", None)
    assert (response.model, response.system_fingerprint) == ("m-1", "fp_1")
    assert (response.usage.prompt_tokens, response.usage.completion_tokens) == (11, 2)
    assert response.usage.method is TokensMethod.API
    assert json.loads(response.body or "") == {
        "id": "c",
        "object": "chat.completion",
        "created": 7,
        "model": "m-1",
        "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Paris"}, "finish_reason": "stop"}],
        "usage": USAGE,
    }


def test_what_chunks_add_beside_the_text() -> None:
    """Log probabilities are joined, the content filter's findings merged, lists made longer."""
    first, second = chunk({"content": "a"}), chunk({"content": "b"}, "stop")
    first["choices"][0] |= {"logprobs": {"content": [{"token": "a"}]}, "content_filter_results": {"hate": {"x": 1}}}
    second["choices"][0] |= {"logprobs": {"content": [{"token": "b"}]}, "content_filter_results": {"self": {"y": 2}}}
    first["choices"][0]["delta"] |= {"reasoning_details": [{"text": "1"}], "citations": ["u"]}
    second["choices"][0]["delta"] |= {"reasoning_details": [{"text": "2"}], "citations": ["v"]}

    (choice,) = json.loads(answer(first, second, DONE).body or "")["choices"]

    assert choice["logprobs"] == {"content": [{"token": "a"}, {"token": "b"}]}
    assert choice["content_filter_results"] == {"hate": {"x": 1}, "self": {"y": 2}}
    assert choice["message"]["reasoning_details"] == [{"text": "1"}, {"text": "2"}]
    assert choice["message"]["citations"] == ["u", "v"]


EMPTY_FIRST = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": [{"a": 1}]}


@pytest.mark.parametrize(
    ("data", "text", "finish_reason"),
    [
        ([EMPTY_FIRST, chunk({"content": "a"}), chunk(end="stop"), DONE], "a", "stop"),
        ([chunk({"content": "a"}, "stop"), usage(), DONE], "a", "stop"),
        ([chunk({"content": "a"}), DONE], "a", None),
        ([chunk({"content": "a"}, "stop"), chunk({"content": ""}, usage=USAGE), DONE], "a", "stop"),
        ([chunk({"content": "a"}, "length")], "a", "length"),
        ([chunk({"content": ""}, "stop"), DONE], "", "stop"),
        ([chunk({"role": "assistant"}, "stop"), DONE], None, "stop"),
        ([chunk({"content": "a"}, "content_filter"), DONE], "a", "content_filter"),
        ([{"choices": [{"finish_reason": "content_filter"}]}, DONE], None, "content_filter"),
        ([{"choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}]}, DONE], "whole", "stop"),
        ([{"choices": [{"delta": {"content": "a"}}]}, {"choices": [{"delta": {"content": "b"}}]}, DONE], "ab", None),
        ([chunk({"content": "a"}), "", chunk({"content": "b"}, "stop"), DONE], "ab", "stop"),
        ([chunk({"content": "\ud83d"}), chunk({"content": "\ude00"}, "stop"), DONE], "\U0001f600", "stop"),
        ([chunk({"content": "\ud83d"}, "stop"), DONE], "\ud83d", "stop"),
        ([chunk({"content": [{"type": "text", "text": "a"}]}), chunk({"content": "b"}, "stop"), DONE], "ab", "stop"),
        ([chunk({"content": "a"}, "stop"), DONE, "not even JSON"], "a", "stop"),
        ([[chunk({"content": "a"}, "stop")], DONE], "a", "stop"),
        ([{"ping": 1}, chunk({"content": "a"}, "stop"), {"choices": None}, {"choices": [5]}, DONE], "a", "stop"),
    ],
)
def test_chunks_as_vendors_send_them(data: list[Any], text: str | None, finish_reason: str | None) -> None:
    """Empty chunks, missing ends, usage beside an empty choice, content in parts or whole are taken as they come."""
    response = answer(*data)

    assert (response.text, response.finish_reason) == (text, finish_reason)


@pytest.mark.parametrize(
    "body",
    [
        b": OPENROUTER PROCESSING\n\n" + stream(chunk({"content": "a"}, "stop"), DONE),
        b"\xef\xbb\xbf" + stream(chunk({"content": "a"}, "stop"), DONE),
        stream(chunk({"content": "a"}, "stop"), DONE).replace(b"\n", b"\r\n"),
        stream(chunk({"content": "a"}, "stop"), DONE).replace(b"\n", b"\r"),
        stream(chunk({"content": "a"}, "stop"), DONE).replace(b"data: ", b"data:"),
        b"event: chunk\nid: 1\n" + stream(chunk({"content": "a"}, "stop"), DONE),
        b"event: ping\ndata: still here\n\n" + stream(chunk({"content": "a"}, "stop"), DONE),
        b'data: {"choices": [{"delta":\ndata: {"content": "a"}}]}\n\ndata: [DONE]\n\n',
        b"retry: 10\n\n" + stream(chunk({"content": "a"}, "stop"), DONE),
    ],
)
@pytest.mark.parametrize("kind", ["text/event-stream", "application/json", ""])
def test_events_as_servers_write_them(body: bytes, kind: str) -> None:
    """Comments, line ends, names of events and data in lines change nothing, nor does a wrong content-type."""
    outcome = parsed(body, headers={"content-type": kind} if kind else {})

    assert isinstance(outcome, Response), outcome
    assert outcome.text == "a"


def test_json_in_spite_of_the_stream_asked_for() -> None:
    """A server that ignores that a stream was asked for has answered all the same, with no time to first token."""
    body = json.dumps({"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}).encode()

    outcome = parsed(body)

    assert isinstance(outcome, Response), outcome
    assert (outcome.text, outcome.ttft_s) == ("a", None)


CALLED = [ToolCall(id="x", name="f", arguments='{"a": 1}'), ToolCall(id="y", name="f", arguments='{"a": 2}')]


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        pytest.param(
            [
                calls(call("f", "", index=0, id="x", type="function")),
                calls(call(None, '{"a"', index=0)),
                calls(call(None, ": 1}", index=0)),
                calls(call("f", "", index=1, id="y", type="function")),
                calls(call(None, '{"a": 2}', index=1)),
            ],
            CALLED,
            id="as OpenAI",
        ),
        pytest.param(
            [
                calls(call("f", "", index=0, id="x"), call("f", "", index=1, id="y")),
                calls(call(None, '{"a": 2', index=1), call(None, '{"a": 1', index=0)),
                calls(call(None, "}", index=0), call(None, "}", index=1)),
            ],
            CALLED,
            id="interleaved",
        ),
        pytest.param(
            [calls(call("f", '{"a": 2}', index=1, id="y")), calls(call("f", '{"a": 1}', index=0, id="x"))],
            CALLED,
            id="the second first",
        ),
        pytest.param(
            [calls(call("f", '{"a": 1}', id="x"), call("f", '{"a": 2}', id="y"))],
            CALLED,
            id="whole and without index",
        ),
        pytest.param(
            [calls(call("f", '{"a"', id="x")), calls(call(None, ": 1}")), calls(call("f", '{"a": 2}', id="y"))],
            CALLED,
            id="in pieces and without index",
        ),
        pytest.param(
            [
                calls(call("f", '{"a"', id="x"), call("f", "", id="y")),
                calls(call(None, '{"a": 2}', id="y")),
                calls(call(None, ": 1}", id="x")),
            ],
            CALLED,
            id="known by their ids",
        ),
        pytest.param(
            [calls(call("f", '{"a": 1}', index=0, id="x")), calls(call("f", '{"a": 2}', index=0, id="y"))],
            CALLED,
            id="all of index 0, as Gemini",
        ),
        pytest.param(
            [
                calls(call("f", '{"a"', index=0, id="x")),
                calls(call("f", ": 1}", index=0, id="x")),
                calls(call("f", '{"a"', index=1, id="y")),
                calls(call("f", ": 2}", index=1, id="y")),
            ],
            CALLED,
            id="id and name in every fragment",
        ),
        pytest.param(
            [
                calls(call("f", '{"a"', index=0, id="x")),
                calls(call("", ": 1}", index=0, id="made-up")),
                calls(call("f", '{"a": 2}', index=1, id="y")),
            ],
            CALLED,
            id="an id made up for every fragment",
        ),
        pytest.param(
            [calls(call("f", {"a": 1}, index=0, id="x")), calls(call("f", {"a": 2}, index=1, id="y"))],
            [ToolCall(id="x", name="f", arguments='{"a":1}'), ToolCall(id="y", name="f", arguments='{"a":2}')],
            id="arguments as an object",
        ),
        pytest.param(
            [calls(call("f", '{"a": 1}', index=0)), calls(call("f", '{"a": 2}', index=0))],
            [
                ToolCall(id="call_0", name="f", arguments='{"a": 1}'),
                ToolCall(id="call_1", name="f", arguments='{"a": 2}'),
            ],
            id="no ids, and all of index 0",
        ),
        pytest.param(
            [calls(call("f", index=0)), calls(call("g", index=0))],
            [ToolCall(id="call_0", name="f", arguments=""), ToolCall(id="call_1", name="g", arguments="")],
            id="no ids and no arguments",
        ),
        pytest.param(
            [calls(call("get_", index=0, id="x")), calls(call("city", index=0)), calls(call(None, "{}", index=0))],
            [ToolCall(id="x", name="get_city", arguments="{}")],
            id="a name in pieces",
        ),
        pytest.param(
            [calls(call("f", '{"a": 1}', index=0, id="x")), calls(call("f", "", index=0))],
            CALLED[:1],
            id="the name once more at the end",
        ),
        pytest.param(
            [calls(call("f", "{}{}", index=0, id="x"))],
            [ToolCall(id="x", name="f", arguments="{}{}")],
            id="arguments that are no JSON",
        ),
        pytest.param(
            [
                chunk({"function_call": {"name": "f", "arguments": '{"a"'}}),
                chunk({"function_call": {"arguments": "}"}}),
            ],
            [ToolCall(id="call_0", name="f", arguments='{"a"}')],
            id="the old function_call",
        ),
        pytest.param(
            [calls({"index": 0, "id": "x", "type": "custom", "custom": {"name": "f", "input": "a"}})],
            [ToolCall(id="x", name="f", arguments="a")],
            id="a custom tool",
        ),
    ],
)
def test_tool_calls(chunks: list[dict[str, Any]], expected: list[ToolCall]) -> None:
    """Fragments of tool calls are joined by index, or by what a vendor gives instead of it."""
    response = answer(*chunks, chunk(end="tool_calls"), DONE)

    assert list(response.tool_calls) == expected
    assert response.text is None
    assert status_of(response) is Status.ANSWERED


def test_several_answers() -> None:
    """The answers of one stream, however mixed, are told apart by their index."""
    response = answer(
        chunk({"content": "b"}, index=1),
        chunk({"content": "a"}, index=0),
        chunk({"content": "A"}, "stop", index=0),
        chunk({"refusal": "no"}, "stop", index=2),
        chunk({"content": "B"}, "length", index=1),
        DONE,
    )

    assert (response.text, response.finish_reason) == ("aA", "stop")
    assert [(c.text, c.refusal, c.finish_reason) for c in response.choices] == [
        ("bB", None, "length"),
        (None, "no", "stop"),
    ]


@pytest.mark.parametrize(
    ("last", "kind", "words"),
    [
        ({"error": {"message": "The server had an error", "type": "server_error"}}, "server", "had an error"),
        ({"error": {"code": 429, "message": "busy"}}, "rate_limit", "busy"),
        ({"error": {"code": "content_filter", "message": "filtered"}}, "filtered", "filtered"),
        ({"error": "out of memory"}, "garbage", "out of memory"),
        ([{"error": {"code": 503, "message": "overloaded"}}], "overload", "overloaded"),
        ({"object": "error", "message": "too long", "code": 400}, "bad_request", "too long"),
        (chunk({"content": ""}, "error") | {"error": {"code": 502, "message": "upstream"}}, "server", "upstream"),
        (chunk({"content": ""}, "error"), "server", "broke off"),
    ],
)
@pytest.mark.parametrize("done", [True, False])
def test_an_error_in_the_middle(last: Any, kind: str, words: str, done: bool) -> None:
    """An error inside a 200 takes the place of the answer, whatever was said before and after it."""
    failure = parsed(stream(chunk({"content": "Par"}), last, *([DONE] if done else [])))

    assert isinstance(failure, Failure)
    assert failure.kind.value == kind
    assert words in failure.message


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b'{"type": "server_error", "message": "oh"}', "server", "oh"),
        (b'{"error": {"code": 503, "message": "oh"}}', "overload", "oh"),
        (b"something broke", "garbage", "something broke"),
    ],
)
def test_an_event_called_error(data: bytes, kind: str, words: str) -> None:
    """An event of that name is an error, in JSON or in words."""
    failure = parsed(stream(chunk({"content": "Par"})) + b"event: error\ndata: " + data + b"\n\n")

    assert isinstance(failure, Failure)
    assert failure.kind.value == kind
    assert words in failure.message


FINISHED = stream(chunk({"content": "Par"}), chunk({"content": "is"}, "stop"), usage())


@pytest.mark.parametrize(
    ("body", "framed", "kind"),
    [
        (FINISHED, True, None),
        (FINISHED, False, "cut"),
        (FINISHED + b"data: [DONE]\n\n", False, None),
        (FINISHED + b"data: [DONE]\n", False, "cut"),
        (FINISHED + b"data: [DO", True, None),
        (stream(chunk({"content": "Par"})), True, "cut"),
        (stream(chunk({"content": "a"}, "stop"), chunk({"content": "b"}, index=1)), True, "cut"),
        (stream(usage()), True, "cut"),
        (stream(usage(), DONE), True, "garbage"),
        (b"", True, "cut"),
        (b": waiting\n\n", True, "cut"),
        (b"<html>Log in</html>", True, "cut"),
    ],
)
def test_where_a_stream_ends(body: bytes, framed: bool, kind: str | None) -> None:
    """Without its last mark a stream is an answer only if HTTP says that it is whole and every answer has an end."""
    outcome = parsed(body, framed=framed)

    assert (outcome.kind.value if isinstance(outcome, Failure) else None) == kind


def test_a_stream_cut_at_any_byte() -> None:
    """A stream that ends where the connection ends is an answer with its last byte, and before that it is cut."""
    body = stream(chunk({"content": "Par"}), calls(call("f", "{}", index=0)), chunk(end="stop"), usage(), DONE)
    outcomes = [parsed(body[:cut], framed=False) for cut in range(len(body))]

    assert [outcome.kind.value for outcome in outcomes if isinstance(outcome, Failure)] == ["cut"] * len(body)
    assert isinstance(parsed(body, framed=False), Response)


@pytest.mark.parametrize(
    ("delta", "counts"),
    [
        ({"content": "a"}, True),
        ({"refusal": "no"}, True),
        ({"reasoning_content": "hm"}, True),
        ({"reasoning": "hm"}, True),
        ({"tool_calls": [call("f", "", index=0, id="x")]}, True),
        ({"content": [{"type": "text", "text": "a"}]}, True),
        ({"role": "assistant", "content": "", "refusal": None, "tool_calls": None}, False),
        ({"role": "assistant", "content": None, "tool_calls": [], "reasoning_details": []}, False),
        ({}, False),
    ],
)
def test_time_to_first_token(delta: dict[str, Any], counts: bool) -> None:
    """It ends when the event with the first piece of an answer was there, whatever that is; empty ones do not count."""
    head = stream(EMPTY_FIRST, chunk({"role": "assistant", "content": ""}))
    first = head + stream(chunk(delta))
    second = first + stream(chunk({"content": "b"}))
    whole = second + stream(chunk(end="stop"), DONE)
    arrivals = ((len(head), 0.1), (len(first) - 1, 0.2), (len(first), 0.3), (len(second), 0.4), (len(whole), 0.5))

    outcome = parsed(whole, arrivals=arrivals)

    assert isinstance(outcome, Response), outcome
    assert outcome.ttft_s == (0.3 if counts else 0.4)


def test_no_answer_has_no_first_token() -> None:
    """A stream in which nothing was said has no time to first token."""
    assert answer(chunk({"content": ""}, "stop"), DONE).ttft_s is None


@pytest.mark.parametrize(
    ("data", "prompt", "completion", "cached"),
    [
        ([chunk({"content": "a"}, "stop", usage=USAGE), DONE], 11, 2, None),
        ([chunk({"content": "a"}, usage={"prompt_tokens": 1}), chunk(end="stop"), usage(), DONE], 11, 2, None),
        ([chunk({"content": "a"}, "stop", x_groq={"id": "r", "usage": USAGE}), DONE], 11, 2, None),
        ([chunk({"content": "a"}, "stop"), usage(usage=USAGE | {"prompt_cache_hit_tokens": 5}), DONE], 11, 2, 5),
    ],
)
def test_where_usage_stands(data: list[Any], prompt: int, completion: int, cached: int | None) -> None:
    """Usage is the last that the stream has, in a chunk of its own or with an answer, or where Groq has it."""
    found = answer(*data).usage

    assert found.method is TokensMethod.API
    assert (found.prompt_tokens, found.completion_tokens, found.cached_tokens) == (prompt, completion, cached)


def test_usage_that_never_came_is_counted() -> None:
    """Without figures, all that the model wrote is counted: reasoning, text and calls of all answers."""
    short = answer(chunk({"content": "a"}, "stop"), DONE).usage
    long = answer(
        chunk({"content": "a", "reasoning": "one two three four"}, "stop"),
        chunk({"tool_calls": [call("weather", '{"city": "Paris"}', index=0)]}, "tool_calls", index=1),
        DONE,
    ).usage

    assert short.method is long.method is TokensMethod.ESTIMATE
    assert (long.completion_tokens or 0) >= (short.completion_tokens or 0) + 10


def test_a_secret_in_pieces() -> None:
    """A key that a server echoes piece by piece is masked where it is put together, body and calls included."""
    secret = Key().reveal()
    deltas: list[dict[str, Any]] = [
        {"content": part, "reasoning": part, "refusal": part} for part in (secret[:9], secret[9:])
    ]
    deltas += [{"tool_calls": [call(name, part, index=0)]} for name, part in (("f", secret[:5]), (None, secret[5:]))]

    outcome = parsed(stream(*map(chunk, deltas), chunk(end="stop"), DONE), redact=Redactor([Key()]))

    assert isinstance(outcome, Response), outcome
    assert secret not in repr(outcome)
    assert outcome.text == outcome.reasoning == outcome.refusal == "***"
    assert outcome.tool_calls[0].arguments == "***"


@pytest.mark.parametrize(
    "data",
    [
        "{",
        "5",
        "[]",
        '"text"',
        '{"choices": [], "choices": []}',
        '{"choices": [{"delta": {"content": NaN}}]}',
        '{"created": ' + "9" * 5000 + "}",
        '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"score": 1e999, "choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}',
        '{"choices": [{"delta": {"content": 5}, "finish_reason": "stop"}]}',
        '{"choices": [{"delta": {"content": ["x"]}, "finish_reason": "stop"}]}',
        '{"choices": [{"delta": {"tool_calls": ["x"]}, "finish_reason": "stop"}]}',
        '{"choices": [{"delta": {"tool_calls": [{"function": {"arguments": "{}"}}]}, "finish_reason": "stop"}]}',
    ],
)
def test_chunks_that_cannot_be_read(data: str) -> None:
    """A stream with a chunk that is no JSON, means two things or cannot be held is no answer."""
    failure = parsed(stream(chunk({"content": "a"}), data, chunk(end="stop"), DONE))

    assert isinstance(failure, Failure)
    assert failure.kind.value == "garbage"


@pytest.mark.parametrize("depth", [50, 300, 900, 990, 3_000])
def test_a_chunk_that_is_nested(depth: int) -> None:
    """However deep what nobody reads is nested, the reply is an answer or garbage, and never an exception."""
    deep = json.loads("[" * 40 + "]" * 40)
    said = '{"choices": [{"delta": {"content": "a", "x": %s}, "finish_reason": "stop"}]}' % ("[" * depth + "]" * depth)

    assert isinstance(parsed(stream(said, DONE)), Response | Failure)
    assert answer(chunk({"content": "a", "x": deep}, "stop"), DONE).text == "a"


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_any_bytes_as_data(data: list[bytes]) -> None:
    """Whatever bytes stand where data should, the stream is a Response or a Failure."""
    body = b"".join(b"data: " + part + b"\n\n" for part in data) + stream(chunk({"content": "a"}, "stop"), DONE)

    assert isinstance(parsed(body), Response | Failure)


WORDS = st.sampled_from(
    [
        *("error", "choices", "delta", "content", "finish_reason", "refusal", "usage", "index", "text", "type", "id"),
        *("tool_calls", "function", "name", "arguments", "message", "reasoning", "function_call", "logprobs"),
    ]
)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
CHUNK = st.one_of(
    VALUE,
    st.builds(lambda part: {"choices": [part]}, VALUE),
    st.builds(lambda part: chunk(part), VALUE),
    st.builds(lambda part: calls(part), VALUE),
    st.builds(lambda part: calls({"index": 0, "function": part}), VALUE),
)


@given(st.lists(CHUNK, max_size=4))
def test_any_json_as_data(chunks: list[Any]) -> None:
    """Any JSON, nested in the place of any part of a chunk, is a Response or a Failure."""
    assert isinstance(parsed(stream(*map(json.dumps, chunks), DONE)), Response | Failure)


@given(st.lists(st.text(), max_size=8))
def test_any_text_in_any_pieces(pieces: list[str]) -> None:
    """An answer arrives as it was, in whatever pieces."""
    response = answer(*(chunk({"content": piece}) for piece in pieces), chunk({"content": ""}, "stop"), DONE)

    assert response.text == "".join(pieces)
