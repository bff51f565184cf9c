"""The endpoints that a suite uses: the catalog's, with what the suite says about them, and its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from evalrun import keys
from evalrun.catalog import DIALECTS, PROVIDERS
from evalrun.catalog.profiles import PROFILES
from evalrun.errors import Code
from evalrun.records.suite import Provider
from evalrun.suite.border import Border, Form
from evalrun.suite.complaints import hint, printable, shown
from evalrun.suite.document import Path, texts_in
from evalrun.suite.entries import ProviderEntry
from evalrun.suite.quotas import SILENT, Groups, Statement

_ENTRY: Form[ProviderEntry] = Form(ProviderEntry)
_PROVIDER_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[\x20-\x7e\t]{0,2000}")
_SECRET_SECTIONS = ("providers", "params", "matrix", "models")
_NAMED = frozenset(("tool_choice", "response_format"))


class Providers:
    """Providers by name: those of the catalog and those of the suite. *broken* are the suite's that have complaints."""

    def __init__(self, border: Border, section: Any, groups: Groups) -> None:
        self.broken: set[str] = set()
        self._border = border
        self._groups = groups
        self._own: dict[str, Provider] = {}
        self._quotas: dict[str, Statement] = {}
        if section is None:
            return
        for name, path, value in border.entries(section, ("providers",)):
            provider = self._read(name, path, value)
            if provider is None:
                self.broken.add(name)
            else:
                self._own[name] = provider

    def names(self) -> list[str]:
        """Every provider that a model may name."""
        return sorted({*self._own, *PROVIDERS})

    def get(self, name: str) -> Provider | None:
        """The provider of that name."""
        return self._own.get(name) or _from_catalog(name)

    def quota(self, name: str) -> Statement:
        """What the suite says about the quota of a provider's account."""
        return self._quotas.get(name, SILENT)

    def refuse_origins(self, used: set[str], allowed: frozenset[tuple[str, str]]) -> None:
        """Complain about used providers whose key would go where the suite alone may not send it."""
        for name in sorted(used & self._own.keys()):
            refused = keys.refusal(self._own[name], allowed)
            if refused is not None:
                said = self._border.document.value["providers"][name]
                key = next((key for key in ("base_url", "api_key_env") if key in said), "")
                path = ("providers", name, key) if key else ("providers", name)
                self._border.add(path, Code.KEY_ORIGIN, refused)

    def _read(self, name: str, path: Path, value: Any) -> Provider | None:
        border, known = self._border, PROVIDERS.get(name)
        if not _PROVIDER_NAME.fullmatch(name):
            words = "a provider's name has small letters, digits and `._-`"
            border.add(path, Code.BAD_NAME, words, of_key=True)
            return None
        if known is not None and known.dialect == "recorded":
            words = f"`{name}` stands for answers that exist already and has no endpoint"
            border.add(path, Code.RESERVED_PROVIDER, words, of_key=True)
            return None
        entry = border.take(_ENTRY, value if value is not None else {}, path)
        if entry is None:
            return None
        faults = [*self._faults(name, path, entry), *_header_faults(entry.headers or {}, path)]
        for place, code, words in faults:
            border.add(place, code, words, of_key=len(place) == 4 or code is Code.RESERVED_PROVIDER)
        self._quotas[name] = self._quota(entry, path)
        return None if faults else _with_catalog(name, entry)

    def _quota(self, entry: ProviderEntry, path: Path) -> Statement:
        """The provider's statement; its profile may be named under `profile` or in `quota`."""
        said = self._groups.read(entry.quota, (*path, "quota"))
        if "profile" not in entry.model_fields_set:
            return said
        named = entry.profile or ""
        if named and named not in PROFILES:
            words = f"there is no profile {shown(named)}{hint(named, PROFILES)}"
            self._border.add((*path, "profile"), Code.UNKNOWN_PROFILE, words)
            return said
        if said.profile is not None and said.profile != named:
            words = f"one profile is followed, and `quota` names {said.profile}"
            self._border.add((*path, "profile"), Code.BAD_QUOTA, words)
        return replace(said, profile=named)

    def _faults(self, name: str, path: Path, entry: ProviderEntry) -> Iterator[tuple[Path, Code, str]]:
        known = PROVIDERS.get(name)
        spoken = [dialect for dialect in DIALECTS if dialect != "recorded"]
        if entry.dialect and entry.dialect not in spoken:
            words = f"unknown dialect `{printable(entry.dialect)}`{hint(entry.dialect, spoken)}"
            yield (*path, "dialect"), Code.NOT_ALLOWED, words
        if known is None and not entry.base_url:
            yield path, Code.MISSING_KEY, "`base_url` is missing"
        if known is not None and known.simulated and (entry.api_key_env or not _at_home(entry.base_url or "")):
            words = f"`{name}` is on this machine and takes no key; call another endpoint by another name"
            yield path, Code.RESERVED_PROVIDER, words


def _with_catalog(name: str, entry: ProviderEntry) -> Provider:
    """The provider as the suite says, and where it is silent, as the catalog does."""
    known = PROVIDERS.get(name)
    api_key_env = entry.api_key_env
    if known is not None and "api_key_env" not in entry.model_fields_set:
        api_key_env = known.api_key_env
    return Provider(
        id=name,
        dialect=entry.dialect or (known.dialect if known else "openai-chat"),
        base_url=entry.base_url or (known.base_url if known else ""),
        api_key_env=api_key_env,
        headers=dict(entry.headers or {}),
        timeout_s=entry.timeout_s or 120.0,
        simulated=bool(known and known.simulated),
        account=entry.account or "",
    )


def _header_faults(headers: dict[str, str], path: Path) -> Iterator[tuple[Path, Code, str]]:
    seen: set[str] = set()
    for name, value in headers.items():
        place = (*path, "headers", name)
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            yield place, Code.BAD_HEADER, "not a header (plain ASCII, one line)"
        elif keys.forbidden_header(name):
            words = f"`{printable(name)}` is set by evalrun alone; a key comes from api_key_env"
            yield place, Code.BAD_HEADER, words
        elif name.lower() in seen:
            yield place, Code.DUPLICATE_NAME, "the header is there already"
        seen.add(name.lower())


def refuse_literal_keys(border: Border) -> None:
    """Complain about every text in the suite's settings that looks like an API key."""
    for section in _SECRET_SECTIONS:
        for path, text in texts_in(border.document.value.get(section), (section,)):
            # The name of a model, a tool or a format may be one long word, so the shape of a key must show.
            named = section == "models" or not _NAMED.isdisjoint(path)
            if keys.looks_like_key(text + " ." if named else text):
                words = "this looks like an API key: keys come from the environment, never from a suite (api_key_env)"
                border.add(path, Code.LITERAL_KEY, words)


def _at_home(base_url: str) -> bool:
    return not base_url or keys.is_loopback(base_url)


def _from_catalog(name: str) -> Provider | None:
    entry = PROVIDERS.get(name)
    if entry is None:
        return None
    return Provider(
        id=entry.id,
        dialect=entry.dialect,
        base_url=entry.base_url,
        api_key_env=entry.api_key_env,
        simulated=entry.simulated,
    )
