"""What the page's head, summary and colophon say: every figure as text, every bar as coordinates. Pure."""

from __future__ import annotations

import re
from typing import Any

from evalrun.records.comparison import ColumnFigures, Comparison, GateResult, Interval, Pair
from evalrun.records.plan import Plan
from evalrun.records.run import RunFacts
from evalrun.report import numbers
from evalrun.report.colophon import colophon, model_id
from evalrun.report.fields import model_labels, to_text
from evalrun.report.totals import Totals, not_scored, scored_of, words
from evalrun.safe_text import visible

_HEADLINE = re.compile(r"(?P<claim>.*?)(?P<doubt> \[[^\]]*\])(?P<rest>.*)", re.DOTALL)
_MARKS = ("square", "disc", "diamond")
_BAR = 200
_STRIP = 1000
_ALIKE = 0.05


def view(plan: Plan, comparison: Comparison, facts: RunFacts, *, left_out: int) -> dict[str, Any]:
    """Everything that the template prints. *left_out* counts the rows that the page has no room for."""
    best, totals = best_column(comparison), Totals.of(comparison)
    partial = not comparison.complete or facts.state != "complete"
    headline = _headline(comparison)
    return {
        "title": ("(partial) " if partial else "") + headline["claim"] + headline["doubt"] + headline["rest"],
        "suite": plan.suite.name,
        "description": plan.suite.description,
        "run": facts.run,
        "headline": headline,
        "lede": [*headline["more"], *_price_of_winning(comparison, best)],
        "band": _band(facts, totals) if partial else None,
        "badges": _badges(comparison, totals, partial=partial),
        "strip": _strip(comparison),
        "gates": _gates(comparison, facts),
        "summary": [_row(plan, comparison, figures, best, partial=partial) for figures in comparison.columns],
        "compared": bool(comparison.pairs),
        "totals": _totals(totals),
        "cases": {"rows": _questions(plan), "left_out": left_out, "shown": _questions(plan) - left_out},
        "what": colophon(plan, facts),
    }


def models_shown(plan: Plan, comparison: Comparison) -> list[dict[str, Any]]:
    """The models of the case table: label, mark, and whether they are simulated or the best."""
    best = best_column(comparison)
    shown = []
    for label in model_labels(plan):
        figures = [c for c in comparison.columns if c.column.model == label]
        shown.append(
            {
                "label": visible(label),
                "mark": _mark(plan, label),
                "simulated": any(c.simulated for c in figures),
                "recorded": any(c.recorded for c in figures),
                "best": best is not None and best.column.model == label,
            }
        )
    return shown


def best_column(comparison: Comparison) -> ColumnFigures | None:
    """The column that all pairs are held against; None where there is nothing to compare."""
    return _named(comparison, comparison.pairs[0].first) if comparison.pairs else None


def _rivals(comparison: Comparison) -> Pair | None:
    """The leader and the runner-up: a simulated column is no rival of a real one."""
    best = best_column(comparison)
    for pair in comparison.pairs:
        other = _named(comparison, pair.second)
        if best is not None and other is not None and other.simulated == best.simulated:
            return pair
    return None


def _named(comparison: Comparison, name: str) -> ColumnFigures | None:
    return next((c for c in comparison.columns if name in (c.column.label, c.column.id)), None)


def _mark(plan: Plan, label: str) -> str:
    """A shape for the first three models, then a letter in a disc, then a number."""
    place = model_labels(plan).index(label)
    if place < len(_MARKS):
        return _MARKS[place]
    return chr(ord("A") + place - 3) if place < 29 else str(place - 28)


