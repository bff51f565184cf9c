"""How much may be sent: limits as a suite or a vendor states them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Axis = Literal["requests", "tokens"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most *amount* of *axis* in any *per_s* seconds (a rolling window)."""

    axis: Axis
    amount: float
    per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """The limits of one scope: how many requests at once, and how much per window."""

    concurrency: int | None = None
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one run may spend in all. None is no limit; *deadline_s* counts from the start of each sitting."""

    max_requests: int | None = None
    max_tokens: int | None = None
    max_cost_usd: float | None = None
    deadline_s: float | None = None
