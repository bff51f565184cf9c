"""The models that a suite compares, each with its label, its price and what the suite says about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from evalrun.errors import Code
from evalrun.prices import price_of
from evalrun.records.suite import Model, Price
from evalrun.suite.border import Border, Form
from evalrun.suite.complaints import Spot, hint, printable, shown
from evalrun.suite.document import Path
from evalrun.suite.entries import ModelEntry, ModelForm, RecordedEntry
from evalrun.suite.params import read_params
from evalrun.suite.prices import read_prices
from evalrun.suite.providers import Providers
from evalrun.suite.quotas import SILENT, Groups, Statement
from evalrun.suite.sources import Sources

SIMULATED_MODELS = ("large", "medium", "small", "thinker")
"""What the simulator started for a run can answer as."""

_FORM: Form[str | ModelEntry | RecordedEntry] = Form(ModelForm)


@dataclass(frozen=True, slots=True)
class Listed:
    """A model before its label is settled. *recorded* is still to be read from its file, *quota* to be resolved."""

    model: Model
    label: str | None
    spot: Spot
    path: Path
    recorded: RecordedEntry | None = None
    quota: Statement = SILENT

    @property
    def id(self) -> str:
        """provider/model"""
        return f"{self.model.provider}/{self.model.name}"


def read_models(border: Border, section: Any, providers: Providers, groups: Groups, sources: Sources) -> list[Listed]:
    """The suite's own models, labels settled; what is wrong is complained about and left out."""
    found = []
    for path, value in border.items(section, ("models",)):
        entry = border.take(_FORM, value, path)
        if entry is not None:
            at = path if isinstance(entry, str) else (*path, "id")
            listed = _listed(entry, path, border.document.spot(at), border, providers)
            if isinstance(entry, ModelEntry) and listed:
                params = read_params(entry.params, (*path, "params"), border, sources)
                quota = groups.read(entry.quota, (*path, "quota"))
                listed = replace(listed, quota=quota, model=replace(listed.model, params=params))
            found += [listed] if listed else []
    return _settle_labels(found, border)


def override_models(own: list[Listed], wanted: tuple[str, ...], border: Border, providers: Providers) -> list[Listed]:
    """The models of ``--model`` instead: one of the suite's by label or id, or any by ``provider/model``."""
    chosen: list[Listed] = []
    labels = [listed.model.label for listed in own]
    for text in wanted:
        spot = Spot("--model", path=printable(text))
        matching = [m for m in own if m.model.label == text] or [m for m in own if m.id == text]
        if not matching and "/" not in text:
            border.complaints.add(spot, Code.UNKNOWN_MODEL, f"the suite has no such model{hint(text, labels)}")
        elif matching:
            chosen += [m for m in matching if m not in chosen]
        elif (listed := _listed(text, (), spot, border, providers)) and listed.id not in [m.id for m in chosen]:
            chosen.append(listed)
    return _settle_labels(chosen, border)


def with_prices(border: Border, section: Any, models: list[Listed], known: set[str]) -> list[Listed]:
    """The models with their prices: the suite's own, else the snapshot's. Prices are for models that are *known*."""
    prices: dict[str, Price] = {}
    for name, path, price in read_prices(border, section, ("prices",), "suite") if section is not None else ():
        if name not in known:
            border.add(path, Code.UNKNOWN_MODEL, f"no model of the suite has this id{hint(name, known)}", of_key=True)
        if price is not None:
            prices[name] = price
    return [replace(listed, model=_priced(listed, prices)) for listed in models]


def _priced(listed: Listed, prices: Mapping[str, Price]) -> Model:
    if listed.recorded is not None:
        return listed.model
    price = prices.get(listed.id) or price_of(listed.model.provider, listed.model.name)
    return replace(listed.model, price=price)


def _listed(
    entry: str | ModelEntry | RecordedEntry, path: Path, spot: Spot, border: Border, providers: Providers
) -> Listed | None:
    text = entry if isinstance(entry, str) else entry.id
    provider_name, slash, name = text.partition("/")
    if not slash or not provider_name or not name or not text.isprintable() or " " in text:
        words = f"{shown(text)} is not provider/model (as simulator/large){_provider_hint(text, providers)}"
        border.complaints.add(spot, Code.BAD_MODEL, words)
        return None
    provider = providers.get(provider_name)
    if provider is None:
        if provider_name not in providers.broken:
            words = f"unknown provider `{printable(provider_name)}`{hint(provider_name, providers.names())}"
            border.complaints.add(spot, Code.UNKNOWN_PROVIDER, words)
        return None
    if (lack := providers.lack(provider)) is not None:
        border.complaints.add(spot, *lack)
        return None
    if provider.dialect == "recorded" and not isinstance(entry, RecordedEntry):
        words = "a recorded model says where its answers are: {id: recorded/…, file: …, match: …, answer: …}"
        border.complaints.add(spot, Code.MISSING_KEY, words)
        return None
    if provider.simulated and not provider.base_url and name not in SIMULATED_MODELS:
        words = f"the simulator has no model `{printable(name)}`{hint(name, SIMULATED_MODELS)}"
        border.complaints.add(spot, Code.UNKNOWN_MODEL, words)
        return None
    model = Model(provider=provider_name, name=name, label="")
    if isinstance(entry, str):
        return Listed(model, None, spot, path)
    model = replace(model, tags=tuple(entry.tags or ()))
    if isinstance(entry, RecordedEntry):
        return Listed(model, entry.label, spot, path, entry)
    return Listed(model, entry.label, spot, path)


def _provider_hint(text: str, providers: Providers) -> str:
    return f"; the provider {text} is known: name one of its models" if text in providers.names() else ""


def _settle_labels(found: list[Listed], border: Border) -> list[Listed]:
    """Labels as said; else the text after the provider where only one model would have it, else the whole id."""
    short = [listed.label or listed.model.name for listed in found]
    settled: list[Listed] = []
    seen: dict[str, Spot] = {}
    for listed in found:
        label = listed.label or (listed.model.name if short.count(listed.model.name) == 1 else listed.id)
        if label in seen:
            of_label = listed.label is not None and (*listed.path, "label")
            spot = border.document.spot(of_label) if of_label and listed.path else listed.spot
            words = f"the label `{printable(label)}` is taken (line {seen[label].line}): give each model its own"
            border.complaints.add(spot, Code.DUPLICATE_NAME, words)
            continue
        seen[label] = listed.spot
        settled.append(replace(listed, label=label, model=replace(listed.model, label=label)))
    return settled