def _headline(comparison: Comparison) -> dict[str, Any]:
    """The first sentence of the conclusion, its interval apart; what follows goes into the lede."""
    first, *more = comparison.conclusion or ("Nothing was scored.",)
    found = _HEADLINE.fullmatch(first)
    if not found or found["claim"].count("(") > found["claim"].count(")"):
        return {"claim": first.removesuffix("."), "doubt": "", "rest": "", "more": more}
    rest = found["rest"].strip().removesuffix(".")
    if rest.startswith("(") and rest.endswith(")"):
        more, rest = [f"{_capital(rest[1:-1])}.", *more], ""
    return {"claim": found["claim"], "doubt": found["doubt"], "rest": f" {rest}" if rest else "", "more": more}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _price_of_winning(comparison: Comparison, best: ColumnFigures | None) -> list[str]:
    """What the leader costs in money and time beside the runner-up, where both are real and known and differ."""
    pair = _rivals(comparison)
    other = _named(comparison, pair.second) if pair else None
    if best is None or other is None or any(c.simulated or c.recorded for c in (best, other)):
        return []
    said = []
    if best.cost_usd and other.cost_usd:
        by = f"({numbers.money(best.cost_usd)} against {numbers.money(other.cost_usd)})"
        ratio = best.cost_usd / other.cost_usd
        if abs(ratio - 1) >= _ALIKE:
            said.append(f"costs {numbers.times(ratio) if ratio >= 1 else numbers.percent(ratio)} as much {by}")
    if best.latency_p50_s and other.latency_p50_s:
        by = f"(median {numbers.seconds(best.latency_p50_s)} against {numbers.seconds(other.latency_p50_s)})"
        ratio = best.latency_p50_s / other.latency_p50_s
        slower = (
            f"takes {numbers.times(ratio)} as long an answer"
            if ratio >= 1
            else f"is {numbers.times(1 / ratio)} as fast"
        )
        if abs(ratio - 1) >= _ALIKE:
            said.append(f"{slower} {by}")
    return [f"Beside {other.column.label}, {best.column.label} {' and '.join(said)}."] if said else []


def _band(facts: RunFacts, totals: Totals) -> dict[str, str]:
    word = {"complete": "Incomplete"}.get(facts.state, _capital(facts.state))
    return {
        "word": f"{word}: {scored_of(totals)}",
        "reason": facts.reason + ("" if facts.reason.endswith((".", "!", "?")) or not facts.reason else "."),
        "when": f"Goes on after {facts.resume_after}." if facts.resume_after else "",
        "command": facts.go_on,
    }


def _badges(comparison: Comparison, totals: Totals, *, partial: bool) -> list[dict[str, str]]:
    """Facts in fixed order; absent when there is nothing to say."""
    columns, badges = comparison.columns, []

    def badge(kind: str, icon: str, word: str, rest: str) -> None:
        badges.append({"kind": kind, "icon": icon, "word": word, "rest": rest})

    if not partial:
        badge("ok", "pass", "Complete", scored_of(totals))
    if totals.errors or totals.skipped:
        word = ", ".join(
            [
                *([numbers.plural(totals.errors, "error")] if totals.errors else []),
                *([f"{numbers.count(totals.skipped)} skipped"] if totals.skipped else []),
            ]
        )
        badge("warn", "error", word, _where([c for c in columns if c.errors or c.skipped], len(columns)))
    simulated = [c for c in columns if c.simulated]
    if simulated:
        rest = "rule-based stand-ins inside evalrun, not real models"
        who = "every model here" if len(simulated) == len(columns) else _labels(simulated)
        badge("plain", "flask", "Simulated", f"{who}: {rest}")
    recorded = [c for c in columns if c.recorded]
    if recorded:
        badge("plain", "tape", "Recorded", f"{_labels(recorded)}: answers that existed already")
    if totals.from_cache:
        badge(
            "plain",
            "box",
            "Cached",
            f"{numbers.plural(totals.from_cache, 'answer')} from earlier runs, not billed again",
        )
    estimated = [c for c in columns if "estimate" in c.tokens_methods]
    if estimated:
        badge("plain", "approx", "Tokens estimated", _where(estimated, len(columns)))
    return badges


def _where(some: list[ColumnFigures], of: int) -> str:
    return f"in {_labels(some)}" if len(some) <= 2 else f"in {len(some)} of {of} columns"


