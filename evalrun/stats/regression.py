"""Is it worse than before? One-sided paired tests of the same cases, and how small a drop they could have seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from evalrun.stats.design import cases_needed, cases_needed_for_scores, detectable
from evalrun.stats.intervals import design_effect
from evalrun.stats.means import mean_interval
from evalrun.stats.paired_scores import EXACT_FLIPS, flip_test
from evalrun.stats.pairs import mcnemar, newcombe, sign_flip
from evalrun.stats.student import NORMAL, t_quantile, t_two_sided

_SAME = 1e-9  # scores no further apart are equal but for rounding
_FLIPS_SEED = 0
_ANY = 1e-4  # a drop so small counts as any does


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """How much worse a figure is now, on *cases* cases with *cells* answers that both have.

    *p_value* is one-sided: the chance of so large a drop, were nothing worse; 1 where there is no drop. *least_p* is
    the smallest that these cases could have shown. *most* is the largest drop that is not excluded, at the same alpha.
    *lost* answers newly fail, *gained* ones newly pass. *needed* is how many cases show the smallest drop that counts;
    None where any does. *visible* is the drop that these cases show with 80 % power, where that is known.
    """

    figure: Literal["pass rate", "score"]
    before: float
    now: float
    cases: int
    cells: int
    p_value: float
    least_p: float
    most: float
    lost: int = 0
    gained: int = 0
    needed: int | None = None
    visible: float | None = None

    @property
    def size(self) -> float:
        """Before less now: above 0 it is a drop."""
        return self.before - self.now


def verdict_drop(
    by_case: Sequence[Sequence[tuple[bool, bool]]], *, alpha: float, min_effect: float = 0.0
) -> Drop | None:
    """The drop in pass rate, of each case's answers (passed before, passes now); None without any.

    Whether it is chance is told by the exact McNemar test, and with several samples by the sign-flip test of whole
    cases (pairs.mcnemar, pairs.sign_flip), one-sided: half their two-sided chance. The question is whether it got
    worse, and that it got better is no alarm. *alpha* is for the largest drop that is not excluded (pairs.newcombe) and
    for the cases needed (design.cases_needed), with the share of answers that differ as it is.
    """
    clusters = [cells for cells in by_case if cells]
    cells = sum(map(len, clusters))
    if not cells:
        return None
    pairs = [pair for cluster in clusters for pair in cluster]
    both, lost, gained = pairs.count((True, True)), pairs.count((True, False)), pairs.count((False, True))
    effect, p_value = 1.0, mcnemar(lost, gained)
    if cells > len(clusters):
        sums = [sum(now - before for before, now in cluster) for cluster in clusters]
        effect, p_value = design_effect(sums, list(map(len, clusters)), lost + gained), sign_flip(sums)
    scale = 1 / effect
    change = newcombe(
        both * scale, gained * scale, lost * scale, (cells - both - lost - gained) * scale, z=NORMAL.inv_cdf(1 - alpha)
    )
    may_fall = sum(any(before for before, _ in cluster) for cluster in clusters)
    differing = (lost + gained) / cells
    per_case = effect * len(clusters) / cells  # cases that tell as much as one lone answer
    return Drop(
        figure="pass rate",
        before=(both + lost) / cells,
        now=(both + gained) / cells,
        cases=len(clusters),
        cells=cells,
        p_value=p_value / 2 if lost > gained else 1.0,
        least_p=0.5**may_fall,
        most=-change.low if may_fall else 0.0,
        lost=lost,
        gained=gained,
        needed=_needed(min_effect, differing, alpha, per_case),
        visible=detectable(math.floor(len(clusters) / per_case), discordance=differing, alpha=2 * alpha),
    )


def score_drop(
    by_case: Sequence[Sequence[tuple[float, float]]], *, alpha: float, min_effect: float = 0.0
) -> Drop | None:
    """The drop in mean score, of each case's answers (score before, score now); None without any.

    The test is that of compare_scores, one-sided: Student's t of the cases, and where they are few the larger of its
    chance and the permutation test's. Where no case differs from another, they are taken to differ as verdicts would.
    """
    clusters = [[_difference(*cell) for cell in cells] for cells in by_case if cells]
    found = mean_interval(clusters)
    if found is None:
        return None
    cases, error = found.cases, found.standard_error
    sums = [math.fsum(cluster) for cluster in clusters]
    p_value = t_two_sided(found.mean / error, cases - 1) if error else float(found.mean == 0 or error is None)
    if cases <= EXACT_FLIPS or not error:
        p_value = max(p_value, flip_test(sums, seed=_FLIPS_SEED))
    spread = error * math.sqrt(cases) if error else math.sqrt(min_effect * (1 - min_effect))
    before = math.fsum(one for cells in by_case for one, _ in cells) / found.values
    return Drop(
        figure="score",
        before=before,
        now=before + found.mean,
        cases=cases,
        cells=found.values,
        p_value=p_value / 2 if found.mean < 0 else 1.0,
        least_p=0.5**cases,
        most=t_quantile(1 - alpha, cases - 1) * error - found.mean if error else math.inf,
        needed=None if min_effect < _ANY else cases_needed_for_scores(min_effect, spread, alpha=2 * alpha),
    )


def _needed(min_effect: float, differing: float, alpha: float, per_case: float) -> int | None:
    if min_effect < _ANY:
        return None
    return math.ceil(cases_needed(min_effect, discordance=differing, alpha=2 * alpha) * per_case)


def _difference(before: float, now: float) -> float:
    return now - before if abs(now - before) > _SAME else 0.0
