"""How often intervals cover what they are about, simulated: the promise that 95 % is 95 %."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evalrun.stats.bootstrap import bootstrap, mean_of, percentile_of
from evalrun.stats.intervals import wilson
from evalrun.stats.means import mean_interval
from evalrun.stats.paired_scores import compare_scores

RUNS = 2_000
EACH = 20_000


def _covered(n, share):
    """Which numbers of passes of *n* give a Wilson interval that covers *share*."""
    intervals = [wilson(passed, n) for passed in range(n + 1)]
    return np.array([one.low <= share <= one.high for one in intervals])


def _chances(n, share):
    counts = np.arange(n + 1)
    logs = [math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in counts]
    return np.exp(np.array(logs) + counts * math.log(share) + (n - counts) * math.log1p(-share))


@pytest.mark.parametrize("n", [20, 50, 200])
def test_wilson_covers_what_it_exactly_covers(n):
    """Simulated coverage is the exact binomial one within 3 Monte Carlo errors for each p; its mean is 93.5 to 97 %."""
    shares = np.linspace(0.01, 0.99, 99)
    chance = np.random.default_rng(n)
    exact = []
    for share in shares:
        covered = _covered(n, share)
        exact.append(float(_chances(n, share) @ covered))
        simulated = covered[chance.binomial(n, share, EACH)].mean()

        assert abs(simulated - exact[-1]) <= 3 * math.sqrt(exact[-1] * (1 - exact[-1]) / EACH) + 1e-9

    assert 0.935 <= np.mean(exact) <= 0.97


POPULATIONS = {
    "mean of scores": (lambda chance, n: chance.beta(2, 1, n), mean_of, 2 / 3),
    "median of latencies": (lambda chance, n: chance.gamma(2, 1, n), percentile_of(0.5), 1.6783469900166612),
}


@pytest.mark.slow
@pytest.mark.parametrize("population", POPULATIONS)
@pytest.mark.parametrize(("n", "low", "high"), [(50, 0.92, 1.0), (500, 0.94, 0.96)])
def test_the_bootstrap_covers(population, n, low, high):
    """BCa intervals of 999 resamples over 2,000 runs: at least 92 % of 50 cases, 94 to 96 % of 500."""
    draw, statistic, truth = POPULATIONS[population]
    chance = np.random.default_rng(n)
    covered = 0
    for run in range(RUNS):
        found = bootstrap(draw(chance, n)[:, None], statistic, seed=run, resamples=999)
        covered += found.low <= truth <= found.high

    assert low <= covered / RUNS <= high


@pytest.mark.parametrize("samples", [1, 5])
def test_a_clustered_mean_covers(samples):
    """With samples that repeat one another the t interval covers the mean in 95 % of 1,000 runs of 40 cases."""
    chance = np.random.default_rng(samples)
    covered = 0
    for _ in range(1_000):
        levels = chance.beta(1, 1, 40)[:, None]
        values = (chance.random((40, samples)) < levels).astype(float)
        found = mean_interval(values.tolist())
        covered += found.interval.low <= 0.5 <= found.interval.high

    assert abs(covered / 1_000 - 0.95) <= 3 * math.sqrt(0.95 * 0.05 / 1_000)


def test_equal_columns_of_scores_are_called_different_no_more_than_said():
    """Without a difference a paired comparison decides in 5 % of 1,000 runs, within 3 Monte Carlo errors, or less."""
    chance = np.random.default_rng(3)
    for n in (10, 60):
        decided = 0
        for run in range(1_000):
            differences = chance.beta(2, 1, n) - chance.beta(2, 1, n)
            decided += compare_scores(differences[:, None].tolist(), seed=run).p_value < 0.05

        assert decided / 1_000 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1_000)
