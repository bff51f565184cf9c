from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.comparison import Interval
from evalrun.report import numbers


@pytest.mark.parametrize(
    ("render", "value", "text"),
    [
        (numbers.rate, None, "–"),
        (numbers.rate, float("nan"), "–"),
        (numbers.rate, 0.0, "0.000"),
        (numbers.rate, 0.9185, "0.919"),
        (numbers.rate, 1, "1.000"),
        (numbers.percent, None, "–"),
        (numbers.percent, 0.9185, "91.9 %"),
        (numbers.percent, 1.0, "100.0 %"),
        (numbers.points, 0.092, "+9.2"),
        (numbers.points, -0.1742, "−17.4"),
        (numbers.points, -0.0001, "0.0"),
        (numbers.money, None, "–"),
        (numbers.money, 0.0, "free"),
        (numbers.money, 0.0000001, "<$0.000001"),
        (numbers.money, 0.00042, "$0.00042"),
        (numbers.money, 0.000036, "$0.000036"),
        (numbers.money, 0.003, "$0.003"),
        (numbers.money, 0.0374, "$0.037"),
        (numbers.money, 0.9996, "$1.00"),
        (numbers.money, 1.084, "$1.08"),
        (numbers.money, 1234.5, "$1,234.50"),
        (numbers.tokens, None, "–"),
        (numbers.tokens, 0, "0"),
        (numbers.tokens, 950, "950"),
        (numbers.tokens, 9_360, "9.4k"),
        (numbers.tokens, 122_000, "122.0k"),
        (numbers.tokens, 999_949, "999.9k"),
        (numbers.tokens, 999_950, "1.00M"),
        (numbers.tokens, 1_234_567, "1.23M"),
        (numbers.seconds, None, "–"),
        (numbers.seconds, 0.0, "0 ms"),
        (numbers.seconds, 0.0002, "<1 ms"),
        (numbers.seconds, 0.0041, "4 ms"),
        (numbers.seconds, 0.0996, "0.10 s"),
        (numbers.seconds, 2.591, "2.59 s"),
        (numbers.seconds, 12.34, "12.3 s"),
        (numbers.seconds, 125.2, "2 min 05 s"),
        (numbers.count, 1319, "1,319"),
        (numbers.count, None, "–"),
        (numbers.times, 3.86, "3.9 times"),
        (numbers.times, 12.2, "12 times"),
    ],
)
def test_figures_are_written(render: object, value: object, text: str) -> None:
    """Each kind of figure has one way to be written."""
    assert render(value) == text  # type: ignore[operator]


def test_intervals_are_bracketed() -> None:
    """Intervals are brackets with a real minus sign; turning a comparison round swaps the ends."""
    interval = Interval(mean=0.174, low=-0.147, high=0.2)

    assert numbers.bounds(interval) == "[−0.15, 0.20]"
    assert numbers.percent_bounds(interval) == "[−14.7, 20.0]"
    assert numbers.points_bounds(interval, negate=True) == "[−20.0, 14.7]"


@given(st.floats(0, 1))
def test_rate_and_percentage_end_in_the_same_digits(value: float) -> None:
    """The page's percentage and the terminal's rate are the same figure."""
    assert Decimal(numbers.percent(value).removesuffix(" %")) == Decimal(numbers.rate(value)) * 100


@given(st.floats(0, 1e9))
def test_money_is_never_shown_as_nothing(value: float) -> None:
    """An amount above zero never reads as zero."""
    text = numbers.money(value)

    assert (text == "free") == (value == 0)
    assert value == 0 or any(digit in text for digit in "123456789")


@pytest.mark.parametrize(
    ("cents", "text"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (0.0, "free"),
        (0.0000041, "<0.00001 ¢"),
        (0.0148, "0.015 ¢"),
        (0.0996, "0.100 ¢"),
        (1.0, "1.0 ¢"),
        (2.41, "2.4 ¢"),
        (130.4, "130 ¢"),
    ],
)
def test_cents_have_two_digits(cents: float | None, text: str) -> None:
    """What an answer costs, small as it is, is told to two digits."""
    assert numbers.cents(cents) == text
