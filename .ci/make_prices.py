#!/usr/bin/env python3
"""Write evalrun/prices.json, the dated snapshot of prices, from the genai-prices package (MIT) of this environment.

    .venv/bin/python .ci/make_prices.py --as-of 2026-11-10

The date is the day on which the installed version was published. Only models that answer chat requests are kept;
where a price depends on the length of the prompt, the price of the lowest tier is.
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
PROVIDERS = ("openai",)
NOT_CHAT = re.compile(
    r"image|audio|realtime|transcri|translat|tts|whisper|live|embedding|moderation|instruct|search|research|computer"
    r"|gpt-oss|(^|-)(ada|babbage|curie|davinci)(-|$)",
)
ANY_DATE = re.compile(r"\^(?P<name>[a-z0-9.\\-]+)-\\d\{4\}-\\d\{2\}-\\d\{2\}\$")


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
        "providers": {name: models_of(name, as_of) for name in PROVIDERS},
    }
    OUTPUT.write_text(written(document), encoding="utf-8")
    return 0


def models_of(provider_id: str, as_of: dt.date) -> list[dict[str, Any]]:
    """One entry a price: the exact names, whether they may carry a date, prefixes, and the figures."""
    noon = dt.datetime.combine(as_of, dt.time(12), tzinfo=dt.UTC)
    provider = next(p for p in get_snapshot().providers if p.id == provider_id)
    entries = []
    for model in provider.models:
        price = model.get_prices(noon)
        if NOT_CHAT.search(model.id) or price.input_mtok is None or price.output_mtok is None:
            continue
        names, dated, prefixes = names_of(model.match)
        names = [name for name in names if not NOT_CHAT.search(name)]
        entry: dict[str, Any] = {"names": names, "dated": dated, "prefixes": prefixes}
        entry |= {"input": figure(price.input_mtok), "output": figure(price.output_mtok)}
        if price.cache_read_mtok is not None:
            entry["cached"] = figure(price.cache_read_mtok)
        entries.append({key: value for key, value in entry.items() if value or isinstance(value, float)})
    return sorted(entries, key=lambda entry: entry.get("names") or entry["prefixes"])


def names_of(clause: source.MatchLogic) -> tuple[list[str], list[str], list[str]]:
    """Exact names, names that any date may follow, and prefixes that a matching rule accepts."""
    match clause:
        case source.ClauseEquals(equals=name):
            return [name], [], []
        case source.ClauseStartsWith(starts_with=prefix):
            return [], [], [prefix]
        case source.ClauseRegex(regex=pattern) if found := ANY_DATE.fullmatch(pattern):
            return [], [found["name"].replace("\\", "")], []
        case source.ClauseOr(or_=parts):
            found_parts = [names_of(part) for part in parts]
            names, dated, prefixes = ([name for part in found_parts for name in part[i]] for i in range(3))
            return sorted(names), sorted(dated), sorted(prefixes)
        case _:
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
