"""The endpoints that a suite uses: the catalog's, with what the suite says about them, and its own."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from evalrun import keys
from evalrun.catalog import DIALECTS, PROVIDERS
from evalrun.catalog.profiles import PROFILES
from evalrun.errors import Code
from evalrun.records.suite import Provider
from evalrun.suite.border import Border, Form
from evalrun.suite.complaints import Spot, hint, printable, shown
from evalrun.suite.document import Path, texts_in
from evalrun.suite.entries import ProviderEntry
from evalrun.suite.quotas import SILENT, Groups, Statement
from evalrun.suite.sources import Sources

_ENTRY: Form[ProviderEntry] = Form(ProviderEntry)
_PROVIDER_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[\x20-\x7e\t]{0,2000}")
_MAX_CA_BYTES = 4 << 20
_SECRET_SECTIONS = ("providers", "params", "matrix", "models")
_NAMED = frozenset(("tool_choice", "response_format"))


class Providers:
    """Providers by name: those of the catalog and those of the suite. *broken* are the suite's that have complaints.

    *endpoints* are the addresses that the environment gives to the catalog's, by id; the suite's own go before them.
    """

    def __init__(
        self, border: Border, section: Any, groups: Groups, sources: Sources, endpoints: Mapping[str, str]
    ) -> None:
        self.broken: set[str] = set()
        self._border = border
        self._groups = groups
        self._sources = sources
        self._endpoints = endpoints
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
        return self._own.get(name) or _from_catalog(name, self._endpoints)

    def lack(self, provider: Provider) -> tuple[Code, str] | None:
        """Why a provider cannot be asked: it was closed, or nobody has said where it is. None: it can."""
        known = PROVIDERS.get(provider.id)
        if known is None or provider.base_url or not (known.gone or known.endpoint_env):
            return None
        if known.gone:
            return Code.RETIRED_PROVIDER, known.gone
        words = f"`{known.id}` is at an address of yours: set {known.endpoint_env}, or `base_url` in `providers`"
        return Code.NO_ADDRESS, words

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
        for name in sorted((used & self._endpoints.keys()) - self._own.keys()):
            provider = _from_catalog(name, self._endpoints)
            refused = keys.refusal(provider, allowed) if provider else None
            if refused is not None:
                spot = Spot(PROVIDERS[name].endpoint_env)
                self._border.complaints.add(spot, Code.KEY_ORIGIN, refused)

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
        ca_file = self._ca_file(entry.ca_file, (*path, "ca_file")) if entry.ca_file else ""
        faults = [
            *self._faults(name, path, entry),
            *_key_faults(path, entry),
            *_header_faults(entry.headers or {}, path),
        ]
        for place, code, words in faults:
            border.add(place, code, words, of_key=len(place) == 4 or code is Code.RESERVED_PROVIDER)
        self._quotas[name] = self._quota(entry, path)
        if faults or ca_file is None:
            return None
        return replace(_with_catalog(name, entry, self._endpoints), ca_file=ca_file)

    def _ca_file(self, name: str, path: Path) -> str | None:
        """Where a file of certificates is, once it was seen to hold some; None with a complaint."""
        spot = self._border.document.spot(path)
        found = self._sources.find(name, spot)
        text = self._sources.read(found, spot, _MAX_CA_BYTES) if found else None
        if found is None or text is None:
            return None
        try:
            ssl.create_default_context(cadata=text)
        except (ssl.SSLError, ValueError, TypeError):
            self._border.add(path, Code.BAD_CERTIFICATE, f"`{printable(name)}` holds no certificates in PEM form")
            return None
        return str(found.path.resolve())

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
        if entry.dialect and (entry.dialect == "recorded" or entry.dialect not in DIALECTS):
            words = f"unknown dialect `{printable(entry.dialect)}`{hint(entry.dialect, spoken)}"
            yield (*path, "dialect"), Code.NOT_ALLOWED, words
        if known is None and not entry.base_url:
            yield path, Code.MISSING_KEY, "`base_url` is missing"
        if entry.insecure and entry.ca_file:
            yield (*path, "insecure"), Code.NOT_ALLOWED, "`insecure: true` trusts anyone, `ca_file` somebody: say one"
        if known is not None and known.simulated and (entry.api_key_env or not _at_home(entry.base_url or "")):
            words = f"`{name}` is on this machine and takes no key; call another endpoint by another name"
            yield path, Code.RESERVED_PROVIDER, words


def _with_catalog(name: str, entry: ProviderEntry, endpoints: Mapping[str, str]) -> Provider:
    """The provider as the suite says, and where it is silent, as the environment and the catalog do."""
    known = _from_catalog(name, endpoints) or Provider(id=name, dialect="openai-chat")
    dialect = entry.dialect or known.dialect
    api_key_env = entry.api_key_env if "api_key_env" in entry.model_fields_set else known.api_key_env
    own = {header.lower() for header in entry.headers or {}}
    return replace(
        known,
        dialect=dialect,
        base_url=_root(entry.base_url, dialect) if entry.base_url else known.base_url,
        api_key_env=None if entry.auth == keys.ENTRA else api_key_env,
        headers={**{k: v for k, v in known.headers.items() if k not in own}, **(entry.headers or {})},
        timeout_s=entry.timeout_s or known.timeout_s,
        account=entry.account or "",
        api_version=entry.api_version or "",
        auth=entry.auth if "auth" in entry.model_fields_set else "",
        insecure=bool(entry.insecure),
    )


def _root(base_url: str, dialect: str) -> str:
    """The address without what the dialect adds itself: Azure AI Inference is often named up to and with /models."""
    plain = base_url.rstrip("/")
    return plain.removesuffix("/models") if dialect == "azure-ai-inference" else plain


def _key_faults(path: Path, entry: ProviderEntry) -> Iterator[tuple[Path, Code, str]]:
    if entry.auth == keys.ENTRA and entry.api_key_env:
        yield (*path, "api_key_env"), Code.NOT_ALLOWED, "`auth: entra` fetches a token itself and needs no key"


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


def _from_catalog(name: str, endpoints: Mapping[str, str]) -> Provider | None:
    entry = PROVIDERS.get(name)
    if entry is None:
        return None
    return Provider(
        id=entry.id,
        dialect=entry.dialect,
        base_url=_root(endpoints.get(name, entry.base_url), entry.dialect),
        api_key_env=entry.api_key_env,
        headers=dict(entry.headers),
        simulated=entry.simulated,
    )
