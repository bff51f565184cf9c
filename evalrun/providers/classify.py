"""What an error reply means: status, code, type and words of many vendors -> a FailureKind.  (pure)

The shapes are those of OpenAI, Azure OpenAI and Azure AI, Anthropic, OpenRouter, Groq, DeepSeek, vLLM and NVIDIA. Codes
decide before the status, because the same 429 means "wait a second", "pay first" or "never".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from evalrun.providers.error_body import (
    FILTER_CODES,
    KEY_CODES,
    NO_MODEL_CODES,
    SERVER_CODES,
    ErrorSaid,
    error_said,
    real_status,
)
from evalrun.providers.ratelimits import facts_of
from evalrun.providers.reply import NotJson, Reply, read_json, text_of
from evalrun.records.outcome import Failure, FailureKind
from evalrun.records.quota import Refusal
from evalrun.redact import Redactor

EXCERPT = 500
"""How many characters of a body, and of a message, are kept."""

_BY_STATUS = {
    401: FailureKind.AUTH,
    402: FailureKind.MONEY,
    403: FailureKind.AUTH,
    404: FailureKind.NOT_FOUND,
    408: FailureKind.TIMEOUT,
    409: FailureKind.SERVER,
    410: FailureKind.GONE,
    425: FailureKind.SERVER,
    429: FailureKind.RATE_LIMIT,
    503: FailureKind.OVERLOAD,
    529: FailureKind.OVERLOAD,
}
_BY_REFUSAL = {
    Refusal.MINUTE: FailureKind.RATE_LIMIT,
    Refusal.DAY: FailureKind.RATE_LIMIT,
    Refusal.CONCURRENCY: FailureKind.RATE_LIMIT,
    Refusal.UNKNOWN: FailureKind.RATE_LIMIT,
    Refusal.OVERLOAD: FailureKind.OVERLOAD,
    Refusal.MONEY: FailureKind.MONEY,
    Refusal.GONE: FailureKind.GONE,
    Refusal.REQUEST_SIZE: FailureKind.BAD_REQUEST,
}


def failure_of(reply: Reply, *, now: float, redact: Redactor, said: Any = None) -> Failure:
    """The failure that an error reply is. *said* is its body, where it was read as JSON already."""
    text = redact(text_of(reply.body))
    if said is None:
        try:
            said = read_json(text)
        except NotJson:
            said = {"message": text.strip()}
    error = error_said(said)
    rate = facts_of(reply.status, reply.headers, error, now)
    kind = kind_of(reply.status, error, rate.refusal)
    words = " ".join(filter(None, (f"HTTP {reply.status}", error.code)))
    message = error.message
    if kind is FailureKind.GONE and not message:
        message = "the service is closed for good"
    if kind is FailureKind.REDIRECT:
        message = f"the server sends requests on to {_target(reply.headers)}; redirects are not followed, set base_url"
    return Failure(
        kind=kind,
        message=redact(f"{words}: {message}" if message else words)[:EXCERPT],
        latency_s=reply.latency_s,
        http_status=reply.status,
        code=error.code,
        retry_after_s=rate.retry_after_s,
        body=text[:EXCERPT] or None,
        rate=rate,
    )


def kind_of(status: int, error: ErrorSaid, refusal: Refusal | None) -> FailureKind:
    """The kind of failure: by the limit that was reached, then by the body's codes, then by the status."""
    codes = error.codes
    if codes & FILTER_CODES:
        return FailureKind.FILTERED
    if refusal is not None:
        return _BY_REFUSAL[refusal]
    status = real_status(status, codes)
    if 300 <= status < 400:
        return FailureKind.REDIRECT
    if codes & NO_MODEL_CODES:
        return FailureKind.NOT_FOUND
    if status < 300:
        return _without_status(codes)
    if status >= 500 and status not in _BY_STATUS:
        return FailureKind.SERVER
    return _BY_STATUS.get(status, FailureKind.BAD_REQUEST)


def _without_status(codes: frozenset[str]) -> FailureKind:
    """An error inside a 200: only the codes can tell."""
    for known, kind in (
        (SERVER_CODES, FailureKind.SERVER),
        (KEY_CODES, FailureKind.AUTH),
        (frozenset({"invalid_request_error"}), FailureKind.BAD_REQUEST),
    ):
        if codes & known:
            return kind
    return FailureKind.GARBAGE


def _target(headers: Mapping[str, str]) -> str:
    """The host that a redirect points to, and nothing else of its URL."""
    try:
        host = urlsplit(headers.get("location", "")).hostname
    except ValueError:
        host = None
    return host or "another path"
