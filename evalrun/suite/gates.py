"""Gates: ``pass_rate >= 0.9`` or ``no_regression``, for every column or ``for:`` some."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from evalrun.errors import Code
from evalrun.records.suite import NO_REGRESSION, Gate
from evalrun.suite.border import Border, Form
from evalrun.suite.complaints import Spot, hint, near, printable
from evalrun.suite.document import Path
from evalrun.suite.entries import GateEntry, GateForm

METRICS = {
    "pass_rate": "pass_rate",
    "score": "score",
    "mean(score)": "score",
    "cost_usd": "cost_usd",
    "latency_s": "latency_s",
    "mean(latency_s)": "latency_s",
    "p50(latency_s)": "latency_p50_s",
    "p95(latency_s)": "latency_p95_s",
    "latency_p50_s": "latency_p50_s",
    "latency_p95_s": "latency_p95_s",
    "ttft_s": "ttft_s",
    "mean(ttft_s)": "ttft_s",
    "p50(ttft_s)": "ttft_p50_s",
    "p95(ttft_s)": "ttft_p95_s",
    "ttft_p50_s": "ttft_p50_s",
    "ttft_p95_s": "ttft_p95_s",
    "prompt_tokens": "prompt_tokens",
    "completion_tokens": "completion_tokens",
    "total_tokens": "total_tokens",
}
"""As it may be written -> the name of the figure. A scorer's is ``mean(scorer.<name>)`` -> ``scorer.<name>``."""

USUAL_CONFIDENCE, USUAL_ALPHA = 0.95, 0.05
_SCORER = "scorer."
_SHARES = frozenset(("pass_rate", "score"))
_SUMS = frozenset(("cost_usd", "prompt_tokens", "completion_tokens", "total_tokens"))
_CHECK = re.compile(
    r"(mean\s*\(\s*scorer\.(?P<scorer>.+?)\s*\)|[A-Za-z_0-9]+(?:\s*\(\s*[A-Za-z_0-9]*\s*\))?)"
    r"\s*(?P<operator>>=|<=|==|=|>|<|!=)\s*(?P<number>\S+)"
)
_LONGEST = 1000
_OPERATORS = (">=", ">", "<=", "<", "==")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+")
_FORM: Form[str | GateEntry] = Form(GateForm)
_Check = tuple[str, str, float]
_NO_REGRESSION: _Check = (NO_REGRESSION, "", 0.0)


def read_gates(
    border: Border, section: Any, known: Mapping[str, Collection[str] | None], scorers: Collection[str] | None
) -> tuple[Gate, ...]:
    """The suite's gates. *known* are the models, prompts, tags and cases there are, *scorers* the names of scorers.

    None where that is not known.
    """
    gates = []
    for path, value in border.items(section, ("gates",)) if section is not None else ():
        entry = border.take(_FORM, value, path)
        if entry is None:
            continue
        if isinstance(entry, str):
            entry, place = GateEntry(check=entry), path
        else:
            place = (*path, "check")
        parsed = _parse(entry.check.strip(), place, border, scorers)
        only = _only(entry, path, border, known) if entry.for_ else {}
        if parsed is not None and _evidence_fits(entry, parsed, path, border):
            gates.append(_gate(entry, parsed, only, border.document.spot(place)))
    return tuple(gates)


def _gate(entry: GateEntry, parsed: _Check, only: dict[str, tuple[str, ...]], spot: Spot) -> Gate:
    metric, operator, number = parsed
    strict = bool(entry.strict)
    by_figure = metric in _SUMS or metric == NO_REGRESSION
    confidence = entry.confidence or (USUAL_CONFIDENCE if strict and not by_figure else None)
    return Gate(
        text=entry.check.strip(),
        metric=metric,
        operator=operator,
        value=number,
        only=only,
        confidence=confidence,
        strict=strict,
        alpha=entry.alpha or USUAL_ALPHA,
        min_effect=entry.min_effect or 0.0,
        line=spot.line,
        column=spot.column,
    )


