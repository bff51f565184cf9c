"""How each vendor says what its limits are and that one was reached: headers and bodies in their words.

Sources: the vendors' published pages on rate limits, and replies that others recorded.  (pure)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from evalrun.records.quota import DAY_S, HOUR_S, MINUTE_S, Axis
from evalrun.simulator.complaints import error_body
from evalrun.simulator.rules import Style
from evalrun.simulator.windows import Refused, ScopeLimits, Standing

Headers = dict[str, str]

_SPANS: Mapping[float, tuple[str, str]] = {MINUTE_S: ("min", "M"), HOUR_S: ("hour", "H"), DAY_S: ("day", "D")}
_INITIALS: Mapping[Axis, str] = {"requests": "RP", "tokens": "TP", "input_tokens": "ITP", "output_tokens": "OTP"}
_GITHUB_KINDS: Mapping[Axis, str] = {
    "requests": "",
    "tokens": "Tokens",
    "input_tokens": "InputTokens",
    "output_tokens": "OutputTokens",
}
_OPENAI_AXES: tuple[Axis, ...] = ("requests", "tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The parts of a reply that says no."""

    status: int
    headers: Headers
    body: dict[str, Any]


def date_header(now: float) -> str:
    """A moment as HTTP writes it, without its fraction of a second."""
    return format_datetime(datetime.fromtimestamp(math.floor(now), UTC), usegmt=True)


def announced(style: Style, scopes: tuple[ScopeLimits, ...], now: float) -> Headers:
    """The headers in which every reply tells how the limits stand; the tightest scope speaks for all."""
    return _ANNOUNCED[style](scopes, now)


def refusal(style: Style, refused: Refused, model: str, now: float) -> Said:
    """Status, headers and body of a reply that says no."""
    return _REFUSALS[style](refused, model, now)


