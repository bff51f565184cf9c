"""How large a difference in verdicts is, whatever the number of cases: effect sizes beside p."""

from __future__ import annotations

import math


def cohen_h(first: float, second: float) -> float:
    """Cohen's h of two shares, 2 asin √first - 2 asin √second: 0.2 is small, 0.5 medium, 0.8 large.

    Cohen, J. (1988), Statistical power analysis for the behavioral sciences, section 6.2.
    """
    return 2 * math.asin(math.sqrt(first)) - 2 * math.asin(math.sqrt(second))


def odds_ratio(only_first: int, only_second: int) -> float | None:
    """The odds that, where two columns differ, the first is right; None where they differ nowhere.

    Where one of the two counts is 0, each has one half added: Agresti, A. (2013), Categorical data analysis, chapter
    11 (matched pairs) and section 3.1.1.
    """
    if not only_first and not only_second:
        return None
    added = 0.5 * (not (only_first and only_second))
    return (only_first + added) / (only_second + added)
