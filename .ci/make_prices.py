#!/usr/bin/env python3
"""Write evalrun/prices.json, the dated snapshot of prices, from the genai-prices package (MIT) of this environment.

    .venv/bin/python .ci/make_prices.py --as-of 2026-11-10

The date is the day on which the installed version was published. Only models that are billed by tokens of text are
kept, embeddings among them; where a price depends on the length of the prompt, the price of the lowest tier is.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.metadata
import json
import re
import sys
from pathlib import Path
from typing import Any

import genai_prices.types as source
from genai_prices.data_snapshot import get_snapshot

OUTPUT = Path(__file__).resolve().parent.parent / "evalrun" / "prices.json"

# Our provider -> that of genai-prices, and the beginnings of ids that it does not serve itself.
PROVIDERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "openai": ("openai", ("gpt-oss",)),
    "azure": ("azure", ()),
    "anthropic": ("anthropic", ()),
    "gemini": ("google", ("claude",)),
    "groq": ("groq", ()),
    "openrouter": ("openrouter", ()),
    "mistral": ("mistral", ()),
    "cerebras": ("cerebras", ()),
    "deepseek": ("deepseek", ()),
}
NOT_TEXT = re.compile(
    r"(^|[-/._])(image|audio|realtime|transcri|translat|tts|whisper|live|moderation|search|research|ocr|voxtral)"
)
FREE, NO_ID = ":free", ":batch"
TEXT = {"input_mtok", "output_mtok"}
BESIDES = re.compile(
    r"(input|cache)_\w+_mtok|cache_\w+|\w+_kcount"
)  # billed apart, for what an evaluation does not send
NOT_SPEECH = "^(?!"


def main() -> int:
    """Read the package's tables, write ours."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--as-of", type=dt.date.fromisoformat, required=True, metavar="YYYY-MM-DD")
    as_of = parser.parse_args().as_of
    document = {
        "as_of": as_of.isoformat(),
        "source": f"genai-prices {importlib.metadata.version('genai-prices')}",
        "licence": "genai-prices is under the MIT licence, copyright Pydantic Services Inc.",
        "unit": "US dollars for a million tokens, lowest tier",
        "providers": {name: models_of(theirs, foreign, as_of) for name, (theirs, foreign) in PROVIDERS.items()},
    }
    OUTPUT.write_text(written(document), encoding="utf-8")
    return 0


def models_of(provider_id: str, foreign: tuple[str, ...], as_of: dt.date) -> list[dict[str, Any]]:
    """One entry a price: exact names, patterns, prefixes, and the figures."""
    noon = dt.datetime.combine(as_of, dt.time(12), tzinfo=dt.UTC)
    provider = next(p for p in get_snapshot().providers if p.id == provider_id)
    entries = []
    for model in provider.models:
        figures = figures_of(provider_id, model.id, model.get_prices(noon))
        if figures is None or NOT_TEXT.search(model.id) or model.id.startswith(foreign) or model.id.endswith(NO_ID):
            continue
        names, patterns, prefixes = names_of(model.match)
        names = [name for name in names if not NOT_TEXT.search(name)]
        entry: dict[str, Any] = {"names": names, "patterns": patterns, "prefixes": prefixes, **figures}
        entries.append({key: value for key, value in entry.items() if value or isinstance(value, float)})
    return sorted(entries, key=lambda entry: entry.get("names") or entry.get("prefixes") or entry["patterns"])


def figures_of(provider_id: str, model_id: str, price: source.ModelPrice) -> dict[str, float] | None:
    """The figures for a million tokens; None for a model that is not billed by tokens of text alone."""
    said = {key: value for key, value in vars(price).items() if value is not None and not key.startswith("_")}
    if not said and provider_id == "openrouter" and model_id.endswith(FREE):
        return {"input": 0.0, "output": 0.0}
    if "input_mtok" not in said or any(key not in TEXT and not BESIDES.fullmatch(key) for key in said):
        return None
    if "output_mtok" not in said and "embed" not in model_id and "ada" not in model_id.split("-"):
        return None
    found = {"input": figure(said["input_mtok"]), "output": figure(said.get("output_mtok", 0))}
    return found | ({"cached": figure(said["cache_read_mtok"])} if "cache_read_mtok" in said else {})


def names_of(clause: source.MatchLogic) -> tuple[list[str], list[str], list[str]]:
    """Exact names, regular expressions and prefixes that a matching rule accepts; never more than it does."""
    match clause:
        case source.ClauseEquals(equals=name) | source.ClauseEndsWith(ends_with=name):
            return [name], [], []
        case source.ClauseStartsWith(starts_with=prefix) | source.ClauseContains(contains=prefix):
            return [], [], [prefix]
        case source.ClauseRegex(regex=pattern):
            return [], [pattern], []
        case source.ClauseAnd(and_=[source.ClauseStartsWith(starts_with=prefix), source.ClauseRegex(regex=pattern)]):
            if pattern.startswith(NOT_SPEECH):
                return [], [pattern + re.escape(prefix)], []
        case source.ClauseOr(or_=parts):
            found = [names_of(part) for part in parts]
            names, patterns, prefixes = (sorted({name for part in found for name in part[i]}) for i in range(3))
            return names, patterns, prefixes
    sys.exit(f"make_prices: a rule that this script does not know: {clause}")


def figure(price: Any) -> float:
    """The lowest tier's price."""
    return float(price.base if isinstance(price, source.TieredPrices) else price)


def written(document: dict[str, Any]) -> str:
    """JSON with one model a line, so that a change of price is a change of one line."""
    head = {key: value for key, value in document.items() if key != "providers"}
    lines = ["{", *(f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()), '  "providers": {']
    for name, models in document["providers"].items():
        rows = ",\n".join(f"      {json.dumps(model)}" for model in models)
        comma = "," if name != list(document["providers"])[-1] else ""
        lines.append(f"    {json.dumps(name)}: [\n{rows}\n    ]{comma}")
    return "\n".join([*lines, "  }", "}", ""])


if __name__ == "__main__":
    sys.exit(main())
