from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.providers.ratelimits import LONGEST_WAIT_S, http_date, retry_after_s

NOW = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT
DAY = LONGEST_WAIT_S


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("1", 1.0),
        (" 7 ", 7.0),
        ("120", 120.0),
        ("0.5", 0.5),
        (".25", 0.25),
        ("3.", 3.0),
        ("1e2", 100.0),
        ("86400", DAY),
        ("86401", DAY),
        ("10000000000", DAY),
        ("1e10", DAY),
        ("9" * 200, DAY),
        ("9" * 400, None),
        ("1e999", None),
        ("-1", None),
        ("-0.001", None),
        ("+5", None),
        ("inf", None),
        ("Infinity", None),
        ("nan", None),
        ("", None),
        ("soon", None),
        ("12 seconds", None),
        ("1_000", None),
        ("0x10", None),
        ("١٢", None),
        ("1,5", None),
        ("1s", None),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0),
        ("Friday, 15-Jan-27 08:00:30 GMT", 30.0),
        ("Fri Jan 15 08:00:30 2027", 30.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", DAY),
        ("Fri, 99 Foo 2027 08:00:30 GMT", None),
        ("Fri, 15 Jan 2027", None),
        ("2027-01-15T08:00:30Z", None),
        ("Mon" * 1000, None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    """Retry-After is read as seconds or as a date: at least none, at most a day, and never an error."""
    assert retry_after_s({"retry-after": value}, NOW) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "x", "retry-after": "9"}, 9.0),
        ({"retry-after-ms": "1e12"}, DAY),
        ({"x-ratelimit-timeremaining": "29"}, 29.0),
        ({"retry-after": "0", "x-ratelimit-timeremaining": "29"}, 0.0),
        ({"retry-after": "never", "x-ratelimit-timeremaining": "29"}, 29.0),
        ({"retry-after": "Fri, 15 Jan 2027 09:00:30 GMT", "date": "Fri, 15 Jan 2027 09:00:00 GMT"}, 30.0),
        ({"retry-after": "Fri, 15 Jan 2027 08:00:30 GMT", "date": "garbage"}, 30.0),
    ],
)
def test_which_header(headers: dict[str, str], seconds: float | None) -> None:
    """Milliseconds come before seconds, and a date is taken relative to the reply's own."""
    assert retry_after_s(headers, NOW) == seconds


@given(
    st.dictionaries(st.sampled_from(["retry-after-ms", "retry-after", "x-ratelimit-timeremaining", "date"]), st.text())
)
def test_any_headers(headers: dict[str, str]) -> None:
    """Whatever the headers say, the wait is none, or between nothing and a day."""
    seconds = retry_after_s(headers, NOW)

    assert seconds is None or 0 <= seconds <= DAY


@given(st.text())
def test_any_date(text: str) -> None:
    """Whatever the text, it is a date or none."""
    moment = http_date(text)

    assert moment is None or isinstance(moment, float)
