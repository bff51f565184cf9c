"""Scorers that look for JSON (RFC 8259) in an answer. NaN and Infinity, which Python would let pass, are no JSON."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from evalrun.scoring.scorer import Finding, Subject, quote

FENCE = re.compile(r"```[^\S\n]*(?:jsonc?|JSON)?[^\S\n]*\n(.*?)```", re.DOTALL)
TOKEN = re.compile(
    r"[ \t\n\r]*+(?:(?P<mark>[][{}:,])"
    r'|(?P<text>"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})*+")'
    r"|(?P<other>-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?|true|false|null))"
)
CLOSES = {"{": "}", "[": "]"}


def is_json(subject: Subject, options: Any) -> Finding:
    """The scorer ``is-json``: the whole answer is one JSON value of any kind; a fenced block is not."""
    fault = _fault(subject.text)
    return Finding(
        value=float(not fault),
        reason=f"not JSON: {fault} in {quote(subject.text)}",
        opposite=f"expected anything but JSON, got {quote(subject.text)}",
    )


def contains_json(subject: Subject, options: Any) -> Finding:
    """The scorer ``contains-json``: a JSON object stands somewhere in the answer.

    An array counts only where it is the whole answer or the whole of a fenced block: ``[1]`` in prose is a footnote.
    """
    found = any(_is_container(part) for part in (subject.text, *FENCE.findall(subject.text))) or has_object(
        subject.text
    )
    return Finding(
        value=float(found),
        reason=f"no JSON object in {quote(subject.text)}",
        opposite=f"expected no JSON, got {quote(subject.text)}",
    )


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


def _is_container(text: str) -> bool:
    return text.lstrip(" \t\n\r")[:1] in ("{", "[") and not _fault(text)


def _fault(text: str) -> str:
    """Why *text* is not one JSON value; empty where it is. Numbers stay text: any size is fine."""
    try:
        json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        return f"{error.msg} at {error.lineno}:{error.colno}"
    except ValueError as error:
        return str(error)
    except RecursionError:
        return "nested too deeply"
    return ""


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
