from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.outcome import Failure, FailureKind
from evalrun.scheduler.retry import Again, GiveUp, Park, RetryPolicy, decide, unreachable

POLICY = RetryPolicy(max_attempts=3, max_rate_limited=5, base_s=1, ceiling_s=10, max_wait_s=100)


def failure(kind: FailureKind, retry_after_s: float | None = None) -> Failure:
    """A failure of that kind."""
    return Failure(kind=kind, message="m", retry_after_s=retry_after_s)


@pytest.mark.parametrize(
    ("kind", "attempt", "retry_after_s", "draw", "action"),
    [
        (FailureKind.SERVER, 1, None, 0.5, Again(0.5)),
        (FailureKind.SERVER, 2, None, 1.0, Again(2.0)),
        (FailureKind.SERVER, 3, None, 0.5, GiveUp()),
        (FailureKind.CONNECT, 1, None, 0.5, Again(0.5)),
        (FailureKind.RESET, 1, None, 0.0, Again(0.0)),
        (FailureKind.CUT, 1, None, 1.0, Again(1.0)),
        (FailureKind.TIMEOUT, 2, None, 0.5, Again(1.0)),
        (FailureKind.OVERLOAD, 1, 3.0, 0.0, Again(3.0)),
        (FailureKind.RATE_LIMIT, 1, 20.0, 0.0, Again(0.0)),
        (FailureKind.RATE_LIMIT, 4, None, 0.0, Again(4.0)),
        (FailureKind.RATE_LIMIT, 5, None, 0.0, GiveUp()),
        (FailureKind.RATE_LIMIT, 1, 101.0, 0.0, Park(101.0)),
        (FailureKind.BAD_REQUEST, 1, None, 0.5, GiveUp()),
        (FailureKind.FILTERED, 1, None, 0.5, GiveUp()),
        (FailureKind.NOT_FOUND, 1, None, 0.5, GiveUp()),
        (FailureKind.MISSING, 1, None, 0.5, GiveUp()),
        (FailureKind.TOO_LARGE, 1, None, 0.5, GiveUp()),
        (FailureKind.REDIRECT, 1, None, 0.5, GiveUp()),
        (FailureKind.INTERNAL, 1, None, 0.5, GiveUp()),
        (FailureKind.AUTH, 1, None, 0.5, GiveUp(stop_lane=True)),
        (FailureKind.MONEY, 1, 5.0, 0.5, GiveUp(stop_lane=True)),
        (FailureKind.GONE, 1, None, 0.5, GiveUp(stop_lane=True)),
        (FailureKind.TLS, 1, None, 0.5, GiveUp(stop_lane=True)),
    ],
)
def test_every_kind_of_failure_has_its_answer(
    kind: FailureKind, attempt: int, retry_after_s: float | None, draw: float, action: object
) -> None:
    """What passes is tried again within bounds, what is final is not, what is true for everyone stops the lane."""
    assert decide(failure(kind, retry_after_s), attempt, POLICY, draw) == action


@given(
    kind=st.sampled_from(FailureKind),
    attempt=st.integers(1, 10_000),
    retry_after_s=st.none() | st.floats(0, 1e12),
    draw=st.floats(0, 1),
)
def test_no_wait_is_negative_or_longer_than_the_run_has_patience(
    kind: FailureKind, attempt: int, retry_after_s: float | None, draw: float
) -> None:
    """Whatever a server says, a wait lies between zero and the longest single wait and its jitter."""
    action = decide(failure(kind, retry_after_s), attempt, POLICY, draw)

    if isinstance(action, Again):
        assert 0 <= action.delay_s <= POLICY.max_wait_s + POLICY.ceiling_s


@pytest.mark.parametrize("kind", list(FailureKind))
def test_only_an_endpoint_at_fault_counts_as_unreachable(kind: FailureKind) -> None:
    """A request's own fault never stops its lane."""
    expected = kind in {
        FailureKind.CONNECT, FailureKind.RESET, FailureKind.TIMEOUT, FailureKind.NOT_FOUND, FailureKind.REDIRECT,
    }  # fmt: skip

    assert unreachable(failure(kind)) is expected
