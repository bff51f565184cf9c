"""A row of the page's summary: a column's figures with their intervals, its rank, and how it stands beside the best."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evalrun.records.comparison import ColumnFigures, Comparison, Interval
from evalrun.records.plan import Column, Plan
from evalrun.report import numbers
from evalrun.report.colophon import model_id
from evalrun.report.fields import model_labels
from evalrun.report.standings import best_column, leading, next_pair, pair_of, rank
from evalrun.report.totals import not_scored, scored_of, words

_MARKS = ("square", "disc", "diamond")
_BAR = 200
_SCALES = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)


def rate_scale(comparison: Comparison) -> float:
    """Where the bars of all pass rates end: the next of a few round shares above every interval."""
    highest = max((figures.pass_rate.high for figures in comparison.columns if figures.pass_rate), default=1.0)
    return next(share for share in _SCALES if highest <= share or share == 1.0)


def column_row(plan: Plan, comparison: Comparison, figures: ColumnFigures, *, partial: bool) -> dict[str, Any]:
    """A row of the summary; *partial* says that the run is not complete."""
    best, intervals = best_column(comparison), figures.intervals
    passed, unscored = figures.pass_rate, not_scored(figures)
    also = [(figures.no_answer, "empty"), (figures.refused, "refused"), (figures.truncated, "cut by a length limit")]
    return {
        "mark": column_mark(plan, figures.column),
        "best": figures is leading(comparison),
        "simulated": figures.simulated,
        "recorded": figures.recorded,
        "label": figures.column.label,
        "about": _about(plan, comparison, figures),
        "rate": numbers.percent(passed.mean) if passed else numbers.UNKNOWN,
        "bounds": numbers.percent_bounds(passed) if passed else "",
        "bar": _bar(passed, rate_scale(comparison)),
        "passed": f"{numbers.count(figures.passed)} passed",
        "scored": scored_of(figures),
        "against": _against(comparison, figures, best, partial=partial),
        "score": numbers.rate(figures.score),
        "score_bar": _bar(intervals.get("score"), 1.0),
        "best_score": not partial and _scores_best(comparison, figures),
        "score_notes": _bounds(numbers.rate_bounds, intervals.get("score")),
        "tokens": both(numbers.tokens(figures.prompt_tokens), numbers.tokens(figures.completion_tokens)),
        "tokens_notes": _tokens_notes(figures),
        "cost": numbers.money(figures.cost_usd),
        "cost_notes": _cost_notes(figures),
        "on_cost_front": bool(figures.on_cost_front) and not figures.simulated,
        "latency": both(numbers.seconds(figures.latency_p50_s), numbers.seconds(figures.latency_p95_s)),
        "latency_notes": [
            *_bounds(numbers.seconds_bounds, intervals.get("latency_p50_s"), "p50 "),
            *_bounds(numbers.seconds_bounds, intervals.get("latency_p95_s"), "p95 "),
            *_stream(figures),
        ],
        "on_latency_front": bool(figures.on_latency_front) and not figures.simulated,
        "not_scored": words(unscored) if unscored else "",
        "also": words((number, word) for number, word in also if number),
        "cached": f"{numbers.count(figures.from_cache)} from cache" if figures.from_cache else "",
        "top_error": figures.top_error,
    }


def _about(plan: Plan, comparison: Comparison, figures: ColumnFigures) -> str:
    """What stands below a column's name: its rank among several, and the model behind it where the name is another."""
    model = model_id(plan, figures.column)
    place = rank(figures) if comparison.pairs else ""
    return " · ".join([*([f"rank {place}"] if place else []), *([model] if model != figures.column.label else [])])


def both(first: str, second: str) -> str:
    """Two figures of a kind; one dash where neither is known."""
    return first if first == second == numbers.UNKNOWN else f"{first} / {second}"


def _bar(interval: Interval | None, top: float) -> dict[str, str] | None:
    """A bar from 0 to the mean with a whisker, on a scale from 0 to *top* that is the same in every row."""
    if interval is None:
        return None
    mean, low, high = (f"{_BAR * min(top, value) / top:.1f}" for value in (interval.mean, interval.low, interval.high))
    return {"mean": mean, "whisker": f"M{low} 8H{high}M{low} 4V12M{high} 4V12"}


