from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.message import Message
from evalrun.simulator.answer import NOT_SURE
from evalrun.simulator.models import speak, understand
from evalrun.simulator.schemas import complaint, fill, keys_of
from evalrun.simulator.wants import Schema, Wants
from tests.simulator.questions import asked, questions


def closed(**properties: Any) -> dict[str, Any]:
    """A schema as strict ones have to be."""
    schemas = {name: {"type": part} if isinstance(part, str) else part for name, part in properties.items()}
    return {"type": "object", "properties": schemas, "required": list(schemas), "additionalProperties": False}


def said(question: str, schema: dict[str, Any]) -> Any:
    """The right answer in a schema."""
    answer, _ = understand([Message(role="user", content=question)], keys_of(schema))
    return fill(schema, answer, question)


COUNTRY = closed(country="string", capital="string", currency="string")
TEXT = "Extract the order. Text: Jane Doe, jane@example.org, ordered on 2026-03-14 for $129.50."


@pytest.mark.parametrize(
    ("question", "schema", "expected"),
    [
        ("What is the capital of France?", COUNTRY, {"country": "France", "capital": "Paris", "currency": "euro"}),
        ("What is the capital of France?", closed(answer="string"), {"answer": "Paris"}),
        ("What is the capital of France?", closed(city="string"), {"city": "Paris"}),
        ("What is 6 times 7?", closed(result="integer"), {"result": 42}),
        ("What is 6 times 7?", closed(result="string"), {"result": "42"}),
        ("What is 1 / 4?", closed(result="number"), {"result": 0.25}),
        (
            "What is 6 times 7?",
            closed(explanation="string", answer="integer"),
            {"explanation": "6 * 7 = 42", "answer": 42},
        ),
        ("Is Sydney the capital of Australia?", closed(answer="boolean"), {"answer": False}),
        (
            "List the seasons.",
            closed(items={"type": "array", "items": {"type": "string"}}),
            {"items": ["spring", "summer", "autumn", "winter"]},
        ),
        (
            TEXT,
            closed(name="string", email="string", date="string", price="number"),
            {"name": "Jane Doe", "email": "jane@example.org", "date": "2026-03-14", "price": 129.5},
        ),
        (
            "On which continent is Peru?",
            closed(continent={"type": "string", "enum": ["Africa", "Asia", "South America"]}),
            {"continent": "South America"},
        ),
        (
            "Who wrote Faust?",
            closed(author="string", year="integer", known="boolean", works={"type": "array"}),
            {"author": "", "year": 0, "known": False, "works": []},
        ),
        (
            "Who wrote Faust?",
            closed(author={"type": ["string", "null"]}, at={"$ref": "#/$defs/at"}),
            {"author": None, "at": ""},
        ),
        (
            "What is the capital of Kenya?",
            closed(place=closed(capital="string", zoom={"type": "integer", "minimum": 3})),
            {"place": {"capital": "Nairobi", "zoom": 3}},
        ),
        (
            "What is the capital of Kenya?",
            closed(capital={"anyOf": [{"type": "null"}, {"type": "string"}]}),
            {"capital": "Nairobi"},
        ),
        (
            "What is the capital of Kenya?",
            closed(kind={"const": "city"}, capital="string"),
            {"kind": "city", "capital": "Nairobi"},
        ),
    ],
)
def test_an_answer_fits_its_schema(question: str, schema: dict[str, Any], expected: Any) -> None:
    """Fields are filled by what is known under their names, and else by the least value of their type."""
    assert said(question, schema) == expected


def test_a_strict_schema_holds_for_errors_too() -> None:
    """Who errs is wrong within the schema where it is strict; where it is not, now and then outside of it."""
    schema = closed(answer="string")
    outside = 0
    for question, _ in questions(160):
        strict = speak("small", asked(question), wants=Wants(schema=Schema(name="x", schema=schema, strict=True)))
        loose = speak("small", asked(question), wants=Wants(schema=Schema(name="x", schema=schema)))
        assert set(json.loads(strict.text)) == {"answer"}
        try:
            outside += set(json.loads(loose.text)) != {"answer"}
        except (ValueError, TypeError):
            outside += 1

    assert 3 < outside < 40


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "array"}, "got 'type: \"array\"'"),
        ({"type": "object", "properties": {}}, "'additionalProperties' is required"),
        ({**closed(a="string"), "required": []}, "Missing 'a'"),
        (closed(a={"type": "object"}), "In context=('properties', 'a'), 'additionalProperties'"),
        (closed(a={"type": "array", "items": {"type": "text"}}), "'text' is not valid"),
    ],
)
def test_what_no_endpoint_takes_is_refused(schema: dict[str, Any], words: str) -> None:
    """A strict schema must forbid what it does not name, require all it names, and use types that there are."""
    found = complaint(schema, strict=True)

    assert found is not None
    assert words in found


def test_what_is_not_strict_may_be_loose() -> None:
    """Without strict only the types have to be ones that there are."""
    assert complaint({"type": "object", "properties": {"a": {}}}, strict=False) is None
    assert complaint({"type": "dict"}, strict=False) is not None


PARTS = st.recursive(
    st.sampled_from([{"type": kind} for kind in ("string", "integer", "number", "boolean", "null")]),
    lambda inner: (
        st.builds(lambda items: {"type": "array", "items": items, "minItems": 1}, inner)
        | st.builds(lambda members: closed(**members), st.dictionaries(st.sampled_from("abcd"), inner, max_size=3))
    ),
    max_leaves=8,
)


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value is of a schema of the kinds that PARTS makes."""
    kind = schema["type"]
    if kind == "object":
        members = schema["properties"]
        return (
            isinstance(value, dict) and set(value) == set(members) and all(fits(value[n], members[n]) for n in members)
        )
    if kind == "array":
        return isinstance(value, list) and bool(value) and all(fits(each, schema["items"]) for each in value)
    types: dict[str, Any] = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None)}
    return isinstance(value, types[kind]) and (kind == "boolean" or not isinstance(value, bool))


@given(
    st.builds(
        lambda members: closed(**members), st.dictionaries(st.sampled_from(["a", "answer", "b"]), PARTS, max_size=3)
    )
)
def test_what_is_filled_in_always_fits(schema: dict[str, Any]) -> None:
    """Whatever is asked for, the value is of that form."""
    assert complaint(schema, strict=True) is None
    assert fits(fill(schema, NOT_SURE, ""), schema)


def test_a_schema_of_itself_comes_to_an_end() -> None:
    """A schema that contains itself many times is filled to a depth and a number of values, not for ever."""
    schema = closed(**{name: {"$ref": "#"} for name in "abcdefgh"})

    assert len(json.dumps(fill(schema, NOT_SURE, ""))) < 100_000
    assert fill({"$ref": "#"}, NOT_SURE, "") == ""
