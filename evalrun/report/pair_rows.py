"""The page's tables of pairs, of how verdicts vary over the samples of a case, and of single scorers."""

from __future__ import annotations

from typing import Any

from evalrun.records.comparison import ColumnFigures, Comparison, Interval, Pair, ScorePair
from evalrun.records.plan import Plan
from evalrun.report import numbers
from evalrun.report.column_rows import mark
from evalrun.report.fields import scorer_names
from evalrun.report.standings import by_place, pairs_shown

_OPEN_UP_TO = 6


def pairs_view(comparison: Comparison) -> dict[str, Any] | None:
    """The pairs as rows, and what is to be said of them together; None where there are none."""
    if not comparison.pairs:
        return None
    return {
        "rows": [_row(pair) for pair in comparison.pairs],
        "scores": any(pair.score is not None for pair in comparison.pairs),
        "several": len(comparison.pairs) > 1,
        "open": len(comparison.pairs) <= _OPEN_UP_TO,
        "count": numbers.plural(len(comparison.pairs), "pair"),
        "shown": pairs_shown(comparison),
    }


def pair_test(pair: Pair) -> str:
    """The test of a pair alone, in words: exact McNemar, with several samples the sign-flip test of cases."""
    if pair.watched:
        return f"{pair.watched} (stop_when)"
    name = "exact McNemar" if pair.cells <= pair.cases else f"sign flips of {numbers.plural(pair.cases, 'case')}"
    return f"{name} {numbers.p(pair.p_value)}"


def _row(pair: Pair) -> dict[str, Any]:
    adjusted = pair.p_value if pair.p_adjusted is None else pair.p_adjusted
    return {
        "first": pair.first,
        "second": pair.second,
        "call": pair.call,
        "needs": "" if pair.needs == pair.watched else pair.needs,
        "by": numbers.points(pair.difference.mean),
        "bounds": numbers.points_bounds(pair.difference),
        "on": _base(pair),
        "flips": [
            f"{numbers.count(pair.only_first)} only {pair.first}",
            f"{numbers.count(pair.only_second)} only {pair.second}",
        ],
        "flipped": bool(pair.only_first or pair.only_second),
        "p": "by stop_when" if pair.watched else numbers.p(adjusted),
        "alone": f"alone {numbers.p(pair.p_value)}" if pair.p_adjusted is not None else "",
        "effect": _effect("h", pair.effect_size),
        "odds": "" if pair.odds_ratio is None else f"odds {numbers.fixed(pair.odds_ratio, 1)}",
        "score": None if pair.score is None else _score(pair.score, stopped_early=pair.stopped_early),
    }


def _base(pair: Pair) -> str:
    answers = "" if pair.cells <= pair.cases else f", {numbers.plural(pair.cells, 'answer')}"
    if pair.watched:
        return pair.watched
    return f"{numbers.plural(pair.cases, 'case')}{answers}{', stopped early' if pair.stopped_early else ''}"


def _score(score: ScorePair, *, stopped_early: bool) -> dict[str, Any]:
    low, high = (numbers.score_difference(bound) for bound in (score.difference.low, score.difference.high))
    return {
        "by": numbers.score_difference(score.difference.mean),
        "bounds": f"[{low}, {high}]",
        "notes": [
            score.call,
            *([score.needs] if score.needs else []),
            ", ".join(filter(None, (_score_p(score), _effect("d", score.effect_size)))),
            *(["stopped early"] if stopped_early and not score.watched else []),
        ],
    }


def _score_p(score: ScorePair) -> str:
    return score.watched if score.p_adjusted is None else numbers.p(score.p_adjusted)


def _effect(name: str, size: float | None) -> str:
    return "" if size is None else f"{name} = {numbers.fixed(size, 2)}"


def samples_view(plan: Plan, comparison: Comparison) -> dict[str, Any] | None:
    """How verdicts vary over the samples of a case, a row a column; None where no case has several."""
    varied = [figures for figures in by_place(comparison) if figures.unsteady is not None]
    ks = sorted({k for figures in varied for k in figures.pass_at if k > 1})
    if not ks:
        return None
    return {
        "heads": [*(f"pass@{k}" for k in ks), *(f"pass^{k}" for k in ks)],
        "rows": [
            {
                **_head(plan, figures),
                "unsteady": _share(figures.unsteady.mean if figures.unsteady else None, figures.unsteady),
                "cells": [
                    *(_share(figures.pass_at.get(k), figures.intervals.get(f"pass@{k}")) for k in ks),
                    *(_share(figures.pass_all.get(k), figures.intervals.get(f"pass^{k}")) for k in ks),
                ],
            }
            for figures in varied
        ],
    }


def scorers_view(plan: Plan, comparison: Comparison) -> dict[str, Any] | None:
    """Each scorer's mean in each column; None where there are not several scorers."""
    columns = by_place(comparison)
    names = [name for name in scorer_names(plan) if any(name in figures.scorers for figures in columns)]
    if len(names) < 2:
        return None
    return {
        "count": numbers.plural(len(names), "scorer"),
        "heads": [_head(plan, figures) for figures in columns],
        "rows": [
            {
                "name": name,
                "cells": [
                    _mean(figures.scorers.get(name), figures.intervals.get(f"scorer.{name}")) for figures in columns
                ],
            }
            for name in names
        ],
    }


def _head(plan: Plan, figures: ColumnFigures) -> dict[str, Any]:
    return {
        "label": figures.column.label,
        "mark": mark(plan, figures.column.model),
        "best": False,
        "simulated": figures.simulated,
    }


def _mean(value: float | None, interval: Interval | None) -> dict[str, str]:
    return {"mean": numbers.rate(value), "bounds": "" if interval is None else numbers.rate_bounds(interval)}


def _share(value: float | None, interval: Interval | None) -> dict[str, str]:
    return {
        "mean": numbers.percent(value),
        "bounds": "" if interval is None else numbers.percent_bounds(interval),
    }
