from __future__ import annotations

import datetime as dt
import importlib.metadata
import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import evalrun.prices
from evalrun.prices import cost_usd, model_note, price_date, price_of, repriced
from evalrun.records.outcome import Exchange, Failure, FailureKind, Response, TokensMethod, Usage
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
        ("azure/my-deployment", None),
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
        ("openai", "whisper-1"),
        ("openrouter", "openai/gpt-4o:no-such-route"),
        ("openrouter", "gpt-4o"),
        ("azure", "our-deployment"),
        ("anthropic", "gpt-4o"),
        ("ollama", "llama3"),
        ("vllm", "gpt-4o"),
        ("lab", "gpt-4o"),
        ("recorded", "6b"),
        ("simulator-of-mine", "large"),
    ],
)
def test_unknown_is_not_free(provider: str, model: str) -> None:
    """A model without a published price has none, and none is not zero."""
    assert price_of(provider, model) is None
    assert cost_usd(price_of(provider, model), usage(10, 10)) is None


@pytest.mark.parametrize(
    ("provider", "model", "dollars"),
    [
        ("openrouter", "openai/gpt-4o", (2.5, 10.0, 1.25)),
        ("openrouter", "openai/gpt-oss-20b:free", (0.0, 0.0, None)),
        ("azure", "gpt-4o", (2.5, 10.0, 1.25)),
        ("azure", "phi-4", (0.125, 0.5, None)),
        ("azure", "o1", (15.0, 60.0, 7.5)),
        ("azure-inference", "gpt-4o-mini", (0.15, 0.6, 0.075)),
        ("anthropic", "claude-sonnet-4-5", (3.0, 15.0, 0.3)),
        ("anthropic", "claude-sonnet-4-5-20250929", (3.0, 15.0, 0.3)),
        ("anthropic", "claude-opus-5-5-20261001", (4.0, 20.0, 0.2)),
        ("gemini", "gemini-2.5-pro", (1.25, 10.0, 0.125)),
        ("gemini", "gemini-2.0-flash-lite-001", (0.075, 0.3, None)),
        ("groq", "llama-3.3-70b-versatile", (0.59, 0.79, None)),
        ("mistral", "mistral-large-latest", (2.0, 6.0, None)),
        ("cerebras", "llama3.1-8b", (0.1, 0.1, None)),
        ("deepseek", "deepseek-chat", (0.27, 1.1, 0.07)),
        ("openai", "gpt-3.5-turbo-instruct", (1.5, 2.0, None)),
        ("openai", "text-embedding-3-small", (0.02, 0.0, None)),
        ("gemini", "gemini-embedding-001", (0.15, 0.0, None)),
    ],
)
def test_other_vendors_prices(provider: str, model: str, dollars: tuple[float, float, float | None]) -> None:
    """The snapshot knows the catalog's other providers, ids as each writes them; embeddings have no output."""
    price = price_of(provider, model)

    assert price is not None
    assert (price.input_usd, price.output_usd, price.cached_usd) == dollars
    assert price.date == DOCUMENT["as_of"]


def test_embeddings_cost_without_a_figure_for_output() -> None:
    """Where output costs nothing, a reply that does not say how much there was has a cost."""
    price = Price(input_usd=0.02, output_usd=0.0)

    assert cost_usd(price, usage(1_000_000, None)) == pytest.approx(0.02)
    assert cost_usd(price, usage(None, None)) is None


