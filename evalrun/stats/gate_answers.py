"""What gates of every kind share: whom they are for, and many columns' answers as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from evalrun.records.plan import Column
from evalrun.records.row import Row
from evalrun.records.suite import Case, Gate

UNDECIDED = "nothing scores the answers: each one passes"
"""Said of a gate on verdicts that no scorer gave."""

_MOST_NAMED = 6  # columns that a reason names one by one

Answer = Literal["pass", "fail", "not enough evidence"]
Judged = tuple[Answer, str]
"""A column's answer, and why, in words."""


def columns_for(gate: Gate, columns: Sequence[Column]) -> dict[int, Column]:
    """The columns that a gate is for, by index."""
    only = gate.only
    return {
        index: column
        for index, column in enumerate(columns)
        if column.model in only.get("model", (column.model,)) and column.prompt in only.get("prompt", (column.prompt,))
    }


def is_for(gate: Gate, case: Case) -> bool:
    """Whether a gate is for a case."""
    tags, cases = gate.only.get("tag"), gate.only.get("case")
    return (tags is None or bool(set(tags).intersection(case.tags))) and (cases is None or case.id in cases)


def decides(row: Row) -> bool:
    """Whether any scorer decided the row's verdict; where none does, whatever is answered passes."""
    return row.mark is not None and any(one.weight > 0 for one in row.mark.scores)


def worst(judged: Sequence[Judged]) -> Answer:
    """One answer for all columns: fail where any fails, else not enough evidence where any has too little."""
    answers = {answer for answer, _ in judged}
    order: tuple[Answer, ...] = ("fail", "not enough evidence")
    return next((answer for answer in order if answer in answers), "pass")


def told(judged: Sequence[Judged]) -> list[str]:
    """Every column's words; of many columns only those that do not pass, and how many others there are."""
    if len(judged) <= _MOST_NAMED:
        return [words for _, words in judged]
    failing = [words for answer, words in judged if answer == "fail"]
    unsure = [words for answer, words in judged if answer == "not enough evidence"]
    wanting, met = [*failing, *unsure], len(judged) - len(failing) - len(unsure)
    if not wanting:
        return [f"all {met:,} columns meet it"]
    unnamed = len(wanting) - _MOST_NAMED
    more = [f"{unnamed:,} more do not meet it"] if unnamed > 0 else []
    return [*wanting[:_MOST_NAMED], *more, *([f"{met:,} of {len(judged):,} columns meet it"] if met else [])]
