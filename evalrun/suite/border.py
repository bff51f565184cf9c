"""Values out of a document, checked by pydantic, and pydantic's errors turned into complaints in our words."""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Generic, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, Tag, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from evalrun.errors import Code
from evalrun.suite.complaints import Complaints, hint, near, printable, shown
from evalrun.suite.document import Document, Path

T = TypeVar("T")

_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "none_required": "null",
}
_LIMITS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
_CODES = frozenset(Code)


@dataclass(frozen=True)
class Form(Generic[T]):
    """A type that a part of a suite must have: a model, or an annotation that pydantic understands."""

    kind: Any

    @cached_property
    def adapter(self) -> TypeAdapter[T]:
        """Pydantic's validator for it, made when it is first needed."""
        return TypeAdapter(self.kind)


class Border:
    """Where a document's values are let in."""

    def __init__(self, document: Document, complaints: Complaints) -> None:
        self.document = document
        self.complaints = complaints

    def take(self, form: Form[T], value: Any, path: Path) -> T | None:
        """The checked value; None where it is wrong, with all that is wrong complained about."""
        try:
            return form.adapter.validate_python(value, strict=True)
        except ValidationError as error:
            self._complain(form, value, path, error.errors(include_url=False))
            return None

    def items(self, value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
        """A list's items with their paths; a complaint where the value is no list, or empty."""
        if not isinstance(value, list):
            self._wrong(path, f"must be a list, not {shown(value)}")
        elif not value:
            self.complaints.add(self.document.spot(path), Code.EMPTY, "the list is empty")
        else:
            yield from (((*path, index), item) for index, item in enumerate(value) if not self._broken((*path, index)))

    def entries(self, value: Any, path: Path) -> Iterator[tuple[str, Path, Any]]:
        """A mapping's entries with their paths; a complaint where the value is no mapping, or empty."""
        if not isinstance(value, dict):
            self._wrong(path, f"must be a mapping, not {shown(value)}")
        elif not value:
            self.complaints.add(self.document.spot(path), Code.EMPTY, "the mapping is empty")
        else:
            yield from ((key, (*path, key), item) for key, item in value.items() if not self._broken((*path, key)))

    def add(self, path: Path, code: Code, message: str, *, of_key: bool = False) -> None:
        """A complaint at *path*, or at its key."""
        self.complaints.add(self.document.spot(path, of_key=of_key), code, message)

    def _wrong(self, path: Path, message: str) -> None:
        if not self._broken(path):
            self.add(path, Code.WRONG_TYPE, message)

    def _broken(self, path: Path) -> bool:
        broken = self.document.broken
        return bool(broken) and any(path[:n] in broken for n in range(len(path) + 1))

    def _complain(self, form: Form[Any], value: Any, base: Path, errors: Sequence[ErrorDetails]) -> None:
        groups: dict[Path, list[ErrorDetails]] = {}
        for error in errors:
            groups.setdefault(_path_in(value, error), []).append(error)
        for path, group in groups.items():
            kinds = [error for error in group if error["type"] in _KINDS]
            if len(kinds) == len(group) and any(p != path and p[: len(path)] == path for p in groups):
                continue  # the form that was meant says more, further inside
            if self._broken(base + path):
                continue
            for error in [group[0]] if len(kinds) == len(group) else [e for e in group if e not in kinds]:
                code, message = _words(form, error, kinds)
                of_key = error["type"] == "extra_forbidden" or error["loc"][-1:] == ("[key]",)
                self.add(base + path, code, message, of_key=of_key)


def _path_in(value: Any, error: ErrorDetails) -> Path:
    """The part of pydantic's path that is in the document: union members and what is missing are not."""
    path: list[str | int] = []
    for step in error["loc"]:
        in_list = isinstance(value, list) and isinstance(step, int) and step < len(value)
        if in_list or (isinstance(value, dict) and step in value):
            value = value[step]
            path.append(step)
    return tuple(path)


def _words(form: Form[Any], error: ErrorDetails, kinds: Sequence[ErrorDetails]) -> tuple[Code, str]:
    kind, context, value = error["type"], error.get("ctx", {}), error.get("input")
    if kind in _CODES:
        return Code(kind), str(context["words"])
    if kind == "missing":
        return Code.MISSING_KEY, f"`{error['loc'][-1]}` is missing"
    if kind == "extra_forbidden":
        return Code.UNKNOWN_KEY, "unknown key" + _key_hint(form, error)
    if kind in _KINDS:
        wanted = list(dict.fromkeys(_KINDS[e["type"]] for e in kinds or [error]))
        quote = " (quote it)" if "text" in wanted and isinstance(value, int | float) else ""
        return Code.WRONG_TYPE, f"must be {' or '.join(wanted)}, not {shown(value)}{quote}"
    if kind in _LIMITS:
        key, words = _LIMITS[kind]
        return Code.OUT_OF_RANGE, f"must be {words} {context[key]:g}, not {shown(value)}"
    return _rarer_words(kind, context, value, error["msg"])


def _rarer_words(kind: str, context: dict[str, Any], value: Any, message: str) -> tuple[Code, str]:
    if kind == "literal_error":
        allowed = str(context["expected"]).replace(" or ", ", ").replace("'", "").split(", ")
        return Code.NOT_ALLOWED, f"{shown(value)} is not known here{hint(str(value), allowed)}"
    if kind in ("string_too_short", "too_short"):
        if kind == "too_short" and context["min_length"] > 1:
            return Code.EMPTY, f"fewer than {context['min_length']} of them"
        return Code.EMPTY, "the text is empty" if kind == "string_too_short" else "it is empty"
    if kind == "string_too_long":
        return Code.TOO_LONG, f"longer than {context['max_length']} characters"
    if kind == "too_long":
        return Code.TOO_LONG, f"more than {context['max_length']} of them"
    if kind == "finite_number":
        return Code.NOT_FINITE, "must be a finite number"
    if kind == "string_pattern_mismatch":
        return Code.INVALID, f"{shown(value)} is not of the form {context['pattern']}"
    words = message.removeprefix("Value error, ")
    return Code.INVALID, printable(words[:1].lower() + words[1:])


def _key_hint(form: Form[Any], error: ErrorDetails) -> str:
    *above, key = error["loc"]
    own = _keys(_kinds_at(form.kind, above))
    siblings = _keys(_kinds_at(form.kind, above[:-1])) if above else []
    if near(str(key), own) is None and (meant := near(str(key), siblings)):
        return f" (did you mean {meant}?)"
    return hint(str(key), own)


def _keys(kinds: list[Any]) -> list[str]:
    """The keys of all models among these kinds."""
    keys = []
    for kind in kinds:
        for _, member in _members(kind):
            if isinstance(member, type) and issubclass(member, BaseModel):
                keys += [field.alias or name for name, field in member.model_fields.items()]
    return list(dict.fromkeys(keys))


def _kinds_at(kind: Any, steps: Sequence[str | int]) -> list[Any]:
    """The annotations found by going down pydantic's path."""
    kinds = [kind]
    for step in steps:
        kinds = [below for one in kinds for below in _below(one, step)] or kinds
    return kinds


def _below(kind: Any, step: str | int) -> list[Any]:
    found: list[Any] = []
    for tag, member in _members(kind):
        arguments = get_args(member)
        if tag == step:
            found.append(member)
        elif get_origin(member) is list and isinstance(step, int):
            found.append(arguments[0])
        elif get_origin(member) is dict:
            found.append(arguments[1])
        elif isinstance(member, type) and issubclass(member, BaseModel):
            found += [f.annotation for name, f in member.model_fields.items() if step in (name, f.alias)]
    return found


def _members(kind: Any, tag: str | None = None) -> Iterator[tuple[str | None, Any]]:
    """A kind without its annotations; of a union every member, with its tag."""
    if get_origin(kind) is Annotated:
        inner, *notes = get_args(kind)
        tags = [note.tag for note in notes if isinstance(note, Tag)]
        yield from _members(inner, tags[0] if tags else tag)
    elif get_origin(kind) in (Union, types.UnionType):
        for member in get_args(kind):
            yield from _members(member, tag)
    else:
        yield tag, kind
