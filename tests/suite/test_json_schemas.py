from __future__ import annotations

import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.suite.json_schemas import function_fault, schema_fault

GOOD: list[Any] = [
    {},
    {"type": ["string", "null"], "enum": ["a", None]},
    {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": {}}, "$ref": "#/definitions/a"},
    {"$defs": {"node": {"type": "array", "items": {"$ref": "#/$defs/node"}}}, "$ref": "#/$defs/node"},
    {"$id": "https://a.example/s", "$defs": {"b": {"$id": "b", "type": "null"}}, "$ref": "b"},
    {"type": "object", "x-note": "unknown words are let be", "properties": {"$ref": {"type": "string"}}},
]


@pytest.mark.parametrize("schema", GOOD, ids=str)
def test_a_schema_is_one(schema: Any) -> None:
    """Schemas of any draft, that refer to themselves, and with words of one's own, have no fault."""
    assert schema_fault(schema) is None


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ([], ()),
        (True, ()),
        ({"properties": {"a": {"type": "str"}}}, ("properties", "a", "type")),
        ({"properties": {"a": {"$ref": "#/b"}}, "$ref": "#"}, ("properties", "a", "$ref")),
        ({"anyOf": [{}, {"minimum": "1"}]}, ("anyOf", 1, "minimum")),
        ({"required": ["a", "a"]}, ("required",)),
        ({"pattern": "["}, ("pattern",)),
        ({"$schema": "nothing"}, ("$schema",)),
        ({"$dynamicRef": "https://a.example/#x"}, ("$dynamicRef",)),
    ],
    ids=str,
)
def test_a_fault_has_a_place(schema: Any, path: tuple[str | int, ...]) -> None:
    """What is wrong is found where it stands."""
    fault = schema_fault(schema)

    assert fault is not None
    assert fault.path == path


@pytest.mark.parametrize(
    ("schema", "good"),
    [
        ({}, True),
        ({"type": "object"}, True),
        ({"type": "array"}, False),
        ({"properties": {}}, False),
        ({"type": "dict"}, False),
        ({"type": ["object"]}, False),
        ([], False),
    ],
    ids=str,
)
def test_parameters_are_an_object(schema: Any, good: bool) -> None:
    """A tool's parameters are a schema of type object, or none at all."""
    assert (function_fault(schema) is None) is good


@pytest.mark.parametrize("key", ["$ref", "$schema", "$dynamicRef", "$id"])
def test_nothing_is_fetched(key: str) -> None:
    """Whatever a schema refers to, no connection is made."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.settimeout(0.05)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/s.json"

        schema_fault({key: address, "properties": {"a": {"$ref": "other.json"}}})

        with pytest.raises(TimeoutError):
            server.accept()


def test_a_deep_schema_has_an_end() -> None:
    """A schema of a hundred thousand levels is refused, and not by the end of the stack."""
    schema: Any = {}
    for _ in range(100_000):
        schema = {"not": schema}
    fault = schema_fault(schema)
    while schema:  # Python's own end of a deep value is not what is tested
        schema = schema["not"]

    assert fault is not None
    assert "64 levels" in fault.message


WORDS = ["type", "properties", "$ref", "items", "enum", "pattern", "$id", "$schema", "not", "minimum", "$anchor", "a"]
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=5),
        st.just("#/a"),
        st.sampled_from(WORDS),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)),
    max_leaves=10,
)


@given(value=st.dictionaries(st.sampled_from(WORDS), VALUES, max_size=5))
def test_any_value_is_a_schema_or_has_a_fault(value: Any) -> None:
    """No value makes the check raise, and a fault's place is in the value."""
    fault = schema_fault(value)
    for step in fault.path if fault else ():
        value = value[step]

    assert fault is None or fault.message
