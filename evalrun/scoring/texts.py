"""Scorers that compare texts. They mean what promptfoo's assertions of the same names mean.

equals and iequals leave out white space around the answer and around the value; the others compare as it stands. The
i-forms compare without case, as Unicode's canonical caseless matching does (section 3.13, D145), in composed form.
A list of values means any of them, but for contains-all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unicodedata import normalize

from evalrun.scoring.scorer import Finding, NoResult, ScorerFunction, Subject, any_of, listed, quote, texts

Fold = Callable[[str], str]


def caseless(text: str) -> str:
    """The text for a comparison without case; composed, so that an accent is never split from its letter."""
    if text.isascii():
        return text.lower()
    return normalize("NFC", normalize("NFC", text).casefold())


def as_is(text: str) -> str:
    """The text itself."""
    return text


def equals(fold: Fold) -> ScorerFunction:
    """The scorer ``equals``: the answer is one of the values, white space around both aside."""

    def scorer(subject: Subject, options: Any) -> Finding:
        values = texts(subject.value)
        answer = fold(subject.text.strip())
        found = any(answer == fold(value.strip()) for value in values)
        got = quote(subject.text)
        return Finding(
            value=float(found),
            reason=f"expected {any_of(values)}, got {got}",
            opposite=f"expected anything but {any_of(values)}, got {got}",
        )

    return scorer


def contains(fold: Fold, *, split: bool = False) -> ScorerFunction:
    """The scorers ``contains`` and ``contains-any``: one of the values is in the answer.

    *split*: a text is taken apart at its commas.
    """

    def scorer(subject: Subject, options: Any) -> Finding:
        values = _parts(subject.value, split=split)
        answer = fold(subject.text)
        hit = next((value for value in values if fold(value) in answer), None)
        got = quote(subject.text)
        return Finding(
            value=float(hit is not None),
            reason=f"expected {any_of(values)}, got {got}",
            opposite="" if hit is None else f"expected not to say {quote(hit)}, got {got}",
        )

    return scorer


def contains_all(fold: Fold) -> ScorerFunction:
    """The scorer ``contains-all``: every one of the values is in the answer; a text is taken apart at its commas."""

    def scorer(subject: Subject, options: Any) -> Finding:
        values = _parts(subject.value, split=True)
        answer = fold(subject.text)
        missing = [value for value in values if fold(value) not in answer]
        got = quote(subject.text)
        return Finding(
            value=float(not missing),
            reason=f"missing {listed(missing)} in {got}" if missing else "",
            opposite=f"expected not to say all of {listed(values)}, got {got}",
        )

    return scorer


def starts_with(subject: Subject, options: Any) -> Finding:
    """The scorer ``starts-with``: the answer begins with one of the values."""
    return _at_an_end(subject, str.startswith, "start")


def ends_with(subject: Subject, options: Any) -> Finding:
    """The scorer ``ends-with``: the answer ends with one of the values."""
    return _at_an_end(subject, str.endswith, "end")


def _at_an_end(subject: Subject, there: Callable[[str, str], bool], verb: str) -> Finding:
    values = _parts(subject.value, split=False)
    found = any(there(subject.text, value) for value in values)
    said = f"{verb} with {any_of(values)}, got {quote(subject.text if verb == 'start' else _tail(subject.text))}"
    return Finding(value=float(found), reason=f"expected to {said}", opposite=f"expected not to {said}")


def _tail(text: str) -> str:
    return "…" + text[-78:].lstrip() if len(text) > 80 else text


def _parts(value: Any, *, split: bool) -> list[str]:
    """The values, none of them empty: an empty text is in every answer, so it would say nothing."""
    if split and isinstance(value, str):
        value = [part for part in map(str.strip, value.split(",")) if part]
    values = texts(value)
    if not all(values):
        raise NoResult("an expected value is empty, which every answer contains")
    return values
