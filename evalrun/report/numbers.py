"""How figures are written, the same way in the page and in the terminal. Pure: a value in, a text out.

What is unknown is ``–``; negative figures carry the real minus sign. Rounding is half up on the decimal digits of the
value, so that 0.9185 as a rate and as a percentage end in the same digits.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal

from evalrun.records.comparison import Interval

UNKNOWN = "–"
MINUS = "−"


def fixed(value: float, digits: int, shift: int = 0) -> str:
    """*value* × 10 ** *shift* with *digits* decimals, thousands apart, real minus; never ``−0``."""
    rounded = Decimal(repr(float(value))).scaleb(shift).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    text = f"{abs(rounded):,}"
    return MINUS + text if rounded < 0 else text


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def count(value: int | None) -> str:
    """A whole number: ``1,319``."""
    return UNKNOWN if value is None else fixed(value, 0)


def of(part: int, whole: int) -> str:
    """A part of a whole: ``98/120``."""
    return f"{count(part)}/{count(whole)}"


def rate(value: float | None) -> str:
    """A rate or a score in 0..1, three decimals: ``0.918``."""
    return fixed(value, 3) if value is not None and _known(value) else UNKNOWN


def bounds(interval: Interval) -> str:
    """An interval of rates, two decimals: ``[0.85, 0.96]``."""
    return f"[{fixed(interval.low, 2)}, {fixed(interval.high, 2)}]"


def percent(value: float | None) -> str:
    """A rate as a percentage, one decimal: ``91.8 %``."""
    return f"{fixed(value, 1, 2)} %" if value is not None and _known(value) else UNKNOWN


def percent_bounds(interval: Interval) -> str:
    """An interval of rates as percentages: ``[84.7, 96.1]``."""
    return f"[{fixed(interval.low, 1, 2)}, {fixed(interval.high, 1, 2)}]"


def points(value: float) -> str:
    """A difference of rates in percentage points, one decimal, signed: ``+9.2``, ``−17.4``, ``0.0``."""
    text = fixed(value, 1, 2)
    return text if text.startswith(MINUS) or text == "0.0" else "+" + text


def points_bounds(interval: Interval, *, negate: bool = False) -> str:
    """An interval of differences in points: ``[−20.0, −14.7]``; *negate* turns the comparison round."""
    low, high = (-interval.high, -interval.low) if negate else (interval.low, interval.high)
    return f"[{fixed(low, 1, 2)}, {fixed(high, 1, 2)}]"


def rate_bounds(interval: Interval) -> str:
    """An interval of scores, three decimals: ``[0.853, 0.961]``."""
    return f"[{fixed(interval.low, 3)}, {fixed(interval.high, 3)}]"


def score_difference(value: float) -> str:
    """A difference of scores, three decimals, signed: ``+0.076``, ``−0.011``, ``0.000``."""
    text = fixed(value, 3)
    return text if text.startswith(MINUS) or text == "0.000" else "+" + text


def seconds_bounds(interval: Interval) -> str:
    """An interval of latencies: ``[0.70 s, 0.95 s]``."""
    return f"[{seconds(interval.low)}, {seconds(interval.high)}]"


def tokens_bounds(interval: Interval) -> str:
    """An interval of tokens: ``[20, 23]``."""
    return f"[{tokens(interval.low)}, {tokens(interval.high)}]"


def rank(best: int, worst: int) -> str:
    """A rank, or the ranks that are left open: ``1``, ``2–3``."""
    return f"{best}" if best == worst else f"{best}–{worst}"


def p(value: float) -> str:
    """A p-value: ``p = 0.031``, ``p < 0.001``."""
    return "p < 0.001" if value < 0.001 else f"p = {fixed(value, 3)}"


def money(usd: float | None) -> str:
    """US dollars: ``$1.08``, ``$0.037``, ``$0.00042``; nothing to pay is ``free``, an unknown price ``–``."""
    if usd is None or not _known(usd):
        return UNKNOWN
    if usd == 0:
        return "free"
    if usd >= 0.9995:
        return "$" + fixed(usd, 2)
    if usd >= 0.00095:
        return "$" + fixed(usd, 3)
    if usd < 0.00000095:
        return "<$0.000001"
    return "$" + fixed(usd, 1 - math.floor(math.log10(usd)))


def cents(value: float | None) -> str:
    """US cents: ``0.015 ¢``, ``2.4 ¢``, ``130 ¢``; nothing to pay is ``free``, an unknown price ``–``."""
    if value is None or not _known(value):
        return UNKNOWN
    if value == 0:
        return "free"
    if value >= 99.5:
        return fixed(value, 0) + " ¢"
    if value < 0.0000095:
        return "<0.00001 ¢"
    return fixed(float(f"{value:.2g}"), max(0, 1 - math.floor(math.log10(value) + 1e-9))) + " ¢"


def tokens(value: float | None) -> str:
    """Tokens: ``950``, ``9.4k``, ``122.0k``, ``1.23M``."""
    if value is None:
        return UNKNOWN
    if value < 1_000:
        return fixed(value, 0)
    return fixed(value, 1, -3) + "k" if value < 999_950 else fixed(value, 2, -6) + "M"


def seconds(value: float | None) -> str:
    """A latency: ``4 ms``, ``0.82 s``, ``12.3 s``, ``2 min 05 s``; nothing measured is ``–``."""
    if value is None or not _known(value):
        return UNKNOWN
    if value < 0.0995:
        return "<1 ms" if 0 < value < 0.0005 else fixed(value, 0, 3) + " ms"
    if value < 9.995:
        return fixed(value, 2) + " s"
    if value < 99.95:
        return fixed(value, 1) + " s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes:,} min {rest:02d} s"


def speed(tokens_per_s: float | None) -> str:
    """How fast tokens come: ``84 tokens/s``, ``4.2 tokens/s``."""
    if tokens_per_s is None or not _known(tokens_per_s):
        return UNKNOWN
    return f"{fixed(tokens_per_s, 1 if tokens_per_s < 9.95 else 0)} tokens/s"


def times(ratio: float) -> str:
    """How many times as much: ``3.9 times``, ``12 times``."""
    return f"{fixed(ratio, 1 if ratio < 9.95 else 0)} times"


def plural(number: int, word: str) -> str:
    """A counted noun: ``1 error``, ``3 errors``."""
    return f"{count(number)} {word}" if number == 1 else f"{count(number)} {word}s"
