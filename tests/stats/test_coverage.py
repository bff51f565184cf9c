"""How often intervals cover what they are about, simulated: the promise that 95 % is 95 %."""

from __future__ import annotations

import math

import numpy as np
import pytest

from evalrun.stats.bootstrap import bca, bootstrap, mean_of, percentile_of
from evalrun.stats.intervals import wilson
from evalrun.stats.means import mean_interval
from evalrun.stats.paired_scores import compare_scores

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


def _means(values, drawn):
    """The means of all, of each resample and of all but one, for each row of values."""
    n = values.shape[1]
    weights = np.stack([np.bincount(one, minlength=n) for one in drawn]) / n
    means = values.mean(axis=1)
    return means, values @ weights.T, (n * means[:, None] - values) / (n - 1)


def _medians(values, drawn):
    """The same of medians (n is even): the middle places of a resample are the same for all rows, once in order."""
    ordered, n = np.sort(values, axis=1), values.shape[1]
    middle = np.sort(drawn, axis=1)[:, n // 2 - 1 : n // 2 + 1]
    of_resamples = (ordered[:, middle[:, 0]] + ordered[:, middle[:, 1]]) / 2
    rest = np.where(np.arange(n) < n // 2, n // 2, n // 2 - 1)  # the middle one of those left
    return ordered[:, n // 2 - 1 : n // 2 + 1].mean(axis=1), of_resamples, ordered[:, rest]


POPULATIONS = {
    "mean of scores": (lambda chance, shape: chance.beta(2, 1, shape), _means, mean_of, 2 / 3),
    "mean of latencies": (lambda chance, shape: chance.gamma(4, 1, shape), _means, mean_of, 4.0),
    "median of latencies": (
        lambda chance, shape: chance.gamma(2, 1, shape),
        _medians,
        percentile_of(0.5),
        1.6783469900166612,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("population", POPULATIONS)
@pytest.mark.parametrize(("n", "low", "high"), [(50, 0.92, 1.0), pytest.param(500, 0.94, 0.96, marks=pytest.mark.slow)])
def test_the_bootstrap_covers(population, n, low, high):
    """BCa intervals of 999 resamples over 4,000 runs: at least 92 % of 50 cases, 94 to 96 % of 500.

    Hundred runs share their resamples' places, which saves drawing them; each hundred has its own.
    """
    draw, statistics, _, truth = POPULATIONS[population]
    chance = np.random.default_rng(n)
    covered = 0
    for _ in range(40):
        values, drawn = draw(chance, (100, n)), chance.integers(0, n, (999, n))
        for observed, resampled, without in zip(*statistics(values, drawn), strict=True):
            found = bca(observed, resampled, without)
            covered += found.low <= truth <= found.high

    assert low <= covered / 4_000 <= high


@pytest.mark.parametrize("population", POPULATIONS)
def test_the_shared_resamples_are_the_bootstrap_s(population):
    """What the simulation works out for a hundred runs at once is what bootstrap does with one."""
    draw, statistics, statistic, _ = POPULATIONS[population]
    values = draw(np.random.default_rng(1), (1, 30))
    drawn = np.random.default_rng(9).integers(0, 30, (999, 30))
    ((observed, resampled, without),) = zip(*statistics(np.sort(values, axis=1), drawn), strict=True)
    found, direct = bca(observed, resampled, without), bootstrap(np.sort(values).T, statistic, seed=9, resamples=999)

    assert direct is not None
    assert (found.mean, found.low, found.high) == pytest.approx((direct.mean, direct.low, direct.high))


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


@pytest.mark.slow
def test_equal_columns_of_scores_are_called_different_no_more_than_said():
    """Without a difference a paired comparison decides in 5 % of 1,000 runs, within 3 Monte Carlo errors, or less."""
    chance = np.random.default_rng(3)
    for n in (10, 60):
        decided = 0
        for run in range(1_000):
            differences = chance.beta(2, 1, n) - chance.beta(2, 1, n)
            decided += compare_scores(differences[:, None].tolist(), seed=run).p_value < 0.05

        assert decided / 1_000 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1_000)
