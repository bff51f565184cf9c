"""Scorers as a suite asks for them: ``icontains``, ``icontains: Paris``, ``numeric: {value: 3, weight: 2}``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import regex
from pydantic import BaseModel, Field

from evalrun import template
from evalrun.errors import Code
from evalrun.records.suite import Case, ScorerSpec
from evalrun.suite.border import Border, Form
from evalrun.suite.complaints import Spot, hint, listed, printable, shown
from evalrun.suite.document import Path, texts_in
from evalrun.suite.kinds import Entry, Name, Share, Text, optional

ScorerTable = Mapping[str, type[BaseModel]]


class CommonOptions(Entry):
    """What every scorer may be told."""

    weight: Annotated[float, Field(ge=0, le=1e6)] = optional(
        "How much its score counts (default 1); 0 is shown, and counts for nothing."
    )
    threshold: Share = optional("The score from which this scorer passes.")
    name: Name = optional("What its column is called; unique. Default: the scorer's name.")
    on: Literal["last", "conversation"] = Field(
        default="last", description="What a scorer of texts reads: the last reply, or the whole conversation."
    )
    extract: Text = optional("A regular expression: its first group, or the whole match, is scored instead.")


_COMMON: Form[CommonOptions] = Form(CommonOptions)


@dataclass(frozen=True, slots=True)
class Draft:
    """A scorer before its name is settled: *name* is what the suite said."""

    spec: ScorerSpec
    name: str | None
    spot: Spot
    path: Path
    needs_expected: bool
    needs_recorded: bool
    variables: frozenset[str]


def read_scorers(section: Any, path: Path, border: Border, table: ScorerTable) -> list[Draft]:
    """The scorers of a list; what is wrong is complained about and left out."""
    if section is None:
        return []
    drafts = (_draft(value, at, border, table) for at, value in border.items(section, path))
    return [draft for draft in drafts if draft is not None]


def settle_names(drafts: Sequence[Draft], border: Border, *, taken: Sequence[str] = ()) -> tuple[ScorerSpec, ...]:
    """Scorers with a name each: as said, else their type's, with -2, -3 … where that is taken."""
    said = {draft.name for draft in drafts if draft.name}
    used = set(taken)
    settled = []
    for draft in drafts:
        name = draft.name
        if name is None:
            plain = f"not-{draft.spec.type}" if draft.spec.negate else draft.spec.type
            numbered = (f"{plain}-{n}" for n in range(2, 100_000))
            name = plain if plain not in used | said else next(n for n in numbered if n not in used | said)
        elif name in used:
            words = f"the name `{printable(name)}` is taken by another scorer"
            border.complaints.add(draft.spot, Code.DUPLICATE_NAME, words)
            continue
        used.add(name)
        settled.append(replace(draft.spec, name=name))
    return tuple(settled)


def check_against(drafts: Sequence[Draft], cases: Sequence[tuple[Case, Spot]], border: Border) -> None:
    """Complain where scorers need a variable or an expected value that a case does not have."""
    for draft in drafts:
        for name in sorted(draft.variables - {"expected"}):
            lacking = [case for case, _ in cases if name not in case.vars]
            if lacking:
                words = (
                    f"`{printable(name)}` is no variable of {listed([case.id for case in lacking])}"
                    f"{hint(name, [*lacking[0].vars, 'expected'])}"
                )
                border.complaints.add(draft.spot, Code.UNKNOWN_VARIABLE, words)
        if draft.needs_expected or "expected" in draft.variables:
            for case, spot in cases:
                if case.expected is None:
                    words = f"`expected` is missing, which the scorer {draft.spec.type} compares with"
                    border.complaints.add(spot, Code.MISSING_EXPECTED, words)


