from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.scoring.options import RegexOptions
from evalrun.scoring.patterns import LIMIT_CHARACTERS, extracted
from tests.scoring.build import one

EVIL = [
    (r"(a+)+$", "a" * 40 + "!"),
    (r"(a|aa)+$", "a" * 60 + "b"),
    (r"(a|a)*$", "a" * 40 + "b"),
    (r"(.*a){20}$", "a" * 40 + "b"),
    (r"^(\w+\s?)*$", "word " * 20 + "!"),
    (r"(x+x+)+y", "x" * 60),
    (r"([a-zA-Z]+)*$", "a" * 50 + "1"),
    (r"^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 50),
    (r"(a*)*$", "a" * 50 + "b"),
    (r"(\d+)*\.$", "1" * 50 + "x"),
    (r"^(a?){40}a{40}$", "a" * 30),
    (r"(.*)*=(.*)*;", "x" * 60),
    (r"((a+)+)+$", "a" * 40 + "!"),
    (r"(?:a|b|ab)*c", "ab" * 40),
    (r"^(?:.*?,){25}P", "1,2,3,4,5,6,7,8,9,10," * 4),
    (r"(\s*\S*)*$(?<=x)", " a" * 40),
    (r"(?i)(a|A|aA)+$", "aA" * 30 + "!"),
    (r"^([a-z0-9]+[-_.]?)*@x$", "a" * 50 + "#"),
    (r"(?=(a+)+b)a", "a" * 50 + "c"),
    (r"(a+)\1+(a+)+\2$", "a" * 60 + "b"),
]


@pytest.mark.parametrize(
    ("answer", "value", "passes"),
    [
        ("call 555-1234 now", r"\d{3}-\d{4}", True),
        ("call me", r"\d", False),
        ("Yes", "^yes$", False),
        ("Yes", "(?i)^yes$", True),
        ("a\nb", "^b$", False),
        ("日本語", r"\p{Han}+", True),
        ("two", ["one", "t.o"], True),
        ("three", ["one", "two"], False),
        ("abc", "(?<=a)b(?=c)", True),
        ("", ".*", False),
        (None, ".*", False),
    ],
)
def test_a_pattern_is_searched_for_anywhere(answer, value, passes):
    """regex passes where one of its patterns is found; an empty answer is no answer."""
    assert one("regex", answer, value).passed is passes
    assert one("not-regex", answer, value).passed is (not passes if answer else False)


@pytest.mark.parametrize(
    ("flags", "answer", "value", "passes"),
    [("i", "YES", "yes", True), ("m", "a\nb", "^b$", True), ("s", "a\nb", "a.b", True), ("x", "ab", "a b # c", True)],
)
def test_flags_are_letters(flags, answer, value, passes):
    """The flags option turns on ignore case, lines, dot and verbose."""
    assert one("regex", answer, value, options={"flags": flags}).passed is passes
    assert one("regex", answer, value).passed is not passes


@pytest.mark.parametrize(
    ("pattern", "text"), [*EVIL[:4], *(pytest.param(*evil, marks=pytest.mark.slow) for evil in EVIL[4:])]
)
def test_an_evil_pattern_ends_in_time(pattern, text):
    """A pattern that backtracks exponentially ends within its limit, as an error or a verdict."""
    started = time.process_time()
    score = one("regex", text, pattern)
    took_s = time.process_time() - started

    assert took_s < 1.3
    assert score.error == "" or "took over 1 s of processor time" in score.error


def test_several_evil_patterns_share_the_time():
    """A list of patterns has the same limit as one."""
    started = time.process_time()
    score = one("regex", "a" * 60 + "b", [r"(a|aa)+$"] * 4)

    assert time.process_time() - started < 1.3
    assert "took over 1 s of processor time" in score.error


def test_a_huge_answer_is_not_searched():
    """An answer over the cap leaves the result missing instead of judging a part of it."""
    score = one("regex", "a" * (LIMIT_CHARACTERS + 1), "b")

    assert score.error == "the answer is over 1,000,000 characters, too long for a regular expression"


@pytest.mark.parametrize("value", ["(", "a{2,1}", "[z-a]", "(?P<1>x)", ["ok", "*"], 5, "", []])
def test_options_refuse_a_broken_pattern(value):
    """A pattern that does not compile, or is empty, is a mistake of the suite."""
    with pytest.raises(ValueError):
        RegexOptions.model_validate({"value": value})


def test_a_template_that_renders_to_a_broken_pattern_is_an_error():
    """A pattern known only once it is rendered is judged then."""
    RegexOptions(value="{{ expected }}(")

    assert one("regex", "x", "{{ expected }}", expected="(").error.startswith("not a regular expression")


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"A: (\d+)", "A: 1 A: 2", "1"),
        (r"A: \d+", "A: 1 A: 2", "A: 1"),
        (r"A: (\d+)|B: (\d+)", "B: 7", "7"),
        (r"(x)?y", "y", "y"),
        (r"<(.*?)>", "<>", ""),
        (r"A", "b", None),
        (r"(?s)```\w*\n(.*?)```", "x ```json\n{}\n``` y", "{}\n"),
        (r"（(.+)）", "答（四十二）", "四十二"),
    ],
)
def test_extract_takes_a_group_of_the_first_match(pattern, text, found):
    """Of the first match the first group that took part, else the whole."""
    assert extracted(pattern, text) == found


@pytest.mark.parametrize("name", ["equals", "not-equals", "numeric", "not-numeric", "regex", "is-json"])
def test_nothing_extracted_is_a_fail_and_no_error(name):
    """Where extract finds nothing the scorer fails, negated or not."""
    score = one(name, "no such thing", None if name == "is-json" else "1", extract="A: (.*)")

    assert (score.passed, score.value, score.reason, score.error) == (False, 0.0, "nothing matched extract", "")


def test_a_scorer_compares_what_was_extracted_and_says_so():
    """The part that extract found is compared and carried on the score."""
    score = one("equals", "so A: yes", "yes", extract="A: (.*)")

    assert (score.passed, score.extracted) == (True, "yes")


@given(answer=st.text(), value=st.text())
def test_any_pattern_on_any_text_gets_a_verdict_or_an_error(answer, value):
    """Neither a pattern nor an answer makes the scorer raise."""
    score = one("regex", answer, value)

    assert bool(score.error) is (score.passed is None)
