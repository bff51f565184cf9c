"""Chance without chance: numbers drawn from what was asked, so that the same question always gets the same.  (pure)"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class Draws:
    """Numbers in [0, 1) that depend on nothing but what was asked and what they are for."""

    def __init__(self, *said: Any) -> None:
        self._said = hashlib.sha256(json.dumps(said, sort_keys=True).encode("ascii")).digest()

    def number(self, what_for: str) -> float:
        """The draw for this purpose."""
        digest = hashlib.sha256(self._said + what_for.encode("ascii")).digest()
        return int.from_bytes(digest[:7], "big") / (1 << 56)

    def index(self, what_for: str, size: int) -> int:
        """A place in a row of *size*."""
        return int(self.number(what_for) * size)

    def one(self, what_for: str, row: Sequence[T]) -> T:
        """One of a *row* that is not empty."""
        return row[self.index(what_for, len(row))]

    def hex(self, what_for: str, size: int) -> str:
        """*size* hexadecimal digits, at most 64: a name for something that is made of what was asked."""
        return hashlib.sha256(self._said + what_for.encode("ascii")).hexdigest()[:size]
