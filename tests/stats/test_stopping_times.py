from __future__ import annotations

import re
from itertools import count

import numpy as np
import pytest

from evalrun.stats.stopping import Decision, FloatArray, feed, start
from evalrun.stats.stopping_times import BETTER, OPEN, SAME, WORSE, stopping_times, verdict_differences
from tests.bench.stopping import RUNS, Figure, measure, scenarios
from tests.conftest import ROOT

HOW = {Decision.FIRST: BETTER, Decision.SECOND: WORSE, Decision.NO_DIFFERENCE: SAME, Decision.OPEN: OPEN}
PAGE = (ROOT / "docs" / "spending-less.md").read_text("utf-8")
SHOWN = [line for line in PAGE.splitlines() if re.match(r"\| \d+ points", line)]
QUICK = 520


@pytest.mark.parametrize(("difference", "discordance"), [(0.3, 0.4), (0.0, 0.2), (-0.3, 0.3)])
def test_many_runs_end_as_each_does(difference: float, discordance: float) -> None:
    """Played together, every run ends at the case and in the way that it does when it is fed alone."""
    drawn = verdict_differences(np.random.default_rng(3).random((80, 20)), difference, discordance)
    alone = []
    for run in range(20):
        state = start(alpha=0.2, min_effect=0.3, cases=80)
        for value in drawn[:, run]:
            state = feed(state, float(value))
        alone.append((state.decided_after or 80, HOW[state.decision]))
    cases = count()

    def draw(runs: int) -> FloatArray:
        case = next(cases)
        going = [run for run, (ended, _) in enumerate(alone) if ended > case]
        assert len(going) == runs
        return drawn[case, going]

    ended, how = stopping_times(draw, runs=20, cap=80, alpha=0.2, min_effect=0.3)

    assert list(zip(ended.tolist(), how.tolist(), strict=True)) == alone
    assert len(set(alone)) > 1


@pytest.mark.parametrize(("difference", "discordance"), [(0.1, 0.3), (-0.2, 0.2), (0.0, 0.0)])
def test_verdicts_differ_as_often_as_is_said(difference: float, discordance: float) -> None:
    """The mean is the difference, and so large a share is not 0."""
    drawn = verdict_differences(np.linspace(0, 1, 10_001)[:-1], difference, discordance)

    assert drawn.mean() == pytest.approx(difference, abs=2e-4)
    assert np.count_nonzero(drawn) / len(drawn) == pytest.approx(discordance, abs=2e-4)


def line_of(figure: Figure) -> str:
    """A line of the page's table."""
    fixed, saved = " / ".join(f"{n:,}" for n in figure.fixed), " / ".join(f"{100 * s:.0f}" for s in figure.saved)
    took = " | ".join(f"{n:,.0f}" for n in (figure.tenth, figure.median, figure.ninetieth))
    share = re.findall(r"\d+", figure.name)[0]
    return f"| {100 * figure.difference:.0f} points | {share} % | {fixed} | {took} | {saved} % |".replace("-", "−")


def test_the_page_shows_what_the_bench_finds() -> None:
    """Each line of docs/spending-less.md that is quickly played again comes out as it stands there."""
    played = [
        line_of(measure(scenario, RUNS, place))
        for place, scenario in enumerate(scenarios())
        if scenario.bound and scenario.difference and scenario.cap <= QUICK
    ]

    assert set(SHOWN) & set(played) == {line for line in SHOWN if int(line.split("|")[5].replace(",", "")) < 150}
    assert len(SHOWN) == 9
