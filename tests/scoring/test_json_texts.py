from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.scoring.json_texts import has_object
from tests.scoring.build import one

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("answer", "whole", "inside"),
    [
        ('{"a": 1}', True, True),
        (' \n{"a": [1, {"b": null}]}\n', True, True),
        ("[1, 2]", True, True),
        ('"text"', True, False),
        ("12.5e3", True, False),
        ("null", True, False),
        ("NaN", False, False),
        ('{"a": Infinity}', False, False),
        ("9" * 6000, True, False),
        ('```json\n{"a": 1}\n```', False, True),
        ("Here:\n```json\n[1, 2]\n```\nDone.", False, True),
        ("as shown in [1]", False, False),
        ('Sure! {"a": 1} is it.', False, True),
        ("{'a': 1}", False, False),
        ('{"a": 1,}', False, False),
        ("{a: 1}", False, False),
        ("use {braces} for {}", False, True),
        ('{"broken {"a": 1}', False, True),
        ('[{"a": 1} and more', False, True),
        ('{"a": {"b": 1', False, False),
        ('{"a": [1}', False, False),
        ("{]}", False, False),
        ("[" * 100_000, False, False),
        ('{"名前": "値 😀"}', True, True),
        ('{"a": "line\nbreak"}', False, False),
        ("", False, False),
        (None, False, False),
    ],
)
def test_json_is_told_from_what_only_looks_like_it(answer, whole, inside):
    """is-json wants the whole answer, contains-json an object anywhere or an array that stands alone."""
    assert one("is-json", answer).passed is whole
    assert one("contains-json", answer).passed is inside
    if answer:
        assert one("not-is-json", answer).passed is not whole
        assert one("not-contains-json", answer).passed is not inside


def test_deep_json_is_found_without_recursion():
    """Depth costs nothing: nesting far beyond Python's stack is found, and is-json says when it gives up."""
    deep = '{"a":' * 50_000 + "{}" + "}" * 50_000

    assert has_object(deep)
    assert one("is-json", deep).error == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "{" * 300_000,
        '{"' * 200_000,
        '{"a":' * 100_000,
        '{"a":"' * 80_000,
        "[{" * 150_000,
        '{"a":[1,' * 60_000,
        "{ " * 200_000,
    ],
)
def test_looking_for_json_takes_time_in_proportion(text):
    """No text of broken objects makes the search quadratic."""
    started = time.perf_counter()
    has_object(text)

    assert time.perf_counter() - started < 3


def test_a_reason_says_where_it_is_no_json():
    """The place of the first fault is named, and the answer quoted."""
    assert one("is-json", '{"a": x}').reason == 'not JSON: Expecting value at 1:7 in "{"a": x}"'


@given(VALUES)
def test_whatever_json_writes_is_json(value):
    """Every value that json writes passes is-json, and contains-json where it is or holds an object."""
    text = json.dumps(value)

    assert one("is-json", text).passed
    assert one("contains-json", f"{text}").passed is (isinstance(value, (dict, list)))


def _stands_somewhere(text: str) -> bool:
    """The slow truth: a whole object begins at some brace."""
    decoder = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=lambda name: int("no"))
    for start, character in enumerate(text):
        if character == "{":
            try:
                decoder.raw_decode(text, start)
            except ValueError:
                continue
            return True
    return False


@given(st.text(alphabet='{}[]:,"\\a1 -.e\n') | st.text(alphabet='{}":,1', min_size=5, max_size=40))
def test_objects_are_found_exactly_where_they_are(text):
    """The search in one pass agrees with trying every brace."""
    assert has_object(text) is _stands_somewhere(text)


@given(st.text())
def test_any_text_is_json_or_not(text):
    """No text makes the JSON scorers raise."""
    assert one("is-json", text).error == ""
    assert one("contains-json", text).error == ""
