"""Which cases a page holds that has no room for all: flips first, then a seeded sample of the others. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from random import Random

_NOT_BEFORE = 0.05
_LOOK_AGAIN = 1.25
_AIM = 0.985
"""How much of the room is aimed at: it was reckoned from a part of the cases, and to cut a page again is dear."""


def choose(
    weights: Sequence[float], flips: Collection[int], room: float, drawn: Sequence[float], below: float = 1.0
) -> list[int]:
    """Places of the cases, in their order, whose *weights* together are at most *room*.

    Flips are taken first, then the others that drew less than *below*, each in the order of what they drew; the first
    that has no room ends it, but a case that is larger than all the room is passed over.
    """
    found: list[int] = []
    first = set(flips)
    rest = [case for case in range(len(weights)) if case not in first and drawn[case] < below]
    used = 0.0
    for case in (*sorted(first, key=drawn.__getitem__), *sorted(rest, key=drawn.__getitem__)):
        if weights[case] > room:
            continue
        if used + weights[case] > room:
            break
        used += weights[case]
        found.append(case)
    return sorted(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What has gone by: a *share* of the whole run, from 0 to 1, with so many flips and *others*, of which so many were
    *taken*; and the bytes on the page of the flips and of the others that were taken."""

    share: float
    flips_bytes: float
    others: int
    taken: int
    taken_bytes: float


class Sieve:
    """Says while cases go by which need not be looked at further, because there will be no room for them.

    Each case draws a number from 0 to 1, and those with the least are held. The sieve only ever asks for less, so that
    of those below what it asks for in the end none was let go. Mutable state: what was *drawn*, *below* which number
    cases are taken, and when to look again.
    """

    def __init__(self, seed: str) -> None:
        self.drawn = array("d")
        self.below = 1.0
        self._chance = Random(seed)  # noqa: S311  # a sample, no secret
        self._next = _NOT_BEFORE

    def takes(self, *, flip: bool) -> bool:
        """Draw for the next case: whether it may be on the page."""
        self.drawn.append(self._chance.random())
        return flip or self.drawn[-1] < self.below

    def is_due(self, share: float) -> bool:
        """Whether enough of the run has gone by since the last look."""
        return share >= self._next

    def look(self, seen: Seen, room: float) -> None:
        """Reckon from what was seen how many of the others *room* bytes will hold, if the rest is like it."""
        self._next = seen.share * _LOOK_AGAIN
        if seen.taken and seen.taken_bytes:
            others_bytes = seen.taken_bytes / seen.taken * seen.others
            self.below = min(self.below, max(0.0, (_AIM * room * seen.share - seen.flips_bytes) / others_bytes))
