from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalrun.catalog.profiles import Profile
from evalrun.errors import Complaint, SuiteInvalid
from evalrun.records.quota import DAY_S, HOUR_S, MINUTE_S, Limit, Quota
from evalrun.records.suite import Suite
from evalrun.scoring import OPTIONS
from evalrun.suite.entries import QuotaEntry
from evalrun.suite.load import Overrides, load_suite
from evalrun.suite.quotas import span_of, zone_of
from tests.suite.corpus import suite_text

PACIFIC = "America/Los_Angeles"


def profile(name: str, **said: Any) -> Profile:
    """A profile with a date and a source."""
    return Profile(name=name, date="2026-11-20", source="https://example.com", about="For tests.", **said)


def requests(amount: float, per_s: float = MINUTE_S, **said: Any) -> Limit:
    """A limit of requests."""
    return Limit(axis="requests", amount=amount, per_s=per_s, **said)


TABLE: Mapping[str, Profile] = {
    one.name: one
    for one in (
        profile(
            "tier-low",
            account=Quota(limits=(requests(24),)),
            model=Quota(
                concurrency=5,
                limits=(requests(15), requests(150, DAY_S, window="fixed", resets=PACIFIC)),
                max_input_tokens=8000,
                charge="input",
            ),
            resets=PACIFIC,
        ),
        profile("tier-high", account=Quota(limits=(requests(20), requests(9, HOUR_S))), model=Quota(concurrency=2)),
        profile("bucket", model=Quota(limits=(requests(60, window="bucket", burst=30),), charge="usage"), resets="utc"),
        profile("free", account=Quota(limits=(requests(20), requests(50, DAY_S, window="fixed", resets="utc")))),
        profile("known", model=Quota(charge="sum")),
    )
}


def known_for(provider_id: str, model_name: str) -> Profile | None:
    """As the catalog: one provider whose models all follow a profile, and one where their names say it."""
    if provider_id == "mixed":
        return TABLE["free"] if model_name.endswith(":free") else None
    return TABLE["known"] if provider_id == "vendor" else None


@pytest.fixture(autouse=True)
def catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Profiles that no change of the catalog's figures moves."""
    for room in ("quotas", "scopes", "providers"):
        monkeypatch.setattr(f"evalrun.suite.{room}.PROFILES", TABLE)
    monkeypatch.setattr("evalrun.suite.scopes.profile_for", known_for)


PROVIDERS = ("lab", "vendor", "mixed")


def load(
    folder: Path, *models: str, quotas: str | None = None, overrides: Overrides | None = None, **said: str
) -> Suite:
    """A suite of these models (``id`` or ``id: quota``) and what is said about three providers on this machine."""
    entries = []
    for model in models:
        name, _, quota = model.partition(": ")
        entries.append(f"{{id: '{name}', label: '{model}', quota: {quota}}}" if quota else f"'{name}'")
    own = {name: f"base_url: 'http://localhost/v1', timeout_s: 9, {said.get(name, '')}" for name in PROVIDERS}
    providers = ", ".join(f"{name}: {{{text}}}" for name, text in own.items())
    path = folder / "suite.yaml"
    text = suite_text(models=f"[{', '.join(entries)}]", providers=f"{{{providers}}}", quotas=quotas)
    path.write_text(text, encoding="utf-8")
    return load_suite(path, scorers=OPTIONS, overrides=overrides)


DAY = {"per_s": DAY_S}


