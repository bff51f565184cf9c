"""What came back: a Response or a Failure, and the exchange that holds it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from evalrun.records.message import ToolCall
from evalrun.records.quota import RateFacts


class TokensMethod(StrEnum):
    """How a token figure was found, from the best to the least."""

    API = "api"
    EXACT = "exact"
    ESTIMATE = "estimate"
    SIMULATED = "simulated"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one exchange. None: nobody said and nobody counted."""

    prompt_tokens: int | None
    completion_tokens: int | None
    method: TokensMethod
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A further answer of the same reply, where a request asks for several (``n``)."""

    text: str | None
    finish_reason: str | None = None
    refusal: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A whole reply. *text* is None or empty where the model said nothing.

    *body* is the reply as it came, JSON text; of a stream, the reply that its events add up to. *latency_s* is None
    only for recorded answers whose file does not say; *ttft_s* is the time to the first piece of the answer, of streams
    only. *reasoning* is what the model says of its thinking, *carried* what a dialect wants back with the next request
    (JSON text). *choices* are the second answer and those after it; *usage* is of them all. *score* is what a recorded
    answer was given by whoever judged it.
    """

    text: str | None
    usage: Usage
    latency_s: float | None
    finish_reason: str | None = None
    refusal: str | None = None
    model: str | None = None
    system_fingerprint: str | None = None
    body: str | None = None
    rate: RateFacts | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    ttft_s: float | None = None
    reasoning: str | None = None
    carried: str | None = None
    choices: tuple[Choice, ...] = ()
    score: float | None = None


class FailureKind(StrEnum):
    """Why there is no reply to score. scheduler.retry knows what to do about each."""

    CONNECT = "connect"  # nothing was sent: refused, name not found, TLS
    TLS = "tls"  # the certificate is not trusted
    RESET = "reset"  # the connection broke; whether the request counted is unknown
    TIMEOUT = "timeout"  # no whole reply in time; whether the request counted is unknown
    CUT = "cut"  # the reply ended before its end
    SERVER = "server"  # 5xx
    OVERLOAD = "overload"  # 503, 529
    RATE_LIMIT = "rate_limit"  # 429 that passes by itself
    MONEY = "money"  # the account cannot pay
    AUTH = "auth"  # 401, 403
    NOT_FOUND = "not_found"  # 404: no such model or path
    GONE = "gone"  # 410: retired for good
    BAD_REQUEST = "bad_request"  # 400, 413, 422 and the like
    FILTERED = "filtered"  # a content filter refused the request
    REDIRECT = "redirect"  # 3xx is never followed
    GARBAGE = "garbage"  # 200 without a reply in it
    TOO_LARGE = "too_large"  # the body is over the cap
    MISSING = "missing"  # a recorded model has no answer for this case
    SKIPPED = "skipped"  # it can never fit a limit: it was not sent
    SPARED = "spared"  # what it would have helped to decide was decided before: it was not sent, or not again
    UNSUPPORTED = "unsupported"  # the dialect has no word for what is asked: it was not sent
    INTERNAL = "internal"  # a bug or a foreign cancellation while sending


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """No reply to score. *message* is for people, redacted; *retry_after_s* is the wait that the server asked for."""

    kind: FailureKind
    message: str
    latency_s: float = 0.0
    http_status: int | None = None
    code: str | None = None
    retry_after_s: float | None = None
    body: str | None = None
    rate: RateFacts | None = None


Outcome = Response | Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One sending of a request: when (Unix time), how long it took, and how it ended (``ok`` or a failure's kind)."""

    sent_at: float
    latency_s: float
    result: str
    http_status: int | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request's end: the final outcome with every attempt that led to it.

    *queue_s* is time spent waiting for quota, *retry_wait_s* between attempts; neither is in a latency. *goes_on*: its
    cell has another request to make, after this reply.
    """

    request_key: str
    outcome: Outcome
    attempts: tuple[Attempt, ...] = ()
    queue_s: float = 0.0
    retry_wait_s: float = 0.0
    cost_usd: float | None = None
    price_date: str = ""
    from_cache: bool = False
    goes_on: bool = False


class Status(StrEnum):
    """What became of a cell."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    FILTERED = "filtered"
    ERROR = "error"
    SKIPPED = "skipped"
    SPARED = "spared"  # not needed: see Suite.stop_when
    PENDING = "pending"


_FAILED = {
    FailureKind.FILTERED: Status.FILTERED,
    FailureKind.SKIPPED: Status.SKIPPED,
    FailureKind.SPARED: Status.SPARED,
    FailureKind.UNSUPPORTED: Status.SKIPPED,
}

SCORED = frozenset({Status.ANSWERED, Status.NO_ANSWER, Status.REFUSED})


def status_of(outcome: Outcome | None) -> Status:
    """The status of a cell whose last outcome is this one; None is a cell that was not asked yet."""
    if outcome is None:
        return Status.PENDING
    if isinstance(outcome, Failure):
        return _FAILED.get(outcome.kind, Status.ERROR)
    if outcome.finish_reason == "content_filter":
        return Status.FILTERED
    if outcome.refusal:
        return Status.REFUSED
    return Status.ANSWERED if outcome.text or outcome.tool_calls else Status.NO_ANSWER
