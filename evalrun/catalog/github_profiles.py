"""The tiers of GitHub Models, which was retired on 30 July 2026: for gateways that keep its limits, and the simulator.

Figures: github/docs, content/github-models/use-github-models/prototyping-with-ai-models.md at 0b47378. The ceiling over
all models is not in the documentation; replies named it ("Rate limit of 24 per 60s exceeded for UserByMinute").
"""

from __future__ import annotations

from dataclasses import dataclass

from evalrun.catalog.profile import Profile
from evalrun.records.quota import DAY_S, MINUTE_S, Limit, Quota

PLANS = ("free", "pro", "business", "enterprise")

_ACCOUNT_PER_MINUTE = 24
_DATE = "2026-07-30"
_SOURCE = "github/docs 0b47378, prototyping-with-ai-models.md; the limit over all models is from observed replies"


@dataclass(frozen=True, slots=True)
class _Tier:
    """One row of the table: requests a minute and a day, tokens in and out of one request, requests at once."""

    per_minute: int
    per_day: int
    input_tokens: int
    output_tokens: int | None
    at_once: int


_TIERS: dict[str, tuple[_Tier | None, _Tier | None, _Tier | None, _Tier | None]] = {
    # in the order of PLANS; None: not to be had on that plan
    "low": (
        _Tier(15, 150, 8000, 4000, 5),
        _Tier(15, 150, 8000, 4000, 5),
        _Tier(15, 300, 8000, 4000, 5),
        _Tier(20, 450, 8000, 8000, 8),
    ),
    "high": (
        _Tier(10, 50, 8000, 4000, 2),
        _Tier(10, 50, 8000, 4000, 2),
        _Tier(10, 100, 8000, 4000, 2),
        _Tier(15, 150, 16_000, 8000, 4),
    ),
    "embedding": (
        _Tier(15, 150, 64_000, None, 5),
        _Tier(15, 150, 64_000, None, 5),
        _Tier(15, 300, 64_000, None, 5),
        _Tier(20, 450, 64_000, None, 8),
    ),
    "o1": (None, _Tier(1, 8, 4000, 4000, 1), _Tier(2, 10, 4000, 4000, 1), _Tier(2, 12, 4000, 8000, 1)),
    "o-mini": (None, _Tier(2, 12, 4000, 4000, 1), _Tier(3, 15, 4000, 4000, 1), _Tier(3, 20, 4000, 4000, 1)),
    "deepseek": (
        _Tier(1, 8, 4000, 4000, 1),
        _Tier(1, 8, 4000, 4000, 1),
        _Tier(2, 10, 4000, 4000, 1),
        _Tier(2, 12, 4000, 4000, 1),
    ),
    "grok-3": (
        _Tier(1, 15, 4000, 4000, 1),
        _Tier(1, 15, 4000, 4000, 1),
        _Tier(2, 20, 4000, 8000, 1),
        _Tier(2, 30, 4000, 16_000, 1),
    ),
    "grok-3-mini": (
        _Tier(2, 30, 4000, 8000, 1),
        _Tier(2, 30, 4000, 8000, 1),
        _Tier(3, 40, 4000, 12_000, 1),
        _Tier(3, 50, 4000, 12_000, 1),
    ),
}

_ABOUT = {
    "low": "GitHub Models, low tier (gpt-4o-mini, gpt-4.1-mini, phi-4, mistral-small)",
    "high": "GitHub Models, high tier (gpt-4o, gpt-4.1, llama-3.1-405b, deepseek-v3)",
    "embedding": "GitHub Models, embedding models",
    "o1": "GitHub Models, o1-preview, o1, o3 and gpt-5",
    "o-mini": "GitHub Models, o1-mini, o3-mini, o4-mini, gpt-5-mini, gpt-5-nano and gpt-5-chat",
    "deepseek": "GitHub Models, DeepSeek-R1, DeepSeek-R1-0528 and MAI-DS-R1",
    "grok-3": "GitHub Models, Grok 3",
    "grok-3-mini": "GitHub Models, Grok 3 Mini",
}

_CUSTOM = (
    # the beginning of a model's name without its publisher, the longer before the shorter
    ("text-embedding-", "embedding"),
    ("cohere-embed-", "embedding"),
    ("o1-mini", "o-mini"),
    ("o3-mini", "o-mini"),
    ("o4-mini", "o-mini"),
    ("gpt-5-", "o-mini"),
    ("gpt-5", "o1"),
    ("o1", "o1"),
    ("o3", "o1"),
    ("deepseek-r1", "deepseek"),
    ("mai-ds-r1", "deepseek"),
    ("grok-3-mini", "grok-3-mini"),
    ("grok-3", "grok-3"),
    ("gpt-4o-mini", "low"),
    ("gpt-4.1-mini", "low"),
    ("gpt-4.1-nano", "low"),
    ("phi-4", "low"),
    ("mistral-small", "low"),
    ("ministral-3b", "low"),
    ("gpt-4o", "high"),
    ("gpt-4.1", "high"),
    ("meta-llama-3.1-405b", "high"),
    ("llama-4-scout", "high"),
    ("deepseek-v3", "high"),
)


def tier_of(model: str) -> str | None:
    """The tier that a model had; None where that was not published in one place."""
    name = model.rpartition("/")[2].lower()
    return next((tier for start, tier in _CUSTOM if name.startswith(start)), None)


def _profile(plan: str, tier: str, row: _Tier) -> Profile:
    limits = (
        Limit(axis="requests", amount=row.per_minute, per_s=MINUTE_S, sure=False),
        Limit(axis="requests", amount=row.per_day, per_s=DAY_S),
    )
    whole = Limit(axis="requests", amount=_ACCOUNT_PER_MINUTE, per_s=MINUTE_S, sure=False)
    return Profile(
        name=f"github-{plan}-{tier}",
        account=Quota(limits=(whole,), charge="input"),
        model=Quota(
            concurrency=row.at_once,
            limits=limits,
            max_input_tokens=row.input_tokens,
            max_output_tokens=row.output_tokens,
            charge="input",
        ),
        limits_known=True,
        date=_DATE,
        source=_SOURCE,
        about=f"{_ABOUT[tier]}, plan {plan}; retired on 2026-07-30. Whether its windows were rolling was not "
        "published; its headers told of the back end's limits and are not believed.",
    )


PROFILES = tuple(
    _profile(plan, tier, row) for tier, rows in _TIERS.items() for plan, row in zip(PLANS, rows, strict=True) if row
)
