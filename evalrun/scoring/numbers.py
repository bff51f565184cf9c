"""The scorer that compares numbers."""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Any

from evalrun.scoring.number_texts import last_number, number_of
from evalrun.scoring.options import NumericOptions
from evalrun.scoring.scorer import Finding, Subject, any_of, quote, texts

WIDE = Context(prec=60, Emax=MAX_EMAX, Emin=MIN_EMIN)  # an answer of a million digits is no overflow


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


def _values(value: Any) -> list[Any]:
    """The values one by one; numbers stay numbers, anything else must be text."""
    items = value if isinstance(value, (list, tuple)) else [value]
    return [item if isinstance(item, (int, float)) else texts(item)[0] for item in items] or texts(value)


def _near(number: Decimal, expected: Decimal, options: NumericOptions) -> bool:
    if number == expected:
        return True
    absolute = Decimal(repr(options.tolerance))
    relative = WIDE.multiply(Decimal(repr(options.relative_tolerance)), expected.copy_abs())
    return WIDE.subtract(number, expected).copy_abs() <= max(absolute, relative)
