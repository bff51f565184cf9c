"""The nouns of scoring: what a scorer looks at, what it found, and the scorer itself.

A scorer is a small function ``(subject, options) -> Finding``. It may also return a bare number in 0..1 or a bool. It
raises NoResult where it cannot tell; anything else that it raises, or a number outside 0..1, is no result either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from evalrun.records.row import Row

QUOTED_CHARACTERS = 80
SHOWN_VALUES = 3


class NoResult(ValueError):
    """A scorer cannot tell: a figure is unknown, or the expected value makes no sense. The message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a scorer looks at.

    *text* is the answer, or the part of it that ``extract`` found; *value* what it is compared with: the scorer's own,
    rendered, or else the case's expected value. *row* is for scorers of tokens, time and the like.
    """

    text: str
    value: Any
    row: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a scorer found: *value* in 0..1, *reason* why it is not 1, *opposite* why it is not 0 (for ``not-``).

    *settled*: there was nothing to compare, and the scorer fails, negated or not. *extracted* is the part compared.
    """

    value: float
    reason: str = ""
    opposite: str = ""
    extracted: str | None = None
    settled: bool = False


def no_variables(_: Row) -> Mapping[str, Any]:
    """The templates of most scorers have the case's variables alone."""
    return {}


ScorerFunction = Callable[[Subject, Any], "Finding | float"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """A scorer: its function, the model of its options, and whether it reads the answer's text. *says*: when it passes.

    One that reads the text is not asked about an empty answer but fails, negated or not; ``extract`` is for these only.
    *variables* are what its templates have besides those of the case; it raises NoResult where a row has none.
    """

    function: ScorerFunction
    options: type[BaseModel]
    reads_text: bool = True
    says: str = ""
    variables: Callable[[Row], Mapping[str, Any]] = no_variables


def quote(text: str) -> str:
    """Foreign text in quotation marks: on one line, at most 80 characters of it."""
    flat = " ".join(text[: 4 * QUOTED_CHARACTERS].split())
    if len(flat) > QUOTED_CHARACTERS or len(text) > 4 * QUOTED_CHARACTERS:
        flat = flat[: QUOTED_CHARACTERS - 1] + "…"
    return f'"{flat}"'


def any_of(values: Sequence[str]) -> str:
    """Values in words: ``"a"``, or ``any of "a", "b", "c" and 2 more``."""
    return quote(values[0]) if len(values) == 1 else f"any of {listed(values)}"


def listed(values: Sequence[str]) -> str:
    """Values in a row, the first three of them."""
    shown = ", ".join(quote(value) for value in values[:SHOWN_VALUES])
    return f"{shown} and {len(values) - SHOWN_VALUES} more" if len(values) > SHOWN_VALUES else shown


def texts(value: Any) -> list[str]:
    """An expected value as texts, any of which will do: a list's items, or the one value.

    Numbers are written as Python does, true and false as YAML does. Raises NoResult where there is nothing to compare.
    """
    if value is None:
        raise NoResult("there is no expected value")
    if isinstance(value, (list, tuple)):
        if not value:
            raise NoResult("the list of expected values is empty")
        return [_text(item) for item in value]
    return [_text(value)]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    raise NoResult(f"the expected value is no text but {type(value).__name__}")
