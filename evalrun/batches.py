"""Items some at a time: to do one thing to many of them is quicker than many things to one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

_MOST, _MOST_CHARACTERS = 64, 4_000_000


def batches(items: Iterable[T], characters_of: Callable[[T], int]) -> Iterator[list[T]]:
    """The *items* in their order, at most 64 together, and fewer where they hold much text: *characters_of* each."""
    some: list[T] = []
    room = _MOST_CHARACTERS
    for item in items:
        some.append(item)
        room -= characters_of(item)
        if room < 0 or len(some) == _MOST:
            yield some
            some, room = [], _MOST_CHARACTERS
    if some:
        yield some
