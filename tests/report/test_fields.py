from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from evalrun.report.fields import record_json, to_json
from evalrun.safe_text import json_text

TEXTS = st.text(st.characters(codec=None), max_size=20)  # halves of surrogate pairs among them
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.floats() | TEXTS,
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(TEXTS, inside, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_records_are_the_same_json(value: dict[str, object]) -> None:
    """The quick way writes what the slow one does: the same values, and nothing in it that could act."""
    text = record_json(value)

    assert json.loads(text) == json.loads(to_json(value))
    assert json_text(text) == text
    assert text.isprintable() or not text.isascii()


def test_what_json_lacks_is_told_by_name() -> None:
    """Figures that are none are texts, by both ways."""
    value = {"a": math.nan, "b": math.inf, "c": [-math.inf]}

    assert record_json(value) == to_json(value) == '{"a":"NaN","b":"Infinity","c":["-Infinity"]}'
