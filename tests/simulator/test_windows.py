from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.simulator.windows import Admitted, Limits, Refused, WindowKind

# Steps of whole seconds keep the arithmetic exact: (seconds since the last request, its tokens).
STEPS = st.lists(st.tuples(st.integers(0, 90), st.integers(1, 60)), max_size=60)
KINDS = st.sampled_from(["fixed", "rolling", "bucket"])


def admit(limits: Limits, now: float, tokens: float = 1) -> Admitted | Refused:
    """Admit a request and end it at once."""
    answer = limits.admit(now, tokens)
    if isinstance(answer, Admitted):
        limits.release()
    return answer


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
    limits = Limits({"rpm": 2}, kind=kind)
    answers = [admit(limits, now) for now in times]

    assert [isinstance(answer, Admitted) for answer in answers] == admitted
    if wait_s is not None:
        assert isinstance(answers[-1], Refused)
        assert answers[-1].kind == "rpm"
        assert answers[-1].retry_after_s == pytest.approx(wait_s)


def test_tokens_are_booked_with_requests_or_neither() -> None:
    """A request that is over one limit is booked in none; the limit to wait for longest is named."""
    limits = Limits({"rpm": 10, "rpd": 3, "tpm": 100}, kind="rolling")
    admit(limits, 0, 80)
    refused = admit(limits, 1, 30)

    assert isinstance(refused, Refused)
    assert (refused.kind, refused.limit, refused.used, refused.requested) == ("tpm", 100, 80, 30)
    assert isinstance(admit(limits, 2, 20), Admitted)
    assert isinstance(admit(limits, 61, 20), Admitted)
    by_day = admit(limits, 62, 99)
    assert isinstance(by_day, Refused)
    assert (by_day.kind, by_day.retry_after_s) == ("rpd", 86400 - 62)


@given(KINDS)
def test_a_request_over_the_whole_limit_never_fits(kind: WindowKind) -> None:
    """What is larger than the limit itself is refused for ever."""
    refused = admit(Limits({"tpm": 100}, kind=kind), 0, 101)

    assert isinstance(refused, Refused)
    assert math.isinf(refused.retry_after_s)


def test_concurrency_counts_what_is_under_way() -> None:
    """A place is taken from admission to release."""
    limits = Limits({}, kind="rolling", concurrency=1)

    assert isinstance(limits.admit(0, 1), Admitted)
    refused = limits.admit(0, 1)
    assert isinstance(refused, Refused)
    assert (refused.kind, refused.limit, refused.used) == ("concurrency", 1, 1)
    limits.release()
    assert isinstance(limits.admit(0, 1), Admitted)


@given(KINDS, st.integers(1, 5), STEPS)
def test_no_window_admits_more_than_its_limit(kind: WindowKind, limit: int, steps: list[tuple[int, int]]) -> None:
    """A rolling window admits its limit in any minute, a fixed one in each, a bucket its fill besides its flow."""
    limits = Limits({"rpm": limit}, kind=kind)
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
    limits = Limits({"tpm": 100}, kind=kind)
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
    limits = Limits({"rpm": limit, "tpm": 100}, kind=kind)
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
    limits = Limits({"rpm": 3, "rpd": 20, "tpd": 100}, kind=kind)
    now = 0.0
    for step, tokens in steps:
        now += step
        admit(limits, now, tokens)
        requests, all_tokens = limits.standing("requests", now), limits.standing("tokens", now)
        assert requests is not None
        assert all_tokens is not None
        assert 0 <= requests.remaining <= requests.limit == 3
        assert 0 <= all_tokens.remaining <= all_tokens.limit == 100
        later = limits.standing("requests", now + requests.reset_s + 0.001)
        assert later is not None
        assert later.remaining == 3
        now += requests.reset_s + 0.001


def test_a_clock_set_back_gives_nothing_back() -> None:
    """When the wall's clock jumps back, what was booked stays booked."""
    for kind in ("fixed", "rolling", "bucket"):
        limits = Limits({"rpm": 1}, kind=kind)  # type: ignore[arg-type]
        admit(limits, 1000)

        assert isinstance(admit(limits, 900), Refused)


def test_no_limits_admit_everything() -> None:
    """Without limits nothing is refused and there is no standing."""
    limits = Limits({"rpm": None}, kind="rolling")

    assert all(isinstance(limits.admit(0, 10**9), Admitted) for _ in range(1000))
    assert limits.standing("requests", 0) is None
