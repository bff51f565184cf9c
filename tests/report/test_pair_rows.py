from __future__ import annotations

from dataclasses import replace

from evalrun.records.comparison import Interval, Pair, ScorePair
from evalrun.report.pair_rows import pairs_view
from tests.stats.build import compared

SCORE = ScorePair(
    difference=Interval(mean=0.1, low=0.05, high=0.15),
    standard_error=0.02, p_value=0.001, p_permutation=0.001, p_adjusted=0.002, decided=True,
)  # fmt: skip


def _row(**changed: object) -> dict[str, object]:
    comparison = compared({"a": "p" * 20, "b": "p" * 12 + "f" * 8})
    pair: Pair = replace(comparison.pairs[0], **changed)  # type: ignore[arg-type]
    view = pairs_view(replace(comparison, pairs=(pair,)))
    assert view is not None
    row: dict[str, object] = view["rows"][0]
    return row


def test_scores_of_a_pair_that_stopped_early_are_marked() -> None:
    """Their test presumes a number of cases fixed before, unless it was scores that were looked at."""
    early = _row(score=SCORE, stopped_early=True)["score"]
    watched = _row(score=replace(SCORE, watched="decided after 9 of 20 cases"), stopped_early=True)["score"]

    assert "stopped early" in early["notes"]  # type: ignore[index]
    assert "stopped early" not in watched["notes"]  # type: ignore[index]


def test_when_a_pair_was_looked_at_is_said_once() -> None:
    """What it needs is not repeated where it is nothing but that."""
    words = "not decided after 20 of 20 cases"

    assert (_row(watched=words, needs=words)["on"], _row(watched=words, needs=words)["needs"]) == (words, "")