def _scores_best(comparison: Comparison, figures: ColumnFigures) -> bool:
    """Whether the paired tests find its mean score better than that of every other column that competes."""
    rivals = [one for one in comparison.columns if one.place is not None and one is not figures]
    return bool(rivals) and figures.place is not None and all(_scores_more(comparison, figures, one) for one in rivals)


def _scores_more(comparison: Comparison, figures: ColumnFigures, other: ColumnFigures) -> bool:
    pair = pair_of(comparison, figures.column.label, other.column.label)
    if pair is None or pair.score is None:
        return False
    return pair.score.call == ("better" if pair.first == figures.column.label else "worse")


def _against(
    comparison: Comparison, figures: ColumnFigures, best: ColumnFigures | None, *, partial: bool
) -> dict[str, str] | None:
    """A row's standing beside the leader, signed from the leader; the leader's own beside the runner-up."""
    if best is None:
        return None
    said = {"word": "", "best": "", "by": "", "bounds": "", "note": ""}
    if figures is best:
        pair = next_pair(comparison)
        first = figures.rank == (1, 1) and not partial
        said |= {"word": "best" if first else "ahead so far" if partial else "ahead, not decided"}
        said |= {"best": "yes" if first else ""}
        if pair is not None:
            said |= {"by": numbers.points(pair.difference.mean), "bounds": numbers.points_bounds(pair.difference)}
            said |= {"note": f"over {pair.second}"}
        return said
    pair = pair_of(comparison, best.column.label, figures.column.label)
    if pair is None:
        return said | {"word": "not compared"}
    said |= {"word": _word({"better": "worse", "worse": "better"}.get(pair.call, pair.call), partial=partial)}
    said |= {"by": numbers.points(-pair.difference.mean)}
    return said | {"bounds": numbers.points_bounds(pair.difference, negate=True)}


def _word(call: str, *, partial: bool) -> str:
    return f"{call} so far" if partial else call


def _tokens_notes(figures: ColumnFigures) -> list[str]:
    words_of = {"estimate": "estimated", "exact": "counted", "api": ""}
    method = ", ".join(filter(None, (words_of.get(method, method) for method in figures.tokens_methods)))
    return [*_each(numbers.tokens, numbers.tokens_bounds, figures, "tokens_per_cell"), *([method] if method else [])]


def _stream(figures: ColumnFigures) -> list[str]:
    """What is to be said of a column that streamed: how soon its answers began, and how fast they came."""
    if figures.ttft_p50_s is None:
        return []
    fast = [numbers.speed(figures.tokens_per_s)] if figures.tokens_per_s is not None else []
    return [f"first token {numbers.seconds(figures.ttft_p50_s)}", *fast]


def _cost_notes(figures: ColumnFigures) -> list[str]:
    if figures.cost_usd is None:
        return [] if figures.recorded else ["no price known"]
    if not figures.cost_usd:
        return []
    return _each(_cents, _cents_bounds, figures, "cost_per_cell_usd")


def _cents(usd: float) -> str:
    return numbers.cents(100 * usd)


def _cents_bounds(interval: Interval) -> str:
    return f"[{_cents(interval.low).removesuffix(' ¢')}, {_cents(interval.high).removesuffix(' ¢')}] ¢"


def _each(
    write: Callable[[float], str], bounds: Callable[[Interval], str], figures: ColumnFigures, name: str
) -> list[str]:
    """A mean over answers, and its interval on a line of its own."""
    mean = getattr(figures, name)
    return [] if mean is None else [f"{write(mean)} an answer", *_bounds(bounds, figures.intervals.get(name))]


def _bounds(write: Callable[[Interval], str], interval: Interval | None, what: str = "") -> list[str]:
    return [] if interval is None else [f"{what}{write(interval)}"]


def mark(plan: Plan, label: str) -> str:
    """A model's mark: a shape for the first three, then a letter in a disc, then a number."""
    return _mark(model_labels(plan).index(label))


def column_mark(plan: Plan, column: Column) -> str:
    """A column's mark, likewise; where every column is another model, it is the model's."""
    return _mark(next(place for place, one in enumerate(plan.columns) if one.id == column.id))


def _mark(place: int) -> str:
    if place < len(_MARKS):
        return _MARKS[place]
    return chr(ord("A") + place - 3) if place < 29 else str(place - 28)
