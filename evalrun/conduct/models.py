"""What providers there are, and which models one of them has."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from evalrun.catalog import PROVIDERS, CatalogEntry
from evalrun.clock import Clock
from evalrun.errors import UsageError
from evalrun.providers.lookups import LookUp, open_lookup
from evalrun.providers.model_lists import list_paths, names_in, next_page
from evalrun.records.outcome import Failure, FailureKind
from evalrun.records.suite import Provider
from evalrun.suite.models import SIMULATED_MODELS

_MOST_PAGES = 50
_BESIDE_CATALOG = re.compile(r"(/orgs/[^/]+)?/inference$")  # where GitHub's models were asked, beside their catalog


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A provider of the catalog, and whether its key, and its address where that is the user's own, are set here."""

    entry: CatalogEntry
    key_is_set: bool
    address: str


def known_providers(environ: Mapping[str, str]) -> tuple[Known, ...]:
    """Every provider of the catalog."""
    return tuple(
        Known(
            entry=entry,
            key_is_set=bool(entry.api_key_env and environ.get(entry.api_key_env, "").strip()),
            address=entry.base_url or (environ.get(entry.endpoint_env, "").strip() if entry.endpoint_env else ""),
        )
        for entry in PROVIDERS.values()
    )


def models_of(
    name: str,
    *,
    base_url: str = "",
    environ: Mapping[str, str],
    allowed: Collection[tuple[str, str]],
    clock: Clock,
) -> list[str] | Failure:
    """The names of the models that a provider of the catalog lists, in its order; a Failure where it does not.

    *base_url* is asked instead of the catalog's. Raises UsageError, before anything is sent, where there is no such
    provider, nothing to ask, or its key is missing or may not go there.
    """
    entry = PROVIDERS.get(name)
    if entry is None:
        near = get_close_matches(name, PROVIDERS, n=1)
        others = "evalrun models lists them; ask any other as vllm, with --base-url URL"
        hint = f"did you mean {near[0]}?" if near else others
        raise UsageError(f"{name}: no such provider ({hint})")
    if entry.dialect == "recorded":
        raise UsageError("recorded: its answers are read from files; there is no list of models")
    if entry.simulated and not base_url:
        return list(SIMULATED_MODELS)
    address = (base_url or entry.base_url or environ.get(entry.endpoint_env, "").strip()).rstrip("/")
    if not address:
        how = f"set {entry.endpoint_env}, or name it with --base-url URL" if entry.endpoint_env else entry.gone
        raise UsageError(f"{name}: {how}")
    if entry.dialect == "azure-ai-inference":
        address = address.removesuffix("/models")
    if entry.id == "github":
        address = _BESIDE_CATALOG.sub("", address)
    provider = Provider(
        id=entry.id,
        dialect=entry.dialect,
        base_url=address,
        api_key_env=entry.api_key_env,
        headers=dict(entry.headers),
        simulated=entry.simulated,
    )
    return asyncio.run(_ask(provider, environ, allowed, clock))


async def _ask(
    provider: Provider, environ: Mapping[str, str], allowed: Collection[tuple[str, str]], clock: Clock
) -> list[str] | Failure:
    async with open_lookup(provider, environ=environ, clock=clock, allowed=allowed) as look_up:
        found: list[str] | Failure = []
        for path in list_paths(provider):
            found = await _pages(look_up, path)
            if not (isinstance(found, Failure) and found.kind is FailureKind.NOT_FOUND):
                break
        return found


async def _pages(look_up: LookUp, path: str) -> list[str] | Failure:
    names: list[str] = []
    page: str | None = path
    for _ in range(_MOST_PAGES):
        said: Any = await look_up(page or path)
        if isinstance(said, Failure):
            return said
        found = names_in(said)
        if found is None:
            return Failure(kind=FailureKind.GARBAGE, message="the reply holds no list of models")
        names += found
        page = next_page(said, path)
        if page is None:
            break
    return list(dict.fromkeys(names))
