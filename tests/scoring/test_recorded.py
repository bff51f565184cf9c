from __future__ import annotations

import pytest

from evalrun.records.outcome import Failure, FailureKind
from evalrun.scoring.options import RecordedScoreOptions
from tests.scoring.build import one, reply


@pytest.mark.parametrize(
    ("given", "template", "value"),
    [
        (0.25, None, 0.25),
        (1.0, None, 1.0),
        (7.0, "{{ score / 10 }}", 0.7),
        (0.0, "{{ 0.5 if score == 0 else score - 1 }}", 0.5),
        (1.25, "{{ 0.5 if score == 0 else score - 1 }}", 0.25),
        (4.0, "0.{{ score | int }}", 0.4),
        (-1.0, "{{ score > 0 }}", 0.0),
    ],
)
def test_a_recorded_score_is_the_answer_s(given, template, value):
    """The number itself, or what a template makes of it."""
    assert one("recorded-score", reply("x", score=given), template).value == pytest.approx(value)


def test_it_passes_from_its_threshold_on():
    """As any scorer of shares; without one only a whole 1 passes, and the reason names the number that was given."""
    low, high = (one("recorded-score", reply("x", score=given), threshold=0.6) for given in (0.55, 0.6))

    assert (low.passed, high.passed) == (False, True)
    assert low.reason == "0.55 is below 0.6: it was given 0.55"
    assert not one("recorded-score", reply("x", score=0.99)).passed
    assert one("not-recorded-score", reply("x", score=0.0)).passed


def test_an_answer_without_words_has_its_score():
    """It was given whatever the answer says."""
    assert one("recorded-score", reply(None, score=1.0)).passed


@pytest.mark.parametrize(
    ("outcome", "template", "error"),
    [
        (reply("x"), None, "no score is recorded with the answer"),
        (reply("x"), "{{ score / 10 }}", "no score is recorded with the answer"),
        (Failure(kind=FailureKind.MISSING, message="none"), None, "no score is recorded with the answer"),
        (reply("x", score=7.0), None, "{{ score }} is 7.0, which is not between 0 and 1: say how it is read"),
        (reply("x", score=1.0000001), None, "{{ score }} is 1.0000001, which"),
        (reply("x", score=-0.1), None, "{{ score }} is -0.1, which is not between 0 and 1"),
        (reply("x", score=1.0), "{{ score }} of 10", "{{ score }} of 10 gives no number"),
        (reply("x", score=1.0), "{{ 'nan' if score }}", "is nan, which is not between 0 and 1"),
        (reply("x", score=1.0), "{{ [score] }}", "gives no number"),
    ],
)
def test_what_is_no_score_is_no_result(outcome, template, error):
    """Nobody's number, and one that is not in 0..1, leave the answer unscored; nothing is clipped."""
    found = one("recorded-score", outcome, template)

    assert found.value is None
    assert error in (found.error or "")


@pytest.mark.parametrize("value", ["0.5", "score", 3, ""])
def test_how_it_is_read_is_a_template(value):
    """A plain text or number would give every answer the same score."""
    with pytest.raises(ValueError):
        RecordedScoreOptions.model_validate({"value": value})
