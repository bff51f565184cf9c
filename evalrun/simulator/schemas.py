"""JSON Schemas: whether an endpoint would take one, and an answer that fits it.  (pure)

What is known of the question fills the fields of the same name; what is not gets the least value of its type.
Source: OpenAI's guide to structured outputs, "Supported schemas".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from evalrun.simulator.answer import NOT_SURE, Answer

DEEPEST = 12
MOST_ITEMS = 20
MOST_VALUES = 2000
_ANSWERS = frozenset({"answer", "result", "value", "response", "output", "text", "final_answer", "reply", "content"})
_SENTENCES = frozenset(
    {"explanation", "reasoning", "reason", "sentence", "thought", "thinking", "rationale", "summary"}
)
_TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")


def complaint(schema: Mapping[str, Any], *, strict: bool) -> str | None:
    """What is wrong with a schema, in the API's words; None where nothing is.

    With *strict* every object has to forbid further members and to require all of its own.
    """
    if (schema.get("type") != "object" and "anyOf" not in schema and "$ref" not in schema) and strict:
        got = schema.get("type")
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{'None' if got is None else got}\"'."
    for path, part in _objects(schema, (), 0):
        kind = part.get("type")
        kinds = kind if isinstance(kind, list) else [kind]
        if unknown := next((one for one in kinds if one is not None and one not in _TYPES), None):
            return f"In context={path}, '{unknown}' is not valid under any of the given schemas."
        if not strict or "object" not in kinds:
            continue
        if part.get("additionalProperties") is not False:
            return f"In context={path}, 'additionalProperties' is required to be supplied and to be false."
        required = part.get("required")
        properties = part.get("properties")
        missing = [name for name in (properties or {}) if name not in (required or [])]
        if missing:
            words = "'required' is required to be supplied and to be an array including every key in properties."
            return f"In context={path}, {words} Missing '{missing[0]}'."
    return None


def _objects(schema: object, path: tuple[str, ...], depth: int) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """The schema and those within it, each with its path."""
    if not isinstance(schema, Mapping) or depth > DEEPEST:
        return
    yield path, schema
    for name in ("properties", "$defs", "definitions"):
        members = schema.get(name)
        for key, member in members.items() if isinstance(members, Mapping) else ():
            yield from _objects(member, (*path, name, str(key)), depth + 1)
    yield from _objects(schema.get("items"), (*path, "items"), depth + 1)
    options = schema.get("anyOf")
    for at, option in enumerate(options if isinstance(options, list) else ()):
        yield from _objects(option, (*path, "anyOf", str(at)), depth + 1)


def keys_of(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the fields on top."""
    properties = _resolved(schema, schema, 0).get("properties")
    return tuple(map(str, properties)) if isinstance(properties, Mapping) else ()


def fill(schema: Mapping[str, Any], answer: Answer, text: str) -> Any:
    """A value that fits *schema*: *answer*'s facts by name, what *text* mentions of an enum, else the least values."""
    return _Filling(schema, answer, text).value(schema, "", 0)


