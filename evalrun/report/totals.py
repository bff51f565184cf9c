"""Figures over all columns of a comparison. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evalrun.records.comparison import ColumnFigures, Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over all columns. A sum of tokens or money is None where no column knows its part.

    *cost_partial* says that some columns have no price, so that the sum is a lower bound; *tokens_partial* likewise.
    *cost_unknown*: there are replies of models that are asked for money, and no price for any of them.
    """

    planned: int
    scored: int
    passed: int
    errors: int
    skipped: int
    spared: int
    pending: int
    not_scored: int
    from_cache: int
    requests: int
    attempts: int
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: float | None
    tokens_partial: bool
    cost_partial: bool
    cost_unknown: bool

    @classmethod
    def of(cls, comparison: Comparison) -> Totals:
        """The totals of a comparison."""
        columns = comparison.columns
        costs = [c.cost_usd for c in columns if c.cost_usd is not None]
        sent = [c.prompt_tokens for c in columns if c.prompt_tokens is not None]
        received = [c.completion_tokens for c in columns if c.completion_tokens is not None]
        return cls(
            planned=sum(c.planned for c in columns),
            scored=sum(c.scored for c in columns),
            passed=sum(c.passed for c in columns),
            errors=sum(c.errors for c in columns),
            skipped=sum(c.skipped for c in columns),
            spared=sum(c.spared for c in columns),
            pending=sum(c.pending for c in columns),
            not_scored=sum(c.planned - c.spared - c.scored for c in columns),
            from_cache=sum(c.from_cache for c in columns),
            requests=sum(c.requests for c in columns),
            attempts=sum(c.attempts for c in columns),
            prompt_tokens=sum(sent) if sent else None,
            completion_tokens=sum(received) if received else None,
            cost_usd=sum(costs) if costs else None,
            tokens_partial=bool(sent) and min(len(sent), len(received)) < len(columns),
            cost_partial=0 < len(costs) < len(columns),
            cost_unknown=not costs and any(c.prompt_tokens is not None and not c.recorded for c in columns),
        )


def scored_of(figures: ColumnFigures | Totals) -> str:
    """The denominator of every figure: ``63 scored / 200 planned (137 not needed)``."""
    spared = f" ({figures.spared:,} not needed)" if figures.spared else ""
    return f"{figures.scored:,} scored / {figures.planned:,} planned{spared}"


def not_scored(figures: ColumnFigures) -> list[tuple[int, str]]:
    """Why cells of a column that were needed have no verdict: counts with their words, the ones that are not zero."""
    parts = (
        (figures.errors, "error"),
        (figures.skipped, "skipped"),
        (figures.pending, "pending"),
        (figures.filtered, "filtered"),
        (figures.unscored, "unscored"),
    )
    return [(number, word) for number, word in parts if number]


def words(parts: Iterable[tuple[int, str]]) -> str:
    """Counts with their words in a line: ``2 errors, 5 pending``."""
    return ", ".join(f"{n:,} {word}{'s' if word == 'error' and n != 1 else ''}" for n, word in parts)
