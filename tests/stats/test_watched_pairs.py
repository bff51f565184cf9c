from __future__ import annotations

from dataclasses import replace

import pytest

from evalrun.records.comparison import Interval, Pair, ScorePair
from evalrun.stats.stopping import Decision
from evalrun.stats.watched_pairs import called
from evalrun.stats.watching import Watched
from tests.stats.build import compared

SCORE = ScorePair(
    difference=Interval(mean=0.1, low=0.05, high=0.15),
    standard_error=0.02, p_value=0.001, p_permutation=0.001, p_adjusted=0.002, decided=True,
)  # fmt: skip
PAIR = Pair(
    first="a", second="b", both=10, only_first=8, only_second=1, neither=1,
    difference=Interval(mean=0.35, low=0.1, high=0.6), p_value=0.04, p_adjusted=0.04, decided=True, cases=20,
    score=SCORE,
)  # fmt: skip
FOUND = Watched(
    first=0, second=1, planned=90, cases=12, decision=Decision.FIRST,
    interval=Interval(mean=0.5, low=0.02, high=0.9), alpha=0.05, min_effect=0.05,
)  # fmt: skip


@pytest.mark.parametrize(
    ("decision", "call", "watched", "needs"),
    [
        (Decision.FIRST, "better", "decided after 12 of 90 cases", ""),
        (Decision.OPEN, "not distinguishable", "not decided after 12 of 90 cases", "needs more"),
        (
            Decision.NO_DIFFERENCE,
            "not distinguishable",
            "decided after 12 of 90 cases",
            "they differ by less than 5.0 points, decided after 12 of 90 cases",
        ),
    ],
)
def test_a_watched_pair_is_called_by_what_was_found(decision: Decision, call: str, watched: str, needs: str) -> None:
    """Difference and call are the watch's, and no p-value for a fixed number of cases is adjusted for it."""
    pair = called(replace(PAIR, needs="needs more"), {("a", "b"): replace(FOUND, decision=decision)})

    assert (pair.call, pair.watched, pair.needs) == (call, watched, needs)
    assert pair.difference == FOUND.interval
    assert pair.p_adjusted is None
    assert pair.score == SCORE


def test_what_a_fixed_test_alone_tells_apart_is_said_to_be_open() -> None:
    """Where such a test would have called the pair there is nothing that it needs; when it was looked at is said."""
    open_yet = {("a", "b"): replace(FOUND, decision=Decision.OPEN)}
    by_score = {("a", "b"): replace(FOUND, decision=Decision.OPEN, figure="score")}

    assert called(PAIR, open_yet).needs == "not decided after 12 of 90 cases"
    assert called(PAIR, by_score).score.needs == "not decided after 12 of 90 cases"  # type: ignore[union-attr]


def test_the_sign_is_the_pairs() -> None:
    """The better column of a pair stands first; the watch has them as the suite does."""
    found = replace(FOUND, decision=Decision.SECOND, interval=Interval(mean=-0.5, low=-0.9, high=-0.02))
    pair = called(PAIR, {("b", "a"): found})

    assert pair.call == "better"
    assert pair.difference == Interval(mean=0.5, low=0.02, high=0.9)


def test_scores_that_were_watched_are_called_alone() -> None:
    """Where scores were watched verdicts keep their own test."""
    found = replace(FOUND, figure="score", decision=Decision.NO_DIFFERENCE)
    pair = called(PAIR, {("a", "b"): found})

    assert replace(pair, score=SCORE) == PAIR
    assert pair.score is not None
    assert (pair.score.call, pair.score.p_adjusted) == ("not distinguishable", None)
    assert pair.score.needs == "they differ by less than 0.05, decided after 12 of 90 cases"


def test_scores_that_are_verdicts_call_the_pass_rate() -> None:
    """Where ``figure: score`` was watched and every score is 1 or 0, no test for a fixed number of cases calls the
    pair: it would be of the very numbers that were looked at after every case."""
    found = replace(FOUND, figure="score", decision=Decision.NO_DIFFERENCE)
    (pair,) = compared({"a": "p" * 30, "b": "p" * 15 + "f" * 15}, watched=(found,)).pairs

    assert (pair.call, pair.watched, pair.p_adjusted) == ("not distinguishable", "decided after 12 of 90 cases", None)
    assert pair.difference == FOUND.interval
    assert pair.needs == "they differ by less than 5.0 points, decided after 12 of 90 cases"


def test_before_any_case_counts_nothing_is_excluded() -> None:
    """The interval is everything that a difference can be."""
    pair = called(PAIR, {("a", "b"): replace(FOUND, cases=0, decision=Decision.OPEN, interval=None)})

    assert (pair.difference.low, pair.difference.high, pair.call) == (-1.0, 1.0, "not distinguishable")


def test_others_do_not_allow_for_a_watched_pair() -> None:
    """Holm's correction is for the pairs that are tested here; the watched one has an alpha of its own."""
    letters = {"a": "p" * 30, "b": "p" * 24 + "f" * 6, "c": "p" * 23 + "f" * 7}
    alone = {(pair.first, pair.second): pair for pair in compared(letters).pairs}
    watched = {(pair.first, pair.second): pair for pair in compared(letters, watched=(replace(FOUND, second=2),)).pairs}

    assert alone["a", "b"].p_adjusted == pytest.approx(2 * alone["a", "b"].p_value)
    assert watched["a", "b"].p_adjusted == pytest.approx(2 * alone["a", "b"].p_value)
    assert watched["b", "c"].p_adjusted == pytest.approx(watched["b", "c"].p_value)
    assert watched["a", "c"].p_adjusted is None
    assert watched["a", "c"].watched == "decided after 12 of 90 cases"
