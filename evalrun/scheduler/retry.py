"""Failure + attempt -> try again after a while, park the lane, or give up. The only place that decides about retries.

Delays follow "full jitter" (M. Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015): a random share of
an exponential ceiling, so that clients who failed together do not come back together. A server's own Retry-After is a
minimum, with a little jitter on top.
"""

from __future__ import annotations

from dataclasses import dataclass

from evalrun.records.outcome import Failure, FailureKind
from evalrun.records.quota import Refusal

NOT_SENT = frozenset({FailureKind.CONNECT, FailureKind.TLS, FailureKind.UNSUPPORTED})

PASSING = frozenset(
    {
        FailureKind.CONNECT,
        FailureKind.RESET,
        FailureKind.TIMEOUT,
        FailureKind.CUT,
        FailureKind.SERVER,
        FailureKind.OVERLOAD,
        FailureKind.RATE_LIMIT,
        FailureKind.GARBAGE,
    }
)
_FOR_EVERYONE = frozenset({FailureKind.AUTH, FailureKind.MONEY, FailureKind.GONE, FailureKind.TLS})
# A limit of requests at once is not a quota: room is there as soon as one of them is back.
_CONCURRENCY_WAIT_S = 1.0
_UNREACHABLE = frozenset(
    {FailureKind.CONNECT, FailureKind.RESET, FailureKind.TIMEOUT, FailureKind.NOT_FOUND, FailureKind.REDIRECT}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How patient a run is. *max_wait_s* is the longest single wait; a server that asks for more parks the lane."""

    max_attempts: int = 5
    max_rate_limited: int = 20
    base_s: float = 0.5
    ceiling_s: float = 30.0
    max_wait_s: float = 900.0


@dataclass(frozen=True, slots=True)
class Again:
    """Send it once more after *delay_s*, ahead of what is new in its lane."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class Park:
    """The server asks for a longer wait than the run has patience, *delay_s*. The request stays to be asked."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The failure is final for this request; with *stop_lane* also for everyone else in its lane."""

    stop_lane: bool = False


def decide(
    failure: Failure, attempt: int, policy: RetryPolicy, draw: float, *, down_s: float = 0.0
) -> Again | Park | GiveUp:
    """What to do after the *attempt*-th attempt (from 1) ended in *failure*; *draw* is random in 0..1.

    *down_s* is how long the whole endpoint has been down: its outage is no request's fault, so attempts do not count
    then; an outage longer than the run's patience parks the lane.
    """
    if failure.kind in _FOR_EVERYONE:
        return GiveUp(stop_lane=True)
    if failure.kind not in PASSING:
        return GiveUp()
    limited = failure.kind is FailureKind.RATE_LIMIT
    if down_s > 0 and not limited:
        return Again(0.0) if down_s <= policy.max_wait_s else Park(policy.max_wait_s)
    if attempt >= (policy.max_rate_limited if limited else policy.max_attempts):
        return GiveUp()
    asked = failure.retry_after_s
    if asked is not None and asked > policy.max_wait_s:
        return Park(asked)
    if failure.rate is not None and failure.rate.refusal is Refusal.CONCURRENCY:
        return Again(_CONCURRENCY_WAIT_S * (0.5 + draw))
    ceiling = min(policy.ceiling_s, policy.base_s * 2 ** min(attempt - 1, 20))
    if asked is not None:
        # The ledger keeps the scope of a rate limit closed for as long as was asked; the request is first in its lane.
        return Again(0.0 if limited else asked + draw * min(ceiling, 0.1 * asked + 0.05))
    # Without a hint, a rate limit of a minute outlives a plain ladder: never draw from the lower half there.
    return Again(ceiling * (0.5 + 0.5 * draw if limited else draw))


def unreachable(failure: Failure) -> bool:
    """Whether a failure says that the endpoint, not the request, is at fault: several in a row stop the lane."""
    return failure.kind in _UNREACHABLE
