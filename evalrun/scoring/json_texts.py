"""Scorers that look for JSON (RFC 8259) in an answer, and hold it against a JSON Schema where the suite names one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from evalrun.scoring.json_values import NotJson, loads, real, refuse, whole
from evalrun.scoring.options import JsonOptions
from evalrun.scoring.schemas import schema_of, violation
from evalrun.scoring.scorer import Finding, NoResult, Subject, quote

FENCE = re.compile(r"```[^\S\n]*(?:jsonc?|JSON)?[^\S\n]*\n(.*?)```", re.DOTALL)
TOKEN = re.compile(
    r"[ \t\n\r]*+(?:(?P<mark>[][{}:,])"
    r'|(?P<text>"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})*+")'
    r"|(?P<other>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?|true|false|null))"
)
CLOSES = {"{": "}", "[": "]"}
WORK, WORK_FREE = 20, 100_000
"""Characters that may be read again in vain, for each of the text and besides."""


def is_json(subject: Subject, options: JsonOptions) -> Finding:
    """The scorer ``is-json``: the whole answer is one JSON value of any kind; a fenced block is not.

    With a schema, the value must be what that says.
    """
    schema = _schema(subject, options)
    try:
        value = loads(subject.text)
        fault = "" if schema is None else violation(schema, value)
        reason = f"not what the schema says: {fault}"
    except NotJson as error:
        fault = str(error)
        reason = f"not JSON: {fault} in {quote(subject.text)}"
    return Finding(
        value=float(not fault),
        reason=reason if fault else "",
        opposite=f"expected anything but {'JSON' if schema is None else 'such JSON'}, got {quote(subject.text)}",
    )


def contains_json(subject: Subject, options: JsonOptions) -> Finding:
    """The scorer ``contains-json``: a JSON object stands somewhere in the answer.

    An array counts only where it is the whole answer or the whole of a fenced block: ``[1]`` in prose is a footnote.
    With a schema, one of them must be what that says.
    """
    schema = _schema(subject, options)
    text = subject.text
    fault = _no_json(text) if schema is None else _no_such_json(text, schema)
    return Finding(
        value=float(not fault),
        reason=f"{fault} in {quote(text)}" if fault else "",
        opposite=f"expected no {'JSON' if schema is None else 'such JSON'}, got {quote(text)}",
    )


def _schema(subject: Subject, options: JsonOptions) -> Any:
    """The schema to hold an answer against, None for none; a case's expected value is no schema."""
    return options.json_schema if options.value is None else schema_of(subject.value)


def _no_json(text: str) -> str:
    return "" if any(True for _ in containers(text)) or has_object(text) else "no JSON object"


def _no_such_json(text: str, schema: Any) -> str:
    """Why nothing in *text* is what the schema says: what is wrong with the first value found."""
    first = ""
    for value in chain(containers(text), objects(text)):
        fault = violation(schema, value)
        if not fault:
            return ""
        first = first or fault
    return f"not what the schema says: {first}" if first else "no JSON object"


def containers(text: str) -> Iterator[Any]:
    """The objects and arrays that are the whole text or the whole of a fenced block."""
    for part in (text, *FENCE.findall(text)):
        if part.lstrip(" \t\n\r")[:1] in ("{", "["):
            try:
                yield loads(part)
            except NotJson:
                continue


def objects(text: str) -> Iterator[Any]:
    """The JSON objects in *text* that stand in no other. Raises NoResult where the text is made to take long."""
    decoder = json.JSONDecoder(parse_int=whole, parse_float=real, parse_constant=refuse)
    left = WORK * len(text) + WORK_FREE
    start = text.find("{")
    while start >= 0:
        if left < 0:
            raise NoResult("there are too many unfinished objects to look at")
        try:
            value, end = decoder.raw_decode(text, start)
        except json.JSONDecodeError as error:
            left -= error.pos - start
            end = start + 1
        except (ValueError, RecursionError):
            left -= WORK_FREE // 100
            end = start + 1
        else:
            yield value
        start = text.find("{", end)


def has_object(text: str) -> bool:
    """Whether a whole JSON object stands anywhere in *text*, at any depth. Takes time in proportion to the text.

    Every ``{`` is tried, but for those that an earlier try went through and left open: they end where that one did.
    """
    tried: set[int] = set()
    start = text.find("{")
    while start >= 0:
        if start not in tried and _closes(text, start, tried):
            return True
        start = text.find("{", start + 1)
    return False


def _closes(text: str, start: int, tried: set[int]) -> bool:
    """Whether an object that begins at *start*, or one inside it, is whole. *tried* takes every object begun."""
    open_marks: list[str] = []
    wanted = "value"
    position = start
    while token := TOKEN.match(text, position):
        position = token.end()
        mark = token["mark"] or ""
        if mark and mark in "{[" and wanted in ("value", "first value"):
            open_marks.append(mark)
            if mark == "{":
                tried.add(position - 1)
            wanted = "first key" if mark == "{" else "first value"
        elif mark and mark in "}]":
            if CLOSES[open_marks[-1]] != mark or wanted not in ("comma", "first key", "first value"):
                return False
            if mark == "}":
                return True
            open_marks.pop()
            wanted = "comma"
        elif mark == "," and wanted == "comma":
            wanted = "key" if open_marks[-1] == "{" else "value"
        elif mark == ":" and wanted == "colon":
            wanted = "value"
        elif token["text"] and wanted in ("key", "first key"):
            wanted = "colon"
        elif not mark and wanted in ("value", "first value"):
            wanted = "comma"
        else:
            return False
    return False