@pytest.mark.parametrize(
    ("quota", "limits"),
    [
        ("{rpm: 15}", [requests(15, sure=False)]),
        ("{rph: 15}", [requests(15, HOUR_S, sure=False)]),
        ("{rpm: 15, window: rolling}", [requests(15)]),
        ("{rpm: 15, window: fixed}", [requests(15, window="fixed")]),
        ("{rpm: 15, window: bucket}", [requests(15, window="bucket")]),
        ("{rpm: 15, window: bucket, burst: 3}", [requests(15, window="bucket", burst=3)]),
        ("{rpd: 15}", [requests(15, **DAY, window="fixed", resets="utc")]),
        ("{rpd: 15, resets: UTC}", [requests(15, **DAY, window="fixed", resets="utc")]),
        ("{rpd: 15, resets: rolling-24h}", [requests(15, **DAY)]),
        (f"{{rpd: 15, resets: {PACIFIC}}}", [requests(15, **DAY, window="fixed", resets=PACIFIC)]),
        ("{rpd: 15, window: rolling}", [requests(15, **DAY)]),
        ("{rpd: 15, window: fixed}", [requests(15, **DAY, window="fixed", resets="utc")]),
        ("{rpd: 15, window: bucket, burst: 2}", [requests(15, **DAY, window="bucket", burst=2)]),
        ("{requests: 15, per: 1d}", [requests(15, **DAY, window="fixed", resets="utc")]),
        ("{requests: 15, per: 24h, resets: rolling-24h}", [requests(15, **DAY)]),
        ("{requests: 15, per: 10s}", [requests(15, 10, sure=False)]),
        ("{requests: 15, per: 10, window: fixed}", [requests(15, 10, window="fixed")]),
        (
            "{rpm: 15, rpd: 150, window: bucket, burst: 5, resets: rolling-24h}",
            [requests(15, window="bucket", burst=5), requests(150, **DAY)],
        ),
        (
            "[{rpm: 15, window: fixed}, {requests: 2, per: 1s}]",
            [requests(15, window="fixed"), requests(2, 1, sure=False)],
        ),
        (
            "{tpm: 1, tph: 2, itpm: 3, otpm: 4, tokens: 5, per: 1m 30s}",
            [
                Limit(axis="tokens", amount=1, per_s=MINUTE_S, sure=False),
                Limit(axis="tokens", amount=2, per_s=HOUR_S, sure=False),
                Limit(axis="input_tokens", amount=3, per_s=MINUTE_S, sure=False),
                Limit(axis="output_tokens", amount=4, per_s=MINUTE_S, sure=False),
                Limit(axis="tokens", amount=5, per_s=90, sure=False),
            ],
        ),
        ("{tpd: 9}", [Limit(axis="tokens", amount=9, per_s=DAY_S, window="fixed", resets="utc")]),
    ],
)
def test_a_mapping_is_limits(quota: str, limits: list[Limit], tmp_path: Path) -> None:
    """Every key is a limit of its axis and span; one whose window nobody stated is rolling, a day UTC's."""
    (model,) = load(tmp_path, f"lab/a: {quota}").models

    assert list(model.quota.limits) == limits


def test_a_request_has_caps_and_a_rule(tmp_path: Path) -> None:
    """What is no window goes into the quota as it is."""
    said = "{concurrency: 3, max_input_tokens: 8000, max_output_tokens: 4000, charge: sum}"
    (model,) = load(tmp_path, f"lab/a: {said}").models

    assert model.quota == Quota(concurrency=3, max_input_tokens=8000, max_output_tokens=4000, charge="sum")


def test_a_profile_by_name_gives_its_limits(tmp_path: Path) -> None:
    """The model has the profile's limits of a model, the provider those of the account, and both its name."""
    suite = load(tmp_path, "lab/a: tier-low")
    low = TABLE["tier-low"]

    assert suite.models[0].quota == low.model
    assert suite.models[0].profile == "tier-low"
    assert suite.providers["lab"].quota.limits == low.account.limits
    assert suite.providers["lab"].profile == "tier-low"
    assert suite.quotas == {}


def test_what_the_suite_says_wins_over_the_profile(tmp_path: Path) -> None:
    """A limit of the same axis and span takes the place of the profile's; the profile's others stay."""
    (model,) = load(tmp_path, "lab/a: [tier-low, {rpd: 40, tpm: 100, max_input_tokens: 9}]").models

    assert set(model.quota.limits) == {
        requests(15),
        requests(40, DAY_S, window="fixed", resets=PACIFIC),
        Limit(axis="tokens", amount=100, per_s=MINUTE_S, sure=False),
    }
    assert (model.quota.concurrency, model.quota.max_input_tokens, model.quota.charge) == (5, 9, "input")


