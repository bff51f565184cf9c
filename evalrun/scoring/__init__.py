"""Outcome -> scores: a dict of names to small functions. Scoring never sends."""

from __future__ import annotations

from evalrun.scoring.catalogue import OPTIONS, SAYS
from evalrun.scoring.digests import digest
from evalrun.scoring.marks import score
from evalrun.scoring.scorer import Finding, NoResult, Scorer, Subject

__all__ = ["OPTIONS", "SAYS", "Finding", "NoResult", "Scorer", "Subject", "digest", "score"]
