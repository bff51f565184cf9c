"""What evalrun knows without being told: providers by id, and dialects with the version of their wire form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogEntry:
    """A provider that needs no entry in a suite.

    *base_url* is empty where there is nothing to call (recorded answers) or where the address is known only when the
    run has begun (the simulator). *origins* are the only places that *api_key_env* goes to without being asked about.
    """

    id: str
    dialect: str
    base_url: str
    api_key_env: str | None
    origins: tuple[str, ...]
    simulated: bool
    about: str


_ENTRIES = (
    CatalogEntry(
        id="simulator",
        dialect="openai-chat",
        base_url="",
        api_key_env=None,
        origins=(),
        simulated=True,
        about="rule-based models on this machine; no key, no network, no cost",
    ),
    CatalogEntry(
        id="recorded",
        dialect="recorded",
        base_url="",
        api_key_env=None,
        origins=(),
        simulated=False,
        about="answers that exist already, read from a file of the suite",
    ),
    CatalogEntry(
        id="openai",
        dialect="openai-chat",
        base_url="https://api.openai.com/v1",
        api_key_env="OPENAI_API_KEY",
        origins=("https://api.openai.com",),
        simulated=False,
        about="OpenAI, Chat Completions",
    ),
)

PROVIDERS: Mapping[str, CatalogEntry] = MappingProxyType({entry.id: entry for entry in _ENTRIES})

DIALECTS: Mapping[str, int] = MappingProxyType(
    {
        "openai-chat": 1,
        "openai-responses": 1,
        "openai-completions": 1,
        "openai-embeddings": 1,
        "anthropic-messages": 1,
        "azure-openai": 1,
        "azure-ai-inference": 1,
        "recorded": 1,
    }
)
"""Dialect -> version of its wire form, a part of every request key: raising it makes every answer be asked again."""
