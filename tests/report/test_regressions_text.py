from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalrun.records.regression import Regression, Regressions
from evalrun.report.regressions_text import regression_lines
from evalrun.safe_text import cells_wide
from tests.report.hostile import HOSTILE

LONG = "I think that it is Sydney, which is the largest city, but I may be wrong about it, as people often are."


def found(*worst: Regression, failing: int | None = None) -> Regressions:
    """These regressions, and so many in all."""
    return Regressions(
        against="the baseline of 2026-11-19",
        compared=40,
        failing=len(worst) if failing is None else failing,
        worst=worst,
    )


def one(**more: object) -> Regression:
    """A case that got worse."""
    said: dict = {"case": "fr", "column": "mini", "sample": None, "expected": "Paris", "said": "Sydney", "reason": "no"}
    return Regression(**{**said, **more})


def test_short_texts_stand_on_one_line() -> None:
    """Case, column, what was expected and what was said."""
    assert regression_lines(found(one()), 71) == [
        "1 of 40 answers that passed in the baseline of 2026-11-19 now fails:",
        "fr · mini: expected “Paris”, said “Sydney”",
    ]


def test_long_texts_are_cut() -> None:
    """What was said is cut where it stands, or has a line of its own where little room is left."""
    wide = regression_lines(found(one(said=LONG)), 71)[-1]
    narrow = regression_lines(found(one(said=LONG, expected="Canberra, the capital")), 51)[-2:]

    assert wide == "fr · mini: expected “Paris”, said “I think that it is Sydney, which i…”"
    assert narrow[0] == "fr · mini: expected “Canberra, the capital”"
    assert narrow[1].startswith("  said “I think that it is Sydney, which is the")
    assert narrow[1].endswith("…”")


def test_what_is_not_there_is_said() -> None:
    """An empty answer said nothing; where nothing is expected, the scorer's reason stands; samples have a number."""
    assert regression_lines(found(one(said="")), 71)[-1] == "fr · mini: expected “Paris”, said nothing"
    assert regression_lines(found(one(expected="")), 71)[-1] == "fr · mini: no, said “Sydney”"
    assert regression_lines(found(one(expected="", reason="")), 71)[-1] == "fr · mini: said “Sydney”"
    assert regression_lines(found(one(sample=2)), 71)[-1].startswith("fr · mini #2: ")


def test_nothing_worse_is_nothing_said() -> None:
    """No line, where every answer that passed passes still; and a word where there are more than are shown."""
    assert regression_lines(found(), 71) == []
    assert " ".join(regression_lines(found(one(), failing=9), 71)).count("now fail, the worst:") == 1


@pytest.mark.parametrize("width", [31, 51, 71, 111])
def test_hostile_texts_are_inert_and_fit(width: int) -> None:
    """Whatever a case, a column or an answer is called, lines fit and hold no control."""
    for text in HOSTILE:
        same = one(case=text, column=text, expected=text, said=text, reason=text, sample=3)
        for line in regression_lines(found(same), width):
            assert cells_wide(line) <= width
            assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]", line)


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=200), st.integers(31, 120))
@settings(max_examples=80)
def test_any_text_fits(case: str, column: str, said: str, width: int) -> None:
    """No line is wider than the terminal."""
    for line in regression_lines(found(one(case=case, column=column, expected=said, said=said)), width):
        assert cells_wide(line) <= width