def _labels(columns: list[ColumnFigures]) -> str:
    labels = [c.column.label for c in columns]
    return ", ".join(labels) if len(labels) <= 3 else f"{', '.join(labels[:3])} and {len(labels) - 3} more"


def _strip(comparison: Comparison) -> dict[str, Any] | None:
    """Every pair of answers of the leader and the runner-up once, by who is right."""
    pair = _rivals(comparison)
    if pair is None:
        return None
    first, second = _named(comparison, pair.first), _named(comparison, pair.second)
    if first is None or second is None:
        return None
    n = pair.both + pair.only_first + pair.only_second + pair.neither
    waiting = max(0, max(first.planned, second.planned) - n)
    parts = [
        ("both", pair.both, "both right"),
        ("gain", pair.only_first, f"only {first.column.label} right"),
        ("lost", pair.only_second, f"only {second.column.label} right"),
        ("none", pair.neither, "both wrong"),
        ("wait", waiting, "not compared"),
    ]
    at, segments, whole = 0.0, [], max(1, n + waiting)
    for kind, number, label in parts:
        if number or kind != "wait":
            width = _STRIP * number / whole
            segments.append(
                {
                    "kind": kind,
                    "count": numbers.count(number),
                    "label": label,
                    "x": f"{at:.1f}",
                    "width": f"{width:.1f}",
                }
            )
            at += width
    p = "p < 0.001" if pair.p_value < 0.001 else f"p = {numbers.fixed(pair.p_value, 3)}"
    return {
        "segments": segments,
        "about": f"{numbers.count(n)} pairs of answers to the same questions, exact McNemar {p}",
    }


def _gates(comparison: Comparison, facts: RunFacts) -> dict[str, Any] | None:
    if not comparison.gates:
        return None
    if not comparison.complete:
        heading = "Gates: a gate never passes on an incomplete run"
    else:
        counted = {word: sum(g.verdict == word for g in comparison.gates) for word in ("pass", "fail", "not decided")}
        named = {"pass": "passed", "fail": "failed", "not decided": "not decided"}
        said = ", ".join(f"{number} {named[word]}" for word, number in counted.items() if number)
        heading = f"Gates: {said} (exit code {facts.exit_code})"
    return {"heading": heading, "items": [_gate(gate) for gate in comparison.gates]}


def _gate(result: GateResult) -> dict[str, str]:
    only = ", ".join(f"{key} {' or '.join(values)}" for key, values in result.gate.only.items())
    return {
        "kind": result.verdict if result.verdict in ("pass", "fail") else "pending",
        "word": result.verdict,
        "text": result.gate.text,
        "only": f"for {only}" if only else "for every column",
        "why": result.reason,
    }


def _row(
    plan: Plan, comparison: Comparison, figures: ColumnFigures, best: ColumnFigures | None, *, partial: bool
) -> dict[str, Any]:
    """A row of the summary."""
    passed, unscored = figures.pass_rate, not_scored(figures)
    also = [(figures.no_answer, "empty"), (figures.refused, "refused"), (figures.truncated, "cut by a length limit")]
    return {
        "mark": _mark(plan, figures.column.model),
        "best": figures is best,
        "simulated": figures.simulated,
        "recorded": figures.recorded,
        "label": figures.column.label,
        "model": model_id(plan, figures.column),
        "rate": numbers.percent(passed.mean) if passed else numbers.UNKNOWN,
        "bounds": numbers.percent_bounds(passed) if passed else "",
        "bar": _bar(passed),
        "passed": f"{numbers.count(figures.passed)} passed",
        "scored": scored_of(figures),
        "against": _against(comparison, figures, best, partial=partial),
        "score": numbers.rate(figures.score),
        "tokens": f"{numbers.tokens(figures.prompt_tokens)} / {numbers.tokens(figures.completion_tokens)}",
        "tokens_note": _tokens_note(figures),
        "cost": numbers.money(figures.cost_usd),
        "cost_note": _cost_note(figures),
        "latency": f"{numbers.seconds(figures.latency_p50_s)} / {numbers.seconds(figures.latency_p95_s)}",
        "stream": _stream(figures),
        "not_scored": words(unscored) if unscored else "",
        "also": words((number, word) for number, word in also if number),
        "cached": f"{numbers.count(figures.from_cache)} from cache" if figures.from_cache else "",
        "top_error": figures.top_error,
    }


