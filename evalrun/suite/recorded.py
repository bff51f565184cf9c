"""Answers that exist already: read from a file, joined with the cases by a variable or by the case's id."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from evalrun.errors import Code
from evalrun.records.suite import Case, Model, Recorded, RecordedAnswer
from evalrun.suite.border import Border
from evalrun.suite.complaints import Complaints, hint, listed, printable, shown
from evalrun.suite.datasets import Row, Table, Tables, field_of, knows_column
from evalrun.suite.document import Path
from evalrun.suite.entries import RecordedEntry
from evalrun.suite.models import Listed
from evalrun.suite.scorers import Draft
from evalrun.suite.sources import Sources

_EXTRAS = ("prompt_tokens", "completion_tokens", "latency_s", "finish_reason", "score")


def read_recorded(models: list[Listed], border: Border, tables: Tables, sources: Sources) -> list[Listed]:
    """The models, the recorded ones with their answers; those whose file has complaints are left out."""
    read = []
    for listed_model in models:
        entry = listed_model.recorded
        if entry is None:
            read.append(listed_model)
            continue
        spot = border.document.spot((*listed_model.path, "file"))
        found = sources.find(entry.file, spot)
        table = tables.read(found, spot) if found else None
        answers = _answers(table, entry, listed_model.path, border) if table else None
        if table is not None and answers is not None:
            recorded = Recorded(file=table.file, match=entry.match, answers=answers)
            read.append(replace(listed_model, model=replace(listed_model.model, recorded=recorded)))
    return read


def check_matches(models: list[Listed], cases: Sequence[Case], border: Border) -> None:
    """Complain about recorded models whose joining variable some case does not have."""
    for listed_model in models:
        recorded = listed_model.model.recorded
        if recorded is None or recorded.match == "id":
            continue
        missing = [case for case in cases if recorded.match not in case.vars]
        if missing:
            known = list(missing[0].vars)
            words = (
                f"`{printable(recorded.match)}`, which answers are found by, is no variable of "
                f"{listed([case.id for case in missing])}{hint(recorded.match, [*known, 'id'])}"
            )
            border.add((*listed_model.path, "match"), Code.UNKNOWN_VARIABLE, words)


def check_scores(models: list[Listed], drafts: Sequence[Draft], border: Border) -> None:
    """Complain about scorers that read recorded scores where a model has none: nothing could be scored."""
    for draft in drafts:
        for listed_model in models if draft.needs_recorded else ():
            lack = _lacks_scores(listed_model.model)
            if lack:
                border.complaints.add(draft.spot, Code.BAD_SCORER, f"`{draft.spec.type}` reads recorded scores: {lack}")


def _lacks_scores(model: Model) -> str:
    """Why no answer of a model has a score, in words; empty where some has."""
    label, recorded = printable(model.label), model.recorded
    if recorded is None:
        return f"{label} is no recorded model"
    if any(answer.score is not None for answer in recorded.answers.values()):
        return ""
    return f"{printable(recorded.file)} has none for {label}: say which field holds them, as score: preference"


def _answers(table: Table, entry: RecordedEntry, path: Path, border: Border) -> dict[str, RecordedAnswer] | None:
    document, complaints = border.document, border.complaints
    said = {name: getattr(entry, name) for name in _EXTRAS if name in entry.model_fields_set}
    needed = {"match": entry.match, "answer": entry.answer, **said}
    # Every name is looked at, so that all unknown ones are told.
    known = [knows_column(table, name, document.spot((*path, key)), complaints) for key, name in needed.items()]
    if not all(known):
        return None
    answers: dict[str, RecordedAnswer] = {}
    first: dict[str, int] = {}
    for row in table.rows:
        there, value = field_of(row.fields, entry.match)
        if not there or value is None or isinstance(value, dict | list):
            words = f"`{printable(entry.match)}` must be a text or a number: it joins the row with its case"
            complaints.add(row.spot, Code.BAD_FIELD, words)
            continue
        key = str(value)
        if key in answers:
            words = f"a second answer for {shown(key)} (the first is in line {first[key]})"
            complaints.add(row.spot, Code.DUPLICATE_ANSWER, words)
            continue
        answer = _answer(row, entry, set(said), complaints)
        if answer is not None:
            answers[key], first[key] = answer, row.spot.line
    return answers


def _answer(row: Row, entry: RecordedEntry, said: set[str], complaints: Complaints) -> RecordedAnswer | None:
    """The row's answer; None where it has none, which becomes an error of the case's cell."""
    there, text = field_of(row.fields, entry.answer)
    if not there:
        return None
    if isinstance(text, dict | list):
        words = f"`{printable(entry.answer)}` is the answer and must be text, not {shown(text)}"
        complaints.add(row.spot, Code.BAD_FIELD, words)
        return None
    extras: dict[str, Any] = {}
    for name in _EXTRAS:
        value = field_of(row.fields, getattr(entry, name) or name)[1]
        extras[name] = _extra(name, value)
        if extras[name] is None and name in said and value not in (None, ""):
            words = f"`{printable(getattr(entry, name))}` is {name} and cannot be {shown(value)}"
            complaints.add(row.spot, Code.BAD_FIELD, words)
    return RecordedAnswer(text=_text(text), **extras)


def _extra(name: str, value: Any) -> Any:
    """What a field says of an answer; None where it says nothing that can be read."""
    if name == "finish_reason":
        return _text(value)
    return _score(value) if name == "score" else _figure(value, whole=name != "latency_s")


def _score(value: Any) -> float | None:
    """A number of any sign; true and false, also as CSV has them, are 1 and 0."""
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return float(value.strip().lower() == "true")
    try:
        score = float(value) if isinstance(value, bool | int | float | str) else math.nan
    except (ValueError, OverflowError):
        return None
    return score if math.isfinite(score) else None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, dict | list):
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _figure(value: Any, *, whole: bool) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        figure = float(value)
    except ValueError:
        return None
    if not math.isfinite(figure) or figure < 0:
        return None
    if whole:
        return int(figure) if figure.is_integer() else None
    return figure
