"""A scorer as a suite asks for it, looked up and checked once, and then asked about many answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from evalrun.records.row import Row
from evalrun.records.suite import ScorerSpec
from evalrun.scoring.catalogue import find
from evalrun.scoring.options import is_template, strings
from evalrun.scoring.scorer import NoResult, Scorer, Subject
from evalrun.template import render_value

PREPARED_AT_MOST = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A scorer with its checked options. *value* is what it compares with; *templates*: rendered for each case."""

    spec: ScorerSpec
    scorer: Scorer
    options: BaseModel
    value: Any
    templates: bool

    def subject(self, row: Row, text: str) -> Subject:
        """What the scorer is to look at: *text* beside its own value, rendered for the row's case, or the expected one.

        An expected value is data and never rendered. Raises TemplateFault, and NoResult where a variable of the
        scorer's own is unknown.
        """
        value = self.value
        if value is None:
            value = row.case.expected
        elif self.templates:
            own = self.scorer.variables(row)
            value = render_value(value, {**row.case.vars, "expected": row.case.expected, **own})
        return Subject(text=text, value=value, row=row)


# The one mutable state of scoring, written by prepare alone. A spec cannot be hashed, so it is found by identity: the
# entry holds the spec itself, which keeps its id from being given away while the entry lives.
_kept: dict[int, Prepared] = {}


def prepare(spec: ScorerSpec) -> Prepared:
    """The scorer of *spec*. Raises NoResult where it does not exist or its options are wrong."""
    kept = _kept.get(id(spec))
    if kept is not None and kept.spec is spec:
        return kept
    if len(_kept) >= PREPARED_AT_MOST:
        _kept.clear()
    prepared = _prepare(spec)
    _kept[id(spec)] = prepared
    return prepared


def _prepare(spec: ScorerSpec) -> Prepared:
    try:
        scorer = find(spec.type)
    except KeyError:
        raise NoResult(f"there is no scorer {spec.type}") from None
    said = dict(spec.options)
    if spec.value is not None:
        said["value"] = spec.value
    try:
        options = scorer.options.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise NoResult(f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}") from None
    value = getattr(options, "value", None)
    templates = any(map(is_template, strings(value)))
    return Prepared(spec=spec, scorer=scorer, options=options, value=value, templates=templates)
