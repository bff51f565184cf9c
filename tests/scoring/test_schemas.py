from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.scoring.json_values import NotJson, loads
from evalrun.scoring.marks import score_one
from evalrun.scoring.options import JsonOptions
from evalrun.scoring.schemas import violation
from evalrun.scoring.scorer import NoResult
from tests.scoring.build import one, row, spec

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "sizes": {"type": "array", "items": {"type": "integer", "maximum": 9}}},
    "required": ["city"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"city": "Paris", "sizes": [1, 2]}', ""),
        ('{"city": 3}', 'city: 3 is not of type "string"'),
        ('{"city": "Paris", "sizes": [1, 12]}', "sizes.1: 12 is greater than the maximum of 9"),
        ("{}", '"city" is a required property'),
        ('{"city": "Paris", "x": 1}', "Additional properties are not allowed ('x' was unexpected)"),
        ("[]", '[] is not of type "object"'),
    ],
)
def test_the_first_violation_is_named_with_its_place(text, fault):
    """A reason says where in the answer which rule is broken."""
    assert one("is-json", text, schema_of(CITY)).reason == (fault and f"not what the schema says: {fault}")
    assert one("is-json", text, options={"schema": CITY}).passed is not bool(fault)
    assert one("not-is-json", text, options={"schema": CITY}).passed is bool(fault)


def schema_of(schema):
    """A schema as a suite may say it: text, so that both forms are tried."""
    return json.dumps(schema)


def test_a_schema_may_be_a_template_of_a_variable():
    """Each case may have its own schema; a case's expected value is none."""
    scorer = spec("is-json", "{{ shape }}")

    assert score_one(scorer, row('{"city": "x"}', vars={"shape": CITY})).passed
    assert not score_one(scorer, row("3", vars={"shape": CITY})).passed
    assert score_one(scorer, row("3", vars={"shape": 3})).error == "a JSON Schema is a mapping, not int"
    assert one("is-json", "3", expected={"type": "string"}).passed


@pytest.mark.parametrize(
    ("text", "passed"),
    [
        ('It is {"city": "Paris"}.', True),
        ('First {"x": 1}, then {"city": "Paris"}.', True),
        ('```json\n{"city": "Paris"}\n```', True),
        ('It is {"city": 3}.', False),
        ('{"city": {"city": "Paris"}}', False),
        ('broken { here, {"city": "Paris"}', True),
        ("none", False),
    ],
)
def test_contains_json_looks_for_one_that_fits(text, passed):
    """With a schema, any object of the answer that stands in no other will do."""
    found = one("contains-json", text, options={"schema": CITY})

    assert found.passed is passed
    assert one("not-contains-json", text, options={"schema": CITY}).passed is not passed


def test_contains_json_says_what_is_wrong_with_what_it_found():
    """The reason is that of the first object; without any it says so."""
    assert one("contains-json", 'so {"city": 3}', options={"schema": CITY}).reason == (
        'not what the schema says: city: 3 is not of type "string" in "so {"city": 3}"'
    )
    assert one("contains-json", "so", options={"schema": CITY}).reason == 'no JSON object in "so"'


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"$ref": "https://example.com/schema.json"},
        {"$ref": "file:///etc/hostname"},
        {"$schema": "http://example.com/meta"},
        {"type": "dict"},
        {"pattern": "("},
        {"$ref": "#/$defs/missing"},
        {"const": {1, 2}},
        {"const": "\ud800"},
        loads('{"not":' * 300 + "true" + "}" * 300),
    ],
)
def test_a_schema_that_is_none_is_a_mistake_of_the_suite(schema):
    """Broken schemas, and those that refer to another document, are refused before anything is sent."""
    with pytest.raises(ValueError, match="not a JSON Schema"):
        JsonOptions.model_validate({"schema": schema})
    with pytest.raises(NoResult, match="not a JSON Schema"):
        violation(schema, {})


def test_schema_and_value_are_not_said_together():
    """The two are one option with two names."""
    with pytest.raises(ValueError, match="not both"):
        JsonOptions.model_validate({"schema": CITY, "value": CITY})


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ('"\ud800"', ""),
        ('"\\ud83d"', ""),
        ("9" * 5000, ""),
        ("-1e999", ""),
    ],
)
def test_odd_json_is_held_against_a_schema(text, fault):
    """Depth, halves of surrogate pairs and numbers without bounds are facts about an answer, no errors."""
    found = one("is-json", text, options={"schema": {"maxLength": 5}})

    assert found.error == ""
    assert found.passed is (not fault)
    assert fault in found.reason


@pytest.mark.slow
@pytest.mark.parametrize(
    "schema", [{"items": {"$ref": "#"}}, {"additionalProperties": {"$ref": "#"}}, {"type": "array"}]
)
def test_a_value_nested_beyond_measure_does_not_fit(schema):
    """However deep a value is, the process lives and there is a verdict."""
    lists, mappings = [], {}
    for _ in range(50_000):
        lists, mappings = [lists], {"a": mappings}

    assert violation(schema, lists) == violation(schema, mappings) == "nested too deeply"
    assert violation(schema, loads("[" * 150 + "]" * 150)) == ""


def test_numbers_without_bounds_stay_numbers():
    """A number that Python cannot hold is the largest there is, of its sign."""
    assert violation({"type": "integer", "minimum": 1e300}, loads("9" * 5000)) == ""
    assert violation({"type": "number", "maximum": -1e300}, loads("-1e999")) == ""
    with pytest.raises(NotJson):
        loads("Infinity")


def test_a_pattern_that_takes_too_long_is_no_verdict():
    """Where the pattern of a schema cannot be decided in reasonable time, there is no result."""
    found = one("is-json", json.dumps("a" * 60), options={"schema": {"pattern": "^(a|a)*(?=b)c$"}})

    assert found.passed is None
    assert found.error.startswith("a pattern of the schema takes too long")


def test_an_answer_of_broken_objects_is_given_up():
    """Text made of unfinished objects costs bounded work, and then there is no result."""
    found = one("contains-json", '{"a":[' * 30_000, options={"schema": CITY})

    assert found.passed is None or not found.passed
    assert found.error in ("", "there are too many unfinished objects to look at")


@given(st.text())
def test_any_text_fits_a_schema_or_not(text):
    """No text makes the scorers raise."""
    assert one("is-json", text, options={"schema": CITY}).error == ""
    assert one("contains-json", text, options={"schema": CITY}).error == ""


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_every_value_fits_the_schema_of_itself(value):
    """A constant is met by the value itself."""
    text = json.dumps(value)

    assert one("is-json", text, options={"schema": {"enum": [loads(text)]}}).passed
    assert one("is-json", text, options={"schema": True}).passed
    assert not one("is-json", text, options={"schema": False}).passed
