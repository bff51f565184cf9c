from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evalrun.catalog.profiles import PROFILES
from evalrun.records.quota import MINUTE_S, Limit
from evalrun.scoring import OPTIONS
from evalrun.suite.load import load_suite
from tests.conftest import ROOT
from tests.suite.test_quotas import load, requests


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_every_profile_of_the_catalog_may_be_named(name: str, tmp_path: Path) -> None:
    """Each profile holds for a model that names it, and for all models of a provider that does."""
    by_model, by_provider = load(tmp_path, f"lab/a: {name}"), load(tmp_path, "lab/a", lab=f"profile: {name}")

    assert by_model.models[0].quota == by_provider.models[0].quota == PROFILES[name].model
    assert by_model.providers["lab"].profile == by_provider.providers["lab"].profile == name
    assert set(by_model.providers["lab"].quota.limits) == set(PROFILES[name].account.limits)


def test_the_example_says_what_its_comments_say() -> None:
    """suites/quota.yaml: a profile with figures of one's own, a group of two models, caps for one request."""
    suite = load_suite(ROOT / "suites" / "quota.yaml", scorers=OPTIONS)
    tiered, tokens, capped = suite.models
    low = PROFILES["github-free-low"].model

    assert requests(120) in tiered.quota.limits
    assert {limit.amount for limit in tiered.quota.limits} == {120, 150}
    assert tiered.quota == replace(low, limits=tiered.quota.limits)
    assert [model.groups for model in suite.models] == [("team-day",), ("team-day",), ()]
    assert tokens.quota.limits == (Limit(axis="tokens", amount=20_000, per_s=MINUTE_S, window="fixed"),)
    assert (capped.quota.max_input_tokens, capped.quota.max_output_tokens) == (200, 64)
    assert [limit.amount for limit in suite.providers["simulator"].quota.limits] == [600, 20]


def test_two_models_of_one_tier_share_the_accounts_minute(tmp_path: Path) -> None:
    """Under github-free-low each model has its day, and both together the account's 24 a minute."""
    suite = load(tmp_path, "lab/a: github-free-low", "lab/b: github-free-low")

    assert [limit.amount for limit in suite.providers["lab"].quota.limits] == [24]
    assert [{limit.amount for limit in model.quota.limits} for model in suite.models] == [{15, 150}] * 2


def test_models_of_two_tiers_share_the_accounts_minute(tmp_path: Path) -> None:
    """The tiers of GitHub Models are one account's, whether a suite names them or the catalog finds them."""
    named = load(tmp_path, "lab/a: github-free-low", "lab/b: github-free-high")

    assert [limit.amount for limit in named.providers["lab"].quota.limits] == [24]
    assert named.providers["lab"].profile == ""
