"""What tokens cost: a dated snapshot of published prices, and the sum for one exchange.

The snapshot, prices.json beside this file, is made by .ci/make_prices.py. It knows the price of the lowest tier:
prompts so long that a vendor charges them at a higher rate cost more than is said here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from evalrun.records.outcome import Usage
from evalrun.records.suite import Price

_SIMULATED = Price(input_usd=0.0, output_usd=0.0, source="simulated")
_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}$")


@dataclass(frozen=True, slots=True)
class _Table:
    """One provider's prices: by exact name, by name before a date, and by prefix, the longest first."""

    names: dict[str, Price]
    dated: dict[str, Price]
    prefixes: tuple[tuple[str, Price], ...]


@cache
def _tables() -> dict[str, _Table]:
    document = json.loads(_snapshot())
    tables = {}
    for provider, entries in document["providers"].items():
        table = _Table({}, {}, ())
        prefixes: list[tuple[str, Price]] = []
        for entry in entries:
            price = Price(
                input_usd=entry["input"],
                output_usd=entry["output"],
                cached_usd=entry.get("cached"),
                date=document["as_of"],
                source=document["source"],
            )
            table.names.update(dict.fromkeys(entry.get("names", ()), price))
            table.dated.update(dict.fromkeys(entry.get("dated", ()), price))
            prefixes += [(prefix, price) for prefix in entry.get("prefixes", ())]
        prefixes.sort(key=lambda pair: -len(pair[0]))
        tables[provider] = _Table(table.names, table.dated, tuple(prefixes))
    return tables


def price_of(provider: str, model: str) -> Price | None:
    """The price of a provider's model in the snapshot; None is unknown, which is not free.

    A dated id (``gpt-4o-2024-05-13``) has the price that is published for it, never a neighbour's by guess.
    Simulated models cost nothing, and their price says so.
    """
    if provider.partition("-")[0] == "simulator":
        return _SIMULATED
    table = _tables().get(provider)
    if table is None:
        return None
    name = model.lower()
    if found := table.names.get(name) or table.dated.get(_DATE.sub("", name)):
        return found
    return next((price for prefix, price in table.prefixes if name.startswith(prefix)), None)


def model_note(provider: str, model: str) -> str | None:
    """A sentence about a model that the snapshot does not know, though it knows its provider's; None for all others."""
    table = _tables().get(provider)
    if table is None or price_of(provider, model) is not None:
        return None
    known = [*table.names, *table.dated]
    near = get_close_matches(model.lower(), known, n=1)
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

    Cached tokens are part of the prompt's, and cost less where a price for them is published.
    """
    if price is None:
        return None
    if price.input_usd == 0 and price.output_usd == 0:
        return 0.0
    if usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    cached = min(max(usage.cached_tokens or 0, 0), usage.prompt_tokens) if price.cached_usd is not None else 0
    dollars = (usage.prompt_tokens - cached) * price.input_usd + usage.completion_tokens * price.output_usd
    return (dollars + cached * (price.cached_usd or 0.0)) / 1_000_000
