"""What tokens cost: a dated snapshot of published prices, and the sum for one exchange.

The snapshot, prices.json beside this file, is made by .ci/make_prices.py. It knows the price of the lowest tier:
prompts so long that a vendor charges them at a higher rate cost more than is said here, and so do tokens that Anthropic
writes into its cache. What it does not know is looked up in genai-prices, where that package is installed.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from evalrun.records.outcome import Exchange, Response, Usage
from evalrun.records.suite import Price

_SIMULATED = Price(input_usd=0.0, output_usd=0.0, source="simulated")
_SIMULATORS = frozenset(
    "simulator" + suffix
    for suffix in ("", "-responses", "-completions", "-embeddings", "-messages", "-azure", "-azure-inference")
)

# Whose prices hold for what a provider sells: its own, then those of the vendors of its models.
_AZURE = ("azure", "openai", "anthropic", "deepseek")
_SOLD: Mapping[str, tuple[str, ...]] = {"azure": _AZURE, "azure-inference": _AZURE}
_THEIR_IDS: Mapping[str, str] = {"gemini": "google", "azure-inference": "azure"}


@dataclass(frozen=True, slots=True)
class _Table:
    """One provider's prices: by exact name, by pattern, and by prefix, the longest first."""

    names: Mapping[str, Price]
    patterns: Sequence[tuple[re.Pattern[str], Price]]
    prefixes: Sequence[tuple[str, Price]]

    def price(self, name: str) -> Price | None:
        """The price of the model of that name, in small letters."""
        if found := self.names.get(name):
            return found
        if found := next((price for pattern, price in self.patterns if pattern.search(name)), None):
            return found
        return next((price for prefix, price in self.prefixes if name.startswith(prefix)), None)


@cache
def _tables() -> dict[str, _Table]:
    document = json.loads(_snapshot())
    date, source = document["as_of"], document["source"]
    return {provider: _table(entries, date, source) for provider, entries in document["providers"].items()}


def _table(entries: Sequence[Mapping[str, Any]], date: str, source: str) -> _Table:
    names: dict[str, Price] = {}
    patterns: list[tuple[re.Pattern[str], Price]] = []
    prefixes: list[tuple[str, Price]] = []
    for entry in entries:
        price = Price(
            input_usd=entry["input"],
            output_usd=entry["output"],
            cached_usd=entry.get("cached"),
            date=date,
            source=source,
        )
        names.update(dict.fromkeys(entry.get("names", ()), price))
        patterns += [(re.compile(pattern), price) for pattern in entry.get("patterns", ())]
        prefixes += [(prefix, price) for prefix in entry.get("prefixes", ())]
    return _Table(names, patterns, sorted(prefixes, key=lambda pair: -len(pair[0])))


def price_of(provider: str, model: str) -> Price | None:
    """The published price of a provider's model; None is unknown, which is not free.

    The snapshot comes first, then the package genai-prices where it is installed; the price says which. A dated id
    (``gpt-4o-2024-05-13``) has the price that is published for it, never a neighbour's by guess. An Azure deployment
    has the price of the model whose name it bears. Simulated models cost nothing, and their price says so.
    """
    if provider in _SIMULATORS:
        return _SIMULATED
    tables, name = _tables(), model.lower()
    for vendor in _SOLD.get(provider, (provider,)):
        if vendor in tables and (found := tables[vendor].price(name)):
            return found
    return _installed_price(_THEIR_IDS.get(provider, provider), name)


def _installed_price(provider: str, model: str) -> Price | None:
    """What the installed genai-prices says a model costs today; None where it does not say, or is not installed."""
    try:
        from genai_prices.data_snapshot import get_snapshot
    except ImportError:
        return None
    providers = get_snapshot().providers
    vendor = next((one for one in providers if one.id == provider), None)
    found = vendor.find_model(model, all_providers=providers) if vendor else None
    if found is None:
        return None
    figures = vars(found.get_prices(datetime.now(UTC)))
    sent, received, cached = (figures.get(f"{name}_mtok") for name in ("input", "output", "cache_read"))
    if sent is None or (received is None and "embed" not in found.id):
        return None
    return Price(
        input_usd=_lowest(sent),
        output_usd=_lowest(received or 0),
        cached_usd=None if cached is None else _lowest(cached),
        source=f"genai-prices {importlib.metadata.version('genai-prices')} (installed)",
    )


def _lowest(figure: object) -> float:
    """The price of the lowest tier."""
    return float(str(getattr(figure, "base", figure)))


def model_note(provider: str, model: str) -> str | None:
    """A sentence about a model that the snapshot does not know, though it knows its provider's; None for all others.

    At Azure a model is a deployment, which its owner names.
    """
    table = None if provider in _SOLD else _tables().get(provider)
    if table is None or price_of(provider, model) is not None:
        return None
    near = get_close_matches(model.lower(), list(table.names), n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"{provider}/{model}: not among the models known on {_as_of()}, so its price is not known{hint}"


@cache
def _as_of() -> str:
    date: str = json.loads(_snapshot())["as_of"]
    return date


def _snapshot() -> str:
    return Path(__file__).with_name("prices.json").read_text(encoding="utf-8")


def cost_usd(price: Price | None, usage: Usage) -> float | None:
    """US dollars for these tokens, or None where the price or a token figure is unknown.

    Cached tokens are part of the prompt's, and cost less where a price for them is published. Where output costs
    nothing, as with embeddings, nobody needs to say how much there was.
    """
    if price is None:
        return None
    sent, received = usage.prompt_tokens, usage.completion_tokens
    if (sent is None and price.input_usd) or (received is None and price.output_usd):
        return None
    sent, received = sent or 0, received or 0
    cached = min(max(usage.cached_tokens or 0, 0), sent) if price.cached_usd is not None else 0
    dollars = (sent - cached) * price.input_usd + received * price.output_usd
    return (dollars + cached * (price.cached_usd or 0.0)) / 1_000_000


def price_date(price: Price | None) -> str:
    """The day whose price it is; where it has none, whose it is (``suite``); empty for a simulated model's or none."""
    return "" if price is None or price.source == _SIMULATED.source else price.date or price.source


def repriced(exchange: Exchange, price: Price) -> Exchange:
    """The same exchange at another price. What came from the cache stays free, and what failed stays without a cost."""
    if exchange.from_cache or not isinstance(exchange.outcome, Response):
        return exchange
    return replace(exchange, cost_usd=cost_usd(price, exchange.outcome.usage), price_date=price_date(price))
