from __future__ import annotations

import json
from pathlib import Path

import pytest

import evalrun.prices
from evalrun.prices import cost_usd, model_note, price_of
from evalrun.records.outcome import TokensMethod, Usage
from evalrun.records.suite import Price

DOCUMENT = json.loads(Path(evalrun.prices.__file__).with_name("prices.json").read_text(encoding="utf-8"))


def usage(prompt: int | None, completion: int | None, cached: int | None = None) -> Usage:
    """Token figures as an API tells them."""
    return Usage(prompt_tokens=prompt, completion_tokens=completion, cached_tokens=cached, method=TokensMethod.API)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("openai/gpt-4o-mni", "did you mean gpt-4o-mini?"),
        ("openai/gpt-4o", None),
        ("openai/something-else-entirely-4711", DOCUMENT["as_of"]),
        ("lab/anything", None),
        ("simulator/large", None),
    ],
)
def test_an_unknown_model_is_noted(model: str, words: str | None) -> None:
    """A name that the snapshot does not know is noted, with the nearest, where it knows that provider's others."""
    note = model_note(*model.split("/", 1))

    assert (note is None) == (words is None)
    assert note is None or (words or "") in note


@pytest.mark.parametrize(
    ("model", "dollars"),
    [
        ("gpt-4o", (2.5, 10.0, 1.25)),
        ("gpt-4o-2024-08-06", (2.5, 10.0, 1.25)),
        ("gpt-4o-2024-05-13", (5.0, 15.0, None)),
        ("gpt-4o-mini", (0.15, 0.6, 0.075)),
        ("gpt-4o-mini-2024-07-18", (0.15, 0.6, 0.075)),
        ("GPT-4o-mini", (0.15, 0.6, 0.075)),
        ("gpt-6-sol-2026-10-01", (2.0, 10.0, 0.2)),
        ("o3", (2.0, 8.0, 0.5)),
        ("ft:gpt-4o-mini-2024-07-18:team::id", (0.3, 1.2, None)),
    ],
)
def test_published_prices(model: str, dollars: tuple[float, float, float | None]) -> None:
    """A model has the published price of its own id, dated or not, with where it is from and of what day."""
    price = price_of("openai", model)

    assert price is not None
    assert (price.input_usd, price.output_usd, price.cached_usd) == dollars
    assert price.date == DOCUMENT["as_of"]
    assert price.source.startswith("genai-prices ")


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o-2031-01-01"),
        ("openai", "no-such-model"),
        ("openai", ""),
        ("openai", "text-embedding-3-small"),
        ("openai", "whisper-1"),
        ("lab", "gpt-4o"),
        ("recorded", "6b"),
    ],
)
def test_unknown_is_not_free(provider: str, model: str) -> None:
    """A model without a published price has none, and none is not zero."""
    assert price_of(provider, model) is None
    assert cost_usd(price_of(provider, model), usage(10, 10)) is None


def test_simulated_models_cost_nothing() -> None:
    """A simulated model's price is zero and says why, even where nothing was counted."""
    price = price_of("simulator", "large")

    assert price is not None
    assert (price.input_usd, price.output_usd, price.source) == (0.0, 0.0, "simulated")
    assert cost_usd(price, usage(None, None)) == 0.0


@pytest.mark.parametrize(
    ("price", "tokens", "dollars"),
    [
        (Price(input_usd=1, output_usd=2), usage(1_000_000, 500_000), 2.0),
        (Price(input_usd=1, output_usd=2), usage(0, 0), 0.0),
        (Price(input_usd=1, output_usd=2, cached_usd=0.5), usage(1_000_000, 0, 400_000), 0.8),
        (Price(input_usd=1, output_usd=2), usage(1_000_000, 0, 400_000), 1.0),
        (Price(input_usd=1, output_usd=2, cached_usd=0.5), usage(100, 0, 1_000), 0.00005),
        (Price(input_usd=1, output_usd=2), usage(None, 5), None),
        (Price(input_usd=1, output_usd=2), usage(5, None), None),
        (None, usage(5, 5), None),
    ],
)
def test_cost(price: Price | None, tokens: Usage, dollars: float | None) -> None:
    """Cost is the sum over prompt, cached and completion tokens; an unknown part makes it unknown."""
    assert cost_usd(price, tokens) == (dollars if dollars is None else pytest.approx(dollars))


def test_the_snapshot_is_sound() -> None:
    """Every price is positive, cached tokens never cost more than fresh ones, and no name comes twice."""
    entries = [entry for entries in DOCUMENT["providers"].values() for entry in entries]
    names = [name for entry in entries for name in entry.get("names", [])]

    assert all(entry["input"] > 0 and entry["output"] > 0 for entry in entries)
    assert all(entry.get("cached", 0) <= entry["input"] for entry in entries)
    assert len(names) == len(set(names))
    assert len(names) > 50
