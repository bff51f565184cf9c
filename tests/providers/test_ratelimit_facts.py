"""What replies say about limits: the vendors' real words, and any words."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.providers.classify import failure_of
from evalrun.providers.durations import rfc_3339
from evalrun.providers.limit_headers import LONGEST_RESET_S
from evalrun.providers.openai_chat import parse
from evalrun.providers.ratelimits import LONGEST_WAIT_S, rate_facts
from evalrun.providers.reply import Reply
from evalrun.records.outcome import Failure, FailureKind, Response
from evalrun.records.quota import MINUTE_S, RateFacts, Refusal
from evalrun.redact import Redactor
from tests.providers.bodies import NOW, R, Row, fact, gemini
from tests.providers.makers import request
from tests.providers.rawserver import chat
from tests.providers.refusals import REFUSALS

DATE = "Fri, 15 Jan 2027 08:00:00 GMT"

_KINDS = {
    R.MINUTE: FailureKind.RATE_LIMIT,
    R.DAY: FailureKind.RATE_LIMIT,
    R.CONCURRENCY: FailureKind.RATE_LIMIT,
    R.UNKNOWN: FailureKind.RATE_LIMIT,
    R.OVERLOAD: FailureKind.OVERLOAD,
    R.MONEY: FailureKind.MONEY,
    R.GONE: FailureKind.GONE,
    R.REQUEST_SIZE: FailureKind.BAD_REQUEST,
}


@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: row.name)
def test_refusals(row: Row) -> None:
    """A refusal says which limit was reached, how long to wait and what the limit is; its coarse kind follows."""
    content = row.body if isinstance(row.body, bytes) else json.dumps(row.body).encode()
    reply = Reply(status=row.status, headers=row.headers, body=content, latency_s=0.1)

    failure = failure_of(reply, now=NOW, redact=Redactor([]))

    assert failure.rate is not None
    assert failure.rate.refusal == row.refusal
    assert failure.rate.retry_after_s == failure.retry_after_s == pytest.approx(row.wait_s)
    assert failure.rate.named == row.named
    assert row.refusal is None or failure.kind is _KINDS[row.refusal]
    if row.status >= 300:
        assert rate_facts(row.status, row.headers, content.decode(), NOW) == failure.rate


@pytest.mark.parametrize(
    ("moment", "hours"),
    [
        ("Sun, 08 Mar 2026 08:00:00 GMT", 23),
        ("Sun, 01 Nov 2026 08:00:00 GMT", 24),  # 25 hours; no wait is longer than a day
        ("Sun, 01 Nov 2026 20:00:00 GMT", 12),
        ("Mon, 02 Nov 2026 07:00:00 GMT", 1),
    ],
)
def test_geminis_day_ends_at_midnight_pacific(moment: str, hours: float) -> None:
    """The wait for a day's limit of Gemini ends at midnight Pacific, over the change of the clocks too."""
    body = json.dumps(gemini(("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "20"), delay="18s"))

    facts = rate_facts(429, {"date": moment}, body, NOW)

    assert facts.retry_after_s == hours * 3600


def test_an_answer_carries_what_its_headers_say() -> None:
    """A reply with an answer, and one without a readable one, tell the server's time and limits."""
    headers = {"date": DATE, "x-ratelimit-limit-requests": "60"}
    expected = RateFacts(facts=(fact(amount=60),), server_time=NOW)
    for body, kind in ((json.dumps(chat("hi")).encode(), Response), (b"{", Failure)):
        outcome = parse(
            Reply(status=200, headers=headers, body=body, latency_s=0.1), request(), now=NOW, redact=Redactor([])
        )

        assert isinstance(outcome, kind)
        assert outcome.rate == expected


def test_recorded_refusals(shared_data: Path) -> None:
    """Of the recorded 429s three say that OpenRouter's upstream is short, one that Gemini's minute is used up: 48 s."""
    found = []
    with (shared_data / "cassettes" / "normalized.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            response = json.loads(line)["response"]
            if response["status"] == 429:
                headers = {name.lower(): values[0] for name, values in response["headers"].items()}
                found.append(rate_facts(429, headers, response["body"], NOW))

    upstream = [facts for facts in found if facts.refusal is Refusal.OVERLOAD]
    (minute,) = [facts for facts in found if facts.refusal is not Refusal.OVERLOAD]
    assert [(facts.retry_after_s, facts.named) for facts in upstream] == [(None, None)] * 3
    assert (minute.refusal, minute.retry_after_s) == (Refusal.MINUTE, 48.0)
    assert minute.named == fact("input_tokens", 1_000_000, MINUTE_S)


def test_recorded_headers(shared_data: Path) -> None:
    """Every recorded reply is read; those of OpenAI and Azure tell both their limits, with the time they are whole."""
    told = set()
    with (shared_data / "cassettes" / "normalized.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            response = json.loads(line)["response"]
            headers = {name.lower(): values[0] for name, values in response["headers"].items()}
            facts = rate_facts(response["status"], headers, response["body"], NOW).facts
            told |= {(each.axis, each.amount, each.per_s) for each in facts if each.reset_s is not None}

    assert {("requests", 120.0, 60.0), ("tokens", 120_000.0, 60.0), ("requests", 5000.0, None)} <= told


NAMES = [
    "date",
    "retry-after",
    "retry-after-ms",
    "sunset",
    "ratelimit-reset",
    "x-ratelimit-limit",
    "x-ratelimit-timeremaining",
    "x-ratelimit-type",
    "x-ratelimit-remaining",
    *(
        f"x-ratelimit-{what}-{axis}"
        for what in ("limit", "remaining", "reset", "renewalperiod")
        for axis in ("requests", "tokens", "requests-day")
    ),
    "anthropic-ratelimit-input-tokens-limit",
    "anthropic-ratelimit-input-tokens-reset",
]
VALUES = st.text(max_size=40) | st.from_regex(r"-?[0-9]{1,25}(\.[0-9]{0,9})?(ms|s|m|h|µs)?", fullmatch=True)
VALUES |= st.sampled_from([DATE, "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59Z", "inf", "-1", "1e308", "nan"])
WORDS = st.lists(
    st.sampled_from(
        [
            *(
                "Rate limit",
                "of",
                "reached",
                "per",
                "min",
                "day",
                "0s",
                "exceeded for",
                "UserByMinute",
                "Limit",
                "Used",
            ),
            *("tokens", "requests", "Please", "try again in", "wait", "1h", "9" * 15, "0", "seconds", "20s", ",", "/"),
            *("2.12:34:56", "free-models-per-day", "concurrent", "(TPM):", "Requested", "1,000"),
        ]
    )
    | st.text(max_size=5),
    max_size=25,
).map(" ".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("error", "code", "message", "details", "metadata", "headers", "raw", "violations", "retryDelay"),
                    *("quotaId", "quotaValue", "retry_after", "X-RateLimit-Reset", "status", "type"),
                ]
            ),
            inner,
            max_size=5,
        )
    ),
)


@given(
    status=st.sampled_from([200, 301, 400, 402, 403, 410, 413, 429, 503, 529]),
    headers=st.dictionaries(st.sampled_from(NAMES), VALUES),
    body=st.text() | WORDS | JSON.map(lambda value: json.dumps(value, default=str)),
    now=st.floats(0, 4e9),
)
def test_anything(status: int, headers: dict[str, str], body: str, now: float) -> None:
    """Whatever a reply says, nothing is raised, and no wait, amount or span is negative or without end."""
    facts = rate_facts(status, headers, body, now)

    figures = [facts.retry_after_s]
    for each in (*facts.facts, *filter(None, [facts.named])):
        figures += [each.amount, each.remaining, each.per_s, each.reset_s]
        assert each.per_s is None or each.per_s > 0
        assert each.reset_s is None or each.reset_s <= LONGEST_RESET_S
    assert all(figure is None or (math.isfinite(figure) and figure >= 0) for figure in figures)
    assert facts.retry_after_s is None or facts.retry_after_s <= LONGEST_WAIT_S
    assert facts.server_time is None or math.isfinite(facts.server_time)


@given(st.text())
def test_any_timestamp(text: str) -> None:
    """Whatever the text, it is a timestamp or none."""
    moment = rfc_3339(text)

    assert moment is None or math.isfinite(moment)


def test_long_texts_are_read_quickly() -> None:
    """A text made to keep patterns busy is read in no time: nothing backtracks far."""
    for piece in ("Limit 1,000,000,", "wait 1h1m1s1ms", "requests per ", "per-", "1.1.1.", "Please try again in "):
        assert isinstance(rate_facts(429, {}, piece * 200_000, NOW), RateFacts)
