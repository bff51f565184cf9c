from __future__ import annotations

import pytest

from evalrun.providers.durations import go_duration, span_or_moment
from evalrun.providers.limit_headers import limit_facts
from evalrun.providers.ratelimits import rate_facts
from evalrun.records.quota import DAY_S, HOUR_S, LimitFact, RateFacts
from tests.providers.bodies import NOW, fact


@pytest.mark.parametrize(
    ("headers", "facts"),
    [
        ({}, []),
        (
            {
                "x-ratelimit-limit-requests": "5000",
                "x-ratelimit-limit-tokens": "800000",
                "x-ratelimit-remaining-requests": "4999",
                "x-ratelimit-remaining-tokens": "799984",
                "x-ratelimit-reset-requests": "12ms",
                "x-ratelimit-reset-tokens": "21h26m17.041s",
            },
            [
                fact(amount=5000, remaining=4999, reset_s=0.012),
                fact("tokens", 800_000, remaining=799_984, reset_s=77_177.041),
            ],
        ),
        (  # Azure OpenAI, as recorded: plain milliseconds
            {
                "x-ratelimit-abusepenalty-active": "False",
                "x-ratelimit-key": "gpt-4o-mini",
                "x-ratelimit-limit-requests": "120",
                "x-ratelimit-limit-tokens": "120000",
                "x-ratelimit-remaining-requests": "119",
                "x-ratelimit-remaining-tokens": "119986",
                "x-ratelimit-renewalperiod-requests": "60",
                "x-ratelimit-renewalperiod-tokens": "60",
                "x-ratelimit-reset-requests": "500",
                "x-ratelimit-reset-tokens": "7",
            },
            [
                fact(amount=120, per_s=60, remaining=119, reset_s=0.5),
                fact("tokens", 120_000, 60, remaining=119_986, reset_s=0.007),
            ],
        ),
        (
            {
                "x-ratelimit-limit-requests": "10",
                "x-ratelimit-remaining-requests": "9",
                "x-ratelimit-renewalperiod-requests": "10",
                "x-ratelimit-reset-requests": "8",
            },
            [fact(amount=10, per_s=10, remaining=9, reset_s=8)],
        ),
        (
            {
                "x-ratelimit-limit-tokens": "-1",
                "x-ratelimit-remaining-tokens": "-1",
                "x-ratelimit-reset-tokens": "0",
            },
            [],
        ),
        ({"x-ratelimit-limit-tokens": "9223372036854775807", "x-ratelimit-remaining-tokens": "inf"}, []),
        (
            {
                "anthropic-ratelimit-requests-limit": "50",
                "anthropic-ratelimit-requests-remaining": "49",
                "anthropic-ratelimit-requests-reset": "2027-01-15T08:00:01Z",
                "anthropic-ratelimit-input-tokens-limit": "40000",
                "anthropic-ratelimit-input-tokens-reset": "2027-01-15T07:59:00Z",
                "anthropic-ratelimit-output-tokens-remaining": "8000",
                "anthropic-ratelimit-output-tokens-reset": "soon",
            },
            [
                fact("input_tokens", 40_000, reset_s=0.0),
                fact("output_tokens", remaining=8000),
                fact(amount=50, remaining=49, reset_s=1.0),
            ],
        ),
        (
            {
                "x-ratelimit-limit-requests-minute": "5",
                "x-ratelimit-limit-requests-hour": "150",
                "x-ratelimit-limit-requests-day": "2400",
                "x-ratelimit-remaining-requests-day": "2200",
                "x-ratelimit-reset-requests-day": "33011.382867",
                "x-ratelimit-limit-tokens-month": "1000000000",
            },
            [
                fact(amount=5, per_s=60),
                fact(amount=150, per_s=HOUR_S),
                fact(amount=2400, per_s=DAY_S, remaining=2200, reset_s=33011.382867),
            ],
        ),
        (
            {"x-ratelimit-limit-req-minute": "4", "x-ratelimit-remaining-req-minute": "0"},
            [fact(amount=4, per_s=60, remaining=0)],
        ),
        (
            {"x-ratelimit-limit": "50", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800057600000"},
            [fact(amount=50, remaining=0, reset_s=57_600)],
        ),
        (
            {"ratelimit-limit": "20", "ratelimit-remaining": "3", "ratelimit-reset": "1800000030"},
            [fact(amount=20, remaining=3, reset_s=30)],
        ),
        (
            {"x-ratelimit-limit-project-tokens": "9", "x-ratelimit-limit-tokens": "12"},
            [fact("tokens", 9), fact("tokens", 12)],
        ),
        ({"x-ratelimit-reset-requests": "6s"}, []),
        ({"x-ratelimit-limit-requests": "unlimited", "x-ratelimit-type": "UserByMinute"}, []),
    ],
)
def test_headers(headers: dict[str, str], facts: list[LimitFact]) -> None:
    """Each vendor's headers become facts: which axis, how much, how much is left, of which window, whole again when."""
    assert list(limit_facts(headers, NOW)) == facts


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("21h26m17.041s", 77_177.041),
        ("6m0s", 360.0),
        ("40ms", 0.04),
        ("12ms", 0.012),
        ("370ms", 0.37),
        ("3m6s", 186.0),
        ("2m59.56s", 179.56),
        ("15µs", 15e-6),
        ("15μs", 15e-6),
        ("15us", 15e-6),
        ("7ns", 7e-9),
        ("0s", 0.0),
        ("1d2h", 93_600.0),
        (" 1s ", 1.0),
        ("1.s", 1.0),
        ("-1s", None),
        ("1", None),
        ("s", None),
        ("", None),
        ("1 s", None),
        ("inf", None),
        ("9" * 60 + "h", None),
        ("٣s", None),
    ],
)
def test_go_durations(text: str, seconds: float | None) -> None:
    """A Go duration is read with all its units and fractions, and nothing else is one."""
    assert go_duration(text) == (seconds if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1.5", 1.5),
        ("90s", 90.0),
        ("1800000030", 30.0),
        ("1800000030000", 30.0),
        ("1700000000", 0.0),
        ("2027-01-15T08:00:30Z", 30.0),
        ("2027-01-15T09:00:30.5+01:00", 30.5),
        ("2027-01-15T07:00:00Z", 0.0),
        ("2027-13-45T08:00:30Z", None),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0),
        ("-5", None),
        ("nan", None),
        ("tomorrow", None),
    ],
)
def test_resets(text: str, seconds: float | None) -> None:
    """A reset is a span or a moment, in whatever form; what is past is now, what cannot be read is not said."""
    assert span_or_moment(text, NOW) == seconds


def test_a_reset_is_relative_to_the_servers_clock() -> None:
    """A server whose clock is an hour off still says how long it takes."""
    headers = {
        "date": "Fri, 15 Jan 2027 09:00:00 GMT",
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-reset": "2027-01-15T09:00:20Z",
    }

    facts = rate_facts(200, headers, "", NOW)

    assert facts == RateFacts(facts=(fact(amount=50, reset_s=20.0),), server_time=NOW + 3600)
