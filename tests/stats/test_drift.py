from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.stats.drift import Measured, drifts, mann_whitney
from evalrun.stats.pairs import FAILED, PASSED, compare_pair
from tests.stats.finite import finite

VALUES = st.lists(st.integers(0, 6).map(float), max_size=6)


def _one(values):
    return [[value] for value in values]


@given(st.permutations(range(9)), st.integers(1, 8))
def test_the_heaps_test_agrees_with_trying_every_split(values, size):
    """Over all ways to choose the first heap: how many are as one-sided."""
    first, second = values[:size], values[size:]

    def larger(chosen):
        return sum(one > other for one in chosen for other in values if other not in chosen)

    middle = len(first) * len(second) / 2
    reached = abs(larger(first) - middle)
    splits = list(itertools.combinations(values, size))
    counted = sum(abs(larger(split) - middle) >= reached for split in splits) / len(splits)

    assert mann_whitney(first, second) == pytest.approx(counted)


@pytest.mark.parametrize(
    ("first", "second"), [([], []), ([1.0], []), ([], [1.0]), ([2.0], [2.0]), ([3.0] * 9, [3.0] * 9)]
)
def test_heaps_that_tell_nothing(first, second):
    """Empty heaps and equal values are no evidence."""
    assert mann_whitney(first, second) == 1.0


@given(VALUES, VALUES)
def test_the_heaps_test_turns_round(first, second):
    """The order of the heaps does not matter, and a chance is a chance."""
    assert 0 <= mann_whitney(first, second) == mann_whitney(second, first) <= 1


def test_a_column_that_answers_at_greater_length_has_drifted():
    """Tokens that grow by a tenth in every case are found, latency that goes up and down is not."""
    tokens = [100.0 + 7 * (case % 9) for case in range(40)]
    longer = [value * (1.08 + 0.04 * (case % 2)) for case, value in enumerate(tokens)]
    seconds = [1.0 + (case % 5) / 10 for case in range(40)]
    shaken = [value * (1.3 if case % 2 else 1 / 1.3) for case, value in enumerate(seconds)]
    found = drifts(
        [
            Measured(name="completion_tokens", before=_one(tokens), after=_one(longer)),
            Measured(name="latency_s", before=_one(seconds), after=_one(shaken)),
            Measured(name="score", before=[[]] * 40, after=[[]] * 40),
        ],
        seed=0,
    )

    assert [(one.name, one.drifted, one.paired, one.cases) for one in found] == [
        ("completion_tokens", True, True, 40),
        ("latency_s", False, True, 40),
    ]
    assert found[0].after / found[0].before == pytest.approx(1.1, abs=0.01)


@pytest.mark.parametrize(("worse", "drifted"), [(3, False), (12, True)])
def test_a_pass_rate_drifts_by_mcnemar(worse, drifted):
    """Twelve cases lost and none won is drift, three are not."""
    before = bytes([PASSED] * 100)
    after = bytes([FAILED] * worse + [PASSED] * (100 - worse))
    (found,) = drifts([], passed=compare_pair(("before", "after"), (before, after), 1), seed=0)

    assert (found.name, found.before, found.after) == ("pass_rate", 1.0, (100 - worse) / 100)
    assert (found.drifted, found.cases) == (drifted, 100)


def test_other_cases_are_compared_as_heaps():
    """Where the runs share hardly a case, all values of one stand against all of the other."""
    gone, new = [[]] * 20, [[float(value)] for value in range(20)]
    measured = Measured(name="latency_s", before=[*new, *gone], after=[*gone, *_one(range(30, 50))])
    (found,) = drifts([measured], seed=0)

    assert (found.drifted, found.paired, found.cases) == (True, False, 40)


@given(st.lists(st.tuples(VALUES, VALUES), max_size=6))
def test_drift_is_finite(cases):
    """No data makes a nan."""
    measured = Measured(name="score", before=[one for one, _ in cases], after=[other for _, other in cases])

    assert finite(drifts([measured], seed=0))


def test_nothing_measured_has_not_drifted():
    """Nothing to say."""
    assert drifts([], seed=0) == ()
