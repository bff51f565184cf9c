"""What people said of answers: a verdict and a note each."""

from __future__ import annotations

from dataclasses import dataclass

HUMAN = "human"
"""The name of the scorer that a person is."""

NO_NOTE = "a person says that it is wrong"
"""The reason of a failing verdict without a note."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanVerdict:
    """A person's verdict on one answer, and a note that says why. *answer* is the sha256 of the answer's text, so that
    a verdict never counts for another answer of the same cell."""

    passed: bool
    note: str = ""
    answer: str = ""
