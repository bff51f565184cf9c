"""Each method against scipy or statsmodels, on 1,000 random data sets: to 1e-9, or to the Monte Carlo error stated."""

from __future__ import annotations

import importlib.util
import math
from types import SimpleNamespace

import numpy as np
import pytest

from evalrun.stats.bootstrap import bootstrap, mean_of, percentile_of
from evalrun.stats.calls import holm
from evalrun.stats.design import cases_needed_for_scores
from evalrun.stats.drift import mann_whitney
from evalrun.stats.effects import cohen_h
from evalrun.stats.intervals import Z_95, design_effect, percentile, wilson
from evalrun.stats.means import mean_interval
from evalrun.stats.paired_scores import compare_scores, flip_test
from evalrun.stats.pairs import mcnemar, sign_flip
from evalrun.stats.student import t_quantile, t_two_sided
from tests.conftest import require

pytestmark = pytest.mark.slow

DATA_SETS = 1_000
CLOSE = 1e-9


@pytest.fixture
def oracle():
    """The parts of scipy and statsmodels that know better."""
    both = importlib.util.find_spec("scipy") and importlib.util.find_spec("statsmodels")
    require(both, "needs scipy and statsmodels (pip install evalrun[oracles])")
    from scipy import stats
    from statsmodels.regression import linear_model
    from statsmodels.stats import contingency_tables, multitest, power, proportion

    return SimpleNamespace(
        stats=stats,
        ols=linear_model.OLS,
        mcnemar=contingency_tables.mcnemar,
        multipletests=multitest.multipletests,
        power=power.TTestPower,
        proportion=proportion,
    )


@pytest.fixture
def chance():
    """The data sets, the same at every run."""
    return np.random.default_rng(20_240_501)


def test_wilson(oracle, chance):
    """statsmodels' proportion_confint; and its h."""
    for _ in range(DATA_SETS):
        scored = int(10 ** chance.uniform(0, 6))
        passed = int(chance.integers(0, scored + 1))
        found = wilson(passed, scored)
        low, high = oracle.proportion.proportion_confint(passed, scored, method="wilson")

        assert (found.low, found.high) == pytest.approx((low, high), abs=CLOSE)

        other = chance.random()
        expected = oracle.proportion.proportion_effectsize(passed / scored, other)

        assert cohen_h(passed / scored, other) == pytest.approx(expected, abs=CLOSE)


def test_mcnemar(oracle, chance):
    """scipy's binomial test and statsmodels' exact McNemar."""
    for _ in range(DATA_SETS):
        first, second = (int(10 ** chance.uniform(0, 3)) - 1 for _ in range(2))
        found = mcnemar(first, second)
        table = [[5, first], [second, 7]]
        expected = oracle.stats.binomtest(first, first + second).pvalue if first + second else 1.0

        assert found == pytest.approx(expected, rel=CLOSE, abs=1e-300)
        assert found == pytest.approx(float(oracle.mcnemar(table, exact=True).pvalue), rel=1e-8, abs=1e-300)


def test_student(oracle, chance):
    """scipy's t, its tails to 1e-9 of themselves."""
    for _ in range(DATA_SETS):
        freedom = 10 ** chance.uniform(0, 6)
        t, share = 10 ** chance.uniform(-3, 1.5), chance.uniform(0.51, 0.9999)

        assert t_two_sided(t, freedom) == pytest.approx(2 * oracle.stats.t.sf(t, freedom), rel=CLOSE, abs=1e-300)
        assert t_quantile(share, freedom) == pytest.approx(oracle.stats.t.ppf(share, freedom), rel=CLOSE)


def test_the_normal_constants(oracle):
    """The z of 95 %."""
    assert pytest.approx(oracle.stats.norm.ppf(0.975), rel=1e-15) == Z_95


def test_the_paired_t_test(oracle, chance):
    """scipy's ttest_rel and its interval; n above the exact range, where the t test alone decides."""
    for _ in range(DATA_SETS):
        n = int(chance.integers(17, 200))
        first, second = chance.beta(2, 1, n), chance.beta(2, 1.1, n)
        found = compare_scores((first - second)[:, None].tolist(), seed=0)
        expected = oracle.stats.ttest_rel(first, second)
        bounds = expected.confidence_interval(0.95)
        interval = found.difference.interval

        assert (found.t, found.p_value) == pytest.approx((expected.statistic, expected.pvalue), rel=CLOSE, abs=1e-12)
        assert (interval.low, interval.high) == pytest.approx((bounds.low, bounds.high), abs=CLOSE)


