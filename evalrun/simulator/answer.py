"""What a family of questions hands to the models: the right answer, and what a weaker mind might say instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

PLACES = 4
_QUOTED = re.compile(r'"([^"\n]+)"|“([^”\n]+)”|`([^`\n]+)`|‘([^’\n]+)’|(?<!\w)\'([^\'\n]+(?:\'\w[^\'\n]*)*)\'(?!\w)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The right answer to a question and ways to be wrong.

    *text* is the shortest right answer, *sentence* says it in full around ``{}``. *wrong* are plausible wrong texts.
    *facts* is what a JSON reply may say, by key; *wrong_facts* the same with something wrong. *items* are the parts of
    an answer that is a list. *exact* means that the text itself was asked for, so that nothing may be put around it.
    *difficulty* multiplies a model's error rate: 1 is an ordinary question.
    """

    family: str
    text: str
    sentence: str = "The answer is {}."
    wrong: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    wrong_facts: tuple[Mapping[str, Any], ...] = ()
    items: tuple[str, ...] = ()
    exact: bool = False
    difficulty: float = 1.0


NOT_SURE = Answer(family="unknown", text="I am not sure.", sentence="{}", exact=True)
"""What is answered where nothing is known."""


def quoted(text: str) -> list[str]:
    """What stands in quotation marks in *text*, in order."""
    return [next(filter(None, found)) for found in _QUOTED.findall(text)]


def number_text(value: Fraction) -> str:
    """A number as people write it: whole, or with at most four decimals."""
    if value.denominator == 1:
        return str(value.numerator)
    return f"{float(value):.{PLACES}f}".rstrip("0").rstrip(".")


def number_value(value: Fraction) -> int | float:
    """A number as JSON has it."""
    return value.numerator if value.denominator == 1 else round(float(value), PLACES)


def wrong_numbers(value: Fraction) -> tuple[str, ...]:
    """Numbers that a slip of the pen makes of *value*."""
    slips = [value + 1, value - 1, value + 2, value + 10, value - 10, value * 10]
    digits = number_text(value)
    if len(digits) > 1 and digits.isdigit():
        slips.append(Fraction(int(digits[:-2] + digits[-1] + digits[-2])))
    return tuple(dict.fromkeys(number_text(slip) for slip in slips if slip != value))


def one_of(items: list[str]) -> str:
    """A regular expression of alternatives, the longest first."""
    return "|".join(re.escape(item) for item in sorted(items, key=len, reverse=True))