@pytest.mark.parametrize(("provider", "entries"), DOCUMENT["providers"].items(), ids=DOCUMENT["providers"])
def test_the_snapshot_says_what_genai_prices_says(provider: str, entries: list[dict[str, Any]]) -> None:
    """Every name and prefix of the table has the price that the package finds for it, where its version is ours."""
    snapshot = pytest.importorskip("genai_prices.data_snapshot").get_snapshot()
    if f"genai-prices {importlib.metadata.version('genai-prices')}" != DOCUMENT["source"]:
        pytest.skip("another version of genai-prices is installed")
    theirs = next(one for one in snapshot.providers if one.id == {"gemini": "google"}.get(provider, provider))
    noon = dt.datetime.combine(dt.date.fromisoformat(DOCUMENT["as_of"]), dt.time(12), tzinfo=dt.UTC)
    wrong = []
    for name in (name for entry in entries for name in (*entry.get("names", ()), *entry.get("prefixes", ()))):
        ours, model = price_of(provider, name), theirs.find_model(name)
        figure = vars(model.get_prices(noon)).get("input_mtok", 0) if model else None
        if ours is None or figure is None or ours.input_usd != float(str(getattr(figure, "base", figure))):
            wrong.append((name, ours, figure))

    assert wrong == []


def test_the_package_knows_what_the_snapshot_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider outside the snapshot is looked up in genai-prices; without the package its price is unknown."""
    pytest.importorskip("genai_prices")
    found = price_of("together", "meta-llama/Llama-3.3-70B-Instruct-Turbo")
    monkeypatch.setitem(sys.modules, "genai_prices.data_snapshot", None)

    assert found is not None
    assert found.input_usd > 0
    assert (found.date, found.source.endswith("(installed)")) == ("", True)
    assert price_date(found) == found.source
    assert price_of("together", "meta-llama/Llama-3.3-70B-Instruct-Turbo") is None


def test_another_price_changes_the_cost_of_what_was_paid() -> None:
    """A reply costs what the new price says and is dated so; what came from the cache or failed stays as it was."""
    reply = Response(text="x", usage=usage(1_000_000, 1_000_000), latency_s=0.1)
    paid = Exchange(request_key="k", outcome=reply, cost_usd=3.0, price_date="2026-11-10")
    cached = Exchange(request_key="k", outcome=reply, cost_usd=0.0, price_date="cache", from_cache=True)
    failed = Exchange(request_key="k", outcome=Failure(kind=FailureKind.SERVER, message=""))
    price = Price(input_usd=1, output_usd=4, source="prices.yaml")

    assert repriced(paid, price) == replace(paid, cost_usd=5.0, price_date="prices.yaml")
    assert repriced(cached, price) == cached
    assert repriced(failed, price) == failed


@pytest.mark.parametrize(
    ("price", "date"),
    [
        (None, ""),
        (price_of("simulator", "large"), ""),
        (price_of("openai", "gpt-4o"), DOCUMENT["as_of"]),
        (Price(input_usd=1, output_usd=1, source="suite"), "suite"),
    ],
)
def test_a_price_is_dated_or_says_whose_it_is(price: Price | None, date: str) -> None:
    """What stands in price_date: the snapshot's day, else who gave the price; nothing where there is none."""
    assert price_date(price) == date


@pytest.mark.parametrize("provider", ["simulator", "simulator-embeddings", "simulator-azure"])
def test_simulated_models_cost_nothing(provider: str) -> None:
    """A simulated model's price is zero in every dialect and says why, even where nothing was counted."""
    price = price_of(provider, "large")

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
    """Input costs something but for free routes, output but for embeddings, and no name comes twice."""
    entries = [(provider, entry) for provider, entries in DOCUMENT["providers"].items() for entry in entries]
    names = [(provider, name) for provider, entry in entries for name in entry.get("names", [])]
    free = [name for _, entry in entries if not entry["input"] for name in entry["names"]]
    one_way = [name for _, entry in entries if entry["input"] and not entry["output"] for name in entry["names"]]

    assert all(name.endswith(":free") for name in free)
    assert all(re.search(r"embed|(^|-)ada(-|$)", name) for name in one_way)
    assert all(entry["input"] >= 0 and entry["output"] >= 0 for _, entry in entries)
    assert all(re.compile(pattern) for _, entry in entries for pattern in entry.get("patterns", ()))
    assert len(names) == len(set(names))
    assert len(names) > 1_000
    assert Path(evalrun.prices.__file__).with_name("prices.json").stat().st_size < 150_000
