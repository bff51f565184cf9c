"""The scorer of a number that was recorded with the answer: a judge's or a person's, read and not given anew."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from evalrun.records.outcome import Response
from evalrun.records.row import Row
from evalrun.scoring.options import RecordedScoreOptions
from evalrun.scoring.scorer import Finding, NoResult, Subject

_TRUTH = {"true": 1.0, "false": 0.0}  # as templates write them


def recorded_score(subject: Subject, options: RecordedScoreOptions) -> Finding:
    """The scorer ``recorded-score``: the number, as *value* reads it. Raises NoResult where that is not in 0..1."""
    try:
        value = _TRUTH.get(subject.value) if isinstance(subject.value, str) else None
        value = float(subject.value) if value is None else value
    except (TypeError, ValueError):
        raise NoResult(f"{options.value} gives no number") from None
    if not 0.0 <= value <= 1.0 or math.isnan(value):
        raise NoResult(
            f"{options.value} is {value!r}, which is not between 0 and 1: say how it is read, {{{{ score / 10 }}}}"
        )
    said = score_of(subject.row)["score"]
    return Finding(value=value, reason=f"it was given {said:.6g}", opposite=f"it was given {said:.6g}")


def score_of(row: Row) -> Mapping[str, Any]:
    """The variable ``score`` of a row. Raises NoResult where none is recorded with its answer."""
    outcome = row.outcome
    if not isinstance(outcome, Response) or outcome.score is None:
        raise NoResult("no score is recorded with the answer")
    return {"score": outcome.score}
