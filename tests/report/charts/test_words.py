from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evalrun.report.charts.words import fitted, width


def test_a_text_that_fits_stays() -> None:
    """Nothing is cut without need; line breaks and runs of spaces are one space."""
    assert fitted("gpt-4o\n mini", 200) == "gpt-4o mini"


def test_both_ends_of_a_long_name_stay() -> None:
    """Names begin and end differently; what goes is the middle."""
    short = fitted("meta-llama/Llama-3.1-405B-Instruct-Turbo · temperature=0.7", 160)

    assert short.startswith("meta-llama")
    assert short.endswith("=0.7")
    assert "…" in short


@given(text=st.text(max_size=80), room=st.floats(min_value=15, max_value=400))
def test_what_is_fitted_fits(text: str, room: float) -> None:
    """Whatever the text, it is no wider than its room, on one line, and holds no control that acts."""
    short = fitted(text, room)

    assert width(short) <= room
    assert "\n" not in short
    assert not {"\u202e", "\u200f", "\x1b"} & set(short)


def test_wide_letters_count_more() -> None:
    """A Chinese character takes about as much as two small Latin ones, a combining accent nothing."""
    assert width("漢字") > width("abc")
    assert width("e\u0301") == width("e")
