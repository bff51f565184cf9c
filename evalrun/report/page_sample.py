"""Which cases a page holds that has no room for all: flips first, then a seeded sample of the others. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from random import Random


def choose(weights: Sequence[float], flips: Collection[int], room: float, seed: str) -> list[int]:
    """Places of the cases, in their order, whose *weights* together are at most *room*.

    Flips are taken first, then the others, each in an order drawn by *seed*; the first that has no room ends it, but a
    case that is larger than all the room is passed over. The same cases, whatever the room, come in the same order.
    """
    found: list[int] = []
    first = set(flips)
    groups = (sorted(first), [case for case in range(len(weights)) if case not in first])
    used = 0.0
    for name, group in zip(("flips", "rest"), groups, strict=True):
        Random(f"{seed} {name}").shuffle(group)  # noqa: S311  # a sample, no secret
        for case in group:
            if weights[case] > room:
                continue
            if used + weights[case] > room:
                return sorted(found)
            used += weights[case]
            found.append(case)
    return sorted(found)