def _parse(text: str, path: Path, border: Border, scorers: Collection[str] | None) -> _Check | None:
    if text == NO_REGRESSION:
        return _NO_REGRESSION
    found = _CHECK.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        meant = f" (did you mean {NO_REGRESSION}?)" if near(text, [NO_REGRESSION]) else ""
        words = f"a figure, an operator and a number (pass_rate >= 0.9), or {NO_REGRESSION}"
        border.add(path, Code.BAD_GATE, f"`{printable(text)}` is not a check{meant}: write {words}")
        return None
    metric = _metric(found, path, border, scorers)
    number_text = found["number"]
    if metric is None:
        return None
    if found["operator"] not in _OPERATORS:
        words = f"`{found['operator']}` is no operator here (allowed: {' '.join(_OPERATORS)})"
        border.add(path, Code.BAD_GATE, words)
        return None
    if not _NUMBER.fullmatch(number_text):
        percent = "; write 90% as 0.9" if number_text.endswith("%") else ""
        border.add(path, Code.BAD_GATE, f"`{printable(number_text)}` is not a number{percent}")
        return None
    number = float(number_text)
    if (metric in _SHARES or metric.startswith(_SCORER)) and number > 1:
        border.add(path, Code.BAD_GATE, f"`{printable(metric)}` is between 0 and 1, never {printable(number_text)}")
        return None
    return metric, found["operator"], number


def _metric(found: re.Match[str], path: Path, border: Border, scorers: Collection[str] | None) -> str | None:
    """The figure's name; None where there is none, which is complained about."""
    written, scorer = found[1], found["scorer"]
    if scorer is not None:
        if scorers is not None and scorer not in scorers:
            known = hint(scorer, scorers) if scorers else ": it has no scorers"
            border.add(path, Code.UNKNOWN_TARGET, f"the suite has no scorer `{printable(scorer)}`{known}")
            return None
        return _SCORER + scorer
    if written == NO_REGRESSION:
        border.add(path, Code.BAD_GATE, f"`{NO_REGRESSION}` stands alone; say how large a drop counts with min_effect")
        return None
    metric = METRICS.get(re.sub(r"\s", "", written))
    if metric is None:
        known_words = [*METRICS, "mean(scorer.<name>)", NO_REGRESSION]
        border.add(path, Code.BAD_GATE, f"`{printable(written)}` is no figure of a column{hint(written, known_words)}")
    return metric


def _evidence_fits(entry: GateEntry, parsed: _Check, path: Path, border: Border) -> bool:
    """Whether what an entry says of evidence belongs to its check."""
    metric, operator, _ = parsed
    if metric == NO_REGRESSION:
        wrong = {"confidence": f"{NO_REGRESSION} takes alpha: a confidence of 0.95 is alpha: 0.05"}
    else:
        wrong = dict.fromkeys(("alpha", "min_effect"), f"belongs to {NO_REGRESSION}; a figure's gate takes confidence")
        if metric in _SUMS:
            wrong["confidence"] = f"`{metric}` is a sum of what was, not an estimate: it has no interval"
        elif operator == "==":
            wrong["confidence"] = wrong["strict"] = "no interval is as narrow as ==; use >= or <="
    said = [key for key in wrong if getattr(entry, key)]
    for key in said:
        border.add((*path, key), Code.BAD_GATE, wrong[key])
    return not said


def _only(
    entry: GateEntry, path: Path, border: Border, known: Mapping[str, Collection[str] | None]
) -> dict[str, tuple[str, ...]]:
    only: dict[str, tuple[str, ...]] = {}
    for kind, value in entry.for_.items():
        place = (*path, "for", kind)
        if kind not in known:
            border.add(place, Code.UNKNOWN_KEY, f"unknown key{hint(kind, list(known))}", of_key=True)
            continue
        names = tuple([value] if isinstance(value, str) else value)
        there = known[kind]
        for index, name in enumerate(names):
            if there is not None and name not in there:
                words = f"the suite has no {kind} `{printable(name)}`{hint(name, there)}"
                border.add(place if isinstance(value, str) else (*place, index), Code.UNKNOWN_TARGET, words)
        if not names:
            border.add(place, Code.EMPTY, "the list is empty")
        only[kind] = names
    return only
