"""Bodies of refusals as the vendors write them, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evalrun.records.quota import LimitFact, Refusal

NOW = 1_800_000_000.0
"""Fri, 15 Jan 2027 08:00:00 GMT, which is midnight in Los Angeles."""

R = Refusal


@dataclass(frozen=True)
class Row:
    """A reply, which limit it says was reached (None: it is not about limits), how long to wait, what it names."""

    name: str
    status: int
    body: Any
    refusal: Refusal | None
    wait_s: float | None = None
    named: LimitFact | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


TOO_MANY = {"status": 429, "title": "Too Many Requests"}
UPSTREAM = {"raw": "m:free is temporarily rate-limited upstream. Please retry shortly", "provider_name": "Google"}
AZURE = "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have exceeded "


def said(code: Any, message: str = "", **more: Any) -> dict[str, Any]:
    """An error body as most write it."""
    return {"error": {"message": message, "code": code, **more}}


def azure_ai(amount: int, per_s: int, kind: str, wait_s: int) -> dict[str, Any]:
    """A refusal of GitHub Models and Azure AI."""
    words = f"Rate limit of {amount} per {per_s}s exceeded for {kind}. Please wait {wait_s} seconds before retrying."
    return said("RateLimitReached", words, details=words)


def openai(words: str, kind: str = "tokens") -> dict[str, Any]:
    """A refusal of OpenAI and Groq."""
    return said("rate_limit_exceeded", f"Rate limit reached for m in organization org-x on {words}", type=kind)


def gemini(*quotas: tuple[str, str], delay: str = "48s", wrapped: bool = False) -> Any:
    """A refusal of Gemini; wrapped in a list as its chat completions have it."""
    violations = [{"quotaId": name, "quotaValue": value, "quotaMetric": "m"} for name, value in quotas]
    details = [
        {"@type": "type.googleapis.com/google.rpc.Help", "links": []},
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": violations},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
    ]
    words = "You exceeded your current quota, please check your plan and billing details."
    body = {"error": {"code": 429, "message": words, "status": "RESOURCE_EXHAUSTED", "details": details}}
    return [body] if wrapped else body


def openrouter(span: str, limit: str, reset_s: float) -> dict[str, Any]:
    """A refusal of OpenRouter itself."""
    headers = {"X-RateLimit-Limit": limit, "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": f"{reset_s * 1000:.0f}"}
    words = f"Rate limit exceeded: free-models-per-{span}. Add 10 credits to unlock 1000 free model requests per day"
    return said(429, words, metadata={"headers": headers, "provider_name": None})


def fact(axis: Any = "requests", amount: float | None = None, per_s: float | None = None, **more: Any) -> LimitFact:
    """A LimitFact in few words."""
    return LimitFact(axis=axis, amount=amount, per_s=per_s, **more)
