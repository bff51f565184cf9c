"""From figures to coordinates: scales with round ticks, linear or logarithmic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_LOG_STEPS = ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,))
_SLACK = 1e-9
_LEAST = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """A figure from *low* to *high* lies between *start* and *end*, which may run downwards; *ticks* are round."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]
    log: bool = False

    def __call__(self, value: float) -> float:
        """The coordinate of a figure; what lies outside stands at the edge."""
        kept = min(self.high, max(self.low, value))
        share = (
            math.log(kept / self.low) / math.log(self.high / self.low)
            if self.log
            else (kept - self.low) / (self.high - self.low)
        )
        return self.start + share * (self.end - self.start)


def linear(
    values: Sequence[float],
    start: float,
    end: float,
    *,
    ticks: int = 5,
    floor: float = -math.inf,
    top: float = math.inf,
) -> Scale:
    """A scale with room for all *values* and at most *ticks* round ticks, whose first and last are its ends.

    It does not reach below *floor* nor above *top*, which all values keep to. Raises ValueError without a value.
    """
    low, high = min(values), max(values)
    if high - low <= _SLACK * max(_LEAST, abs(low), abs(high)):
        room = abs(low) * 0.1 if abs(low) > _LEAST else 0.5
        low, high = max(floor, low - room), min(top, high + room)
    for step in _round_steps((high - low) / max(1, ticks - 1)):
        first, last = math.floor(low / step + _SLACK), math.ceil(high / step - _SLACK)
        if last - first <= ticks - 1:
            break
    found = tuple(float(f"{at * step:.12g}") + 0.0 for at in range(first, last + 1))
    inside = tuple(tick for tick in found if floor - _SLACK <= tick <= top + _SLACK)
    return Scale(low=max(floor, found[0]), high=min(top, found[-1]), start=start, end=end, ticks=inside)


def logarithmic(values: Sequence[float], start: float, end: float, *, ticks: int = 6) -> Scale:
    """A log scale of positive *values* with ticks at 1, 2 and 5 times a power of ten, or fewer; at least two ticks."""
    low, high = min(values), max(values)
    if high <= low * (1 + _SLACK):
        low, high = low / 2, high * 2
    found: list[float] = []
    for steps in _LOG_STEPS:
        found = _log_ticks(low, high, steps)
        if 2 <= len(found) <= ticks:
            break
    while len(found) > ticks:
        found = found[::2]
    if len(found) < 2:
        found = _log_ticks(low / 2.5, high * 2.5, _LOG_STEPS[0])[: ticks + 1]
    return Scale(low=min(low, found[0]), high=max(high, found[-1]), start=start, end=end, ticks=tuple(found), log=True)


def _log_ticks(low: float, high: float, steps: Sequence[float]) -> list[float]:
    powers = range(math.floor(math.log10(low) - _SLACK), math.ceil(math.log10(high) + _SLACK) + 1)
    ticks = (float(f"{step}e{power}") for power in powers for step in steps)
    return [tick for tick in ticks if low * (1 - _SLACK) <= tick <= high * (1 + _SLACK)]


def _round_steps(least: float) -> list[float]:
    """Round steps from *least* on, the small ones first."""
    power = math.floor(math.log10(least))
    steps = (step * 10.0**at for at in (power, power + 1, power + 2) for step in _STEPS)
    return [step for step in steps if step >= least * (1 - _SLACK)]
