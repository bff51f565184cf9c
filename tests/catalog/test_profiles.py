from __future__ import annotations

import datetime as dt
import zoneinfo

import pytest

from evalrun.catalog.github_profiles import PLANS, tier_of
from evalrun.catalog.profiles import PROFILES, Profile, profile_for
from evalrun.records.quota import DAY_S, HOUR_S, MINUTE_S, ROLLING_DAY, Limit, Quota

EVERY = pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)


def quotas(profile: Profile) -> tuple[Quota, Quota]:
    """Both quotas of a profile."""
    return profile.account, profile.model


def limit(quota: Quota, axis: str, per_s: float) -> Limit:
    """The one limit of a quota on this axis and span."""
    (found,) = (each for each in quota.limits if (each.axis, each.per_s) == (axis, per_s))
    return found


def test_the_names_are_the_profiles_own() -> None:
    """Each profile is found under its own name, the vendors' that suites may name are there, and none can be added."""
    vendors = {"openai", "azure", "anthropic", "openrouter-free", "groq-free", "gemini-free", "mistral", "cerebras"}

    assert {name: profile.name for name, profile in PROFILES.items()} == {name: name for name in PROFILES}
    assert vendors | {"deepseek", "github-free-low"} <= set(PROFILES)
    with pytest.raises(TypeError):
        PROFILES["evil"] = PROFILES["openai"]  # type: ignore[index]


@EVERY
def test_a_profile_says_where_it_is_from(profile: Profile) -> None:
    """Every profile has the date and the source of its figures, and a sentence for people."""
    assert dt.date.fromisoformat(profile.date) <= dt.date(2026, 12, 31)
    assert profile.source
    assert profile.about.endswith(".")
    assert "  " not in profile.about


@EVERY
def test_a_profile_can_be_followed(profile: Profile) -> None:
    """Limits are above zero, one for each axis and span; days have a zone that there is; believed windows are known."""
    zones = zoneinfo.available_timezones() | {"utc", ROLLING_DAY}
    for quota in quotas(profile):
        spans = [(each.axis, each.per_s) for each in quota.limits]
        assert len(set(spans)) == len(spans)
        assert all(each.amount >= 1 and each.per_s in (MINUTE_S, HOUR_S, DAY_S) for each in quota.limits)
        assert all(each.resets in zones for each in quota.limits if each.resets)
        assert all(each.window == "fixed" for each in quota.limits if each.resets)
        assert all(each.sure for each in quota.limits if each.per_s == DAY_S)
    assert profile.resets in zones
    assert set(profile.believe.values()) <= {MINUTE_S, DAY_S}


@EVERY
def test_a_profile_that_knows_all_limits_has_some(profile: Profile) -> None:
    """Only a profile with limits can claim that there are no others."""
    assert not profile.limits_known or any(quota.limits for quota in quotas(profile))


@pytest.mark.parametrize(
    ("name", "per_minute", "per_day", "tokens_in", "tokens_out", "at_once"),
    [
        ("github-free-low", 15, 150, 8000, 4000, 5),
        ("github-pro-low", 15, 150, 8000, 4000, 5),
        ("github-business-low", 15, 300, 8000, 4000, 5),
        ("github-enterprise-low", 20, 450, 8000, 8000, 8),
        ("github-free-high", 10, 50, 8000, 4000, 2),
        ("github-pro-high", 10, 50, 8000, 4000, 2),
        ("github-business-high", 10, 100, 8000, 4000, 2),
        ("github-enterprise-high", 15, 150, 16_000, 8000, 4),
        ("github-free-embedding", 15, 150, 64_000, None, 5),
        ("github-pro-embedding", 15, 150, 64_000, None, 5),
        ("github-business-embedding", 15, 300, 64_000, None, 5),
        ("github-enterprise-embedding", 20, 450, 64_000, None, 8),
        ("github-pro-o1", 1, 8, 4000, 4000, 1),
        ("github-business-o1", 2, 10, 4000, 4000, 1),
        ("github-enterprise-o1", 2, 12, 4000, 8000, 1),
        ("github-pro-o-mini", 2, 12, 4000, 4000, 1),
        ("github-business-o-mini", 3, 15, 4000, 4000, 1),
        ("github-enterprise-o-mini", 3, 20, 4000, 4000, 1),
        ("github-free-deepseek", 1, 8, 4000, 4000, 1),
        ("github-pro-deepseek", 1, 8, 4000, 4000, 1),
        ("github-business-deepseek", 2, 10, 4000, 4000, 1),
        ("github-enterprise-deepseek", 2, 12, 4000, 4000, 1),
        ("github-free-grok-3", 1, 15, 4000, 4000, 1),
        ("github-pro-grok-3", 1, 15, 4000, 4000, 1),
        ("github-business-grok-3", 2, 20, 4000, 8000, 1),
        ("github-enterprise-grok-3", 2, 30, 4000, 16_000, 1),
        ("github-free-grok-3-mini", 2, 30, 4000, 8000, 1),
        ("github-pro-grok-3-mini", 2, 30, 4000, 8000, 1),
        ("github-business-grok-3-mini", 3, 40, 4000, 12_000, 1),
        ("github-enterprise-grok-3-mini", 3, 50, 4000, 12_000, 1),
    ],
)
def test_the_tiers_of_github_models(
    name: str, per_minute: int, per_day: int, tokens_in: int, tokens_out: int | None, at_once: int
) -> None:
    """The tiers are as they were documented, under 24 requests a minute for all models of a user."""
    profile = PROFILES[name]

    assert limit(profile.account, "requests", MINUTE_S).amount == 24
    assert limit(profile.model, "requests", MINUTE_S).amount == per_minute
    assert limit(profile.model, "requests", DAY_S).amount == per_day
    assert (profile.model.max_input_tokens, profile.model.max_output_tokens) == (tokens_in, tokens_out)
    assert profile.model.concurrency == at_once
    assert (profile.believe, profile.limits_known) == ({}, True)


