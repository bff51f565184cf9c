"""no_regression on simulated models: how often it cries wolf, and how often it sees one."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from evalrun.records.message import Message
from evalrun.records.suite import Gate
from evalrun.simulator.models import speak
from evalrun.stats.gates import gate_tallies
from evalrun.stats.regression import verdict_drop
from tests.stats.build import plan, rows
from tests.stats.test_regression_gate import _baseline

pytestmark = pytest.mark.slow

PAIRS, CASES, ALPHA = 500, 400, 0.05
MOST_ALARMS = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / PAIRS)
TEMPERATURE = 0.4  # where small is 10 points worse than medium on these sums
SUMS = [(3 + n % 7, 3 + n // 7) for n in range(CASES)]
ASKED = [(Message(role="user", content=f"What is {a} + {b}? Answer with the number only."),) for a, b in SUMS]


@cache
def _run(model, seed):
    """A run's verdicts, a letter a case, as tests.stats.build reads them."""
    said = (speak(model, asked, temperature=TEMPERATURE, seed=seed).text.strip() for asked in ASKED)
    return "".join("p" if text == str(a + b) else "f" for text, (a, b) in zip(said, SUMS, strict=True))


def _verdict(before, now):
    """What the gate answers to a run after another one."""
    gate = Gate(text="no_regression", metric="no_regression", alpha=ALPHA)
    made = plan({"m": now})
    (tally,) = gate_tallies([gate], made.columns, _baseline({"m": before}))
    for row in rows(made, {"m": now}):
        tally.add(row, scored=row.scored)
    return tally.result(complete=True).verdict


def _share(letters):
    return "".join(letters).count("p") / sum(map(len, letters))


def test_the_same_model_with_another_seed_is_seldom_a_false_alarm():
    """Of 500 pairs of runs that differ in their seeds alone at most alpha + 3 standard errors fail."""
    pairs = [(_run("medium", 2 * n), _run("medium", 2 * n + 1)) for n in range(PAIRS)]

    verdicts = [_verdict(before, now) for before, now in pairs]

    assert all(before != now for before, now in pairs)
    assert 0 < verdicts.count("fail") <= MOST_ALARMS * PAIRS


def test_a_model_ten_points_worse_is_seen():
    """At 400 cases at least 80 % of the runs of a model that passes 10 points less fail."""
    pairs = [(_run("medium", n), _run("small", n)) for n in range(200)]

    fired = [_verdict(before, now) for before, now in pairs].count("fail")

    gap = _share([before for before, _ in pairs]) - _share([now for _, now in pairs])
    assert gap == pytest.approx(0.10, abs=0.005)
    assert fired >= 0.80 * len(pairs)


@pytest.mark.parametrize("spread", [0.2, 2.0, 50.0])
def test_samples_of_one_case_raise_no_more_alarms(spread):
    """With four samples of each of 100 cases, from nearly always alike to nearly independent, alarms are as seldom."""
    chance = np.random.default_rng(5)
    alarms = 0
    for _ in range(PAIRS):
        hard = chance.beta(0.7 * spread, 0.3 * spread, 100)[:, None]
        then, now = hard > chance.random((100, 4)), hard > chance.random((100, 4))
        by_case = [list(zip(*case, strict=True)) for case in zip(then.tolist(), now.tolist(), strict=True)]
        alarms += verdict_drop(by_case, alpha=ALPHA).p_value < ALPHA

    assert 0 < alarms <= MOST_ALARMS * PAIRS
