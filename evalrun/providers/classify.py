"""What an error reply means: status, code, type and words of many vendors -> a FailureKind.  (pure)

The shapes are those of OpenAI, Azure OpenAI and Azure AI, Anthropic, OpenRouter, Groq, DeepSeek, vLLM and NVIDIA. Codes
decide before the status, because the same 429 means "wait a second", "pay first" or "never".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from evalrun.providers.ratelimits import http_date, retry_after_s
from evalrun.providers.reply import NotJson, Reply, read_json, text_of
from evalrun.records.outcome import Failure, FailureKind
from evalrun.redact import Redactor

EXCERPT = 500
"""How many characters of a body, and of a message, are kept."""

_LONGEST_MESSAGE = 5_000

_FILTER_CODES = frozenset(
    {"content_filter", "content_policy_violation", "responsibleaipolicyviolation"},
)
_MONEY_CODES = frozenset(
    {
        "insufficient_quota",
        "insufficient_balance",
        "insufficient_credits",
        "credit_balance_exhausted",
        "organization_usage_limit_exceeded",
        "billing_hard_limit_reached",
        "billing_not_active",
        "billing_error",
        "enforced_spend_limit_reached",
    },
)
_OVERLOAD_CODES = frozenset(
    {
        "slow_down",
        "server_is_overloaded",
        "overloaded",
        "overloaded_error",
        "engine_overloaded",
        "engine_overloaded_error",
    },
)
_TOO_LONG_CODES = frozenset(
    {"tokens_limit_reached", "context_length_exceeded", "request_too_large", "string_above_max_length"},
)
_NO_MODEL_CODES = frozenset({"model_not_found", "unknown_model", "deploymentnotfound"})
_KEY_CODES = frozenset({"invalid_api_key", "authentication_error", "account_deactivated", "unauthorized"})
_RATE_CODES = frozenset({"rate_limit_exceeded", "rate_limit_error", "ratelimitreached", "too_many_requests", "429"})
_SERVER_CODES = frozenset({"server_error", "api_error", "internal_error", "internal_server_error", "timeout_error"})

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
_LIMIT_AND_REQUESTED = re.compile(r"\bLimit:? (\d{1,15})\b.{0,80}?\bRequested:? (\d{1,15})\b", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorSaid:
    """What an error body says. *codes* holds every code and type in it, in lower case; *code* is the one to show."""

    code: str | None
    codes: frozenset[str]
    message: str


def failure_of(reply: Reply, *, now: float, redact: Redactor, said: Any = None) -> Failure:
    """The failure that an error reply is. *said* is its body, where it was read as JSON already."""
    text = redact(text_of(reply.body))
    if said is None:
        try:
            said = read_json(text)
        except NotJson:
            said = {"message": text.strip()}
    error = error_said(said)
    kind = kind_of(reply.status, error, gone=_retired(reply, now))
    words = " ".join(filter(None, (f"HTTP {reply.status}", error.code)))
    message = error.message
    if kind is FailureKind.REDIRECT:
        message = f"the server sends requests on to {_target(reply.headers)}; redirects are not followed, set base_url"
    return Failure(
        kind=kind,
        message=redact(f"{words}: {message}" if message else words)[:EXCERPT],
        latency_s=reply.latency_s,
        http_status=reply.status,
        code=error.code,
        retry_after_s=retry_after_s(reply.headers, now),
        body=text[:EXCERPT] or None,
    )


def error_said(said: Any) -> ErrorSaid:
    """Code, type and message out of an error body of any known shape; nothing where there is nothing."""
    body: Mapping[str, Any] = said if isinstance(said, Mapping) else {}
    member = body.get("error")
    inner: Mapping[str, Any] = member if isinstance(member, Mapping) else body
    deeper = [inner, *(part for key in ("innererror", "details") if isinstance(part := inner.get(key), Mapping))]
    found = [_word(part.get(key)) for part in deeper for key in ("code", "type", "error_code", "status")]
    codes = [code for code in found if code and code != "error"]
    spoken = [member, *(inner.get(key) for key in ("message", "detail", "title", "error"))]
    message = next((part for part in spoken if isinstance(part, str) and part), "")
    return ErrorSaid(
        code=codes[0] if codes else None,
        codes=frozenset(code.lower() for code in codes),
        message=message.strip()[:_LONGEST_MESSAGE],
    )


def kind_of(status: int, error: ErrorSaid, *, gone: bool = False) -> FailureKind:
    """The kind of failure: by the body's codes first, then by the status, which inside a 200 is the body's own."""
    codes = error.codes
    if codes & _FILTER_CODES:
        return FailureKind.FILTERED
    if codes & _MONEY_CODES or any(code.endswith("_spend_limit_exceeded") for code in codes):
        return FailureKind.MONEY
    if status < 300:
        status = next((int(code) for code in sorted(codes) if re.fullmatch(r"[45]\d\d", code, re.ASCII)), status)
    if gone:
        return FailureKind.GONE
    if status == 413 or codes & _TOO_LONG_CODES or _never_fits(error.message):
        return FailureKind.BAD_REQUEST
    if codes & _OVERLOAD_CODES:
        return FailureKind.OVERLOAD
    if 300 <= status < 400:
        return FailureKind.REDIRECT
    if codes & _NO_MODEL_CODES:
        return FailureKind.NOT_FOUND
    if status < 300:
        return _without_status(codes)
    if status >= 500 and status not in _BY_STATUS:
        return FailureKind.SERVER
    return _BY_STATUS.get(status, FailureKind.BAD_REQUEST)


def _without_status(codes: frozenset[str]) -> FailureKind:
    """An error inside a 200: only the codes can tell."""
    for known, kind in (
        (_RATE_CODES, FailureKind.RATE_LIMIT),
        (_SERVER_CODES, FailureKind.SERVER),
        (_KEY_CODES, FailureKind.AUTH),
        (frozenset({"invalid_request_error"}), FailureKind.BAD_REQUEST),
    ):
        if codes & known:
            return kind
    return FailureKind.GARBAGE


def _never_fits(message: str) -> bool:
    """Whether a limit of tokens is smaller than this one request, so that no wait can help."""
    if message.startswith("Request too large"):
        return True
    found = _LIMIT_AND_REQUESTED.search(message)
    return found is not None and int(found[2]) > int(found[1])


def _retired(reply: Reply, now: float) -> bool:
    """Whether the service is closed for good: 410, or a refusal with a ``sunset`` date (RFC 8594) gone by."""
    if reply.status == 410:
        return True
    sunset = reply.headers.get("sunset")
    if sunset is None or reply.status not in (401, 403, 404):
        return False
    moment = http_date(sunset)
    return moment is None or moment <= now


def _target(headers: Mapping[str, str]) -> str:
    """The host that a redirect points to, and nothing else of its URL."""
    try:
        host = urlsplit(headers.get("location", "")).hostname
    except ValueError:
        host = None
    return host or "another path"


def _word(value: Any) -> str | None:
    """A code as text: vendors write them as strings and as numbers."""
    if isinstance(value, str):
        return value.strip()[:100] or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10_000 else None
