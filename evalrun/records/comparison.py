"""A run's figures, column by column: numbers and ids, never texts of answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from evalrun.records.plan import Column
from evalrun.records.suite import Gate


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFigures:
    """One column in figures. Counts add up to *planned*; None means that there is nothing to say, never zero.
    *spared* counts cells that were not asked, because what they were for was decided before.

    *unscored* counts answers without a verdict (a scorer broke); *truncated* answers cut by a length limit, which are
    scored. *cached_tokens* and *reasoning_tokens* are sums as far as replies say. *ttft_p50_s* and *tokens_per_s* are
    medians over answers that were streamed.
    """

    column: Column
    simulated: bool
    recorded: bool
    planned: int
    scored: int
    passed: int
    answered: int = 0
    no_answer: int = 0
    refused: int = 0
    filtered: int = 0
    errors: int = 0
    skipped: int = 0
    spared: int = 0
    pending: int = 0
    unscored: int = 0
    truncated: int = 0
    from_cache: int = 0
    pass_rate: Interval | None = None
    score: float | None = None
    scorers: Mapping[str, float] = field(default_factory=dict)
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    tokens_methods: tuple[str, ...] = ()
    cost_usd: float | None = None
    latency_p50_s: float | None = None
    latency_p95_s: float | None = None
    ttft_p50_s: float | None = None
    tokens_per_s: float | None = None
    requests: int = 0
    attempts: int = 0
    top_error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two columns on the cells (case × sample) that both have scored: who passed which.

    *difference* is first minus second, in pass rate; *p_value* is the exact McNemar test's.
    """

    first: str
    second: str
    both: int
    only_first: int
    only_second: int
    neither: int
    difference: Interval
    p_value: float
    decided: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """A gate's answer and why, in words. ``not decided`` while the run is incomplete."""

    gate: Gate
    verdict: Literal["pass", "fail", "not decided"]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All columns of a run, the pairs with the leader, the gates, and the conclusion in one sentence."""

    columns: tuple[ColumnFigures, ...]
    pairs: tuple[Pair, ...]
    gates: tuple[GateResult, ...]
    conclusion: tuple[str, ...]
    complete: bool
