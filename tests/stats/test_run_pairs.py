from __future__ import annotations

import random

from evalrun.records.run_comparison import CellNumbers
from evalrun.stats.run_pairs import PairTally, called


def _cell(passed):
    return CellNumbers("pass" if passed else "fail", float(passed), 1.0, 1.0, 1.0)


def _pass_rate(chance, cases, samples):
    """The called pass rate of two columns in which a case's samples go together."""
    tally = PairTally(cases, samples)
    first, second = chance.random(), chance.random()
    for case in range(cases):
        hard = chance.random()
        for sample in range(samples):
            a, b = ((chance.random() + hard) / 2 < rate for rate in (first, second))
            tally.add(case, sample, _cell(a), _cell(b))
    (column,) = called([tally.compared("x", ("A", "B"), simulated=False)])
    return column.measure("pass_rate")


def test_a_call_says_no_more_than_test_and_interval():
    """Where the test decides and the interval holds 0, nothing is decided, as within a run; more cases would tell."""
    chance = random.Random(5)
    found = [_pass_rate(chance, chance.randint(8, 40), 4) for _ in range(1500)]
    edge = [
        one
        for one in found
        if one.p_adjusted < 0.05 and one.difference_interval.low <= 0 <= one.difference_interval.high
    ]

    assert edge
    assert all(one.call == "not distinguishable" and one.more_cases for one in edge)
    assert {one.call for one in found} == {"better", "worse", "not distinguishable"}
