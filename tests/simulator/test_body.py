from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.message import Message
from evalrun.simulator.body import BadBody, body_key, last_user_text, read

HELLO = [{"role": "user", "content": "Hello"}]
PICTURE, MISSING_ID = "messages[0].content[0].image_url.url", "messages[0].tool_call_id"
SCHEMA = "response_format.json_schema.schema"
CALLING = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "a", "arguments": "{}"}}],
}


def function(name: str, **more: Any) -> dict[str, Any]:
    """A function by name, as tools and tool_choice have it."""
    return {"type": "function", "function": {"name": name, **more}}


tool = function


def picture(url: str) -> dict[str, Any]:
    """A user's message of nothing but a picture."""
    return {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}


def result(call_id: str) -> dict[str, Any]:
    """A tool's answer to a call."""
    return {"role": "tool", "tool_call_id": call_id, "content": "18"}


def schema(content: Any, **more: Any) -> dict[str, Any]:
    """A response format with a schema; None leaves that out."""
    return {
        "type": "json_schema",
        "json_schema": {"name": "answer", **({} if content is None else {"schema": content}), **more},
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ([], None, None),
        ("text", None, None),
        ({"messages": HELLO}, "model", "missing_required_parameter"),
        ({"model": "large"}, "messages", "missing_required_parameter"),
        ({"model": "large", "messages": []}, "messages", "empty_array"),
        ({"model": "large", "messages": ["Hello"]}, "messages[0]", "invalid_type"),
        ({"model": "large", "messages": [{"role": "boss", "content": ""}]}, "messages[0].role", "invalid_value"),
        ({"model": "large", "messages": [{"role": "user"}]}, "messages[0].content", "invalid_type"),
        (
            {"model": "large", "messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages[0].content[0].image_url.url",
            "missing_required_parameter",
        ),
        ({"model": "large", "messages": HELLO, "wat": 1}, "wat", "unknown_parameter"),
        ({"model": "large", "messages": HELLO, "temperature": "hot"}, "temperature", "invalid_type"),
        ({"model": "large", "messages": HELLO, "temperature": True}, "temperature", "invalid_type"),
        ({"model": "large", "messages": HELLO, "temperature": 2.1}, "temperature", "decimal_above_max_value"),
        ({"model": "large", "messages": HELLO, "temperature": float("nan")}, "temperature", "decimal_above_max_value"),
        ({"model": "large", "messages": HELLO, "max_tokens": 0}, "max_tokens", "integer_below_min_value"),
        ({"model": "large", "messages": HELLO, "max_tokens": 1.5}, "max_tokens", "invalid_type"),
        ({"model": "large", "messages": HELLO, "n": 200}, "n", "integer_above_max_value"),
        ({"model": "large", "messages": HELLO, "stop": 5}, "stop", "invalid_type"),
        ({"model": "large", "messages": HELLO, "stop": list("abcde")}, "stop", "array_above_max_length"),
        ({"model": "large", "messages": HELLO, "stream": "yes"}, "stream", "invalid_type"),
        ({"model": "large", "messages": HELLO, "stream_options": {}}, "stream_options", None),
        ({"model": "large", "messages": HELLO, "top_logprobs": 2}, "top_logprobs", "invalid_value"),
        ({"model": "large", "messages": HELLO, "tools": []}, "tools", "empty_array"),
        ({"model": "large", "messages": HELLO, "tools": [{"type": "search"}]}, "tools[0].type", "invalid_value"),
        ({"model": "large", "messages": HELLO, "tools": [tool("a b")]}, "tools[0].function.name", "invalid_value"),
        ({"model": "large", "messages": HELLO, "tool_choice": "auto"}, "tool_choice", None),
        ({"model": "large", "messages": HELLO, "parallel_tool_calls": True}, "parallel_tool_calls", None),
        (
            {"model": "large", "messages": HELLO, "tools": [tool("a")], "tool_choice": function("b")},
            "tool_choice",
            "invalid_value",
        ),
        (
            {"model": "large", "messages": HELLO, "tools": [tool("a", strict=True, parameters={"type": "object"})]},
            "tools[0].function.parameters",
            "invalid_function_parameters",
        ),
        ({"model": "large", "messages": [picture("ftp://host/a.png")]}, PICTURE, "invalid_image_url"),
        ({"model": "large", "messages": [picture("data:image/png;base64,!!")]}, PICTURE, "invalid_image_format"),
        ({"model": "large", "messages": [picture("data:image/png;base64,AAAA")]}, PICTURE, "invalid_image_format"),
        ({"model": "large", "messages": [*HELLO, result("call_1")]}, "messages[1].role", None),
        ({"model": "large", "messages": [*HELLO, CALLING]}, "messages", None),
        ({"model": "large", "messages": [*HELLO, CALLING, *HELLO]}, "messages[2].role", None),
        ({"model": "large", "messages": [{"role": "tool", "content": ""}]}, MISSING_ID, "missing_required_parameter"),
        ({"model": "large", "messages": HELLO, "reasoning_effort": "huge"}, "reasoning_effort", "invalid_value"),
        ({"model": "large", "messages": HELLO, "response_format": schema(None)}, SCHEMA, "missing_required_parameter"),
        ({"model": "large", "messages": HELLO, "response_format": schema({"type": "dict"})}, "response_format", None),
        (
            {"model": "large", "messages": HELLO, "response_format": schema({"type": "object"}, strict=True)},
            "response_format",
            None,
        ),
        (
            {"model": "large", "messages": HELLO, "response_format": {"type": "xml"}},
            "response_format",
            "unsupported_value",
        ),
    ],
)
def test_a_bad_body_is_refused_with_its_parameter(body: Any, param: str | None, code: str | None) -> None:
    """Each mistake names the parameter at fault and the API's code for it."""
    with pytest.raises(BadBody) as raised:
        read(body)

    assert (raised.value.param, raised.value.code) == (param, code)


