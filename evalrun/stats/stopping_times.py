"""When the rule of `stopping` ends runs of which the truth is known: many at once, to say what to expect of one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from evalrun.stats.stopping import FloatArray, grown, no_fortunes, refutes, stakes_for

BETTER, WORSE, SAME, OPEN = 1, -1, 0, 2
"""How a run ended: with the first column as the winner, the second, neither, or not at all."""

Draw = Callable[[int], FloatArray]
"""So many runs -> the next case's difference in each of them."""


def stopping_times(
    draw: Draw, *, runs: int, cap: int, alpha: float, min_effect: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """After how many cases each of *runs* runs ends, of at most *cap*, looked at after every case; and how."""
    stakes = stakes_for(min_effect=min_effect, cases=cap)
    ended, how = np.full(runs, cap, dtype=np.int64), np.full(runs, OPEN, dtype=np.int64)
    going, fortunes = np.arange(runs), no_fortunes(stakes, (runs,))
    for case in range(1, cap + 1):
        fortunes = grown(fortunes, draw(len(going)), stakes=stakes, min_effect=min_effect)
        better, worse, far_less, far_more = refutes(fortunes, alpha=alpha).T
        same = far_less & far_more & (min_effect > 0)
        over = better | worse | same
        if over.any():
            ended[going[over]] = case
            how[going[over]] = np.where(better, BETTER, np.where(worse, WORSE, SAME))[over]
            going, fortunes = going[~over], fortunes[~over]
            if not len(going):
                break
    return ended, how


def verdict_differences(shares: FloatArray, difference: float, discordance: float) -> FloatArray:
    """Differences of verdicts out of *shares*, drawn evenly from 0..1: 1 and -1 on a part *discordance* of them, so
    that their mean is *difference*; else 0.
    """
    up, down = (discordance + difference) / 2, (discordance - difference) / 2
    return np.where(shares < up, 1.0, np.where(shares < up + down, -1.0, 0.0))
