"""Prices that a user gives: the `prices:` of a suite, or a file of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

from evalrun.errors import Code, SuiteInvalid
from evalrun.records.suite import Price
from evalrun.suite.border import Border, Form
from evalrun.suite.complaints import Complaints, Spot, shown
from evalrun.suite.document import Path, read_yaml
from evalrun.suite.entries import PriceEntry
from evalrun.suite.sources import MAX_SUITE_BYTES, Found, read_text

_PRICE: Form[PriceEntry] = Form(PriceEntry)
_SECTION = "prices"


def read_prices(border: Border, section: Any, path: Path, source: str) -> Iterator[tuple[str, Path, Price | None]]:
    """Each provider/model of a section with its place and price; None for one that is complained about."""
    for name, place, value in border.entries(section, path):
        entry = border.take(_PRICE, value, place)
        price = None
        if entry is not None:
            price = Price(input_usd=entry.input, output_usd=entry.output, cached_usd=entry.cached, source=source)
        yield name, place, price


def read_price_file(file: str | FilePath) -> dict[str, Price]:
    """The prices of a YAML file, by provider/model: as a suite's `prices:`, or those of a suite.

    Raises SuiteInvalid with every complaint.
    """
    complaints = Complaints()
    path = FilePath(file)
    text = read_text(Found(path, str(file)), Spot(str(file)), MAX_SUITE_BYTES, complaints)
    document = read_yaml(str(file), text, complaints) if text is not None else None
    if document is None:
        raise SuiteInvalid(complaints.all())
    border, found = Border(document, complaints), dict[str, Price]()
    inside = isinstance(document.value, dict) and _SECTION in document.value
    section, place = (document.value[_SECTION], (_SECTION,)) if inside else (document.value, ())
    for name, at, price in read_prices(border, section, place, path.name):
        if "/" not in name:
            words = f"{shown(name)} is not provider/model (as openai/gpt-4o)"
            border.add(at, Code.BAD_MODEL, words, of_key=True)
        elif price is not None:
            found[name] = price
    if complaints:
        raise SuiteInvalid(complaints.all())
    return found
