"""What got worse: answers that passed before and fail now, the worst of them with what they say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Regression:
    """One answer, its texts cut to a few hundred characters. *sample* is None where a case has one sample.

    *expected* is empty where the case expects nothing; *reason* is why it fails now.
    """

    case: str
    column: str
    sample: int | None
    expected: str
    said: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Regressions:
    """How many answers that passed in *against*, of *compared* that passed there, fail now; the *worst* come first."""

    against: str
    compared: int
    failing: int
    worst: tuple[Regression, ...]