def test_a_mean_clustered_by_case(oracle, chance):
    """statsmodels' OLS on a constant, cov_type cluster: its factor C/(C-1) · (n-1)/(n-1) is ours. And design_effect."""
    for _ in range(DATA_SETS):
        sizes = chance.integers(1, 6, int(chance.integers(2, 40)))
        levels = chance.random(len(sizes))
        clusters = [(chance.random(size) < level).astype(float) for size, level in zip(sizes, levels, strict=True)]
        values, groups = np.concatenate(clusters), np.repeat(np.arange(len(sizes)), sizes)
        found = mean_interval([cluster.tolist() for cluster in clusters])
        model = oracle.ols(values, np.ones(len(values)))
        expected = model.fit(cov_type="cluster", cov_kwds={"groups": groups}, use_t=True)
        low, high = expected.conf_int()[0]

        assert found.standard_error == pytest.approx(expected.bse[0], abs=CLOSE)
        assert (found.interval.low, found.interval.high) == pytest.approx((low, high), abs=CLOSE)

        alone = values.var() / len(values)
        effect = design_effect([cluster.sum() for cluster in clusters], sizes.tolist(), float((values**2).sum()))
        if sizes.max() > 1 and alone:
            assert effect == pytest.approx(max(1.0, expected.bse[0] ** 2 / alone), rel=CLOSE)


def test_holm(oracle, chance, monkeypatch):
    """statsmodels' multipletests, which would collect garbage at every call."""
    monkeypatch.setattr("gc.collect", lambda: 0)
    for _ in range(DATA_SETS):
        p_values = chance.random(int(chance.integers(1, 30))) ** 3
        _, expected, _, _ = oracle.multipletests(p_values, method="holm")

        assert holm(p_values.tolist()) == pytest.approx(expected.tolist(), abs=CLOSE)


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_the_bootstrap(oracle, chance, statistic):
    """scipy's BCa of the same resamples: both draw them from the same seed in the same way."""
    ours, theirs = {"mean": (mean_of, np.mean), "median": (percentile_of(0.5), np.median)}[statistic]
    for seed in range(DATA_SETS):
        values = chance.gamma(2, size=int(chance.integers(4, 60)))
        found = bootstrap(values[:, None].tolist(), ours, seed=seed, resamples=199)
        generator = np.random.default_rng(seed)
        expected = oracle.stats.bootstrap(
            (values,), theirs, n_resamples=199, method="BCa", rng=generator, vectorized=True
        ).confidence_interval

        assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=CLOSE)


def test_percentiles(chance):
    """numpy's quantile, linear between two values."""
    for _ in range(DATA_SETS):
        values, share = chance.random(int(chance.integers(1, 50))), chance.random()
        expected = np.quantile(values, share)

        assert percentile(sorted(values.tolist()), share) == pytest.approx(expected, abs=CLOSE)
        assert percentile_of(share)(values[None, :])[0] == pytest.approx(expected, abs=CLOSE)


def test_the_exact_permutation_test(oracle, chance):
    """scipy's permutation_test of paired samples, every flip tried; of counts also sign_flip."""
    for place in range(DATA_SETS):
        n = int(chance.integers(2, 9))
        counts = place % 2 == 0
        differences = chance.integers(-3, 4, n).astype(float) if counts else chance.normal(0.5, 1, n)
        expected = oracle.stats.permutation_test(
            (differences,), np.sum, permutation_type="samples", vectorized=True, n_resamples=np.inf
        ).pvalue

        assert flip_test(differences.tolist(), seed=0) == pytest.approx(expected, abs=CLOSE)
        if counts:
            assert sign_flip(differences.astype(int).tolist()) == pytest.approx(expected, abs=CLOSE)


def test_the_drawn_permutation_test(oracle, chance):
    """Against the exact chance of whole numbers: within 4.5 Monte Carlo errors of 9,999 draws, 1,000 times."""
    for seed in range(DATA_SETS):
        differences = chance.integers(-2, 4, int(chance.integers(30, 80)))
        exact = sign_flip(differences.tolist())
        drawn = flip_test(differences.astype(float).tolist(), seed=seed)

        assert abs(drawn - exact) <= 4.5 * math.sqrt(exact * (1 - exact) / 9_999) + 2e-4


def test_the_heaps_test(oracle, chance):
    """scipy's mannwhitneyu, exact of few values and normal of many, with and without ties."""
    for _ in range(DATA_SETS):
        first, second = (
            chance.normal(shift, 1, int(chance.integers(1, 40))).round(int(chance.integers(0, 9))) for shift in (0, 0.4)
        )
        if len(np.unique(np.concatenate((first, second)))) > 1:
            expected = oracle.stats.mannwhitneyu(first, second).pvalue

            assert mann_whitney(first.tolist(), second.tolist()) == pytest.approx(expected, abs=CLOSE)


def test_how_many_cases_scores_need(oracle, chance):
    """statsmodels' power of the paired t test: Guenther's formula is within one case of the exact number."""
    for _ in range(200):
        effect, power = chance.uniform(0.1, 1), chance.uniform(0.7, 0.95)
        exact = oracle.power().solve_power(effect_size=effect, alpha=0.05, power=power, alternative="two-sided")
        found = cases_needed_for_scores(effect, 1.0, power=power)

        assert abs(found - math.ceil(exact)) <= 1
