from __future__ import annotations

from dataclasses import replace

import pytest

from evalrun.records.message import Message
from evalrun.records.outcome import Failure, FailureKind, Response
from evalrun.scoring import catalogue, score
from evalrun.scoring.marks import score_one
from evalrun.scoring.options import NoOptions
from evalrun.scoring.scorer import Finding, Scorer
from tests.scoring.build import one, reply, row, spec

YES, NO, BROKEN = (
    spec("contains", "a", name="yes"),
    spec("contains", "z", name="no"),
    spec("contains", "", name="broken"),
)


def _weighing(scorer, weight):
    return spec(scorer.type, scorer.value, name=scorer.name, weight=weight)


@pytest.fixture
def foreign(monkeypatch):
    """A scorer called ``odd`` whose function a test says."""

    def put(function):
        monkeypatch.setitem(catalogue.SCORERS, "odd", Scorer(function=function, options=NoOptions))

    return put


@pytest.mark.parametrize(
    ("scorers", "total", "verdict"),
    [
        ((YES,), 1.0, "pass"),
        ((NO,), 0.0, "fail"),
        ((YES, NO), 0.5, "fail"),
        ((YES, _weighing(NO, 3.0)), 0.25, "fail"),
        ((YES, _weighing(NO, 0.0)), 1.0, "pass"),
        ((YES, _weighing(BROKEN, 0.0)), 1.0, "pass"),
        ((YES, BROKEN), None, None),
        ((NO, BROKEN), None, None),
        ((_weighing(NO, 0.0),), 1.0, "pass"),
        ((), 1.0, "pass"),
    ],
)
def test_scores_join_by_weight_and_every_scorer_must_pass(scorers, total, verdict):
    """The score is the weighted mean; scorers of weight 0 never decide; one that broke leaves the row unscored."""
    mark = score(row("abc"), scorers, None)

    assert mark is not None
    assert (mark.score, mark.verdict, len(mark.scores)) == (total, verdict, len(scorers))


@pytest.mark.parametrize(
    ("suite_threshold", "case_threshold", "verdict"),
    [
        (0.5, None, "pass"),
        (0.6, None, "fail"),
        (0.6, 0.5, "pass"),
        (0.5, 0.6, "fail"),
        (None, 0.5, "pass"),
        (0.0, None, "pass"),
    ],
)
def test_a_threshold_alone_decides(suite_threshold, case_threshold, verdict):
    """With a threshold, the case's before the suite's, the score is all that counts."""
    mark = score(row("abc", threshold=case_threshold), (YES, NO), suite_threshold)

    assert mark is not None
    assert mark.verdict == verdict


def test_a_threshold_is_met_in_spite_of_rounding():
    """Ten tenths of which seven pass are 0.7."""
    scorers = tuple(_weighing(YES if i < 7 else NO, 0.1) for i in range(10))
    mark = score(row("abc"), scorers, 0.7)

    assert mark is not None
    assert mark.verdict == "pass"


def test_a_cases_own_scorers_come_on_top():
    """A case's scorers are asked besides the suite's."""
    mark = score(row("abc", scorers=(NO,)), (YES,), None)

    assert mark is not None
    assert [(one.name, one.passed) for one in mark.scores] == [("yes", True), ("no", False)]


@pytest.mark.parametrize(
    ("outcome", "total", "verdict", "reason"),
    [
        (reply("abc"), 1.0, "pass", ""),
        (reply(None), 0.0, "fail", "no answer"),
        (reply(None, refusal="I will not."), 0.0, "fail", "refused"),
    ],
)
def test_without_scorers_an_answer_passes(outcome, total, verdict, reason):
    """With nothing to judge by, an answer passes, and no answer or a refusal fails."""
    mark = score(row(outcome), (), None)

    assert mark is not None
    assert (mark.score, mark.verdict, mark.reason) == (total, verdict, reason)


@pytest.mark.parametrize("kind", [FailureKind.FILTERED, FailureKind.TIMEOUT])
def test_what_is_no_reply_has_no_mark(kind):
    """Filtered and failed rows are not scored, nor is one that was not asked."""
    assert score(row(Failure(kind=kind, message="no")), (YES,), None) is None


def test_a_refusal_is_scored_on_its_words():
    """What the model said in refusing is what content scorers read."""
    mark = score(row(reply(None, refusal="I cannot help.")), (spec("contains", "cannot"),), None)

    assert mark is not None
    assert mark.verdict == "pass"


@pytest.mark.parametrize(
    ("scorers", "threshold", "reason"),
    [
        ((spec("icontains", "Paris"),), None, 'icontains: expected "Paris", got "abc"'),
        ((NO, YES, spec("equals", "x")), None, 'no: expected "z", got "abc"; equals: expected "x", got "abc"'),
        ((NO,) * 5, None, "; ".join(['no: expected "z", got "abc"'] * 3) + "; and 2 more"),
        ((NO, YES), 0.9, 'score 0.5 is below 0.9; no: expected "z", got "abc"'),
        ((NO, YES), 0.4, ""),
        ((YES, BROKEN), None, "broken: value: there is nothing to compare with: it is empty"),
        ((YES, _weighing(NO, 0.0)), None, ""),
    ],
)
def test_a_mark_says_why_it_failed(scorers, threshold, reason):
    """The first failing scorers are named with their reasons; a pass needs none."""
    mark = score(row("abc"), scorers, threshold)

    assert mark is not None
    assert mark.reason == reason


def _raises(subject, options):
    raise RuntimeError("out of order")


