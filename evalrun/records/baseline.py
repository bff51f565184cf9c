"""What a blessed run was like, kept beside its suite: verdicts and scores, never a word of an answer."""

from __future__ import annotations

from dataclasses import dataclass

from evalrun.records.plan import Column
from evalrun.records.score import Verdict

NO_BASELINE = "no baseline: make one of a complete run with evalrun bless RUN"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineCell:
    """One scored cell. *column* is a label; *key* tells whether the same is asked now."""

    case: str
    column: str
    sample: int
    verdict: Verdict
    score: float | None
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A blessed run. *run* began at *date* (UTC, ISO 8601); *suite_sha256* is the digest of the suite's text then."""

    suite: str
    run: str
    date: str
    evalrun_version: str
    suite_sha256: str
    columns: tuple[Column, ...]
    cells: tuple[BaselineCell, ...]
    note: str = ""
