"""How many cases it takes to tell two columns apart."""

from __future__ import annotations

import math

from evalrun.stats.student import NORMAL

POWER, ALPHA = 0.8, 0.05


def connor(difference: float, discordance: float, *, power: float = POWER, alpha: float = ALPHA) -> float:
    """How many pairs of verdicts McNemar's test needs, with *discordance* the share of pairs that differ.

    n = (z_{1-α/2} √ψ + z_{power} √(ψ - δ²))² / δ²: Connor, R. J. (1987), Sample size for testing differences in
    proportions for the paired-sample design, Biometrics 43: 207-211. Raises ValueError where *difference* is 0.
    """
    return (_reach(difference, discordance, power, alpha) / abs(_not_zero(difference))) ** 2


def cases_needed(
    min_effect: float,
    *,
    discordance: float | None = None,
    pass_rates: tuple[float, float] | None = None,
    power: float = POWER,
    alpha: float = ALPHA,
) -> int:
    """How many cases show a difference of *min_effect* in pass rate, by the exact McNemar test.

    *discordance* is the share of cases on which the columns differ; where it is not known, *pass_rates* tell what it is
    for columns that have nothing in common, p (1 - q) + q (1 - p), which is more than for most; with neither, it is
    that of two columns around one half. It is at least *min_effect*, or there is no such difference. The formula is
    connor's, with a continuity correction of one pair, |δ| n - 1 = (z √ψ + z √(ψ - δ²)) √n, for the exact test.
    Raises ValueError for a *min_effect* outside (0, 1], and for shares and chances that are none.
    """
    if not 0 < min_effect <= 1:
        raise ValueError(f"a difference of {min_effect:g}: it must be above 0 and at most 1")
    if discordance is None:
        first, second = pass_rates or ((1 + min_effect) / 2, (1 - min_effect) / 2)
        discordance = first * (1 - second) + second * (1 - first)
    reach = _reach(min_effect, min(1.0, max(discordance, min_effect)), power, alpha)
    root = (reach + math.sqrt(reach * reach + 4 * min_effect)) / (2 * min_effect)
    return math.ceil(root * root)


def cases_needed_for_scores(
    min_effect: float, deviation: float, *, power: float = POWER, alpha: float = ALPHA
) -> int | None:
    """How many cases show a mean difference of *min_effect* between scores by the paired t test; None where it is 0.

    *deviation* is the standard deviation of a case's difference. n = ((z_{1-α/2} + z_{power}) / d)² + z²_{1-α/2} / 2
    with d = min_effect / deviation: Guenther, W. C. (1981), Sample size formulas for normal theory t tests, The
    American Statistician 35: 243-244. At least 2.
    """
    if not min_effect:
        return None
    z_alpha, z_power = _zs(power, alpha)
    pairs = ((z_alpha + z_power) * deviation / min_effect) ** 2 + z_alpha * z_alpha / 2
    return max(2, math.ceil(pairs))


def detectable(cases: int, *, discordance: float, power: float = POWER, alpha: float = ALPHA) -> float | None:
    """The smallest difference in pass rate that so many cases show (cases_needed), to a thousandth; None: not even 1.

    Two columns that differ by more than *discordance*, the share of cases on which they differ now, differ on as many.
    """

    def shows(thousandths: int) -> bool:
        effect = thousandths / 1000
        return cases_needed(effect, discordance=max(discordance, effect), power=power, alpha=alpha) <= cases

    low, high = 0, 1000
    if not shows(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if shows(middle) else (middle, high)
    return high / 1000


def _reach(difference: float, discordance: float, power: float, alpha: float) -> float:
    if not 0 <= discordance <= 1:
        raise ValueError(f"a share of {discordance:g}: it must lie between 0 and 1")
    z_alpha, z_power = _zs(power, alpha)
    return z_alpha * math.sqrt(discordance) + z_power * math.sqrt(max(0.0, discordance - difference**2))


def _zs(power: float, alpha: float) -> tuple[float, float]:
    if not (0 < alpha < 1 and 0.5 <= power < 1):
        raise ValueError(f"alpha {alpha:g} and power {power:g}: alpha must lie in (0, 1), power in [0.5, 1)")
    return NORMAL.inv_cdf(1 - alpha / 2), NORMAL.inv_cdf(power)


def _not_zero(difference: float) -> float:
    if not difference:
        raise ValueError("no difference")
    return difference
