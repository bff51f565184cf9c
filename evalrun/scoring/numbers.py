"""Numbers in foreign text, and the scorer that compares them. They are decimals: no digit of an answer is lost."""

from __future__ import annotations

import re
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Any

from evalrun.scoring.options import NumericOptions
from evalrun.scoring.scorer import Finding, NoResult, Subject, any_of, quote, texts

CURRENCY = "$€£¥₹₩₽₺₴₫₪₿฿¢"
GROUP_MARKS = ",\u00a0\u2009\u202f"  # a comma, or a space that does not break
NUMBER = (
    rf"(?P<sign>(?<![^\W_])(?<![.)\]%])[-+−])?(?:\\?[{CURRENCY}]\s?(?P<inner>[-−])?)?"
    rf"(?P<digits>(?:\d{{1,3}}(?:[{GROUP_MARKS}]\d{{3}})++(?!\d)|\d++)(?:\.\d++)?|(?<![\d.])\.\d++)"
    r"(?P<exponent>[eE][-+−]?\d{1,4}(?!\d))?"
)
WORD_OR_NUMBER = re.compile(rf"[A-Za-z][A-Za-z0-9_]*+|{NUMBER}")
ONLY_A_NUMBER = re.compile(rf"\s*{NUMBER}\s*[%{CURRENCY}]?\s*")
WIDE = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN)  # an answer of a million digits is no overflow
DROPPED = str.maketrans(dict.fromkeys(GROUP_MARKS))


def numeric(subject: Subject, options: NumericOptions) -> Finding:
    """The scorer ``numeric``: the last number of the answer is one of the values, within the tolerance.

    No number in the answer is a fail, negated or not. Raises NoResult where the value itself is no number.
    """
    expected = [number_of(value) for value in _values(subject.value)]
    found = last_number(subject.text)
    if found is None:
        return Finding(value=0.0, reason="no number in the answer", settled=True)
    said, number = found
    hit = any(_near(number, value, options) for value in expected)
    values = any_of([f"{value:f}" if abs(value.adjusted()) < 20 else str(value) for value in expected])
    return Finding(
        value=float(hit),
        reason=f"expected {values}, got {quote(said)}",
        opposite=f"expected anything but {values}, got {quote(said)}",
        extracted=said,
    )


def last_number(text: str) -> tuple[str, Decimal] | None:
    """The last number in *text*, as it is written and as it is worth; None where there is none.

    Thousands commas, a currency sign before it, a minus sign (also U+2212), an exponent and digits of any script are
    understood, a percent sign is left out (12.5 % is 12.5). Digits inside a Latin word (H2O, step3) are no number, and
    a hyphen after a letter, digit or bracket is no minus sign (2019-20 ends in 20).
    """
    last = None
    for match in WORD_OR_NUMBER.finditer(text):
        if match["digits"]:
            last = match
    return None if last is None else (last.group(), _worth(last))


def number_of(value: Any) -> Decimal:
    """An expected value as a number; text may carry what last_number understands. Raises NoResult where it is none."""
    if isinstance(value, bool):
        raise NoResult(f"the expected value {str(value).lower()} is no number")
    if isinstance(value, (int, float)):
        number = Decimal(repr(value) if isinstance(value, float) else value)
        if number.is_finite():
            return number
    elif match := ONLY_A_NUMBER.fullmatch(value):
        return _worth(match)
    raise NoResult(f"the expected value {quote(str(value))} is no number")


def _values(value: Any) -> list[Any]:
    """The values one by one; numbers stay numbers, anything else must be text."""
    items = value if isinstance(value, (list, tuple)) else [value]
    return [item if isinstance(item, (int, float)) else texts(item)[0] for item in items] or texts(value)


def _worth(match: re.Match[str]) -> Decimal:
    exponent = (match["exponent"] or "").replace("−", "-")
    number = Decimal(match["digits"].translate(DROPPED) + exponent)
    negative = (match["sign"] or "") in ("-", "−") or bool(match["inner"])
    return number.copy_negate() if negative else number


def _near(number: Decimal, expected: Decimal, options: NumericOptions) -> bool:
    if number == expected:
        return True
    absolute = Decimal(repr(options.tolerance))
    relative = WIDE.multiply(Decimal(repr(options.relative_tolerance)), expected.copy_abs())
    return WIDE.subtract(number, expected).copy_abs() <= max(absolute, relative)
