"""What a dispatcher is given and what it tells: jobs, the ledger that it asks, and lanes as they stand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from evalrun.records.outcome import Attempt, Exchange, Failure, FailureKind, Outcome, Response
from evalrun.records.quota import RateFacts
from evalrun.records.request import Request
from evalrun.scheduler.rooms import Booking, Busy, Charge, Lesson, Never, Wait

Send = Callable[[Request], Awaitable[Outcome]]


class Ledger(Protocol):
    """Who says what may go, and remembers what went. *now* is Unix time that never steps."""

    def try_book(self, scopes: tuple[str, ...], charge: Charge, now: float) -> Booking | Wait | Busy | Never:
        """Take the room in every scope at once, or say when there is some."""

    def never(self, scopes: tuple[str, ...], charge: Charge) -> str | None:
        """Why a request can never fit; None: it can."""

    def settle(self, booking: Booking, took: Charge | None, now: float) -> None:
        """It came back and took this; None: nobody knows, so it stays as booked."""

    def cancel(self, booking: Booking, now: float) -> None:
        """It was not sent at all, and counts nowhere."""

    def observe(
        self, scopes: tuple[str, ...], rate: RateFacts, *, sent_at: float, received_at: float, refused: bool
    ) -> Sequence[Lesson]:
        """Learn from what a reply says about limits."""


@dataclass(frozen=True, slots=True)
class Job:
    """A request to be sent, for whom (*ticket*, the caller's own), and the scopes that it books in.

    *endpoint* names whose `Pressure` it is under: a provider's id. *unfit*: it cannot be sent at all, and ends so.
    """

    request: Request
    ticket: Any
    scopes: tuple[str, ...]
    charge: Charge
    endpoint: str = ""
    unfit: Failure | None = None


def misfit(why: str | None) -> Failure | None:
    """What becomes of a request that can never fit a limit, for this reason; None: it fits."""
    return Failure(kind=FailureKind.SKIPPED, message=why) if why else None


Sink = Callable[[Job, Exchange], Awaitable[Sequence[Job]]]


class Halt(StrEnum):
    """Why a lane stands still for the rest of the sitting."""

    PARKED = "parked"  # it would have to wait for longer than the run has patience
    REFUSED = "refused"  # the key, the account or the endpoint is no good
    BUDGET = "budget"
    STOPPED = "stopped"  # somebody said stop


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneView:
    """A lane at one moment, for the progress display. *waiting* says for what; *wait_s* None is until a reply comes.

    *parked_until* is when a parked lane may go on, Unix time.
    """

    lane: str
    in_flight: int
    retries: int
    halt: Halt | None
    reason: str
    waiting: str
    wait_s: float | None
    parked_until: float | None


def attempt_of(outcome: Outcome, sent_at: float) -> Attempt:
    """One sending, at *sent_at* (Unix time), as it is remembered."""
    if isinstance(outcome, Response):
        return Attempt(sent_at=sent_at, latency_s=outcome.latency_s or 0.0, result="ok", http_status=200)
    return Attempt(
        sent_at=sent_at,
        latency_s=outcome.latency_s,
        result=outcome.kind.value,
        http_status=outcome.http_status,
        message=outcome.message,
    )
