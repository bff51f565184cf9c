"""A row's mark: every scorer asked, their scores joined into one score and one verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from evalrun.records.outcome import SCORED, Status
from evalrun.records.row import Row
from evalrun.records.score import Mark, Score
from evalrun.records.suite import ScorerSpec
from evalrun.scoring.patterns import extracted
from evalrun.scoring.prepared import Prepared, prepare
from evalrun.scoring.scorer import Finding, NoResult

ROUNDING = 1e-9
REASONS_SHOWN = 3
ERROR_CHARACTERS = 300


def score(
    row: Row, suite_scorers: tuple[ScorerSpec, ...], threshold: float | None, *, also: tuple[Score, ...] = ()
) -> Mark | None:
    """The mark of a row by the suite's scorers and its case's own; None where its status is not scored.

    *also* are scores that are there already, a person's; they count as the others do.

    The score is Σ weight × value / Σ weight over scorers of weight > 0, and the verdict is a pass where each of them
    passes. With a threshold (the case's, else *threshold*) score >= threshold alone decides. A scorer of weight > 0
    without a result leaves the row unscored; one of weight 0 never decides. With no scorer that decides, an answer
    passes with score 1, and no answer or a refusal fails with 0.
    """
    status = row.status
    if status not in SCORED:
        return None
    scores = (*(score_one(spec, row) for spec in (*suite_scorers, *row.case.scorers)), *also)
    deciding = [one for one in scores if one.weight > 0]
    missing = [f"{one.name}: {one.error}" for one in deciding if one.value is None]
    if missing:
        return Mark(score=None, verdict=None, scores=scores, reason=_first(missing))
    if deciding:
        weights = math.fsum(one.weight for one in deciding)
        total = math.fsum(one.weight * (one.value or 0.0) for one in deciding) / weights
    else:
        total = 1.0 if status is Status.ANSWERED else 0.0
    limit = threshold if row.case.threshold is None else row.case.threshold
    reasons = [f"{one.name}: {one.reason}" for one in deciding if not one.passed]
    if limit is not None:
        passed = total >= limit - ROUNDING
        reasons.insert(0, f"score {total:.3g} is below {limit:g}")
    else:
        passed = all(one.passed for one in deciding) if deciding else total > 0
    if not deciding and not passed:
        reasons.append("no answer" if status is Status.NO_ANSWER else status.value)
    return Mark(
        score=total, verdict="pass" if passed else "fail", scores=scores, reason="" if passed else _first(reasons)
    )


def score_one(spec: ScorerSpec, row: Row) -> Score:
    """One scorer's score. Whatever the scorer does, there is one: without a value, and with an error, where it broke.

    It passes where its value is at least its own threshold, which is 1 when the suite says none.
    """
    try:
        finding = _finding(prepare(spec), row)
        value = _checked(finding.value)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - foreign code; one bad scorer must not stop the rest
        return Score(name=spec.name, value=None, passed=None, weight=spec.weight, error=_words(error))
    reason = finding.reason
    if finding.settled:
        value = 0.0
    elif spec.negate:
        value, reason = 1.0 - value, finding.opposite
    limit = 1.0 if spec.threshold is None else spec.threshold
    passed = not finding.settled and value >= limit - ROUNDING
    if not passed and spec.threshold is not None and value > 0:
        reason = f"{value:.3g} is below {limit:g}" + (f": {reason}" if reason else "")
    return Score(
        name=spec.name,
        value=value,
        passed=passed,
        weight=spec.weight,
        reason="" if passed else reason or f"scored {value:.3g}",
        extracted=finding.extracted,
    )


def _finding(prepared: Prepared, row: Row) -> Finding:
    text, part = row.output, None
    if prepared.scorer.reads_text:
        if not text.strip():
            return Finding(value=0.0, reason="no answer", settled=True)
        if prepared.spec.scope == "conversation":
            text = _conversation(row)
        if prepared.spec.extract is not None:
            part = extracted(prepared.spec.extract, text)
            if part is None:
                return Finding(value=0.0, reason="nothing matched extract", settled=True)
            text = part
    found = prepared.scorer.function(prepared.subject(row, text), prepared.options)
    finding = found if isinstance(found, Finding) else Finding(value=found)
    return finding if part is None or finding.extracted is not None else replace(finding, extracted=part)


def _conversation(row: Row) -> str:
    if not row.messages:
        raise NoResult("the messages of the conversation were not read")
    return row.conversation


def _checked(value: object) -> float:
    """A scorer's value as a number in 0..1. Raises NoResult where it is none; foreign scorers return anything."""
    if not isinstance(value, (bool, int, float)):
        raise NoResult(f"it returned {type(value).__name__}, not a number")
    if not 0.0 <= value <= 1.0:
        raise NoResult(f"it returned {value!r}, which is not between 0 and 1")
    return float(value)


def _words(error: BaseException) -> str:
    """An exception in words: ours speak for themselves, a foreign one is named."""
    said = (
        str(error) if isinstance(error, ValueError) and str(error) else f"{type(error).__name__}: {error}".rstrip(": ")
    )
    return said if len(said) <= ERROR_CHARACTERS else said[: ERROR_CHARACTERS - 1] + "…"


def _first(reasons: Sequence[str]) -> str:
    shown = "; ".join(reasons[:REASONS_SHOWN])
    return f"{shown}; and {len(reasons) - REASONS_SHOWN} more" if len(reasons) > REASONS_SHOWN else shown
