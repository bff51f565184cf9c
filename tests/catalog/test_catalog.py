from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from evalrun.catalog import DIALECTS, PROVIDERS, CatalogEntry, dialects, endpoints_in, foreign_dialect
from evalrun.catalog.profiles import PROFILES
from evalrun.errors import UsageError
from evalrun.keys import forbidden_header, is_loopback, origin_of
from evalrun.providers.send import DIALECTS as SPOKEN
from evalrun.providers.send import RECORDED

EVERY = pytest.mark.parametrize("entry", PROVIDERS.values(), ids=PROVIDERS)


def test_the_ids_are_the_providers_own() -> None:
    """Each entry is found under its own id, and speaks a dialect that has a version."""
    assert {key: entry.id for key, entry in PROVIDERS.items()} == {key: key for key in PROVIDERS}
    assert {entry.dialect for entry in PROVIDERS.values()} <= set(DIALECTS)


def test_every_dialect_is_spoken() -> None:
    """The dialects that suites may name are those that providers speak."""
    assert set(DIALECTS) == {*SPOKEN, RECORDED}


@EVERY
def test_a_key_has_a_home(entry: CatalogEntry) -> None:
    """A provider with a key and an address has it on its own origins, over https, in their one spelling."""
    assert entry.api_key_env is None or not entry.base_url or origin_of(entry.base_url) in entry.origins
    assert all(origin_of(origin) == origin and origin.startswith("https://") for origin in entry.origins)


@EVERY
def test_what_needs_no_key_is_here(entry: CatalogEntry) -> None:
    """A provider without a key is on this machine, or has no address at all."""
    assert entry.api_key_env or not entry.base_url or is_loopback(entry.base_url)


@EVERY
def test_facts_have_a_source(entry: CatalogEntry) -> None:
    """What is known of a vendor is written somewhere and was looked at on a day; its profile is one that there is."""
    if entry.dialect != "recorded" and not entry.simulated:
        assert entry.source.startswith("https://")
        assert dt.date.fromisoformat(entry.date) <= dt.date(2026, 12, 31)
    assert not entry.profile or entry.profile in PROFILES
    assert entry.about


@EVERY
def test_every_provider_can_be_reached(entry: CatalogEntry) -> None:
    """A provider has an address, or says which variable holds it, or that it is closed, or needs none."""
    assert entry.base_url or entry.endpoint_env or entry.gone or entry.simulated or entry.dialect == "recorded"
    assert not any(forbidden_header(name) for name in entry.headers)


def test_the_issue_names_them() -> None:
    """The providers that everybody asks for are there."""
    wanted = (
        "openai azure azure-inference anthropic gemini groq openrouter mistral cerebras deepseek ollama vllm github"
    )

    assert set(wanted.split()) | {"simulator", "recorded"} <= set(PROVIDERS)


def test_addresses_of_the_environment() -> None:
    """The environment's addresses are read for the providers that have one there, and blank ones are none."""
    environ = {"AZURE_OPENAI_ENDPOINT": " https://me.openai.azure.com/ ", "AZURE_INFERENCE_ENDPOINT": " ", "X": "y"}

    assert endpoints_in(environ) == {"azure": "https://me.openai.azure.com/"}


class Point:
    """An entry point that another package has."""

    value = "theirs.dialect:it"

    def __init__(self, found: object) -> None:
        self._found = found

    def load(self) -> object:
        if isinstance(self._found, Exception):
            raise self._found
        return self._found


def installed(monkeypatch: pytest.MonkeyPatch, name: str, found: object) -> None:
    """As if a package with this dialect were installed."""
    foreign_dialect.cache_clear()
    points = {name: [Point(found)]}
    monkeypatch.setattr(dialects, "entry_points", lambda *, group, name: points.get(name, []) if group else [])


def test_other_packages_add_dialects(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dialect of another package is found by name; it cannot take a name that is built in, and is not listed."""
    theirs = SimpleNamespace(AUTH="bearer", VERSION=7, path=print, headers=print, build=print, parse=print)
    installed(monkeypatch, "theirs", theirs)

    assert DIALECTS["theirs"] == 7
    assert "theirs" in DIALECTS
    assert "theirs" not in list(DIALECTS)
    assert "nobodys" not in DIALECTS
    installed(monkeypatch, "openai-chat", theirs)
    assert DIALECTS["openai-chat"] == 1


@pytest.mark.parametrize("found", [ImportError("no such thing"), SimpleNamespace(AUTH="bearer"), 5])
def test_a_broken_dialect_is_said(found: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dialect that cannot be loaded, or is none, is a message with its name."""
    installed(monkeypatch, "theirs", found)

    with pytest.raises(UsageError, match=r"dialect theirs \(theirs\.dialect:it\)"):
        _ = DIALECTS["theirs"]


def test_the_catalog_cannot_be_changed() -> None:
    """What is known is fixed: a suite cannot write into it."""
    with pytest.raises(TypeError):
        PROVIDERS["evil"] = PROVIDERS["openai"]  # type: ignore[index]
