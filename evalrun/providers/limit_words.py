"""What a refusal's text says: which limit was reached, and how long to wait.  (pure)

The sentences are those of OpenAI, Azure, GitHub Models, Anthropic, Groq, Cerebras, Mistral, Gemini, OpenRouter, Cohere
and gateways before them, as their documentation and recorded replies have them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from evalrun.providers.durations import go_duration, number
from evalrun.providers.error_body import ErrorSaid
from evalrun.records.quota import DAY_S, HOUR_S, MINUTE_S, Axis, LimitFact

_NUMBER = r"\d{1,3}(?:,\d{3}){1,5}(?!\d)|\d{1,15}"
_SPANS_S = {"second": 1.0, "sec": 1.0, "s": 1.0, "minute": MINUTE_S, "min": MINUTE_S, "hour": HOUR_S, "day": DAY_S}
_SPAN = r"(?P<count>\d{1,5} )?(?P<span>second|sec|minute|min|hour|day|s\b)s?"
_THING = (
    r"(?P<thing>(?:un)?cached input tokens|(?:un)?cached output tokens|input tokens|output tokens|tokens"
    r"|requests|API calls|calls|messages|queries)"
)
_AZURE_AI = re.compile(rf"Rate limit of (?P<amount>{_NUMBER}) per (?P<span>\d{{1,7}})s exceeded for (?P<kind>\w+)")
_PER = re.compile(rf"\b{_THING} ?(?:per|/|a|each)[ -]?{_SPAN}\b", re.IGNORECASE)
_AMOUNT_PER = re.compile(rf"\b(?P<amount>{_NUMBER}) {_THING} ?(?:per|/|a|each) ?{_SPAN}\b", re.IGNORECASE)
_SHORT = re.compile(r"\b(?P<axis>[RT]|IT|OT)P(?P<span>[SMHD])\b")
_NUMBER_OF = re.compile(rf"\b{_THING}\b[^.]{{0,40}}\bper-{_SPAN}\b", re.IGNORECASE)
_LIMIT = re.compile(rf"\bLimit:? ?(?P<amount>{_NUMBER})\b", re.IGNORECASE)
_USED = re.compile(rf"\b(?:Used|Current):? ?(?P<amount>{_NUMBER})\b")
_REQUESTED = re.compile(rf"\bRequested:? ?(?P<amount>{_NUMBER})\b")
_CALL_RATE = re.compile(r"exceeded (?:the )?(?P<thing>token|call) rate limit", re.IGNORECASE)
_OPENROUTER = re.compile(r"\bfree-models-per-(?P<span>min|day)")
_LARGEST = re.compile(rf"(?:Max size:|maximum context length is) (?P<amount>{_NUMBER}) tokens")
_QUOTA_ID = re.compile(r"Per(?P<span>Second|Minute|Hour|Day)")

_WAIT = re.compile(
    r"\b(?:try again|retry|retrying|wait|replenished|reset|resets)\b[^.\d]{0,40}?"
    r"(?P<wait>\d{1,9}(?:\.\d{1,12})?(?:ms|us|µs|μs|ns|[dhms])(?![a-z])"
    r"(?:\d{1,9}(?:\.\d{1,12})?(?:ms|us|µs|μs|ns|[hms])(?![a-z])){0,5}"
    r"|(?:\d{1,4}\.)?\d\d:\d\d:\d\d"
    r"|\d{1,9}(?:\.\d{1,12})? ?(?:milliseconds?|seconds?|secs?|minutes?|mins?|hours?|days?)\b)",
    re.IGNORECASE,
)
_WORD_UNITS_S = {"mil": 1e-3, "sec": 1.0, "min": 60.0, "hou": 3600.0, "day": DAY_S}
_MENTIONS_DAY = re.compile(r"\b(?:per|a|each|this|to)[ -]?day\b|\bdaily\b|\bper month\b|\bmonthly\b", re.IGNORECASE)
_MENTIONS_MINUTE = re.compile(r"\bper[ -](?:minute|min|second|sec|hour)\b", re.IGNORECASE)


def named_limit(error: ErrorSaid, kind: str = "") -> LimitFact | None:
    """The limit that a refusal names; None where it names none. *kind* is Azure AI's own word, from a header.

    Where *amount* is known without *per_s* it is how large one request, or how many at once, may be.
    """
    text = error.message
    for reading in (_azure_ai, _gemini, _openrouter, _sentence):
        fact = reading(error, text)
        if fact is not None:
            return fact
    return _of_kind(kind) if kind else _largest(text)


def never_fits(message: str) -> bool:
    """Whether a limit of tokens is smaller than this one request, so that no wait can help."""
    if message.startswith("Request too large"):
        return True
    limit, requested = _amount(_LIMIT, message), _amount(_REQUESTED, message)
    return limit is not None and requested is not None and requested > limit


def asked_wait_s(error: ErrorSaid, now: float) -> float | None:
    """Seconds that a body asks to wait, from *now* (Unix time); None where it does not say."""
    for detail in _mappings(error.inner.get("details")):
        delay = detail.get("retryDelay")
        if isinstance(delay, str) and (span := go_duration(delay)) is not None:
            return span
    metadata = error.inner.get("metadata")
    holders = [error.inner, *([metadata] if isinstance(metadata, Mapping) else [])]
    for holder in holders:
        for name in ("retry_after", "retry_after_seconds", "retryAfter"):
            if (seconds := _plain(holder.get(name))) is not None:
                return seconds
    reset_ms = _plain(_openrouter_headers(error).get("X-RateLimit-Reset"))
    if reset_ms is not None and reset_ms >= 1e11:
        return max(0.0, reset_ms / 1000 - now)
    found = _WAIT.search(error.message)
    return _wait_s(found["wait"]) if found else None


def mentions_day(message: str) -> bool:
    """Whether words without a figure speak of a limit of the day, or of something longer."""
    return bool(_MENTIONS_DAY.search(message))


def mentions_minute(message: str) -> bool:
    """Whether words without a figure speak of a limit of the minute, or of another span that one waits for."""
    return bool(_MENTIONS_MINUTE.search(message))


def _azure_ai(_: ErrorSaid, text: str) -> LimitFact | None:
    found = _AZURE_AI.search(text)
    if not found:
        return None
    amount, per_s = _to_number(found["amount"]), float(found["span"])
    return replace(_of_kind(found["kind"]), amount=amount, per_s=per_s or None)


def _of_kind(kind: str) -> LimitFact:
    """A limit by the name that Azure AI has for it: UserByModelByMinute, UserByMinute, UserConcurrentRequests."""
    axis: Axis = "requests"
    if "InputTokens" in kind:
        axis = "input_tokens"
    elif "OutputTokens" in kind:
        axis = "output_tokens"
    elif "Tokens" in kind:
        axis = "tokens"
    per_s = next((_SPANS_S[span.lower()] for span in ("Day", "Hour", "Minute", "Second") if f"By{span}" in kind), None)
    return LimitFact(axis=axis, per_s=per_s, account=kind.startswith("User") and "ByModel" not in kind)


def _gemini(error: ErrorSaid, _: str) -> LimitFact | None:
    """The longest of the quotas that a google.rpc.QuotaFailure lists: after a day's, the minute's is no matter."""
    facts = []
    for detail in _mappings(error.inner.get("details")):
        for violation in _mappings(detail.get("violations")):
            quota = violation.get("quotaId")
            span = _QUOTA_ID.search(quota) if isinstance(quota, str) else None
            if not isinstance(quota, str) or span is None:
                continue
            axis: Axis = "requests"
            if "Token" in quota:
                axis = "input_tokens" if "Input" in quota else "output_tokens" if "Output" in quota else "tokens"
            facts.append(
                LimitFact(
                    axis=axis,
                    amount=_plain(violation.get("quotaValue")),
                    per_s=_SPANS_S[span["span"].lower()],
                    account="PerModel" not in quota,
                )
            )
    return max(facts, key=lambda fact: fact.per_s or 0.0, default=None)


def _openrouter(error: ErrorSaid, text: str) -> LimitFact | None:
    found = _OPENROUTER.search(text)
    if not found:
        return None
    headers = _openrouter_headers(error)
    return LimitFact(
        axis="requests",
        amount=_plain(headers.get("X-RateLimit-Limit")),
        remaining=_plain(headers.get("X-RateLimit-Remaining")),
        per_s=_SPANS_S[found["span"]],
        account=True,
    )


def _sentence(_: ErrorSaid, text: str) -> LimitFact | None:
    """A limit in plain words: ``on tokens per min (TPM): Limit 200000, Used …``, ``of 50 requests per minute``."""
    found = _AMOUNT_PER.search(text)
    if found:
        return LimitFact(axis=_axis(found["thing"]), amount=_to_number(found["amount"]), per_s=_span_s(found))
    fact = None
    if found := _PER.search(text) or _NUMBER_OF.search(text):
        fact = LimitFact(axis=_axis(found["thing"]), per_s=_span_s(found))
    elif found := _SHORT.search(text):
        axes: Mapping[str, Axis] = {"R": "requests", "T": "tokens", "IT": "input_tokens", "OT": "output_tokens"}
        spans = {"S": 1.0, "M": MINUTE_S, "H": HOUR_S, "D": DAY_S}
        fact = LimitFact(axis=axes[found["axis"]], per_s=spans[found["span"]])
    elif found := _CALL_RATE.search(text):
        return LimitFact(axis="tokens" if found["thing"].lower() == "token" else "requests")
    if fact is None:
        return None
    amount, used = _amount(_LIMIT, text), _amount(_USED, text)
    remaining = None if amount is None or used is None else max(0.0, amount - used)
    return replace(fact, amount=amount, remaining=remaining)


def _largest(text: str) -> LimitFact | None:
    found = _LARGEST.search(text)
    if not found:
        return None
    axis: Axis = "input_tokens" if found[0].startswith("Max size") else "tokens"
    return LimitFact(axis=axis, amount=_to_number(found["amount"]))


def _axis(thing: str) -> Axis:
    thing = thing.lower()
    if "input" in thing:
        return "input_tokens"
    if "output" in thing:
        return "output_tokens"
    return "tokens" if "tokens" in thing else "requests"


def _span_s(found: re.Match[str]) -> float | None:
    """Seconds of ``minute`` or of ``10 seconds``; no time at all is none."""
    return int(found["count"] or 1) * _SPANS_S[found["span"].lower()] or None


def _wait_s(said: str) -> float | None:
    """Seconds of a wait in words: a Go duration, ``7 seconds``, or days and a clock, ``2.12:34:56``."""
    if ":" in said:
        days, _, clock = said.rpartition(".")
        hours, minutes, seconds = clock.split(":")
        return int(days or 0) * DAY_S + int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    span = go_duration(said.lower())
    if span is not None:
        return span
    figure = re.match(r"[\d.]+", said)
    unit = said[figure.end() :].strip().lower()[:3] if figure else ""
    return float(figure[0]) * _WORD_UNITS_S[unit] if figure and unit in _WORD_UNITS_S else None


def _openrouter_headers(error: ErrorSaid) -> Mapping[str, Any]:
    metadata = error.inner.get("metadata")
    headers = metadata.get("headers") if isinstance(metadata, Mapping) else None
    return headers if isinstance(headers, Mapping) else {}


def _amount(pattern: re.Pattern[str], text: str) -> float | None:
    found = pattern.search(text)
    return _to_number(found["amount"]) if found else None


def _to_number(digits: str) -> float:
    return float(digits.replace(",", ""))


def _plain(value: Any) -> float | None:
    """A figure of a JSON body, as a number or as text; None where it is below zero or no number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    return number(value if isinstance(value, str) else repr(value))


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    yield from (item for item in (value if isinstance(value, list) else []) if isinstance(item, Mapping))
