from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.suite.complaints import Complaints, Spot
from evalrun.suite.document import Document, plain_value, read_yaml


def read(text: str) -> Document:
    """A document without complaints."""
    complaints = Complaints()
    document = read_yaml("s.yaml", text, complaints)
    assert document is not None
    assert complaints.all() == []
    return document


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("off", "off"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("2024-01-01", "2024-01-01"),
        ("1e-3", 0.001),
        ("1.", 1.0),
        (".5", 0.5),
        ("-3", -3),
        ("+4", 4),
        ("0x1F", 31),
        ("0o17", 15),
        ("0", 0),
        ("0.25", 0.25),
        ("'010'", "010"),
        ("! 12", 12),
        ("=", "="),
        (".5.5", ".5.5"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    """Only true and false are truth values, numbers are numbers, everything else is text."""
    read_value = read(f"a: {text}").value["a"]

    assert read_value == value
    assert type(read_value) is type(value)


@pytest.mark.parametrize("text", ["010", "-007", "00.5", "9" * 400])
def test_numbers_that_could_be_misread_are_refused(text: str) -> None:
    """A number with a zero in front, or with hundreds of digits, is not guessed at."""
    with pytest.raises(ValueError, match="quote it"):
        plain_value(text)


@given(number=st.one_of(st.integers(-(10**15), 10**15), st.floats(allow_nan=False, allow_infinity=False)))
def test_numbers_come_back_as_they_were_written(number: float) -> None:
    """What Python writes for a number is read as the same number."""
    assert plain_value(str(number)) == number


@given(text=st.text(max_size=30))
def test_a_plain_value_is_text_or_a_finite_number(text: str) -> None:
    """No scalar becomes anything else, and none raises anything but ValueError."""
    try:
        value = plain_value(text)
    except ValueError:
        return
    assert value is None or isinstance(value, str | bool | int) or math.isfinite(value)


def test_keys_are_text_as_written() -> None:
    """Numbers, dates and truth values are keys by their own text."""
    assert read("1: a\n2024-01-01: b\ntrue: c\n").value == {"1": "a", "2024-01-01": "b", "true": "c"}


def test_merge_keys_give_way_to_own_keys() -> None:
    """``<<`` fills in what a mapping, or an earlier merge, does not say."""
    document = read("a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 3}\n")

    assert document.value["c"] == {"x": 3, "y": 1, "z": 2}
    assert document.spot(("c", "z")) == Spot("s.yaml", 2, 17, "c.z")


def test_every_place_is_known() -> None:
    """Values and keys are found by their path; what is missing, where it is missing."""
    document = read("a:\n  - b: 1\n    c: [x, y]\n")

    assert document.spot(("a", 0, "c", 1)) == Spot("s.yaml", 3, 12, "a.0.c.1")
    assert document.spot(("a", 0, "c"), of_key=True) == Spot("s.yaml", 3, 5, "a.0.c")
    assert document.spot(("a", 0, "d")) == Spot("s.yaml", 2, 5, "a.0.d")


def test_lines_of_a_block_are_its_own() -> None:
    """A line inside a text after ``|`` is a line of the file; of other texts only the start is known."""
    document = read("a: |\n  one\n  two\nb: one\n  two\n")

    assert document.line_of(("a",), 2).line == 3
    assert document.line_of(("b",), 2).line == 4


def test_respelled_numbers_are_known() -> None:
    """A number whose text would change is remembered with its path."""
    assert read("a: [3.10, 3.1, 1.0, 0x10]").respelled == {("a", 0): "3.10", ("a", 3): "0x10"}


@pytest.mark.slow
def test_five_thousand_cases_are_read_in_a_second() -> None:
    """Reading is fast enough for large suites."""
    text = "cases:\n" + "".join(
        f"  - {{id: c{i}, vars: {{x: {i}, y: text {i}}}, expected: [a, b]}}\n" for i in range(5000)
    )
    started = time.process_time()

    read(text)

    assert time.process_time() - started < 2
