"""What a mark depends on besides the answer, in one hash: the same digest, the same mark, no need to score again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from evalrun.records.suite import Case, ScorerSpec
from evalrun.scoring.catalogue import SCORERS
from evalrun.scoring.options import is_template, strings
from evalrun.template import TemplateFault, variables

VERSION = 1  # raised whenever a built-in scorer begins to judge differently


def digest(suite_scorers: tuple[ScorerSpec, ...], case: Case, threshold: float | None) -> str:
    """The sha256 of everything that a mark depends on besides the answer.

    That is the scorers of the suite and the case, the expected value, the variables that their templates use, the
    threshold that holds, and VERSION. A foreign scorer may look at every variable, so with one all of them count.
    """
    specs = (*suite_scorers, *case.scorers)
    limit = threshold if case.threshold is None else case.threshold
    said = [VERSION, [_spec(spec) for spec in specs], case.expected, _used(specs, case.vars), limit]
    return hashlib.sha256(_canonical(said).encode("utf-8", "surrogatepass")).hexdigest()


def _spec(spec: ScorerSpec) -> list[Any]:
    options = dict(spec.options)
    said = [spec.type, spec.name, spec.negate, spec.weight, spec.threshold, spec.extract, spec.value, options]
    return said if spec.scope == "last" else [*said, spec.scope]


def _used(specs: Iterable[ScorerSpec], values: Mapping[str, Any]) -> dict[str, Any]:
    names: set[str] = set()
    for spec in specs:
        if spec.type not in SCORERS:
            return dict(values)
        for text in strings(spec.value):
            if is_template(text):
                names |= _variables(text) or values.keys()
    return {name: values[name] for name in names if name in values}


@lru_cache(maxsize=1024)
def _variables(text: str) -> frozenset[str]:
    """The variables of a template; none where it is broken, and then all of them count."""
    try:
        return variables(text)
    except TemplateFault:
        return frozenset()


def _canonical(value: Any) -> str:
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_other)
    except TypeError:  # keys of several kinds cannot be sorted
        return repr(value)


def _other(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else [type(value).__name__, str(value)]
