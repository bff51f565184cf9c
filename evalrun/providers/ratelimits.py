"""What a reply says about limits: headers and words of every vendor -> neutral RateFacts, read without trust.  (pure)

The headers are read in limit_headers.py, the words in limit_words.py. Here is decided which limit a refusal means, and
how long it asks to wait.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from evalrun.providers.durations import http_date, number
from evalrun.providers.error_body import (
    FILTER_CODES,
    MONEY_CODES,
    NO_MODEL_CODES,
    OVERLOAD_CODES,
    RATE_CODES,
    TOO_LONG_CODES,
    ErrorSaid,
    error_said,
    real_status,
)
from evalrun.providers.limit_headers import limit_facts
from evalrun.providers.limit_words import asked_wait_s, mentions_day, mentions_minute, named_limit, never_fits
from evalrun.providers.reply import NotJson, read_json
from evalrun.records.quota import DAY_S, LimitFact, RateFacts, Refusal

LONGEST_WAIT_S = DAY_S
"""A wait is never read as longer than a day: whoever asks for more means "not today"."""

_WAITED_FOR_S = 3600.0  # a limit that takes longer than this to pass is treated as the day's
_OF_A_LIMIT = frozenset(
    {Refusal.MINUTE, Refusal.DAY, Refusal.REQUEST_SIZE, Refusal.CONCURRENCY, Refusal.UNKNOWN},
)
_OVERLOAD_WORDS = re.compile(r"rate-limited upstream|high traffic|capacity exceeded|usage increase rate|overloaded")
_MONEY_WORDS = re.compile(r"credit balance is too low|insufficient (?:balance|credits|funds)", re.IGNORECASE)
_AT_ONCE_WORDS = re.compile(r"concurren|\bper 0s\b|in parallel|simultaneous", re.IGNORECASE)
_AT_ONCE_CODES = frozenset({"1302", "concurrency_limit_exceeded", "concurrent_limit_exceeded"})  # 1302 is Z.ai's
_MINUTE_CODES = frozenset({"1300"})  # Mistral's, whose text names no limit
_REPLENISHED = "quota will be replenished"  # Azure API Management, status 403


def rate_facts(status: int, headers: Mapping[str, str], body_text: str, now: float) -> RateFacts:
    """Everything that a reply says about limits. *now* is Unix time; header names are in lower case.

    Nothing is raised, and no wait is negative or without end. The body is looked at only where it can hold an error.
    """
    if status < 300:
        return facts_of(status, headers, None, now)
    try:
        said = read_json(body_text)
    except NotJson:
        said = {"message": body_text.strip()}
    return facts_of(status, headers, error_said(said), now)


def facts_of(status: int, headers: Mapping[str, str], error: ErrorSaid | None, now: float) -> RateFacts:
    """The same for a reply whose body was read already; without an *error* in it, it refused nothing."""
    server_time = http_date(headers.get("date", ""))
    moment = now if server_time is None else server_time
    facts = limit_facts(headers, moment)
    sunset_at = http_date(headers.get("sunset", ""))
    deprecated = "sunset" in headers or headers.get("deprecation", "false").strip().lower() != "false"
    if error is None:
        return RateFacts(facts=facts, server_time=server_time, sunset_at=sunset_at, deprecated=deprecated)
    asked_s = retry_after_s(headers, now)
    if asked_s is None:
        asked_s = asked_wait_s(error, moment)
    named = named_limit(error, headers.get("x-ratelimit-type", ""))
    refusal = _refusal(status, headers, error, named, facts, asked_s, moment)
    if refusal not in _OF_A_LIMIT:
        named = None
    if refusal in (Refusal.REQUEST_SIZE, Refusal.GONE):
        asked_s = None  # Groq asks to wait for what no wait can help
    if refusal is Refusal.DAY:
        asked_s = _until_midnight_s(error, asked_s, moment)
    return RateFacts(
        refusal=refusal,
        retry_after_s=None if asked_s is None else min(asked_s, LONGEST_WAIT_S),
        named=named,
        facts=facts,
        server_time=server_time,
        sunset_at=sunset_at,
        deprecated=deprecated,
    )


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait before the next request, 0 to a day; None: the headers do not say, or not in words we read.

    The first that can be read of: ``retry-after-ms`` (Azure, OpenAI), ``retry-after`` in seconds or as an HTTP date
    (RFC 9110, section 10.2.3), ``x-ratelimit-timeremaining`` (Azure AI). Azure also sends ``retry-after-ms: 0`` beside
    ``retry-after: 1``: no milliseconds are said then. A date is taken relative to the reply's own ``date`` header, so
    that a clock that is wrong on either side does no harm, else to *now* (Unix time, seconds). Header names are in
    lower case.
    """
    milliseconds = number(headers.get("retry-after-ms", ""))
    if milliseconds:
        return min(milliseconds / 1000, LONGEST_WAIT_S)
    for name in ("retry-after", "x-ratelimit-timeremaining"):
        seconds = number(headers.get(name, ""))
        if seconds is not None:
            return min(seconds, LONGEST_WAIT_S)
        moment = http_date(headers.get(name, ""))
        if moment is not None:
            sent = http_date(headers.get("date", ""))
            return min(max(0.0, moment - (now if sent is None else sent)), LONGEST_WAIT_S)
    return milliseconds