def _bar(interval: Interval | None) -> dict[str, str] | None:
    """A bar from 0 to the mean with a whisker, on a scale of 0..1 that is the same in every row."""
    if interval is None:
        return None
    low, high = f"{_BAR * interval.low:.1f}", f"{_BAR * interval.high:.1f}"
    return {
        "mean": f"{_BAR * interval.mean:.1f}",
        "whisker": f"M{low} 8H{high}M{low} 4V12M{high} 4V12",
    }


def _against(
    comparison: Comparison, figures: ColumnFigures, best: ColumnFigures | None, *, partial: bool
) -> dict[str, str] | None:
    """A row's standing beside the leader, signed from the leader."""
    if best is None:
        return None
    if figures is best:
        pair = _rivals(comparison)
        real = pair is not None and pair.decided and pair.difference.mean > 0 and not partial
        ahead = "ahead so far" if partial else "ahead, not decided"
        word = "the only real one" if pair is None else "best" if real else ahead
        said = {"word": word, "best": "yes" if real else "", "by": "", "bounds": "", "note": ""}
        other = _named(comparison, pair.second) if pair else None
        if pair is not None and other is not None:
            said["by"], said["bounds"] = numbers.points(pair.difference.mean), numbers.points_bounds(pair.difference)
            said["note"] = f"over {other.column.label}"
        return said
    pair = _pair(comparison, figures)
    if pair is None:
        return None
    word = "not distinguishable" if not pair.decided else "worse" if pair.difference.mean >= 0 else "better"
    by, bounds = numbers.points(-pair.difference.mean), numbers.points_bounds(pair.difference, negate=True)
    return {"word": word, "best": "", "by": by, "bounds": bounds, "note": ""}


def _pair(comparison: Comparison, figures: ColumnFigures) -> Pair | None:
    names = (figures.column.label, figures.column.id)
    return next((pair for pair in comparison.pairs if pair.second in names), None)


def _tokens_note(figures: ColumnFigures) -> str:
    words_of = {"estimate": "estimated", "exact": "counted", "api": ""}
    return ", ".join(filter(None, (words_of.get(method, method) for method in figures.tokens_methods)))


def _stream(figures: ColumnFigures) -> list[str]:
    """What is to be said of a column that streamed: how soon its answers began, and how fast they came."""
    if figures.ttft_p50_s is None:
        return []
    fast = [numbers.speed(figures.tokens_per_s)] if figures.tokens_per_s is not None else []
    return [f"first token {numbers.seconds(figures.ttft_p50_s)}", *fast]


def _cost_note(figures: ColumnFigures) -> str:
    if figures.cost_usd and figures.scored:
        return f"{numbers.money(figures.cost_usd / figures.scored)} a case"
    return "no price known" if figures.cost_usd is None and not figures.recorded else ""


def _totals(totals: Totals) -> dict[str, str]:
    return {
        "scored": scored_of(totals),
        "tokens": f"{numbers.tokens(totals.prompt_tokens)} / {numbers.tokens(totals.completion_tokens)}",
        "tokens_note": "where known" if totals.tokens_partial else "",
        "cost": numbers.money(totals.cost_usd),
        "cost_note": "where known" if totals.cost_partial else "no price known" if totals.cost_unknown else "",
        "requests": numbers.plural(totals.requests, "request"),
        "attempts": numbers.plural(totals.attempts, "attempt"),
        "not_scored": numbers.count(totals.not_scored) if totals.not_scored else "",
    }


def _questions(plan: Plan) -> int:
    """How many rows the case table has: case × prompt × parameters × sample."""
    columns = [(column.prompt, to_text(dict(column.params))) for column in plan.columns]
    return len({(cell.case, columns[cell.column], cell.sample) for cell in plan.cells})
