"""What an error body says: codes, types and words of many vendors, read without trust.  (pure)"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_LONGEST_MESSAGE = 5_000

FILTER_CODES = frozenset(
    {"content_filter", "content_policy_violation", "responsibleaipolicyviolation"},
)
MONEY_CODES = frozenset(
    {
        "insufficient_quota",
        "insufficient_balance",
        "insufficient_credits",
        "credit_balance_exhausted",
        "organization_usage_limit_exceeded",
        "exceeded_current_quota_error",
        "billing_hard_limit_reached",
        "billing_not_active",
        "billing_error",
        "enforced_spend_limit_reached",
    },
)
OVERLOAD_CODES = frozenset(
    {
        "slow_down",
        "server_is_overloaded",
        "overloaded",
        "overloaded_error",
        "engine_overloaded",
        "engine_overloaded_error",
        "queue_exceeded",
        "request_tier_capacity_exceeded",
        "service_tier_capacity_exceeded",
    },
)
TOO_LONG_CODES = frozenset(
    {"tokens_limit_reached", "context_length_exceeded", "request_too_large", "string_above_max_length"},
)
NO_MODEL_CODES = frozenset({"model_not_found", "unknown_model", "deploymentnotfound"})
KEY_CODES = frozenset({"invalid_api_key", "authentication_error", "account_deactivated", "unauthorized"})
RATE_CODES = frozenset(
    {"rate_limit_exceeded", "rate_limit_error", "ratelimitreached", "too_many_requests", "resource_exhausted", "429"}
)
SERVER_CODES = frozenset({"server_error", "api_error", "internal_error", "internal_server_error", "timeout_error"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorSaid:
    """What an error body says. *codes* holds every code and type in it, in lower case; *code* is the one to show.

    *inner* is the object that says it, for what only one vendor has.
    """

    code: str | None
    codes: frozenset[str]
    message: str
    inner: Mapping[str, Any]


def error_said(said: Any) -> ErrorSaid:
    """Code, type and message out of an error body of any known shape; nothing where there is nothing."""
    if isinstance(said, list) and said:  # Gemini wraps an error in a list
        said = said[0]
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
        inner=inner,
    )


def real_status(status: int, codes: frozenset[str]) -> int:
    """The status of an error: the reply's own, or inside a 2xx the one that its body has as a code."""
    if status >= 300:
        return status
    return next((int(code) for code in sorted(codes) if re.fullmatch(r"[45]\d\d", code, re.ASCII)), status)


def _word(value: Any) -> str | None:
    """A code as text: vendors write them as strings and as numbers."""
    if isinstance(value, str):
        return value.strip()[:100] or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10_000 else None
