from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalrun.scoring.number_texts import last_number
from evalrun.scoring.options import NumericOptions
from tests.scoring.build import one


@pytest.mark.parametrize(
    ("text", "said", "worth"),
    [
        ("The answer is 42.", "42", "42"),
        ("first 1, then 2", "2", "2"),
        ("$1,234,567.50 in all", "$1,234,567.50", "1234567.50"),
        ("about -3.5 °C", "-3.5", "-3.5"),
        ("about −3.5 °C", "−3.5", "-3.5"),
        ("-$5", "-$5", "-5"),
        ("$-5", "$-5", "-5"),
        ("cost: \\$18", "\\$18", "18"),
        ("€ 7", "€ 7", "7"),
        ("12.5%", "12.5", "12.5"),
        ("1e3 things", "1e3", "1000"),
        ("6.02E+23", "6.02E+23", "6.02E+23"),
        ("1e−2", "1e−2", "0.01"),
        (".5", ".5", "0.5"),
        ("1,2,3", "3", "3"),
        ("1,000,and", "1,000", "1000"),
        ("12,3456", "3456", "3456"),
        ("in 2019-20", "20", "20"),
        ("5 - 3", "3", "3"),
        ("x=-3", "-3", "-3"),
        ("_-3_", "-3", "-3"),
        ("**-3**", "-3", "-3"),
        ("\\boxed{-3}", "-3", "-3"),
        ("+7", "+7", "7"),
        ("1.2.3", "3", "3"),
        ("5 kg of CO2", "5", "5"),
        ("GPT4", None, None),
        ("5km", "5", "5"),
        ("答案是42。", "42", "42"),
        ("٤٢", "٤٢", "42"),
        ("１２", "１２", "12"),
        ("10\u202f000", "10\u202f000", "10000"),
        ("x²", None, None),
        ("none", None, None),
        ("", None, None),
    ],
)
def test_the_last_number_of_a_text_is_read(text, said, worth):
    """Thousands commas, currency, signs, exponents and digits of any script are read; words with digits are not."""
    found = last_number(text)

    assert (found and found[0]) == said
    assert (found and found[1]) == (worth and Decimal(worth))


@pytest.mark.parametrize(
    ("answer", "value", "options", "passes"),
    [
        ("A: 18", 18, {}, True),
        ("A: 18.0", "18", {}, True),
        ("A: 8400", "8,400", {}, True),
        ("A: 18", [17, 18], {}, True),
        ("A: 18", [16, "17"], {}, False),
        ("3.14", 3.14159, {"tolerance": 0.01}, True),
        ("3.15", 3.14159, {"tolerance": 0.001}, False),
        ("10.01", 10, {"tolerance": 0.01}, True),
        ("10.02", 10, {"tolerance": 0.01}, False),
        ("99", 100, {"relative_tolerance": 0.01}, True),
        ("98", 100, {"relative_tolerance": 0.01}, False),
        ("-99", -100, {"relative_tolerance": 0.01}, True),
        ("0.30", 0.3, {}, True),
        ("12345678901234567890", 12345678901234567891, {}, False),
        ("50%", "50 %", {}, True),
        ("1e400", 5, {}, False),
        ("9" * 1_100_000, 5, {"tolerance": 1}, False),
        ("no idea", 5, {}, False),
        ("", 5, {}, False),
        (None, 5, {}, False),
    ],
)
def test_numeric_compares_numbers_within_a_tolerance(answer, value, options, passes):
    """numeric passes within the wider of the two tolerances, and a bound counts as inside."""
    score = one("numeric", answer, value, options=options)

    assert (score.passed, score.error) == (passes, "")


@pytest.mark.parametrize("name", ["numeric", "not-numeric"])
def test_no_number_is_a_fail_and_no_error(name):
    """An answer without a number fails, negated or not, and says so."""
    score = one(name, "I do not know", 5)

    assert (score.passed, score.value, score.reason, score.error) == (False, 0.0, "no number in the answer", "")


def test_numeric_carries_the_number_that_it_compared():
    """The number's own text is on the score, and the reason names both."""
    score = one("numeric", "so it is $1,000", "1200")

    assert (score.extracted, score.reason) == ("$1,000", 'expected "1200", got "$1,000"')
    assert one("not-numeric", "so 7", 7).reason == 'expected anything but "7", got "7"'


@pytest.mark.parametrize(
    "expected", ["about 5", "", "5 or 6", True, None, {"a": 1}, [], [1, "x"], float("nan"), "step5"]
)
def test_an_expected_value_that_is_no_number_is_an_error(expected):
    """What cannot be compared leaves the result missing instead of failing the answer."""
    score = one("numeric", "5", expected=expected)

    assert score.value is None
    assert score.error


@pytest.mark.parametrize(
    "options", [{"tolerance": -1}, {"tolerance": "x"}, {"relative_tolerance": float("inf")}, {"tol": 1}]
)
def test_numeric_options_are_checked(options):
    """A tolerance is a number from 0, and unknown keys are refused."""
    with pytest.raises(ValueError):
        NumericOptions.model_validate(options)


@given(
    answer=st.text(alphabet=st.characters() | st.sampled_from("0123456789,.-−+$€eE% \u202f")),
    value=st.integers() | st.floats(),
)
@example("", float("inf"))
@example(" ", float("nan"))
def test_any_text_is_compared_with_any_number(answer, value):
    """No text makes numeric raise; only a value that is not finite is an error, whatever the answer."""
    score = one("numeric", answer, value)

    assert bool(score.error) is (isinstance(value, float) and not math.isfinite(value))


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=4))
def test_a_number_as_people_write_it_is_read_back(number):
    """Thousands commas and decimals lose nothing."""
    assert last_number(f"It is {number:,f}, I think.") == (f"{number:,f}", number)
