from __future__ import annotations

import math
from datetime import datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.quota import Axis, ChargeRule, Limit, Quota, WindowKind
from evalrun.simulator import windows
from evalrun.simulator.windows import Admitted, Refused, ScopeLimits, Size, periods_of

# Steps of whole seconds keep the arithmetic exact: (seconds since the last request, its tokens).
STEPS = st.lists(st.tuples(st.integers(0, 90), st.integers(1, 60)), max_size=60)
KINDS = st.sampled_from(["fixed", "rolling", "bucket"])


SHORT: dict[str, tuple[Axis, float]] = {
    "rpm": ("requests", 60),
    "rpd": ("requests", 86400),
    "tpm": ("tokens", 60),
    "tpd": ("tokens", 86400),
}


def limits_of(amounts: dict[str, float], *, kind: WindowKind, concurrency: int | None = None) -> ScopeLimits:
    """The limits of an account, by their short names."""
    limits = tuple(
        Limit(axis=SHORT[name][0], amount=amount, per_s=SHORT[name][1], window=kind) for name, amount in amounts.items()
    )
    return ScopeLimits("", Quota(limits=limits, concurrency=concurrency))


def admit(limits: ScopeLimits, now: float, tokens: float = 1) -> Admitted | Refused:
    """Admit a request and end it at once."""
    answer = windows.admit([limits], now, Size(input_tokens=int(tokens)))
    if isinstance(answer, Admitted):
        windows.release(answer, now, 0)
    return answer


def name_of(refused: Admitted | Refused) -> str | None:
    """The short name of the limit that refused."""
    assert isinstance(refused, Refused)
    return next(
        (n for n, (a, s) in SHORT.items() if refused.limit and (refused.limit.axis, refused.limit.per_s) == (a, s)),
        None,
    )


@pytest.mark.parametrize(
    ("kind", "times", "admitted", "wait_s"),
    [
        ("rolling", [0, 10, 20], [True, True, False], 40),
        ("rolling", [0, 10, 60], [True, True, True], None),
        ("rolling", [0, 10, 59.5], [True, True, False], 0.5),
        ("fixed", [50, 55, 58], [True, True, False], 2),
        ("fixed", [50, 55, 60], [True, True, True], None),
        ("bucket", [0, 0, 0], [True, True, False], 30),
        ("bucket", [0, 0, 30], [True, True, True], None),
        ("bucket", [0, 0, 15], [True, True, False], 15),
    ],
)
def test_two_a_minute(kind: WindowKind, times: list[float], admitted: list[bool], wait_s: float | None) -> None:
    """Each kind of window admits two a minute in its own way, and says when the next will fit."""
    limits = limits_of({"rpm": 2}, kind=kind)
    answers = [admit(limits, now) for now in times]

    assert [isinstance(answer, Admitted) for answer in answers] == admitted
    if wait_s is not None:
        assert isinstance(answers[-1], Refused)
        assert name_of(answers[-1]) == "rpm"
        assert answers[-1].retry_after_s == pytest.approx(wait_s)


def test_tokens_are_booked_with_requests_or_neither() -> None:
    """A request that is over one limit is booked in none; the limit to wait for longest is named."""
    limits = limits_of({"rpm": 10, "rpd": 3, "tpm": 100}, kind="rolling")
    admit(limits, 0, 80)
    refused = admit(limits, 1, 30)

    assert isinstance(refused, Refused)
    assert (name_of(refused), refused.amount, refused.used, refused.requested) == ("tpm", 100, 80, 30)
    assert isinstance(admit(limits, 2, 20), Admitted)
    assert isinstance(admit(limits, 61, 20), Admitted)
    by_day = admit(limits, 62, 99)
    assert isinstance(by_day, Refused)
    assert (name_of(by_day), by_day.retry_after_s) == ("rpd", 86400 - 62)


@given(KINDS)
def test_a_request_over_the_whole_limit_never_fits(kind: WindowKind) -> None:
    """What is larger than the limit itself is refused for ever."""
    refused = admit(limits_of({"tpm": 100}, kind=kind), 0, 101)

    assert isinstance(refused, Refused)
    assert math.isinf(refused.retry_after_s)


