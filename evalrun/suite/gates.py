"""Gates: ``pass_rate >= 0.9``, for every column or ``for:`` some."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from evalrun.errors import Code
from evalrun.records.suite import Gate
from evalrun.suite.border import Border, Form
from evalrun.suite.complaints import hint, printable
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
}
"""As it may be written -> the name of the figure."""

_SHARES = frozenset(("pass_rate", "score"))
_CHECK = re.compile(r"\s*([A-Za-z_0-9]+(?:\s*\(\s*[A-Za-z_0-9]*\s*\))?)\s*(>=|<=|==|=|>|<|!=)\s*(\S+)\s*")
_OPERATORS = (">=", ">", "<=", "<", "==")
_FORM: Form[str | GateEntry] = Form(GateForm)


def read_gates(border: Border, section: Any, known: Mapping[str, Collection[str] | None]) -> tuple[Gate, ...]:
    """The suite's gates. *known* are the models, prompts, tags and cases there are; None where that is not known."""
    gates = []
    for path, value in border.items(section, ("gates",)) if section is not None else ():
        entry = border.take(_FORM, value, path)
        if entry is None:
            continue
        text = entry if isinstance(entry, str) else entry.check
        parsed = _parse(text, path if isinstance(entry, str) else (*path, "check"), border)
        only = {} if isinstance(entry, str) else _only(entry, path, border, known)
        if parsed is not None:
            metric, operator, number = parsed
            gates.append(Gate(text=text.strip(), metric=metric, operator=operator, value=number, only=only))
    return tuple(gates)


def _parse(text: str, path: Path, border: Border) -> tuple[str, str, float] | None:
    found = _CHECK.fullmatch(text)
    if found is None:
        words = f"`{printable(text)}` is not a check: write a figure, an operator and a number (pass_rate >= 0.9)"
        border.add(path, Code.BAD_GATE, words)
        return None
    written, operator, number_text = found.groups()
    metric = METRICS.get(re.sub(r"\s", "", written))
    if metric is None:
        words = f"`{printable(written)}` is no figure of a column{hint(written, METRICS)}"
        border.add(path, Code.BAD_GATE, words)
        return None
    if operator not in _OPERATORS:
        words = f"`{operator}` is no operator here (allowed: {' '.join(_OPERATORS)})"
        border.add(path, Code.BAD_GATE, words)
        return None
    if not re.fullmatch(r"[0-9]+(\.[0-9]*)?|\.[0-9]+", number_text):
        percent = "; write 90% as 0.9" if number_text.endswith("%") else ""
        border.add(path, Code.BAD_GATE, f"`{printable(number_text)}` is not a number{percent}")
        return None
    number = float(number_text)
    if metric in _SHARES and number > 1:
        border.add(path, Code.BAD_GATE, f"`{metric}` is between 0 and 1, never {number_text}")
        return None
    return metric, operator, number


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