@pytest.mark.parametrize(
    ("quota", "limit"),
    [
        ("[bucket, {rpm: 600}]", requests(600, window="bucket", burst=30)),
        ("[bucket, {rpm: 6}]", requests(6, window="bucket", burst=6)),
        ("[bucket, {rpm: 6, window: fixed}]", requests(6, window="fixed")),
        ("[tier-low, {rpm: 6}]", requests(6)),
        ("[tier-low, {tpd: 6}]", Limit(axis="tokens", amount=6, per_s=DAY_S, window="fixed", resets=PACIFIC)),
        ("[tier-low, {rpd: 6, resets: utc}]", requests(6, DAY_S, window="fixed", resets="utc")),
        ("[tier-low, {rpd: 6, window: fixed}]", requests(6, DAY_S, window="fixed", resets=PACIFIC)),
        ("[known, {rpd: 6}]", requests(6, DAY_S)),
        ("[known, {rpd: 6, window: fixed}]", requests(6, DAY_S, window="fixed", resets="utc")),
    ],
)
def test_a_figure_keeps_the_window_of_the_profile(quota: str, limit: Limit, tmp_path: Path) -> None:
    """Who states an amount alone still gets the profile's window, burst and day."""
    (model,) = load(tmp_path, f"lab/a: {quota}").models

    assert limit in model.quota.limits


def test_a_group_is_shared_by_all_that_name_it(tmp_path: Path) -> None:
    """Groups are limits apart: models hold their names, those of the provider too, each once."""
    suite = load(
        tmp_path, "lab/a: [team, {rpm: 1}]", "lab/b", "vendor/c: spare",
        quotas="{team: {rpd: 500}, spare: {concurrency: 1, charge: sum}, all: {tpm: 9}}", lab="quota: [all, team]",
    )  # fmt: skip

    assert [model.groups for model in suite.models] == [("all", "team"), ("all", "team"), ("spare",)]
    assert suite.models[0].quota.limits == (requests(1, sure=False),)
    assert suite.quotas["team"] == Quota(limits=(requests(500, DAY_S, window="fixed", resets="utc"),))
    assert suite.quotas["spare"] == Quota(concurrency=1, charge="sum")
    assert suite.providers["lab"].quota == Quota()


def test_a_group_may_have_the_name_of_a_profile(tmp_path: Path) -> None:
    """The suite's own group is nearer than the catalog."""
    suite = load(tmp_path, "lab/a: free", quotas="{free: {rpm: 1}}")

    assert (suite.models[0].groups, suite.models[0].profile) == (("free",), "")


@pytest.mark.parametrize("said", ["profile: tier-low", "quota: tier-low", "quota: [tier-low], profile: tier-low"])
def test_the_profile_of_a_provider_is_that_of_its_models(said: str, tmp_path: Path) -> None:
    """A profile named at the provider holds for all its models, but for one that names another."""
    suite = load(tmp_path, "lab/a", "lab/b: tier-high", lab=said)

    assert [model.profile for model in suite.models] == ["tier-low", "tier-high"]
    assert suite.models[0].quota == TABLE["tier-low"].model
    assert suite.models[1].quota == TABLE["tier-high"].model
    assert suite.providers["lab"].quota.limits == (requests(24),)
    assert suite.providers["lab"].profile == "tier-low"


def test_the_account_keeps_to_the_least_of_its_models_profiles(tmp_path: Path) -> None:
    """Models of one account that follow two profiles are under the account's limits of both."""
    suite = load(tmp_path, "lab/a: tier-low", "lab/b: tier-high")

    assert suite.providers["lab"].quota.limits == (requests(20), requests(9, HOUR_S))
    assert suite.providers["lab"].profile == ""


