"""Two columns on the same cells: how far apart they are, how sure that is, and how many cases would tell."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from evalrun.records.comparison import Interval, Pair
from evalrun.stats.design import ALPHA, connor
from evalrun.stats.intervals import Z_95, design_effect, wilson

UNSCORED, FAILED, PASSED = 0, 1, 2
DECIDED_BELOW = 0.05
EXACT_CASES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """A pair, with the numbers of cases and answers that it stands on and their design effect."""

    pair: Pair
    cases: int
    cells: int
    design_effect: float


def compare_pair(names: tuple[str, str], verdicts: tuple[bytes, bytes], samples: int) -> Paired | None:
    """Two columns on the cells that both have scored; None where there are none.

    *verdicts* hold a byte a cell (UNSCORED, FAILED, PASSED), *samples* cells a case, cases in the same order in both.
    """
    counts = Counter(zip(*verdicts, strict=True))
    both, neither = counts[PASSED, PASSED], counts[FAILED, FAILED]
    only_first, only_second = counts[PASSED, FAILED], counts[FAILED, PASSED]
    cells = both + neither + only_first + only_second
    if not cells:
        return None
    if samples == 1:
        cases, effect, p_value = cells, 1.0, mcnemar(only_first, only_second)
    else:
        sums, sizes = _by_case(*verdicts, samples)
        cases, effect = len(sizes), design_effect(sums, sizes, only_first + only_second)
        p_value = sign_flip(sums)
    scale = 1 / effect
    pair = Pair(
        first=names[0],
        second=names[1],
        both=both,
        only_first=only_first,
        only_second=only_second,
        neither=neither,
        difference=newcombe(both * scale, only_first * scale, only_second * scale, neither * scale),
        p_value=p_value,
        decided=p_value < DECIDED_BELOW,
        cases=cases,
    )
    return Paired(pair=pair, cases=cases, cells=cells, design_effect=effect)


def newcombe(both: float, only_first: float, only_second: float, neither: float, *, z: float = Z_95) -> Interval:
    """The difference of two paired shares, first minus second, with its interval: of 95 %, or as wide as *z* makes it.

    Method 10 of Newcombe, R. G. (1998), Improved confidence intervals for the difference between binomial proportions
    based on paired data, Statistics in Medicine 17: 2635-2650: the two Wilson intervals joined by their correlation.
    """
    n = both + only_first + only_second + neither
    first, second = wilson(both + only_first, n, z=z), wilson(both + only_second, n, z=z)
    correlation = _correlation(both, only_first, only_second, neither)
    difference = first.mean - second.mean

    def reach(one: float, other: float) -> float:
        return math.sqrt(max(0.0, one * one - 2 * correlation * one * other + other * other))

    low = difference - reach(first.mean - first.low, second.high - second.mean)
    high = difference + reach(first.high - first.mean, second.mean - second.low)
    return Interval(mean=difference, low=max(-1.0, low), high=min(1.0, high))


def mcnemar(only_first: int, only_second: int) -> float:
    """The exact two-sided McNemar test: how likely so uneven a split is among cells on which two columns differ.

    Twice the lower tail of a binomial with probability 1/2 (McNemar 1947; exact form: Fay 2010, R Journal 2(1): 53-58),
    from log-gamma, so that any number of cells is fine. 1 where they differ nowhere.
    """
    n, fewer = only_first + only_second, min(only_first, only_second)
    if 2 * fewer >= n:
        return 1.0
    log_term = math.lgamma(n + 1) - math.lgamma(fewer + 1) - math.lgamma(n - fewer + 1) - n * math.log(2)
    total, ratio = 1.0, 1.0
    for k in range(fewer, 0, -1):  # the terms below, as parts of the largest
        ratio *= k / (n - k + 1)
        total += ratio
        if ratio < 1e-17 * total:
            break
    return min(1.0, 2 * math.exp(log_term) * total)


def sign_flip(differences: Sequence[int]) -> float:
    """The two-sided sign-flip test of a case's passes in one column less those in the other; cases are independent.

    Where every case differs by one or not at all this is mcnemar. It is exact up to EXACT_CASES cases that differ, and
    beyond them its normal approximation: Durkalski, V. L. et al. (2003), Analysis of clustered matched-pair data,
    Statistics in Medicine 22: 2417-2428.
    """
    differing = [value for value in differences if value]
    sizes = {abs(value) for value in differing}
    if len(sizes) <= 1:
        positive = sum(value > 0 for value in differing)
        return mcnemar(positive, len(differing) - positive)
    total = sum(differing)
    if len(differing) > EXACT_CASES:
        return math.erfc(abs(total) / math.sqrt(2 * sum(value * value for value in differing)))
    chances = [1.0]  # of the sum of those that fall on the positive side
    for value in map(abs, differing):
        still, moved = [*chances, *[0.0] * value], [*[0.0] * value, *chances]
        chances = [(one + other) / 2 for one, other in zip(still, moved, strict=True)]
    span = len(chances) - 1
    return min(1.0, math.fsum(chance for place, chance in enumerate(chances) if abs(2 * place - span) >= abs(total)))


def more_cases(paired: Paired, *, alpha: float = ALPHA) -> int | None:
    """About how many more cases would tell the two apart, were the difference as it looks; None: it looks like 0.

    Connor's formula at 80 % power and *alpha* (design.connor). Answers to one case count by their design effect.
    """
    pair = paired.pair
    difference = (pair.only_first - pair.only_second) / paired.cells
    differing = (pair.only_first + pair.only_second) / paired.cells
    if difference == 0:
        return None
    cells = connor(difference, differing, alpha=alpha) * paired.design_effect
    return max(1, math.ceil(cells * paired.cases / paired.cells) - paired.cases)


def _by_case(first: bytes, second: bytes, samples: int) -> tuple[list[int], list[int]]:
    """For each case with cells that both have scored: first's passes less second's, and how many cells those are."""
    sums, sizes = [], []
    for start in range(0, len(first), samples):
        cells = zip(first[start : start + samples], second[start : start + samples], strict=True)
        differences = [one - other for one, other in cells if one and other]
        if differences:
            sums.append(sum(differences))
            sizes.append(len(differences))
    return sums, sizes


def _correlation(both: float, only_first: float, only_second: float, neither: float) -> float:
    """Newcombe's phi, with his continuity correction where the two go together."""
    margins = (both + only_first) * (only_second + neither) * (both + only_second) * (only_first + neither)
    if margins <= 0:
        return 0.0
    cross = both * neither - only_first * only_second
    if cross > 0:
        cross = max(0.0, cross - (both + only_first + only_second + neither) / 2)
    return cross / math.sqrt(margins)
