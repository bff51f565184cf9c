"""Student's t: how likely a t so far from zero is, and how far from zero the middle 95 % reaches."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

NORMAL = NormalDist()
_SERIES_FROM = 100.0
_CLOSE = 1e-16


def t_two_sided(t: float, freedom: float) -> float:
    """The chance of a t at least as far from zero on either side, with *freedom* degrees of freedom (above 0).

    I_x(ν/2, 1/2) with x = ν / (ν + t²): Abramowitz and Stegun (1964) 26.7.1 and 26.5.27. The incomplete beta function
    is the continued fraction of DLMF 8.17.22, on the side where it converges fast.
    """
    if freedom <= 0:
        raise ValueError("no degrees of freedom")
    half, square = freedom / 2, t * t / freedom
    if square == 0 or math.isinf(square):
        return 1.0 if square == 0 else 0.0
    log_beta = 0.5 * math.log(math.pi) - _log_gamma_step(half)
    log_front = -half * math.log1p(square) + 0.5 * (math.log(square) - math.log1p(square)) - log_beta
    inside, outside = 1 / (1 + square), square / (1 + square)
    if inside < (half + 1) / (half + 2.5):
        return min(1.0, math.exp(log_front) / half * _fraction(half, 0.5, inside))
    return max(0.0, 1 - math.exp(log_front) / 0.5 * _fraction(0.5, half, outside))


@lru_cache(maxsize=4096)
def t_quantile(share: float, freedom: float) -> float:
    """The t that *share* (above 1/2, below 1) of the values lie below: 0.975 for a 95 % interval.

    Newton's method on t_two_sided, kept between the normal quantile, below which no t quantile lies, and a bound found
    by doubling.
    """
    tail = 2 * (1 - share)
    low = NORMAL.inv_cdf(share)
    high = 2 * low
    while t_two_sided(high, freedom) > tail:
        low, high = high, 2 * high
    t = low
    for _ in range(200):
        excess = t_two_sided(t, freedom) - tail
        low, high = (t, high) if excess > 0 else (low, t)
        following = t + excess / (2 * _density(t, freedom))
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - t) <= 1e-15 * following:
            return following
        t = following
    return t


def _density(t: float, freedom: float) -> float:
    log_constant = _log_gamma_step(freedom / 2) - 0.5 * math.log(freedom * math.pi)
    return math.exp(log_constant - (freedom + 1) / 2 * math.log1p(t * t / freedom))


def _log_gamma_step(a: float) -> float:
    """The logarithm of Γ(a + 1/2) / Γ(a): where a is large by its series, for there lgamma's digits cancel.

    Tricomi, F. G. and Erdélyi, A. (1951), The asymptotic expansion of a ratio of gamma functions, Pacific Journal of
    Mathematics 1: 133-142.
    """
    if a < _SERIES_FROM:
        return math.lgamma(a + 0.5) - math.lgamma(a)
    square = a * a
    return 0.5 * math.log(a) - (1 / 8 - (1 / 192 - (1 / 640 - 17 / (14336 * square)) / square) / square) / a


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method."""
    tiny = 1e-300
    upper, lower = 1.0, 1 / (1 - (a + b) * x / (a + 1) or tiny)
    value = lower
    for m in range(1, 100_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            lower = 1 / (1 + term * lower or tiny)
            upper = 1 + term / upper or tiny
            step = lower * upper
            value *= step
        if abs(step - 1) <= 4 * _CLOSE:
            break
    return value
