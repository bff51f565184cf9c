"""What an answer was worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["pass", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One scorer's result: *value* in 0..1 and whether it passed; None for both, and *error* says why there is none.

    *extracted* is the part of the answer that was compared, where the scorer looked at a part.
    """

    name: str
    value: float | None
    passed: bool | None
    weight: float = 1.0
    reason: str = ""
    error: str = ""
    extracted: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A cell's scores together: *score* and *verdict* are None where it is unscored, *reason* says why it failed."""

    score: float | None
    verdict: Verdict | None
    scores: tuple[Score, ...] = ()
    reason: str = ""