def test_concurrency_counts_what_is_under_way() -> None:
    """A place is taken from admission to release."""
    limits = limits_of({}, kind="rolling", concurrency=1)

    first = windows.admit([limits], 0, Size(input_tokens=1))
    assert isinstance(first, Admitted)
    refused = windows.admit([limits], 0, Size(input_tokens=1))
    assert isinstance(refused, Refused)
    assert (refused.limit, refused.amount, refused.used) == (None, 1, 1)
    windows.release(first, 0, 1)
    assert isinstance(windows.admit([limits], 0, Size(input_tokens=1)), Admitted)


@given(KINDS, st.integers(1, 5), STEPS)
def test_no_window_admits_more_than_its_limit(kind: WindowKind, limit: int, steps: list[tuple[int, int]]) -> None:
    """A rolling window admits its limit in any minute, a fixed one in each, a bucket its fill besides its flow."""
    limits = limits_of({"rpm": limit}, kind=kind)
    now, admitted = 0, []
    for step, _ in steps:
        now += step
        if isinstance(admit(limits, now), Admitted):
            admitted.append(now)

    for at in admitted:
        start = at // 60 * 60 if kind == "fixed" else at
        count = sum(start <= other < start + 60 for other in admitted)
        assert count <= (2 * limit if kind == "bucket" else limit)
        if kind == "bucket":
            for end in admitted:
                assert sum(at <= other <= end for other in admitted) <= limit + max(0, end - at) * limit / 60 + 1e-3


@given(KINDS, STEPS)
def test_tokens_never_exceed_their_limit(kind: WindowKind, steps: list[tuple[int, int]]) -> None:
    """Tokens admitted in one window's time stay within the limit likewise."""
    limits = limits_of({"tpm": 100}, kind=kind)
    now, admitted = 0, []
    for step, tokens in steps:
        now += step
        if isinstance(admit(limits, now, tokens), Admitted):
            admitted.append((now, tokens))

    for at, _ in admitted:
        start = at // 60 * 60 if kind == "fixed" else at
        total = sum(tokens for other, tokens in admitted if start <= other < start + 60)
        assert total <= (200 if kind == "bucket" else 100)


@given(KINDS, st.integers(1, 5), STEPS)
def test_who_waits_as_told_is_admitted(kind: WindowKind, limit: int, steps: list[tuple[int, int]]) -> None:
    """A refused request fits after the wait that it was told (and a millisecond), when nobody else comes between."""
    limits = limits_of({"rpm": limit, "tpm": 100}, kind=kind)
    now = 0.0
    for step, tokens in steps:
        now += step
        answer = admit(limits, now, tokens)
        if isinstance(answer, Refused):
            now += answer.retry_after_s + 0.001
            assert isinstance(admit(limits, now, tokens), Admitted)


@given(KINDS, STEPS)
def test_a_standing_is_within_the_limit(kind: WindowKind, steps: list[tuple[int, int]]) -> None:
    """What remains is never under 0 or over the limit, and after the reset time all of it is back."""
    limits = limits_of({"rpm": 3, "rpd": 20, "tpd": 100}, kind=kind)
    now = 0.0
    for step, tokens in steps:
        now += step
        admit(limits, now, tokens)
        requests, all_tokens = limits.standing("requests", now), limits.standing("tokens", now)
        assert requests is not None
        assert all_tokens is not None
        assert 0 <= requests.remaining <= requests.limit.amount == 3
        assert 0 <= all_tokens.remaining <= all_tokens.limit.amount == 100
        later = limits.standing("requests", now + requests.reset_s + 0.001)
        assert later is not None
        assert later.remaining == 3
        now += requests.reset_s + 0.001


def test_a_clock_set_back_gives_nothing_back() -> None:
    """When the wall's clock jumps back, what was booked stays booked."""
    for kind in get_args(WindowKind):
        limits = limits_of({"rpm": 1}, kind=kind)
        admit(limits, 1000)

        assert isinstance(admit(limits, 900), Refused)


def test_no_limits_admit_everything() -> None:
    """Without limits nothing is refused and there is no standing."""
    limits = limits_of({}, kind="rolling")

    assert all(isinstance(admit(limits, 0, 10**9), Admitted) for _ in range(1000))
    assert limits.standing("requests", 0) is None


