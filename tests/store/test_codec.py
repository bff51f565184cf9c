from __future__ import annotations

import json
import math
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.errors import StorageError
from evalrun.records.message import Message
from evalrun.records.outcome import Exchange, Failure, FailureKind, Response, TokensMethod, Usage
from evalrun.records.score import Mark, Score
from evalrun.records.suite import Case
from evalrun.store.codec import CASE, EXCHANGE, MARK, MESSAGES, SUITE, checksum
from tests.store.builders import answer, suite

any_text = st.text(st.characters(exclude_categories=()))  # halves of surrogate pairs, too
numbers = st.floats() | st.integers()
values = st.recursive(
    st.none() | st.booleans() | numbers | any_text,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(any_text | st.integers(), inner),
    max_leaves=8,
)


def same(one: Any, other: Any) -> bool:
    """Equal with their types, every NaN being like every other."""
    return type(one) is type(other) and repr(one) == repr(other)


@given(text=any_text | st.none(), other=any_text)
def test_any_text_of_a_response_comes_back(text: str | None, other: str) -> None:
    """A response holds whatever a model said, halves of surrogate pairs among it, and comes back equal."""
    usage = Usage(prompt_tokens=None, completion_tokens=0, method=TokensMethod.ESTIMATE)
    before = Exchange(request_key=other, outcome=Response(text=text, usage=usage, latency_s=None, body=other))

    assert EXCHANGE.decode(EXCHANGE.encode(before)) == before


@given(message=any_text, latency_s=st.floats(allow_nan=False), cost_usd=st.floats(allow_nan=False) | st.none())
def test_any_failure_comes_back(message: str, latency_s: float, cost_usd: float | None) -> None:
    """A failure is not taken for a response, and its figures keep every bit."""
    outcome = Failure(kind=FailureKind.CUT, message=message, latency_s=latency_s)
    before = Exchange(request_key="k", outcome=outcome, cost_usd=cost_usd)

    assert EXCHANGE.decode(EXCHANGE.encode(before)) == before


@pytest.mark.slow
@given(variables=st.dictionaries(any_text, values), expected=values)
def test_free_values_come_back_with_their_types(variables: dict[str, Any], expected: Any) -> None:
    """Tuples, numbers as keys, NaN and infinities survive in a case's variables and in what it expects."""
    after = CASE.decode(CASE.encode_exactly(Case(id="c", vars=variables, expected=expected)))

    assert same(after.expected, expected)
    assert same(dict(after.vars), variables)


@given(content=any_text)
def test_messages_come_back(content: str) -> None:
    """Messages keep their text."""
    before = (Message(role="user", content=content), Message(role="assistant", content=""))

    assert MESSAGES.decode(MESSAGES.encode(before)) == before


def test_plain_records_are_kept_as_plain_json() -> None:
    """What JSON can say is readable by any JSON parser, and by sqlite3's shell."""
    kept = SUITE.encode_exactly(suite(0))

    assert json.loads(kept)["name"] == "capitals"


def test_non_finite_scores_are_kept() -> None:
    """The store keeps NaN and infinities: it is for scoring to refuse them."""
    after = MARK.decode(
        MARK.encode(Mark(score=math.nan, verdict=None, scores=(Score(name="s", value=math.inf, passed=None),)))
    )

    assert after.score is not None
    assert math.isnan(after.score)
    assert after.scores[0].value == math.inf


def test_deep_values_come_back() -> None:
    """A value nested deeper than pydantic's parser goes is kept all the same."""
    deep: Any = "x"
    for _ in range(300):
        deep = [deep]

    assert CASE.decode(CASE.encode_exactly(Case(id="c", expected=deep))).expected == deep


@pytest.mark.parametrize("value", [date(2026, 1, 1), b"bytes", {1, 2}, object()])
def test_what_cannot_be_kept_is_refused_by_type(value: Any) -> None:
    """A value without a lossless form is refused, never quietly changed."""
    with pytest.raises(StorageError, match=rf"type {type(value).__name__} cannot be kept"):
        CASE.encode_exactly(Case(id="c", vars={"v": [value]}))


@pytest.mark.parametrize(
    "kept", ["", "{", "null", "[]", '{"id": 3}', '{"":["record"]}', '{"":["record",{"":[1]}]}', b"\xff"]
)
def test_damaged_text_is_a_value_error(kept: str | bytes) -> None:
    """Whatever lies in the file, decoding either gives a record or raises ValueError."""
    with pytest.raises(ValueError):
        CASE.decode(kept)


def test_checksum_tells_values_apart() -> None:
    """Values that differ in type, order or place have different checksums."""
    assert len({checksum("1", 2), checksum(1, "2"), checksum(2, "1"), checksum("12"), checksum(("1", 2))}) == 5
    assert EXCHANGE.encode(answer()) == EXCHANGE.encode(answer())
