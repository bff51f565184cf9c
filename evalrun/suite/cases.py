"""The cases of a suite: written in it, or a row each of the files that it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from evalrun.errors import Code
from evalrun.records.suite import Case
from evalrun.suite.border import Border, Form
from evalrun.suite.complaints import Complaints, Spot, listed, printable, shown
from evalrun.suite.datasets import Row, Table, Tables, field_of, knows_column
from evalrun.suite.document import Path
from evalrun.suite.entries import CaseForm, FileCases, InlineCase
from evalrun.suite.kinds import MAX_NAME
from evalrun.suite.params import read_params
from evalrun.suite.scorers import Draft, ScorerTable, read_scorers
from evalrun.suite.sources import Sources

MAX_CASES = 1_000_000

_FORM: Form[InlineCase | FileCases] = Form(CaseForm)


@dataclass(frozen=True, slots=True)
class CaseDraft:
    """A case and where it comes from. *scorers* are its own, before they have names; None: it says nothing of them."""

    case: Case
    spot: Spot
    scorers: tuple[Draft, ...] | None = None


def read_cases(border: Border, section: Any, tables: Tables, sources: Sources, table: ScorerTable) -> list[CaseDraft]:
    """The suite's cases, ids unique; what is wrong is complained about and left out."""
    found: list[CaseDraft] = []
    for path, value in border.items(section, ("cases",)):
        entry = border.take(_FORM, value, path)
        if isinstance(entry, InlineCase):
            found.append(_inline(entry, path, border, sources, table))
        elif entry is not None:
            found += _from_files(entry, path, border, tables)
        if len(found) > MAX_CASES:
            border.add(path, Code.TOO_LONG, f"more than {MAX_CASES:,} cases")
            break
    return _unique(found, border.complaints)


def with_variables(drafts: Sequence[CaseDraft], variables: Mapping[str, Any]) -> list[CaseDraft]:
    """The cases with the command line's variables over their own."""
    if not variables:
        return list(drafts)
    return [replace(d, case=replace(d.case, vars={**d.case.vars, **variables})) for d in drafts]


def _inline(entry: InlineCase, path: Path, border: Border, sources: Sources, table: ScorerTable) -> CaseDraft:
    _check_respelled(path, border)
    variables = entry.vars or {}
    if "expected" in variables:
        words = "a variable cannot be called `expected`: that is the case's own key, beside vars"
        border.add((*path, "vars", "expected"), Code.RESERVED_VARIABLE, words, of_key=True)
    scorers = None if entry.scorers is None else read_scorers(entry.scorers, (*path, "scorers"), border, table)
    case = Case(
        id=f"case-{int(path[-1]) + 1}" if entry.id is None else str(entry.id),
        vars=variables,
        expected=entry.expected,
        tags=tuple(entry.tags or ()),
        params=read_params(entry.params, (*path, "params"), border, sources),
        threshold=entry.threshold,
    )
    return CaseDraft(case, border.document.spot(path), None if scorers is None else tuple(scorers))


def _check_respelled(path: Path, border: Border) -> None:
    """Complain about numbers that would not reach the model, or the scorer, as they are written."""
    if not border.document.respelled:
        return
    value = border.document.value["cases"][path[-1]]
    for key in ("vars", "expected"):
        for at, number in _numbers(value.get(key) if isinstance(value, dict) else None, (*path, key)):
            text = border.document.respelled.get(at)
            if text is not None:
                words = f"`{printable(text)}` would be read as the number {number}: write that, or quote it as text"
                border.add(at, Code.AMBIGUOUS_NUMBER, words)


def _numbers(value: Any, path: Path) -> list[tuple[Path, int | float]]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [(path, value)]
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in _numbers(item, (*path, key))]
    if isinstance(value, list):
        return [found for index, item in enumerate(value) for found in _numbers(item, (*path, index))]
    return []


def _from_files(entry: FileCases, path: Path, border: Border, tables: Tables) -> list[CaseDraft]:
    at_file = border.document.spot((*path, "file"))
    drafts: list[CaseDraft] = []
    for found in tables.find(entry.file, at_file):
        table = tables.read(found, at_file)
        if table is not None and _columns_are_known(entry, table, path, border):
            rest = None if entry.limit is None else entry.limit - len(drafts)
            drafts += _rows(entry, table, table.rows[:rest], border.complaints)
    return drafts