def test_every_tier_of_github_models_is_tested() -> None:
    """There are no other tiers: two were not to be had on the free plan."""
    assert sum(name.startswith("github-") for name in PROFILES) == 30
    assert [name for name in ("github-free-o1", "github-free-o-mini") if name in PROFILES] == []


def test_headers_are_believed_for_what_they_mean() -> None:
    """The same header is the minute's at OpenAI and the day's at Groq; Azure AI's front end tells somebody else's."""
    assert PROFILES["openai"].believe["requests"] == MINUTE_S
    assert PROFILES["groq-free"].believe == {"requests": DAY_S, "tokens": MINUTE_S}
    assert PROFILES["anthropic"].believe.keys() == {"requests", "input_tokens", "output_tokens"}
    assert PROFILES["foundry"].believe == {}


def test_what_a_request_counts() -> None:
    """Each vendor's token windows count what the vendor says that they count."""
    charges = {name: PROFILES[name].model.charge for name in ("openai", "azure", "anthropic", "gemini-free")}

    assert charges == {"openai": "max", "azure": "sum", "anthropic": "usage", "gemini-free": "input"}


def test_days() -> None:
    """OpenRouter's day is UTC's and its account's, Gemini's begins at midnight Pacific, others roll."""
    day = limit(PROFILES["openrouter-free"].account, "requests", DAY_S)

    assert (day.amount, day.window, day.resets) == (50, "fixed", "utc")
    assert PROFILES["openrouter-free"].model.limits == ()
    assert PROFILES["gemini-free"].resets == "America/Los_Angeles"
    assert PROFILES["github-free-low"].resets == ROLLING_DAY


@pytest.mark.parametrize(
    ("provider", "model", "name"),
    [
        ("openai", "gpt-4o", "openai"),
        ("azure", "my-deployment", "azure"),
        ("anthropic", "claude", "anthropic"),
        ("openrouter", "google/gemma:free", "openrouter-free"),
        ("openrouter", "google/gemma", None),
        ("groq", "llama-3.3-70b-versatile", "groq"),
        ("gemini", "gemini-2.5-flash", "gemini"),
        ("cerebras", "gpt-oss-120b", "cerebras"),
        ("github", "openai/gpt-4o-mini", "github-free-low"),
        ("github", "openai/gpt-4o", "github-free-high"),
        ("github", "openai/o3", "github-pro-o1"),
        ("github", "openai/o4-mini", "github-pro-o-mini"),
        ("github", "openai/gpt-5", "github-pro-o1"),
        ("github", "openai/gpt-5-nano", "github-pro-o-mini"),
        ("github", "deepseek/DeepSeek-R1-0528", "github-free-deepseek"),
        ("github", "deepseek/DeepSeek-V3-0324", "github-free-high"),
        ("github", "xai/grok-3-mini", "github-free-grok-3-mini"),
        ("github", "xai/grok-3", "github-free-grok-3"),
        ("github", "openai/text-embedding-3-small", "github-free-embedding"),
        ("github", "someone/unheard-of", None),
        ("simulator", "basic-suite", None),
        ("my-gateway", "gpt-4o", None),
        ("groq-free", "x", None),
    ],
)
def test_the_profile_of_a_model(provider: str, model: str, name: str | None) -> None:
    """A provider's own id finds its profile, never one of a plan that nobody said; anything else finds none."""
    found = profile_for(provider, model)

    assert (found.name if found else None) == name


def test_every_tier_has_a_plan() -> None:
    """Whatever tier a model's name tells, some plan had it."""
    tiers = {tier_of(model) for model in ("gpt-4o", "gpt-4o-mini", "o1", "o3-mini", "grok-3", "mai-ds-r1")}

    assert all(any(f"github-{plan}-{tier}" in PROFILES for plan in PLANS) for tier in tiers)
