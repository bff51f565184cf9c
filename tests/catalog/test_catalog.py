from __future__ import annotations

import pytest

from evalrun.catalog import DIALECTS, PROVIDERS
from evalrun.keys import origin_of
from evalrun.providers.send import DIALECTS as SPOKEN
from evalrun.providers.send import RECORDED


def test_the_ids_are_the_providers_own() -> None:
    """Each entry is found under its own id, and speaks a dialect that has a version."""
    assert {key: entry.id for key, entry in PROVIDERS.items()} == {key: key for key in PROVIDERS}
    assert {entry.dialect for entry in PROVIDERS.values()} <= set(DIALECTS)


def test_every_dialect_is_spoken() -> None:
    """The dialects that suites may name are those that providers speak."""
    assert set(DIALECTS) == {*SPOKEN, RECORDED}


@pytest.mark.parametrize("entry", [entry for entry in PROVIDERS.values() if entry.base_url], ids=lambda entry: entry.id)
def test_a_key_has_a_home(entry: object) -> None:
    """A provider with an address has it on its own origins, over https, in their one spelling."""
    assert origin_of(entry.base_url) in entry.origins  # type: ignore[attr-defined]
    assert all(origin_of(origin) == origin for origin in entry.origins)  # type: ignore[attr-defined]
    assert all(origin.startswith("https://") for origin in entry.origins)  # type: ignore[attr-defined]


def test_the_default_needs_no_key() -> None:
    """The simulator and recorded answers ask for no key and no address."""
    for name in ("simulator", "recorded"):
        assert PROVIDERS[name].api_key_env is None
        assert PROVIDERS[name].base_url == ""


def test_the_catalog_cannot_be_changed() -> None:
    """What is known is fixed: a suite cannot write into it."""
    with pytest.raises(TypeError):
        PROVIDERS["evil"] = PROVIDERS["openai"]  # type: ignore[index]
