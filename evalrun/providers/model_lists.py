"""Where a provider lists its models, and what such a list says.  (pure)

Shapes: OpenAI's ``{"data": [{"id": …}]}``, which most speak; Anthropic's, the same in pages; a bare array, as GitHub's
catalog was; Ollama's ``{"models": [{"name": …}]}``; Azure AI Inference's one model of one endpoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

from evalrun.records.suite import Provider

_NAMES = ("id", "name", "model", "model_name")
_AZURE_VERSIONS = {"azure-openai": "2024-10-21", "azure-ai-inference": "2024-05-01-preview"}
_MOST_NAME = 500


def list_paths(provider: Provider) -> tuple[str, ...]:
    """Where after the base_url the list may be, in the order to try."""
    version = quote(provider.api_version or _AZURE_VERSIONS.get(provider.dialect, ""), safe="")
    base = urlsplit(provider.base_url).path.rstrip("/")
    if provider.dialect == "azure-openai" and not base.endswith("/openai/v1"):
        return (f"/openai/models?api-version={version}",)
    if provider.dialect == "azure-ai-inference":
        return (f"/models/info?api-version={version}", f"/info?api-version={version}")
    if provider.dialect == "anthropic-messages":
        return ("/models?limit=1000",)
    if provider.id == "github":
        return ("/catalog/models", "/models")
    return ("/models",)


def names_in(said: Any) -> list[str] | None:
    """The names in a list of models, in its order, each once; None: this is no such list."""
    if isinstance(said, dict):
        items = next((said[key] for key in ("data", "models") if isinstance(said.get(key), list)), None)
        if items is None:
            items = [said] if any(isinstance(said.get(key), str) for key in _NAMES[2:]) else None
    else:
        items = said
    if not isinstance(items, list):
        return None
    return list(dict.fromkeys(_names(items)))


def next_page(said: Any, path: str) -> str | None:
    """The path of the page after this one, as Anthropic counts them; None: there is none."""
    last = said.get("last_id") if isinstance(said, dict) and said.get("has_more") is True else None
    if not isinstance(last, str) or not last:
        return None
    return f"{path.partition('&')[0]}&after_id={quote(last, safe='')}"


def _names(items: list[Any]) -> Iterator[str]:
    for item in items:
        found = item if isinstance(item, str) else None
        if isinstance(item, dict):
            found = next((item[key] for key in _NAMES if isinstance(item.get(key), str) and item[key]), None)
        if found:
            yield found[:_MOST_NAME].removeprefix("models/")  # as Gemini lists them, and does not need them