def _refusal(
    status: int,
    headers: Mapping[str, str],
    error: ErrorSaid,
    named: LimitFact | None,
    facts: tuple[LimitFact, ...],
    asked_s: float | None,
    now: float,
) -> Refusal | None:
    """Which limit was reached; None where the failure is not about limits. Codes come before words and the status."""
    codes, words = error.codes, _words(error)
    status = real_status(status, codes)
    if codes & FILTER_CODES:
        return None
    by_code = codes & MONEY_CODES or any(code.endswith("_spend_limit_exceeded") for code in codes)
    if by_code or status == 402 or _MONEY_WORDS.search(words):
        return Refusal.MONEY
    if _retired(status, headers, now, silent=not (codes or words.strip())):
        return Refusal.GONE
    if status == 413 or codes & TOO_LONG_CODES or never_fits(error.message):
        return Refusal.REQUEST_SIZE
    if codes & OVERLOAD_CODES:
        return Refusal.OVERLOAD
    if 300 <= status < 400 or codes & NO_MODEL_CODES:
        return None
    if status == 429 or (status < 300 and codes & RATE_CODES):
        if _OVERLOAD_WORDS.search(words):
            return Refusal.OVERLOAD
        return _which_limit(headers.get("x-ratelimit-type", ""), error, named, facts, asked_s)
    if status == 403 and _REPLENISHED in words.lower():
        return Refusal.DAY if asked_s is None or asked_s > _WAITED_FOR_S else Refusal.MINUTE
    return Refusal.OVERLOAD if status in (503, 529) else None


def _which_limit(
    kind: str, error: ErrorSaid, named: LimitFact | None, facts: tuple[LimitFact, ...], asked_s: float | None
) -> Refusal:
    """Which limit a 429 means: as its text names it, else the header that has nothing left, else by the wait."""
    words = error.message
    used_up = [fact for fact in facts if fact.remaining == 0]
    if (named and named.amount == 0) or any(fact.amount == 0 and fact.per_s for fact in used_up):
        return Refusal.MONEY  # the plan allows none of it: Gemini and Mistral say so for models that must be paid for
    if named and named.per_s:
        return _by_span(named.per_s)
    if "Concurrent" in kind or _AT_ONCE_WORDS.search(words) or error.codes & _AT_ONCE_CODES:
        return Refusal.CONCURRENCY
    if mentions_day(words):
        return Refusal.DAY
    if mentions_minute(words) or error.codes & _MINUTE_CODES:
        return Refusal.MINUTE
    if asked_s is not None and asked_s > _WAITED_FOR_S:
        return Refusal.DAY
    spans_s = [fact.per_s for fact in used_up if fact.per_s]
    if spans_s:
        return _by_span(max(spans_s))
    return Refusal.MINUTE if named else Refusal.UNKNOWN


def _by_span(per_s: float) -> Refusal:
    return Refusal.MINUTE if per_s <= _WAITED_FOR_S else Refusal.DAY


def _words(error: ErrorSaid) -> str:
    """The message, and what a gateway passes on of the words of the service behind it."""
    metadata = error.inner.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, Mapping) else None
    return f"{error.message} {raw[:1000]}" if isinstance(raw, str) else error.message


def _until_midnight_s(error: ErrorSaid, asked_s: float | None, now: float) -> float | None:
    """The wait for a day's limit that the vendor is known to lift at midnight, where the reply does not tell it.

    Gemini sends the wait of its minute limits with a refusal of the day's; OpenRouter's day is that of UTC.
    """
    if "free-models-per-day" in error.message and asked_s is None:
        return DAY_S - now % DAY_S
    if "resource_exhausted" not in error.codes or (asked_s or 0.0) > _WAITED_FOR_S:
        return asked_s
    try:
        here = datetime.fromtimestamp(now, ZoneInfo("America/Los_Angeles"))
    except (ZoneInfoNotFoundError, ValueError, OverflowError, OSError):
        return asked_s
    midnight = datetime(here.year, here.month, here.day, tzinfo=here.tzinfo) + timedelta(days=1)
    return max(0.0, midnight.timestamp() - now)


def _retired(status: int, headers: Mapping[str, str], now: float, *, silent: bool) -> bool:
    """Whether the service is closed for good: 410, or a refusal with a ``sunset`` date (RFC 8594) gone by.

    GitHub Models closed the door on some before that date: 403 without a word, and a ``deprecation`` date (RFC 9745)
    gone by.
    """
    if status == 410:
        return True
    sunset = headers.get("sunset")
    if sunset is None or status not in (401, 403, 404):
        return False
    moment = http_date(sunset)
    if moment is None or moment <= now:
        return True
    since = number(headers.get("deprecation", "").strip().removeprefix("@"))
    return silent and since is not None and since <= now
