"""Two columns' scores on the same cases: how far apart, how sure, how large beside the spread, how many cases more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalrun.stats.design import ALPHA, cases_needed_for_scores
from evalrun.stats.means import Mean, mean_interval
from evalrun.stats.student import t_two_sided

EXACT_FLIPS = 16
MOST_FLIPS, LEAST_FLIPS = 9_999, 999
VALUES_DRAWN = 50_000_000
VALUES_AT_ONCE = 2_000_000
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedScores:
    """Differences of scores, first less second: *difference* holds mean, standard error and interval.

    *p_value* decides: the paired t test's; of few cases, where every flip can be tried, the larger of that and of the
    permutation test's, which presumes no normal spread. *p_permutation* stands beside it. *effect_size* is Cohen's
    d_z, the mean difference over the standard deviation of a case's (Cohen, J. (1988), Statistical power analysis for
    the behavioral sciences, section 2.3.5); None where that is 0 or unknown.
    """

    difference: Mean
    t: float | None
    p_value: float
    p_permutation: float
    effect_size: float | None
    deviation: float | None


def compare_scores(differences_by_case: Sequence[Sequence[float]], *, seed: int) -> PairedScores | None:
    """Compare by each case's differences, a sample's score in the first column less that in the second.

    None without any.
    A case with several samples is one piece of evidence: the t test is clustered (means.mean_interval), the permutation
    test turns all of a case's differences round together. A lone case decides nothing.
    """
    difference = mean_interval(differences_by_case)
    if difference is None:
        return None
    sums = [math.fsum(values) for values in differences_by_case if len(values)]
    p_permutation = flip_test(sums, seed=seed)
    error, cases = difference.standard_error, difference.cases
    t, p_t = None, 1.0
    if error is not None:
        t = difference.mean / error if error else None
        p_t = t_two_sided(t, cases - 1) if t is not None else float(difference.mean == 0)
    deviation = None if error is None else error * math.sqrt(cases)
    return PairedScores(
        difference=difference,
        t=t,
        p_value=max(p_t, p_permutation) if cases <= EXACT_FLIPS or not error else p_t,
        p_permutation=p_permutation,
        effect_size=difference.mean / deviation if deviation else None,
        deviation=deviation,
    )


def flip_test(sums: Sequence[float], *, seed: int) -> float:
    """The two-sided permutation test of paired values: how often signs thrown at random bring a total as far from zero.

    *sums* are each case's total difference. Every throw is tried up to 16 cases that differ; beyond, as many as draw 50
    million signs, 999 at least and 9,999 at most, and p = (b + 1) / (m + 1): Fisher, R. A. (1935), The design of
    experiments, section 21; Phipson, B. and Smyth, G. K. (2010), Permutation p-values should never be zero, Statistical
    Applications in Genetics and Molecular Biology 9(1), article 39. 1 where nothing differs.
    """
    differing = np.array([value for value in sums if value], dtype=np.float64)
    n = len(differing)
    if not n:
        return 1.0
    sizes = np.abs(differing)
    reached = abs(float(differing.sum())) - _ROUNDING * float(sizes.sum())
    if n <= EXACT_FLIPS:
        signs = 1.0 - 2.0 * (np.arange(2**n)[:, None] >> np.arange(n) & 1)
        return float(np.count_nonzero(np.abs(signs @ sizes) >= reached) / 2**n)
    throws = min(MOST_FLIPS, max(LEAST_FLIPS, VALUES_DRAWN // n))
    return (_as_far(sizes, reached, throws, np.random.default_rng(seed)) + 1) / (throws + 1)


def more_cases_for_scores(found: PairedScores, *, alpha: float = ALPHA) -> int | None:
    """About how many more cases would tell the two apart at 80 % power and *alpha*, were the difference as it looks.

    None where it looks like 0, or where a single case does not tell the spread (design.cases_needed_for_scores).
    """
    if found.deviation is None:
        return None
    needed = cases_needed_for_scores(found.difference.mean, found.deviation, alpha=alpha)
    return None if needed is None else max(1, needed - found.difference.cases)


def _as_far(sizes: NDArray[np.float64], reached: float, throws: int, chance: np.random.Generator) -> int:
    """How many of *throws* throws of signs bring the total as far as *reached*."""
    total, count = float(sizes.sum()), 0
    at_once = max(1, VALUES_AT_ONCE // len(sizes))
    for start in range(0, throws, at_once):
        rows = min(at_once, throws - start)
        bits = np.frombuffer(chance.bytes(rows * (-(-len(sizes) // 8))), dtype=np.uint8).reshape(rows, -1)
        heads = np.unpackbits(bits, axis=1, count=len(sizes))
        count += int(np.count_nonzero(np.abs(2.0 * (heads.astype(np.float64) @ sizes) - total) >= reached))
    return count