def _columns_are_known(entry: FileCases, table: Table, path: Path, border: Border) -> bool:
    named: dict[Path, str] = {}
    for key in ("id", "expected", "tags"):
        value = getattr(entry, key)
        if isinstance(value, str):
            named[(*path, key)] = value
    for variable, column in (entry.vars or {}).items():
        named[(*path, "vars", variable)] = column
    spot = border.document.spot
    # Every name is looked at, so that all unknown ones are told.
    known = [knows_column(table, name, spot(at), border.complaints) for at, name in named.items()]
    if "expected" in (entry.vars or {}):
        words = "a variable cannot be called `expected`: name the column in `expected:` beside vars"
        border.add((*path, "vars", "expected"), Code.RESERVED_VARIABLE, words, of_key=True)
        return False
    if "vars" not in entry.model_fields_set and "expected" in table.columns and entry.expected != "expected":
        words = (
            f"`{printable(table.file)}` has a column `expected`: say `expected: expected`, or choose columns in vars"
        )
        border.add(path, Code.RESERVED_VARIABLE, words)
        return False
    return all(known)


def _rows(entry: FileCases, table: Table, rows: Sequence[Row], complaints: Complaints) -> list[CaseDraft]:
    stem = PurePath(table.file).stem
    drafts = []
    for number, row in enumerate(rows, 1):
        case_id = _row_id(entry, row, f"{stem}-{number:04d}", complaints)
        tags = _row_tags(entry.tags, row, complaints)
        if case_id is None or tags is None:
            continue
        expected = field_of(row.fields, entry.expected)[1] if entry.expected else None
        drafts.append(CaseDraft(Case(id=case_id, vars=_row_vars(entry, row), expected=expected, tags=tags), row.spot))
    return drafts


def _row_id(entry: FileCases, row: Row, default: str, complaints: Complaints) -> str | None:
    prefix = entry.prefix or ""
    if "id" not in entry.model_fields_set:
        return prefix + default
    value = field_of(row.fields, entry.id)[1]
    if value in (None, "") or isinstance(value, dict | list):
        words = f"`{printable(entry.id)}` is the case's id and must be a text or a number, not {shown(value or None)}"
        complaints.add(row.spot, Code.BAD_FIELD, words)
        return None
    case_id = prefix + str(value)
    if len(case_id) > MAX_NAME or not case_id.isprintable():
        words = f"a case's id is one line of at most {MAX_NAME} characters"
        complaints.add(row.spot, Code.BAD_FIELD, words)
        return None
    return case_id


def _row_tags(tags: str | list[str] | None, row: Row, complaints: Complaints) -> tuple[str, ...] | None:
    if not isinstance(tags, str):
        return tuple(tags or ())
    value = field_of(row.fields, tags)[1]
    if isinstance(value, str) or value is None:
        return tuple(tag.strip() for tag in (value or "").split(",") if tag.strip())
    if isinstance(value, list) and all(isinstance(tag, str) for tag in value):
        return tuple(value)
    words = f"`{printable(tags)}` holds tags and must be text with commas, or a list of texts, not {shown(value)}"
    complaints.add(row.spot, Code.BAD_FIELD, words)
    return None


def _row_vars(entry: FileCases, row: Row) -> dict[str, Any]:
    if "vars" not in entry.model_fields_set:
        return {name: value for name, value in row.fields.items() if name != entry.expected}
    found = {variable: field_of(row.fields, column) for variable, column in entry.vars.items()}
    return {variable: value for variable, (there, value) in found.items() if there}


def _unique(drafts: Sequence[CaseDraft], complaints: Complaints) -> list[CaseDraft]:
    first: dict[str, Spot] = {}
    unique = []
    for draft in drafts:
        case_id = draft.case.id
        if case_id in first:
            before = first[case_id]
            words = f"the case id `{printable(case_id)}` is taken ({listed([before.file])}:{before.line})"
            complaints.add(draft.spot, Code.DUPLICATE_CASE, words)
        else:
            first[case_id] = draft.spot
            unique.append(draft)
    return unique
