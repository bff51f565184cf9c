"""Quota profiles by name, and which one fits a provider. A suite names one, and its own figures win over it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from evalrun.catalog import github_profiles, vendor_profiles
from evalrun.catalog.profile import Profile
from evalrun.catalog.table import ENTRIES

__all__ = ["PROFILES", "Profile", "profile_for"]

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {profile.name: profile for profile in (*vendor_profiles.PROFILES, *github_profiles.PROFILES)}
)
"""What a suite may name under ``quota:`` and ``providers.<id>.profile``."""

_BY_MODEL = frozenset({"openrouter", "github"})
_OF_ANY_PLAN = {entry.id: entry.profile for entry in ENTRIES if entry.profile and entry.id not in _BY_MODEL}


def profile_for(provider_id: str, model_name: str) -> Profile | None:
    """The profile of a model whose suite names none, by the provider's id; None where nothing is known.

    It has no figures of a plan that the account may not be on, except where the model's name tells the plan (``:free``
    at OpenRouter) and for ``github``, where the free plan, or the cheapest that had the model, is the least there was.
    """
    if provider_id == "openrouter" and model_name.endswith(":free"):
        return PROFILES["openrouter-free"]
    if provider_id == "github":
        tier = github_profiles.tier_of(model_name)
        return PROFILES.get(f"github-free-{tier}") or PROFILES.get(f"github-pro-{tier}")
    return PROFILES.get(_OF_ANY_PLAN.get(provider_id, ""))