def go_duration(seconds: float) -> str:
    """A duration as Go prints it, to the millisecond above: ``12ms``, ``1.5s``, ``6m0s``, ``21h26m17.041s``."""
    ms = max(0, math.ceil(round(seconds * 1000, 6)))
    if ms < 1000:
        return f"{ms}ms" if ms else "0s"
    minutes, ms = divmod(ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{ms / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


# -- headers of every reply -----------------------------------------------------------------------------------------


def _standing(scopes: tuple[ScopeLimits, ...], axis: Axis, now: float, *, of_the_day: bool = False) -> Standing | None:
    found = [standing for scope in scopes if (standing := scope.standing(axis, now, of_the_day=of_the_day))]
    return min(found, key=lambda each: each.remaining, default=None)


def _openai_headers(scopes: tuple[ScopeLimits, ...], now: float) -> Headers:
    return _x_headers({axis: _standing(scopes, axis, now) for axis in _OPENAI_AXES}, go_duration)


def _groq_headers(scopes: tuple[ScopeLimits, ...], now: float) -> Headers:
    day = _standing(scopes, "requests", now, of_the_day=True)
    return _x_headers({"requests": day, "tokens": _standing(scopes, "tokens", now)}, go_duration)


def _azure_headers(scopes: tuple[ScopeLimits, ...], now: float) -> Headers:
    standings = {axis: _standing(scopes, axis, now) for axis in _OPENAI_AXES}
    headers = _x_headers(standings, lambda seconds: str(math.ceil(seconds)))
    periods = {axis: f"{standing.limit.per_s:g}" for axis, standing in standings.items() if standing is not None}
    return headers | {f"x-ratelimit-renewalperiod-{axis}": period for axis, period in periods.items()}


def _x_headers(standings: Mapping[Axis, Standing | None], duration: Callable[[float], str]) -> Headers:
    headers = {}
    for axis, standing in standings.items():
        if standing is not None:
            headers[f"x-ratelimit-limit-{axis}"] = f"{standing.limit.amount:.0f}"
            headers[f"x-ratelimit-remaining-{axis}"] = f"{math.floor(standing.remaining)}"
            headers[f"x-ratelimit-reset-{axis}"] = duration(standing.reset_s)
    return headers


def _github_headers(_: tuple[ScopeLimits, ...], __: float) -> Headers:
    """What the front end passes on from its back end: another deployment's limits, not the caller's."""
    headers = {"x-ratelimit-abusepenalty-active": "False", "x-ratelimit-key": "deployment"}
    for axis, amount, reset in (("requests", 20_000, 3), ("tokens", 2_000_000, 1)):
        headers[f"x-ratelimit-limit-{axis}"] = str(amount)
        headers[f"x-ratelimit-remaining-{axis}"] = str(amount - 1)
        headers[f"x-ratelimit-reset-{axis}"] = str(reset)
        headers[f"x-ratelimit-renewalperiod-{axis}"] = "60"
    return headers


def _anthropic_headers(scopes: tuple[ScopeLimits, ...], now: float) -> Headers:
    headers = {}
    axes: tuple[Axis, ...] = ("requests", "tokens", "input_tokens", "output_tokens")
    for axis in axes:
        standing = _standing(scopes, axis, now)
        if standing is not None:
            name = f"anthropic-ratelimit-{axis.replace('_', '-')}"
            whole_at = datetime.fromtimestamp(math.ceil(now + standing.reset_s), UTC)
            headers[f"{name}-limit"] = f"{standing.limit.amount:.0f}"
            headers[f"{name}-remaining"] = f"{math.floor(standing.remaining)}"
            headers[f"{name}-reset"] = f"{whole_at:%Y-%m-%dT%H:%M:%SZ}"
    return headers


def _no_headers(_: tuple[ScopeLimits, ...], __: float) -> Headers:
    return {}


_ANNOUNCED: Mapping[Style, Callable[[tuple[ScopeLimits, ...], float], Headers]] = {
    "openai": _openai_headers,
    "azure": _azure_headers,
    "github": _github_headers,
    "groq": _groq_headers,
    "anthropic": _anthropic_headers,
    "silent": _no_headers,
}


# -- replies that say no --------------------------------------------------------------------------------------------


def _name(refused: Refused) -> tuple[str, str]:
    """``requests``, ``requests per min (RPM)``: the kind and the words of a limit."""
    if refused.limit is None:
        return "requests", "concurrent requests"
    axis = refused.limit.axis
    span, letter = _SPANS.get(refused.limit.per_s, (f"{refused.limit.per_s:g} s", ""))
    short = f" ({_INITIALS[axis]}{letter})" if letter else ""
    kind = "requests" if axis == "requests" else "tokens"
    return kind, f"{axis.replace('_', ' ')} per {span}{short}"


def _figures(refused: Refused) -> str:
    return f"Limit {refused.amount:g}, Used {refused.used:g}, Requested {refused.requested:g}"


def _waits(refused: Refused) -> tuple[int, Headers]:
    wait_ms = math.ceil(refused.retry_after_s * 1000)
    return wait_ms, {"retry-after": str(math.ceil(wait_ms / 1000)), "retry-after-ms": str(wait_ms)}


def _openai_refusal(refused: Refused, model: str, _: float) -> Said:
    kind, words = _name(refused)
    if math.isinf(refused.retry_after_s):
        message = (
            f"Request too large for {model} in organization simulator on {words}: "
            f"Limit {refused.amount:g}, Requested {refused.requested:g}. "
            "The input or output tokens must be reduced in order to run successfully."
        )
        return Said(status=429, headers={}, body=error_body(message, kind, None, "rate_limit_exceeded"))
    wait_ms, headers = _waits(refused)
    message = (
        f"Rate limit reached for {model} in organization simulator on {words}: {_figures(refused)}. "
        f"Please try again in {go_duration(wait_ms / 1000)}."
    )
    return Said(status=429, headers=headers, body=error_body(message, kind, None, "rate_limit_exceeded"))


def _groq_refusal(refused: Refused, model: str, now: float) -> Said:
    kind, words = _name(refused)
    words = words.replace("per min ", "per minute ")
    where = f"for model `{model}` in organization `org_simulator` service tier `on_demand` on {words}"
    if math.isinf(refused.retry_after_s):
        message = (
            f"Request too large {where}: Limit {refused.amount:g}, Requested {refused.requested:g}, please reduce."
        )
        body = error_body(message, kind, None, "rate_limit_exceeded")
        return Said(status=413, headers={"retry-after": "60"}, body=body)
    wait_ms, headers = _waits(refused)
    message = f"Rate limit reached {where}: {_figures(refused)}. Please try again in {go_duration(wait_ms / 1000)}."
    body = error_body(message, kind, None, "rate_limit_exceeded")
    return Said(status=429, headers={"retry-after": headers["retry-after"]}, body=body)


def _azure_refusal(refused: Refused, model: str, now: float) -> Said:
    if math.isinf(refused.retry_after_s):
        return _openai_refusal(refused, model, now)
    _, headers = _waits(refused)
    rate = "call" if refused.limit is None or refused.limit.axis == "requests" else "token"
    message = (
        "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have exceeded "
        f"{rate} rate limit of your current OpenAI S0 pricing tier. "
        f"Please retry after {headers['retry-after']} seconds."
    )
    return Said(status=429, headers=headers, body={"error": {"code": "429", "message": message}})


def _github_refusal(refused: Refused, model: str, _: float) -> Said:
    if math.isinf(refused.retry_after_s):
        message = f"Request body too large for {model} model. Max size: {refused.amount:g} tokens."
        error = {"code": "tokens_limit_reached", "message": message, "details": message}
        return Said(status=413, headers={}, body={"error": error})
    if refused.limit is None:
        kind, per_s, wait_s = "UserConcurrentRequests", 0.0, 0
    else:
        span = {MINUTE_S: "Minute", HOUR_S: "Hour", DAY_S: "Day"}.get(refused.limit.per_s, "Span")
        scope = "UserByModelBy" if refused.scope else "UserBy"
        kind = f"{scope}{span}{_GITHUB_KINDS[refused.limit.axis]}"
        per_s, wait_s = refused.limit.per_s, math.ceil(refused.retry_after_s)
    message = f"Rate limit of {refused.amount:g} per {per_s:g}s exceeded for {kind}. "
    message += f"Please wait {wait_s} seconds before retrying."
    headers = {
        "retry-after": str(wait_s),
        "x-ratelimit-timeremaining": str(wait_s),
        "x-ratelimit-type": kind,
        "x-ms-error-code": "RateLimitReached",
    }
    return Said(
        status=429,
        headers=headers,
        body={"error": {"code": "RateLimitReached", "message": message, "details": message}},
    )


def _anthropic_refusal(refused: Refused, _: str, __: float) -> Said:
    words = _name(refused)[1].split(" (", maxsplit=1)[0].replace("per min", "per minute")
    message = "This request would exceed your organization's rate limit of "
    message += f"{refused.amount:,.0f} {words}. Please reduce the prompt length or the maximum tokens requested."
    body = {"type": "error", "error": {"type": "rate_limit_error", "message": message}}
    if refused.limit is None:
        body["error"] = {
            "type": "rate_limit_error",
            "message": "Number of concurrent connections has exceeded your limit.",
        }
    headers = {} if math.isinf(refused.retry_after_s) else {"retry-after": _waits(refused)[1]["retry-after"]}
    return Said(status=429, headers=headers, body=body)


def _silent_refusal(_: Refused, __: str, ___: float) -> Said:
    return Said(status=429, headers={}, body={"status": 429, "title": "Too Many Requests"})


_REFUSALS: Mapping[Style, Callable[[Refused, str, float], Said]] = {
    "openai": _openai_refusal,
    "azure": _azure_refusal,
    "github": _github_refusal,
    "groq": _groq_refusal,
    "anthropic": _anthropic_refusal,
    "silent": _silent_refusal,
}