def _exits(subject, options):
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (_raises, "RuntimeError: out of order"),
        (_exits, "SystemExit: 3"),
        (lambda subject, options: float("nan"), "it returned nan, which is not between 0 and 1"),
        (lambda subject, options: 2.0, "it returned 2.0, which is not between 0 and 1"),
        (lambda subject, options: -0.1, "it returned -0.1, which is not between 0 and 1"),
        (lambda subject, options: None, "it returned NoneType, not a number"),
        (lambda subject, options: "1", "it returned str, not a number"),
        (lambda subject, options: Finding(value=float("inf")), "it returned inf, which is not between 0 and 1"),
        (lambda subject, options: 1 // 0, "ZeroDivisionError: integer division or modulo by zero"),
    ],
)
def test_a_broken_scorer_leaves_its_result_missing_and_others_go_on(foreign, function, error):
    """Whatever a scorer raises or returns, its score is missing with the message and the rest are there."""
    foreign(function)
    mark = score(row("abc"), (spec("odd"), YES), None)

    assert mark is not None
    assert (mark.verdict, mark.score) == (None, None)
    assert [(one.value, one.error) for one in mark.scores] == [(None, error), (1.0, "")]


@pytest.mark.parametrize(
    ("value", "threshold", "negate", "passed"),
    [
        (0.7, None, False, False),
        (1, None, False, True),
        (True, None, False, True),
        (0.7, 0.7, False, True),
        (0.6, 0.7, False, False),
        (0.2, 0.7, True, True),
        (0.4, 0.7, True, False),
        (0.0, 0.0, False, True),
    ],
)
def test_a_scorers_own_threshold_is_its_pass_mark(foreign, value, threshold, negate, passed):
    """A scorer passes where its value, turned round by not-, is at least its threshold, which is 1 unless said."""
    foreign(lambda subject, options: value)
    score = score_one(spec("not-odd" if negate else "odd", threshold=threshold), row("abc"))

    assert score.passed is passed
    assert bool(score.reason) is not passed


@pytest.mark.parametrize(
    ("value", "answer", "passed"),
    [
        ("{{ country }}-{{ expected }}", "France-Paris", True),
        (["{{ expected }}", "x"], "Paris", True),
        ("{{ expected }}", "Paris", True),
        ("{{ missing }}", "Paris", None),
        ("{{", "Paris", None),
    ],
)
def test_a_value_is_a_template_of_variables_and_the_expected_value(value, answer, passed):
    """A value is rendered for each case; a template that cannot be rendered leaves the result missing."""
    found = score_one(spec("equals", value), row(answer, vars={"country": "France"}, expected="Paris"))

    assert found.passed is passed
    assert bool(found.error) is (passed is None)


def test_an_expected_value_is_never_a_template():
    """Data with braces in it is compared as it stands."""
    assert one("equals", "{{ 7 * 7 }}", expected="{{ 7 * 7 }}").passed


@pytest.mark.parametrize(
    ("scorer", "error"),
    [
        (spec("nonsense"), "there is no scorer nonsense"),
        (spec("latency"), "max_s: Field required"),
        (spec("is-json", "x"), "value: not a JSON Schema: Expecting value at 1:1"),
        (spec("is-valid-openai-tools-call", "x"), "value: Extra inputs are not permitted"),
    ],
)
def test_a_scorer_that_is_not_there_or_told_nonsense_is_an_error(scorer, error):
    """Even past the suite's checks nothing raises."""
    assert score_one(scorer, row("abc")).error == error


@pytest.mark.parametrize("text", ["", " ", "\n\t", None])
def test_white_space_is_no_answer_to_a_content_scorer(text):
    """An answer of white space says nothing, and every content scorer fails it."""
    assert (one("regex", text, ".").reason, one("not-regex", text, ".").reason) == ("no answer", "no answer")


def _talk(answer="It is 18.", messages=None):
    said = (Message(role="user", content="How warm?"), Message(role="assistant", content="One moment."))
    return replace(row(answer), messages=said if messages is None else messages)


@pytest.mark.parametrize(
    ("scorer", "answer", "passed"),
    [
        (spec("contains", "moment"), "It is 18.", False),
        (spec("contains", "moment", scope="conversation"), "It is 18.", True),
        (spec("contains", "18", scope="conversation"), "It is 18.", True),
        (spec("not-contains", "moment", scope="conversation"), "It is 18.", False),
        (spec("equals", "One moment.", scope="conversation", extract="assistant: (.*)"), "It is 18.", True),
        (spec("contains", "moment", scope="conversation"), None, False),
        (spec("not-contains", "other", scope="conversation"), " ", False),
    ],
)
def test_a_scorer_reads_the_last_reply_or_the_conversation(scorer, answer, passed):
    """The whole conversation has every message and the last reply; without a last reply there is nothing to score."""
    assert score_one(scorer, _talk(answer)).passed is passed


def test_a_conversation_that_was_not_read_is_no_verdict():
    """A row without its messages is never taken for a short conversation."""
    found = score_one(spec("contains", "18", scope="conversation"), _talk(messages=()))

    assert (found.passed, found.error) == (None, "the messages of the conversation were not read")


@pytest.mark.slow
def test_specs_that_follow_one_another_are_not_mixed_up():
    """Many short-lived specs never get one another's preparation."""
    for index in range(5000):
        assert score_one(spec("equals", str(index)), row(str(index))).passed


def test_a_status_is_kept_apart_from_its_text():
    """A reply cut by the length limit with text is scored like any other."""
    assert isinstance(reply("abc", finish_reason="length"), Response)
    mark = score(row(reply("abc", finish_reason="length")), (YES,), None)

    assert mark is not None
    assert mark.verdict == "pass"
