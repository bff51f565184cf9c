"""Numbers in foreign text. They are decimals: no digit of an answer is lost."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from evalrun.scoring.scorer import NoResult, quote

CURRENCY = "$€£¥₹₩₽₺₴₫₪₿฿¢"
GROUP_MARKS = ",\u00a0\u2009\u202f"  # a comma, or a space that does not break
NUMBER = (
    rf"(?P<sign>(?<![^\W_])(?<![.)\]%])[-+−])?(?:\\?[{CURRENCY}]\s?(?P<inner>[-−])?)?"
    rf"(?P<digits>(?:\d{{1,3}}(?:[{GROUP_MARKS}]\d{{3}})++(?!\d)|\d++)(?:\.\d++)?|(?<![\d.])\.\d++)"
    r"(?P<exponent>[eE][-+−]?\d{1,4}(?!\d))?"
)
WORD_OR_NUMBER = re.compile(rf"[A-Za-z][A-Za-z0-9_]*+|{NUMBER}")
ONLY_A_NUMBER = re.compile(rf"\s*{NUMBER}\s*[%{CURRENCY}]?\s*")
DROPPED = str.maketrans(dict.fromkeys(GROUP_MARKS))


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


def _worth(match: re.Match[str]) -> Decimal:
    exponent = (match["exponent"] or "").replace("−", "-")
    number = Decimal(match["digits"].translate(DROPPED) + exponent)
    negative = (match["sign"] or "") in ("-", "−") or bool(match["inner"])
    return number.copy_negate() if negative else number