def test_a_whole_body_is_read() -> None:
    """Every parameter that means something to the models arrives; text parts are joined; the newer limit wins."""
    call = read(
        {
            "model": "simulator/large",
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]},
                {"role": "assistant", "content": None},
            ],
            "temperature": 0,
            "seed": 7,
            "max_tokens": 9,
            "max_completion_tokens": 5,
            "stop": "END",
            "stream": False,
            "top_p": 0.5,
            "user": "someone",
            "response_format": {"type": "json_object"},
        }
    )

    assert call.messages == (Message(role="user", content="Hello"), Message(role="assistant", content=""))
    assert (call.temperature, call.seed, call.max_tokens, call.stop, call.json_only) == (0.0, 7, 5, ("END",), True)


def test_the_key_is_of_the_meaning() -> None:
    """The order of a body's keys is not in its key; a parameter is."""
    assert body_key({"model": "large", "n": 1}) == body_key({"n": 1, "model": "large"})
    assert body_key({"model": "large", "n": 1}) != body_key({"model": "large"})


ROLE = st.sampled_from(["user", "system", "assistant", "tool"])
MESSAGES = st.lists(
    st.fixed_dictionaries({"role": ROLE, "content": JSON}, optional={"tool_calls": JSON, "tool_call_id": JSON})
)
PARAMETERS = dict.fromkeys(
    ("temperature", "max_tokens", "stop", "seed", "response_format", "stream", "tools", "tool_choice", "logprobs", "n"),
    JSON,
)
BODIES = st.fixed_dictionaries({"model": st.just("large"), "messages": JSON | MESSAGES}, optional=PARAMETERS)


@pytest.mark.slow
@given(JSON | BODIES)
def test_any_json_is_read_or_refused(body: Any) -> None:
    """Whatever is sent, it is a call or a BadBody, and has a key and a last text."""
    with contextlib.suppress(BadBody):
        read(body)

    assert len(body_key(body)) == 64
    assert isinstance(last_user_text(body), str)
