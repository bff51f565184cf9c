"""What several samples of a case tell: how likely one of k passes, how likely all do, and how often they disagree."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evalrun.records.comparison import Interval
from evalrun.stats.intervals import wilson
from evalrun.stats.means import Mean, mean_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How verdicts vary over the samples of a case.

    *pass_at* and *pass_all* are pass@k and pass^k for each k, over the cases with k scored samples; *unsteady* is the
    share of cases whose verdict differs between samples, of those with two at least; *cases* is how many those are.
    """

    pass_at: dict[int, Mean]
    pass_all: dict[int, Mean]
    unsteady: Interval | None
    cases: int


def spread(passed_and_scored: Sequence[tuple[int, int]], ks: Sequence[int]) -> Spread:
    """A column's figures from each case's passed and scored samples; a k that no case has samples for is left out."""
    several = [(passed, scored) for passed, scored in passed_and_scored if scored > 1]
    unsteady = sum(0 < passed < scored for passed, scored in several)
    pass_at: dict[int, Mean] = {}
    pass_all: dict[int, Mean] = {}
    for k in ks:
        enough = [(passed, scored) for passed, scored in passed_and_scored if scored >= k]
        for figures, figure in ((pass_at, pass_at_k), (pass_all, pass_all_k)):
            mean = mean_interval([[figure(passed, scored, k)] for passed, scored in enough])
            if mean is not None:
                figures[k] = mean
    return Spread(
        pass_at=pass_at,
        pass_all=pass_all,
        unsteady=wilson(unsteady, len(several)) if several else None,
        cases=len(several),
    )


def pass_at_k(passed: int, scored: int, k: int) -> float:
    """The chance that at least one of *k* samples passes, without bias: 1 - C(n - c, k) / C(n, k).

    Chen, M. et al. (2021), Evaluating large language models trained on code, arXiv:2107.03374, section 2.1. Raises
    ValueError where there are not *k* scored samples.
    """
    _check(passed, scored, k)
    return 1 - math.comb(scored - passed, k) / math.comb(scored, k)


def pass_all_k(passed: int, scored: int, k: int) -> float:
    """pass^k, the chance that all of *k* samples pass, without bias: C(c, k) / C(n, k).

    Yao, S. et al. (2024), τ-bench: a benchmark for tool-agent-user interaction in real-world domains, arXiv:2406.12045
    (the pass^k metric). Raises ValueError where there are not *k* scored samples.
    """
    _check(passed, scored, k)
    return math.comb(passed, k) / math.comb(scored, k)


def _check(passed: int, scored: int, k: int) -> None:
    if not (1 <= k <= scored and 0 <= passed <= scored):
        raise ValueError(f"{k} of {scored} scored samples, {passed} of them passed")