class _Filling:
    """One answer on its way into one schema. What changes is how many more values there may be."""

    def __init__(self, root: Mapping[str, Any], answer: Answer, text: str) -> None:
        self._root = root
        self._answer = answer
        self._text = text.lower()
        self._facts = {_plain(name): value for name, value in answer.facts.items()}
        self._alone = len(keys_of(root)) == 1
        self._left = MOST_VALUES

    def value(self, schema: object, name: str, depth: int) -> Any:
        """What goes where *schema* stands under *name*."""
        part = _resolved(schema, self._root, 0)
        self._left -= 1
        if depth > DEEPEST or self._left < 0:
            return None
        if "const" in part:
            return part["const"]
        options = part.get("enum")
        if isinstance(options, list) and options:
            return self._option(options, name)
        known = self._known(name)
        kind = _kind(part, known)
        if kind == "object":
            return self._object(part, depth)
        if kind == "array":
            return self._array(part, known, name, depth)
        return _typed(kind, known, part)

    def _known(self, name: str) -> Any:
        """What is known under *name*; the answer itself where it is the only thing asked for, or called so."""
        plain = _plain(name)
        if self._facts.get(plain) is not None:
            return self._facts[plain]
        if self._answer is NOT_SURE:
            return None
        if plain in _SENTENCES:
            return self._answer.sentence.replace("{}", self._answer.text)
        if plain in _ANSWERS or (self._alone and name):
            return list(self._answer.items) or self._answer.text
        return None

    def _option(self, options: list[Any], name: str) -> Any:
        said = [str(self._known(name)).lower(), self._answer.text.lower(), self._text]
        for text in said:
            for option in options:
                if isinstance(option, str) and re.search(rf"\b{re.escape(_plain(option))}\b", _plain(text)):
                    return option
        return options[0]

    def _object(self, part: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = part.get("properties")
        members = properties.items() if isinstance(properties, Mapping) else ()
        return {str(name): self.value(member, str(name), depth + 1) for name, member in members}

    def _array(self, part: Mapping[str, Any], known: Any, name: str, depth: int) -> list[Any]:
        least = part.get("minItems")
        least = min(least, MOST_ITEMS) if isinstance(least, int) and least > 0 else 0
        items = part.get("items", {})
        kind = _kind(_resolved(items, self._root, 0), None)
        if known is None and kind != "object":
            known = list(self._answer.items)
        found = known if isinstance(known, list) else [] if known is None else [known]
        most = part.get("maxItems")
        values = [_typed(kind, value, {}) for value in found] if kind not in ("object", "array") else []
        values = values[: most if isinstance(most, int) and most >= 0 else None]
        return values + [self.value(items, name, depth + 1) for _ in range(least - len(values))]


def _resolved(schema: object, root: Mapping[str, Any], depth: int) -> Mapping[str, Any]:
    """The schema that is meant: references followed, and of several the first that is not just null."""
    if not isinstance(schema, Mapping) or depth > DEEPEST:
        return {}
    reference = schema.get("$ref")
    if isinstance(reference, str):
        target: object = root
        for step in filter(None, reference.removeprefix("#").split("/")):
            target = target.get(step) if isinstance(target, Mapping) else None
        return _resolved(target, root, depth + 1)
    for name in ("anyOf", "oneOf", "allOf"):
        options = schema.get(name)
        if isinstance(options, list) and options:
            real = [one for one in options if isinstance(one, Mapping) and one.get("type") != "null"]
            return _resolved((real or options)[0], root, depth + 1)
    return schema


def _kind(part: Mapping[str, Any], known: Any) -> str:
    said = part.get("type")
    kinds = [kind for kind in said if kind != "null"] if isinstance(said, list) else [said]
    if isinstance(said, list) and "null" in said and known is None:
        return "null"
    if kinds and kinds[0] in _TYPES:
        return str(kinds[0])
    if "properties" in part:
        return "object"
    return "array" if "items" in part else "string"


def _typed(kind: str, known: Any, part: Mapping[str, Any]) -> Any:
    """*known* as a value of its type, as far as it is one; else the least of that type."""
    if kind == "string":
        return known if isinstance(known, str) else "" if known is None else _words(known)
    if kind in ("integer", "number"):
        return _number(kind, known, part)
    if kind == "boolean":
        return known if isinstance(known, bool) else str(known).lower() in ("yes", "true")
    return None


def _words(known: Any) -> str:
    return ", ".join(map(str, known)) if isinstance(known, list) else str(known)


def _number(kind: str, known: Any, part: Mapping[str, Any]) -> int | float:
    if isinstance(known, str) and (found := re.fullmatch(r"[$€£]?(-?\d{1,15}(?:\.\d{1,15})?)", known.replace(",", ""))):
        known = float(found[1]) if "." in found[1] else int(found[1])
    if isinstance(known, int | float) and not isinstance(known, bool):
        return int(known) if kind == "integer" else known
    least = part.get("minimum")
    return least if isinstance(least, int | float) and not isinstance(least, bool) and least > 0 else 0


def _plain(name: str) -> str:
    """``firstName`` and ``First name`` are both ``first_name``."""
    return re.sub(r"[\W_]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)).strip("_").lower()