def _draft(value: Any, path: Path, border: Border, table: ScorerTable) -> Draft | None:
    said = _type_and_options(value, path, border)
    if said is None:
        return None
    written, options = said
    negate = written.startswith("not-") and written not in table
    kind = written.removeprefix("not-") if negate else written
    model = table.get(kind)
    if model is None:
        names = [*table, *(f"not-{name}" for name in table if written.startswith("not-"))]
        words = f"unknown scorer `{printable(written)}`{hint(written, names)}"
        border.add(path, Code.UNKNOWN_SCORER, words, of_key=True)
        return None
    inside = (*path, written) if isinstance(value, dict) else path
    if not isinstance(options, dict):
        options = _short_form(options, kind, model, inside, border)
        if options is None:
            return None
    own_keys = [field.alias or key for key, field in model.model_fields.items()]
    common_keys = CommonOptions.model_fields.keys() - own_keys
    unknown = [key for key in options if key not in common_keys | set(own_keys)]
    for key in unknown:
        words = f"unknown key{hint(key, [*own_keys, *CommonOptions.model_fields])}"
        border.add((*inside, key), Code.UNKNOWN_KEY, words, of_key=True)
    common = border.take(_COMMON, {k: v for k, v in options.items() if k in common_keys}, inside)
    own = {key: item for key, item in options.items() if key not in common_keys and key not in unknown}
    checked = border.take(_form_of(model), own, inside)
    pattern_is_good = common is not None and _check_pattern(common.extract, inside, border)
    variables = _variables(own.get("value"), (*inside, "value") if "value" in own else inside, border)
    if unknown or common is None or checked is None or not pattern_is_good or variables is None:
        return None
    needs_expected = getattr(model, "needs_expected", False) and own.get("value") is None
    needs_recorded = getattr(model, "needs_recorded", False)
    variables -= getattr(model, "own_variables", frozenset())
    spec = _spec(kind, negate, common, checked)
    return Draft(spec, common.name, border.document.spot(inside), path, needs_expected, needs_recorded, variables)


def _type_and_options(value: Any, path: Path, border: Border) -> tuple[str, Any] | None:
    if isinstance(value, str):
        return value, {}
    if isinstance(value, dict) and len(value) == 1:
        return next(iter(value.items()))
    what = f"a mapping of {len(value)} keys" if isinstance(value, dict) else shown(value)
    words = f"a scorer is a name (icontains), or a name with its options (numeric: {{…}}), not {what}"
    border.add(path, Code.BAD_SCORER, words)
    return None


def _short_form(value: Any, kind: str, model: type[BaseModel], path: Path, border: Border) -> dict[str, Any] | None:
    """``icontains: Paris`` is ``icontains: {value: Paris}``; nothing after the colon is no options."""
    if value is None:
        return {}
    if "value" in model.model_fields:
        return {"value": value}
    keys = ", ".join(f"{field.alias or name}: …" for name, field in model.model_fields.items())
    words = f"`{kind}` takes no plain value; write {kind}: {{{keys}}}" if keys else f"`{kind}` takes no value"
    border.add(path, Code.BAD_SCORER, words)
    return None


_FORMS: dict[type[BaseModel], Form[BaseModel]] = {}


def _form_of(model: type[BaseModel]) -> Form[BaseModel]:
    return _FORMS.setdefault(model, Form(model))


def _spec(kind: str, negate: bool, common: CommonOptions, checked: BaseModel) -> ScorerSpec:
    options = checked.model_dump(exclude_unset=True, by_alias=True)
    return ScorerSpec(
        type=kind,
        name="",
        negate=negate,
        weight=1.0 if common.weight is None else common.weight,
        threshold=common.threshold,
        extract=common.extract,
        value=options.pop("value", None),
        options=options,
        scope=common.on,
    )


def _check_pattern(pattern: str | None, path: Path, border: Border) -> bool:
    if pattern is None:
        return True
    try:
        regex.compile(pattern)
    except (regex.error, RecursionError, OverflowError, ValueError) as error:
        words = f"not a regular expression: {printable(str(error))}"
        border.add((*path, "extract"), Code.BAD_PATTERN, words)
        return False
    return True


def _variables(value: Any, path: Path, border: Border) -> frozenset[str] | None:
    """The variables that the templates in a value need; None where one of them cannot be read."""
    needed: set[str] = set()
    good = True
    for at, text in texts_in(value, path):
        try:
            needed |= template.variables(text) - template.optional_variables(text)
        except template.TemplateFault as fault:
            border.add(at, Code.BAD_TEMPLATE, f"not a template: {printable(str(fault))}")
            good = False
    return frozenset(needed) if good else None