def test_the_accounts_own_figures_win(tmp_path: Path) -> None:
    """What stands at the provider takes the place of the account's limits of a profile, not of the model's."""
    suite = load(tmp_path, "lab/a: tier-low", lab="quota: {rpm: 600, window: fixed}, account: team")

    assert suite.providers["lab"].quota.limits == (requests(600, window="fixed"),)
    assert suite.providers["lab"].account == "team"
    assert requests(15) in suite.models[0].quota.limits


def test_a_known_vendor_has_its_profile_unasked(tmp_path: Path) -> None:
    """The catalog's profile for the provider and the model holds where the suite names none; null refuses it."""
    known = load(tmp_path, "vendor/a", "vendor/b: {rpm: 5}")
    refused = load(tmp_path, "vendor/a", vendor="profile: null")

    assert [(m.profile, m.quota.charge) for m in known.models] == [("known", "sum")] * 2
    assert known.providers["vendor"].profile == "known"
    assert (refused.models[0].profile, refused.models[0].quota) == ("", Quota())
    assert refused.providers["vendor"].profile == ""


@pytest.mark.parametrize(
    ("model", "vendor", "charge"),
    [
        ("vendor/a", "", "sum"),
        ("vendor/a", "quota: {charge: input}", "input"),
        ("vendor/a: {charge: usage}", "quota: {charge: input}", "usage"),
        ("vendor/a: tier-low", "quota: {charge: usage}", "input"),
        ("vendor/a: [tier-low, {charge: max}]", "quota: {charge: usage}", "max"),
        ("vendor/a", "profile: null", "max"),
    ],
)
def test_the_nearest_says_what_is_charged(model: str, vendor: str, charge: str, tmp_path: Path) -> None:
    """The rule is the model's, that of the profile which it names, the provider's, the profile's, in this order."""
    (settled,) = load(tmp_path, model, vendor=vendor).models

    assert settled.quota.charge == charge


def test_a_profile_of_some_models_binds_these_alone(tmp_path: Path) -> None:
    """An account's limits that only some models share are a group, whatever else a run asks."""
    mixed = load(tmp_path, "mixed/a:free", "mixed/b:free", "mixed/paid")
    alone = load(tmp_path, "mixed/a:free")

    assert [model.groups for model in mixed.models] == [("free",), ("free",), ()]
    assert mixed.quotas == alone.quotas == {"free": TABLE["free"].account}
    assert mixed.providers["mixed"].quota == Quota()
    assert alone.models[0].groups == ("free",)
    assert [model.profile for model in mixed.models] == ["free", "free", ""]


def test_the_providers_figures_win_over_such_a_group(tmp_path: Path) -> None:
    """A limit that the provider states itself is not in the group besides; a group without limits is not made."""
    day = load(tmp_path, "mixed/a:free", mixed="quota: {rpd: 1000}", quotas="{free: {tpm: 1}}")
    both = load(tmp_path, "mixed/a:free", mixed="quota: {rpd: 1000, rpm: 60}")

    assert day.models[0].groups == ("free (profile)",)
    assert day.quotas["free (profile)"].limits == (requests(20),)
    assert day.providers["mixed"].quota.limits == (requests(1000, DAY_S, window="fixed", resets="utc"),)
    assert (both.models[0].groups, both.quotas) == ((), {})


def test_models_of_the_command_line_have_quotas_too(tmp_path: Path) -> None:
    """One of the suite's keeps what it says; another has its provider's and its profile's."""
    overrides = Overrides(models=("lab/a", "vendor/z"))
    suite = load(tmp_path, "lab/a: [team, {rpm: 3}]", "lab/b", quotas="{team: {rpd: 5}}", overrides=overrides)

    assert [(m.quota.limits, m.groups, m.profile) for m in suite.models] == [
        ((requests(3, sure=False),), ("team",), ""),
        ((), (), "known"),
    ]


