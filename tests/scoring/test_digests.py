from __future__ import annotations

import datetime as dt

import pytest

from evalrun.records.suite import Case
from evalrun.scoring import digest
from tests.scoring.build import spec

CASE = Case(id="c", vars={"country": "France", "other": 1}, expected="Paris")
SCORERS = (spec("equals", "{{ country }}"), spec("icontains"))


def _case(**changes):
    return Case(**{"id": "c", "vars": {"country": "France", "other": 1}, "expected": "Paris", **changes})


@pytest.mark.parametrize(
    ("scorers", "case", "threshold"),
    [
        (SCORERS, _case(id="another"), None),
        (SCORERS, _case(vars={"country": "France", "other": 2}), None),
        (SCORERS, _case(tags=("x",)), None),
        ((spec("equals", "{{ country }}"), spec("icontains")), _case(), None),
    ],
)
def test_what_the_mark_does_not_depend_on_leaves_the_digest(scorers, case, threshold):
    """Ids, tags and variables that no scorer uses do not make a row be scored again."""
    assert digest(scorers, case, threshold) == digest(SCORERS, CASE, None)


@pytest.mark.parametrize(
    ("scorers", "case", "threshold"),
    [
        (SCORERS[:1], _case(), None),
        (SCORERS[::-1], _case(), None),
        ((spec("iequals", "{{ country }}"), SCORERS[1]), _case(), None),
        ((spec("equals", "{{ other }}"), SCORERS[1]), _case(), None),
        ((spec("equals", "{{ country }}", weight=2.0), SCORERS[1]), _case(), None),
        ((spec("not-equals", "{{ country }}"), SCORERS[1]), _case(), None),
        ((spec("equals", "{{ country }}", extract="x"), SCORERS[1]), _case(), None),
        ((spec("equals", "{{ country }}", threshold=0.5), SCORERS[1]), _case(), None),
        ((spec("equals", "{{ country }}", name="n"), SCORERS[1]), _case(), None),
        ((spec("equals", "{{ country }}", scope="conversation"), SCORERS[1]), _case(), None),
        (SCORERS, _case(expected="Lyon"), None),
        (SCORERS, _case(expected=["Paris"]), None),
        (SCORERS, _case(vars={"country": "Spain", "other": 1}), None),
        (SCORERS, _case(), 0.5),
        (SCORERS, _case(threshold=0.5), None),
        (SCORERS, _case(scorers=(spec("regex", "x"),)), None),
    ],
)
def test_what_the_mark_depends_on_changes_the_digest(scorers, case, threshold):
    """A scorer, the expected value, a variable that is used and the threshold each make a row be scored again."""
    assert digest(scorers, case, threshold) != digest(SCORERS, CASE, None)


def test_the_case_s_threshold_is_the_one_that_counts():
    """A suite's threshold that a case overrides changes nothing."""
    assert digest(SCORERS, _case(threshold=0.5), 0.1) == digest(SCORERS, _case(threshold=0.5), 0.9)


def test_a_foreign_scorer_depends_on_every_variable():
    """What a foreign scorer looks at is unknown, so any variable counts."""
    scorers = (spec("odd"),)

    assert digest(scorers, _case(), None) != digest(scorers, _case(vars={"country": "France", "other": 2}), None)


@pytest.mark.parametrize("expected", [{1: "a", "b": 2}, dt.date(2026, 1, 1), "\ud800", float("nan"), {"x": {1, 2}}])
def test_any_expected_value_has_a_digest(expected):
    """Whatever a data set holds, there is a digest, the same each time."""
    assert digest(SCORERS, _case(expected=expected), None) == digest(SCORERS, _case(expected=expected), None)


def test_a_broken_template_has_a_digest():
    """A template that cannot be read counts with every variable."""
    assert len(digest((spec("equals", "{{"),), CASE, None)) == 64
