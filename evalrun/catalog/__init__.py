"""What evalrun knows without being told: providers by id, and dialects with the version of their wire form."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from evalrun.catalog.dialects import DIALECTS, foreign_dialect
from evalrun.catalog.table import ENTRIES, CatalogEntry

__all__ = ["DIALECTS", "PROVIDERS", "CatalogEntry", "endpoints_in", "foreign_dialect"]

PROVIDERS: Mapping[str, CatalogEntry] = MappingProxyType({entry.id: entry for entry in ENTRIES})


def endpoints_in(environ: Mapping[str, str]) -> dict[str, str]:
    """The addresses that the environment gives to providers whose endpoint is the user's own, by provider id."""
    named = ((entry.id, environ.get(entry.endpoint_env, "").strip()) for entry in ENTRIES if entry.endpoint_env)
    return {id_: address for id_, address in named if address}
