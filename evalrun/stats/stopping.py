"""Stop asking when it is known which of two columns is better: evidence that may be looked at after every case.

What is inferred is the mean difference over *cases like these*, of which a suite's are a random sample, answered anew:
what a fixed test of the same cases infers. The cases must come in random order. There is no correction for sampling
without replacement (Waudby-Smith, I. and Ramdas, A. (2020), Confidence sequences for sampling without replacement,
NeurIPS 33), on purpose: it would speak of these cases and these answers alone, where one case in a thousand is a sure
difference once all are asked, and would call winners between equals.

The method is betting: Waudby-Smith, I. and Ramdas, A. (2024), Estimating means of bounded random variables by betting,
Journal of the Royal Statistical Society B 86: 1-27, section 4. Against the claim that the mean is m a gambler stakes a
share c of what it has on "more": each difference d multiplies it by 1 - c + c (1 + d) / (1 + m), which is 1 on average
where the claim is true, and at most 1 where the mean is less. A mixture of several c, as in Cover's portfolio, has
therefore a chance of α/2 at most ever to grow to 2/α (Ville 1939), however often it is looked at. Another stakes on
"less". The means that neither refutes are a confidence sequence: an interval that covers the true mean at all times at
once with a chance of 1 - α. For verdicts and m = 0 this is a mixture of sequential probability ratio tests on the cases
where the columns differ; on bounded values no other kind of evidence does better than bets (Clerico, E. (2024), On the
optimality of coin-betting for mean estimation, arXiv:2412.02640).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from evalrun.records.comparison import Interval

FloatArray = NDArray[np.float64]

STEP = 1.5
"""How far apart the stakes are: each is this part of the next."""

WORTH_IT = 16.0
"""A stake c pays where 1/c² differing cases are this many times over: 13 is a fixed test's with 95 % power."""

LEAST_STAKE = 0.01
_SMALLEST = 1e-300
_BISECTIONS = 50  # to 2^-49, where 1 + m is still above 0