@pytest.mark.parametrize(
    ("charge", "axis", "at_sending", "in_the_end"),
    [
        ("max", "tokens", 60, 60),
        ("sum", "tokens", 100, 100),
        ("usage", "tokens", 100, 50),
        ("input", "tokens", 40, 40),
        ("max", "requests", 1, 1),
        ("usage", "input_tokens", 40, 40),
        ("usage", "output_tokens", 60, 10),
        ("input", "output_tokens", 0, 10),
        ("sum", "output_tokens", 60, 60),
    ],
)
def test_a_request_is_charged_by_the_vendors_rule(
    charge: ChargeRule, axis: Axis, at_sending: float, in_the_end: float
) -> None:
    """40 tokens in, at most 60 out, 10 in fact: each rule takes its own of each axis, at sending and in the end."""
    size = Size(input_tokens=40, max_tokens=60)

    assert size.at_sending(axis, charge) == at_sending
    assert size.in_the_end(axis, charge, 10) == in_the_end


@pytest.mark.parametrize("kind", ["fixed", "rolling", "bucket"])
def test_what_was_not_used_is_given_back(kind: WindowKind) -> None:
    """Under the rule usage, an answer that is shorter than it might have been makes room for the next at once."""
    limit = Limit(axis="tokens", amount=100, per_s=60, window=kind)
    scope = ScopeLimits("", Quota(limits=(limit,), charge="usage"))
    first = windows.admit([scope], 1000, Size(input_tokens=10, max_tokens=90))
    assert isinstance(first, Admitted)
    assert isinstance(windows.admit([scope], 1001, Size(input_tokens=10, max_tokens=40)), Refused)
    windows.release(first, 1002, 10)

    assert isinstance(windows.admit([scope], 1003, Size(input_tokens=10, max_tokens=40)), Admitted)


def test_an_account_and_a_model_are_booked_together() -> None:
    """What the account has no room for is not booked for the model either; the refusal tells whose limit it was."""
    account = ScopeLimits("", Quota(limits=(Limit(axis="requests", amount=3, per_s=60),)))
    models = [ScopeLimits(name, Quota(limits=(Limit(axis="requests", amount=2, per_s=60),))) for name in "ab"]
    asked = [windows.admit([account, models[at]], 0, Size(input_tokens=1)) for at in (0, 0, 0, 1, 1)]
    refused = [answer.scope for answer in asked if isinstance(answer, Refused)]

    assert [isinstance(answer, Admitted) for answer in asked] == [True, True, False, True, False]
    assert refused == ["a", ""]
    assert models[1].windows[0][1].used(0) == 1


@pytest.mark.parametrize(
    ("zone", "moment", "starts", "hours"),
    [
        ("utc", "2026-03-08T12:00:00+00:00", "2026-03-08T00:00:00+00:00", 24),
        ("America/Los_Angeles", "2026-03-08T12:00:00-07:00", "2026-03-08T00:00:00-08:00", 23),
        ("America/Los_Angeles", "2026-11-01T12:00:00-08:00", "2026-11-01T00:00:00-07:00", 25),
        ("Europe/Berlin", "2026-07-01T00:00:00+02:00", "2026-07-01T00:00:00+02:00", 24),
        ("America/Santiago", "2026-09-06T12:00:00-03:00", "2026-09-06T01:00:00-03:00", 23),
        ("Asia/Kathmandu", "2026-01-01T05:44:00+05:45", "2026-01-01T00:00:00+05:45", 24),
    ],
)
def test_a_day_begins_at_midnight_where_its_limit_says(zone: str, moment: str, starts: str, hours: int) -> None:
    """A fixed day is a date in its zone: 23 or 25 hours where clocks change, from one where midnight is left out."""
    periods_at = periods_of(Limit(axis="requests", amount=1, per_s=86400, window="fixed", resets=zone))
    start, end = periods_at(datetime.fromisoformat(moment).timestamp())

    assert start == datetime.fromisoformat(starts).timestamp()
    assert end - start == hours * 3600


def test_a_bucket_keeps_its_burst() -> None:
    """A bucket of 60 a minute with a burst of 5 lets 5 through at once and then one a second."""
    bucket = windows.Bucket(60, 60, 5)
    for _ in range(5):
        assert bucket.wait_s(0, 1) == 0
        bucket.book(0, 1)

    assert bucket.wait_s(0, 1) == pytest.approx(1)