@pytest.mark.parametrize(
    ("said", "rule"),
    [("utc", "utc"), ("UTC", "utc"), ("Rolling-24h", "rolling-24h"), (PACIFIC, PACIFIC), ("Etc/GMT+5", "Etc/GMT+5")],
)
def test_a_day_begins_in_a_zone(said: str, rule: str) -> None:
    """Days begin in UTC, in any zone of the IANA database, or with each request."""
    assert zone_of(said) == rule


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("america/los_angeles", "did you mean America/Los_Angeles?"),
        ("New York", "did you mean America/New_York?"),
        ("Europe/Brelin", "did you mean Europe/Berlin?"),
        ("rolling24h", "did you mean rolling-24h?"),
        ("localtime", "allowed: utc, rolling-24h"),
        ("mars", "allowed: utc, rolling-24h"),
        ("../../etc/passwd", "allowed: utc, rolling-24h"),
        ("sk-abcdefghijklmnopqrstuvwxyz123456", "a text that looks like an API key is no time zone"),
    ],
)
def test_no_zone_is_answered_with_a_zone(said: str, meant: str) -> None:
    """What is no zone is refused with what was probably meant; a zone of the machine's own is none."""
    with pytest.raises(ValueError, match="is no time zone") as raised:
        zone_of(said)

    assert meant in str(raised.value)


@given(st.sampled_from(sorted(zoneinfo.available_timezones() - {"localtime", "Factory", "UTC"})))
def test_every_zone_of_the_database_is_let_in(name: str) -> None:
    """No zone is refused, and none is spelt anew."""
    assert zone_of(name) == name


@given(st.text(max_size=20) | st.floats(allow_nan=True, allow_infinity=True))
def test_a_span_is_from_a_second_to_a_day(said: str | float) -> None:
    """Whatever is said of a window's length, it is within bounds or refused."""
    try:
        span_s = span_of(said)
    except ValueError:
        return

    assert 1 <= span_s <= DAY_S


AMOUNTS = st.one_of(st.integers(-1, 10**6), st.floats(0, 1e6))
MAPPINGS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(set(QuotaEntry.model_fields) - {"per", "charge", "window", "resets"}, AMOUNTS),
        "per": st.sampled_from(["1s", "10s", "1m", "1h", "24h", "1d", "2d", 60, 0]),
        "charge": st.sampled_from(["max", "sum", "usage", "input", "none"]),
        "window": st.sampled_from(["rolling", "fixed", "bucket"]),
        "resets": st.sampled_from(["utc", "rolling-24h", PACIFIC, "Europe/Berlin", "mars"]),
    },
)


def written(value: Any) -> str:
    """A value as YAML has it."""
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {written(item)}" for key, item in value.items()) + "}"
    return f"{value:.6f}".rstrip("0") + "0" if isinstance(value, float) else str(value)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(
    quota=st.one_of(MAPPINGS, st.lists(st.one_of(MAPPINGS, st.sampled_from(["bucket", "tier-low", "g"])), max_size=3))
)
def test_any_quota_is_limits_or_complaints(quota: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever is said, the limits are whole and each is there once, or the complaints have places."""
    folder = tmp_path_factory.mktemp("any")
    complaints: tuple[Complaint, ...] = ()
    limits: tuple[Limit, ...] = ()
    try:
        limits = load(folder, f"lab/a: {written(quota)}", quotas="{g: {rpm: 5}}").models[0].quota.limits
    except SuiteInvalid as error:
        complaints = error.complaints

    assert all(complaint.line for complaint in complaints)
    assert len({(limit.axis, limit.per_s) for limit in limits}) == len(limits)
    for limit in limits:
        assert limit.amount >= 1
        assert bool(limit.resets) == (limit.window == "fixed" and limit.per_s == DAY_S)
        assert limit.burst is None or limit.window == "bucket"
        assert limit.sure or limit.window == "rolling"