class Decision(StrEnum):
    """What is known of two columns so far."""

    OPEN = "open"
    FIRST = "first"
    SECOND = "second"
    NO_DIFFERENCE = "no difference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """What has been seen, and what it decides. The decision stands once made, whatever answers still come in.

    *stakes* are the shares that are bet, *fortunes* the logarithms of what each has come to: against a mean of 0 or
    less, of 0 or more, of -min_effect or less, of min_effect or more.
    """

    alpha: float
    min_effect: float
    stakes: tuple[float, ...]
    fortunes: FloatArray
    cases: int = 0
    total: float = 0.0
    decision: Decision = Decision.OPEN
    decided_after: int | None = None

    @property
    def mean(self) -> float | None:
        """The mean difference of the cases seen; where a decision ended the run it is on average too far from 0."""
        return self.total / self.cases if self.cases else None


def start(*, alpha: float = 0.05, min_effect: float = 0.0, cases: int | None = None) -> Stopping:
    """Nothing seen yet. *cases* is how many there can be: it chooses the stakes; the promise holds beyond it as well.

    Without a *min_effect* it is never found that there is no difference. Raises ValueError for an *alpha* outside
    (0, 1) or a *min_effect* outside [0, 1).
    """
    if not (0 < alpha < 1 and 0 <= min_effect < 1):
        raise ValueError(f"alpha {alpha:g}, min_effect {min_effect:g}: they must lie in (0, 1) and [0, 1)")
    stakes = stakes_for(min_effect=min_effect, cases=cases)
    return Stopping(alpha=alpha, min_effect=min_effect, stakes=stakes, fortunes=no_fortunes(stakes))


def feed(state: Stopping, difference: float) -> Stopping:
    """One more case: its score or verdict (0 or 1) in the first column less that in the second, a mean over samples.

    Raises ValueError for a difference outside [-1, 1].
    """
    if not -1 <= difference <= 1:
        raise ValueError(f"a difference of {difference:g}: it must lie in [-1, 1]")
    fortunes = grown(state.fortunes, difference, stakes=state.stakes, min_effect=state.min_effect)
    cases, decision, after = state.cases + 1, state.decision, state.decided_after
    if decision is Decision.OPEN:
        refuted = refutes(fortunes, alpha=state.alpha).tolist()
        decision = _decision(refuted, state.min_effect)
        after = None if decision is Decision.OPEN else cases
    return Stopping(
        alpha=state.alpha,
        min_effect=state.min_effect,
        stakes=state.stakes,
        fortunes=fortunes,
        cases=cases,
        total=state.total + difference,
        decision=decision,
        decided_after=after,
    )


def interval(differences: Sequence[float], *, alpha: float, stakes: Sequence[float]) -> Interval | None:
    """The confidence sequence after *differences*: valid whenever one looks, stopped runs included; None before any.

    It excludes 0 where feed finds a winner after the same differences, and lies within ±min_effect where feed finds
    that there is no such difference.
    """
    if not len(differences):
        return None
    values, counts = np.unique(np.asarray(differences, dtype=np.float64), return_counts=True)
    mean = float(values @ counts / counts.sum())
    low = _least_mean(values, counts, alpha, stakes)
    high = -_least_mean(-values, counts, alpha, stakes)
    return Interval(mean=mean, low=min(low, mean), high=max(high, mean))


def stakes_for(*, min_effect: float = 0.0, cases: int | None = None) -> tuple[float, ...]:
    """The shares to bet, from all down to the least that can pay within *cases* cases, or for *min_effect*.

    The best share is the difference over the share of cases that differ. One below *min_effect* is for differences that
    do not matter, one below 4 / √cases for those that so few cases do not show.
    """
    shown = 0.0 if cases is None else math.sqrt(WORTH_IT / max(1, cases))
    least = min(1.0, max(LEAST_STAKE, min_effect, shown))
    count = 1 + max(0, round(math.log(1 / least) / math.log(STEP)))
    return tuple(STEP**-place for place in range(count))


def no_fortunes(stakes: Sequence[float], runs: tuple[int, ...] = ()) -> FloatArray:
    """The logarithms to begin with: an equal part of 1 for each stake. *runs* is for many runs at once."""
    return np.full((*runs, 4, len(stakes)), -math.log(len(stakes)))


def grown(
    fortunes: FloatArray, differences: float | FloatArray, *, stakes: Sequence[float], min_effect: float
) -> FloatArray:
    """The *fortunes* after one more difference in each run."""
    stake = np.asarray(stakes)
    more, less = 1 + np.asarray(differences)[..., None], 1 - np.asarray(differences)[..., None]
    apart = 1 - min_effect
    paid = np.stack((more, less, more / apart, less / apart), axis=-2)
    found: FloatArray = fortunes + np.log(np.maximum(1 - stake + stake * paid, _SMALLEST))
    return found


def refutes(fortunes: FloatArray, *, alpha: float) -> NDArray[np.bool_]:
    """Which of the four claims have been refuted: whose gamblers together have more than 2/α."""
    largest = fortunes.max(axis=-1)
    wealth = largest + np.log(np.exp(fortunes - largest[..., None]).sum(axis=-1))
    found: NDArray[np.bool_] = wealth >= math.log(2 / alpha)
    return found


def _decision(refuted: Sequence[bool], min_effect: float) -> Decision:
    not_more, not_less, far_less, far_more = refuted
    if not_more:
        return Decision.FIRST
    if not_less:
        return Decision.SECOND
    return Decision.NO_DIFFERENCE if min_effect and far_less and far_more else Decision.OPEN


def _least_mean(values: FloatArray, counts: NDArray[np.int64], alpha: float, stakes: Sequence[float]) -> float:
    """The largest m such that all means up to it are refuted; their fortune falls as m grows."""
    stake = np.asarray(stakes)[:, None]
    begun = math.log(len(stakes))
    low, high = -1.0, 1.0
    for _ in range(_BISECTIONS):
        m = (low + high) / 2
        fortunes: FloatArray = np.log(np.maximum(1 - stake + stake * ((1 + values) / (1 + m)), _SMALLEST)) @ counts
        if bool(refutes(fortunes - begun, alpha=alpha)):
            low = m
        else:
            high = m
    return low
