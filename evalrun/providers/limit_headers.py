"""What a reply's headers say about limits, vendor by vendor made neutral. Whether it is true is for others.  (pure)

Sources: the rate limit guides of OpenAI, Anthropic, Groq, Cerebras and Mistral, and recorded replies, also of Azure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from evalrun.providers.durations import number, span_or_moment
from evalrun.records.quota import DAY_S, HOUR_S, MINUTE_S, Axis, LimitFact

LONGEST_RESET_S = 31 * DAY_S
_ENDLESS = 1e15  # such a limit is none

_AXES: Mapping[str, Axis] = {
    "": "requests",
    "requests": "requests",
    "req": "requests",
    "tokens": "tokens",
    "input-tokens": "input_tokens",
    "output-tokens": "output_tokens",
    "tokens-prompt": "input_tokens",
    "tokens-generated": "output_tokens",
}
_SPANS_S = {"second": 1.0, "minute": MINUTE_S, "hour": HOUR_S, "day": DAY_S}
_AXIS = r"(?P<axis>requests|req|input-tokens|output-tokens|tokens-prompt|tokens-generated|tokens)"
_WHAT = r"(?P<what>limit|remaining|reset|renewalperiod)"
_NAMES = (
    # x-ratelimit-limit-tokens-minute, x-ratelimit-reset-project-tokens, x-ratelimit-limit-tokens_usage_based
    re.compile(
        rf"(?:x-)?ratelimit-{_WHAT}-(?P<pool>project-)?{_AXIS}(?P<usage>_usage_based)?"
        rf"(?:-(?P<span>second|minute|hour|day))?"
    ),
    # anthropic-ratelimit-input-tokens-reset
    re.compile(rf"anthropic-ratelimit-{_AXIS}-{_WHAT}"),
    # x-ratelimit-limit (OpenRouter and many others), ratelimit-remaining
    re.compile(rf"(?:x-)?ratelimit-{_WHAT}"),
)
_Group = tuple[Axis, str, str]


def limit_facts(headers: Mapping[str, str], now: float) -> tuple[LimitFact, ...]:
    """Every limit that the headers tell of, the shortest windows first. *now* is the reply's moment, Unix time.

    A figure below zero, without end or unreadable is not said. Header names are in lower case.
    """
    groups: dict[_Group, dict[str, str]] = {}
    for name, value in headers.items():
        if "ratelimit-" in name and (found := _parts(name)):
            group, what = found
            groups.setdefault(group, {})[what] = value
    facts = [fact for group, said in groups.items() if (fact := _fact(group, said, now))]
    return tuple(sorted(facts, key=lambda fact: (fact.axis, fact.per_s or 0.0, fact.amount or 0.0)))


def _parts(name: str) -> tuple[_Group, str] | None:
    for pattern in _NAMES:
        match = pattern.fullmatch(name)
        if match:
            said = match.groupdict()
            pool = (said.get("pool") or "") + (said.get("usage") or "")
            return (_AXES[said.get("axis") or ""], pool, said.get("span") or ""), said["what"]
    return None


def _fact(group: _Group, said: Mapping[str, str], now: float) -> LimitFact | None:
    axis, _, span = group
    amount, remaining = _figure(said.get("limit", "")), _figure(said.get("remaining", ""))
    per_s = _SPANS_S.get(span) or _period_s(said.get("renewalperiod", ""))
    reset_s = span_or_moment(said.get("reset", ""), now)
    if amount is None and remaining is None:
        return None
    if reset_s is not None and per_s and "renewalperiod" in said:
        reset_s = _azure_reset_s(reset_s, amount, remaining, per_s)
    return LimitFact(
        axis=axis,
        amount=amount,
        remaining=remaining,
        per_s=per_s,
        reset_s=None if reset_s is None else min(reset_s, LONGEST_RESET_S),
    )


def _azure_reset_s(plain: float, amount: float | None, remaining: float | None, per_s: float) -> float:
    """Azure's resets are plain numbers: recorded ones are the milliseconds in which what was used flows in again.

    ``500`` after one of 120 a minute, ``7`` after 14 of 120,000. A figure that does not fit that is taken as seconds.
    """
    if plain > per_s:
        return plain / 1000
    if not amount or remaining is None:
        return plain
    whole_ms = 1000 * per_s * max(0.0, amount - remaining) / amount
    return plain / 1000 if abs(plain - math.ceil(whole_ms)) <= 1 else plain


def _period_s(text: str) -> float | None:
    value = number(text)
    return value if value is not None and 1 <= value <= LONGEST_RESET_S else None


def _figure(text: str) -> float | None:
    value = number(text)
    return value if value is not None and value < _ENDLESS else None
