"""What the page's head, summary and colophon say: every figure as text, every bar as coordinates. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from evalrun.records.comparison import ColumnFigures, Comparison, GateResult, Pair
from evalrun.records.plan import Plan
from evalrun.records.run import RunFacts
from evalrun.records.trend import TrendPoint
from evalrun.report import numbers
from evalrun.report.charts_view import charts_view
from evalrun.report.colophon import colophon
from evalrun.report.column_rows import both, column_row, rate_scale
from evalrun.report.fields import moment, narrowed
from evalrun.report.pair_rows import pair_test, pairs_view, samples_view, scorers_view
from evalrun.report.regressions_text import worse_view
from evalrun.report.slugs import slugs
from evalrun.report.standings import best_column, by_place, headline_pair, named, next_pair
from evalrun.report.totals import Totals, scored_of

_HEADLINE = re.compile(r"(?P<claim>.*?)(?P<doubt> \[[^\]]*\])(?P<rest>.*)", re.DOTALL)
_STRIP = 1000
_ALIKE = 0.05
_GATES_AS_THEY_COME = 6
_WHOLE = 28


def view(plan: Plan, comparison: Comparison, facts: RunFacts, trend: Sequence[TrendPoint] = ()) -> dict[str, Any]:
    """Everything that the template prints, but for the case table and its data."""
    best, totals = best_column(comparison), Totals.of(comparison)
    partial = not comparison.complete or facts.state != "complete"
    headline = _headline(comparison)
    return {
        "title": ("(partial) " if partial else "") + headline["claim"] + headline["doubt"] + headline["rest"],
        "suite": plan.suite.name,
        "description": plan.suite.description,
        "run": facts.run,
        "headline": {**headline, "claim_parts": _parts(headline["claim"], comparison)},
        "lede": _lede(headline["more"]),
        "price": _price_of_winning(comparison, best),
        "band": _band(facts, totals) if partial else None,
        "badges": _badges(comparison, totals, partial=partial),
        "strip": _strip(plan, comparison),
        "gates": _gates(comparison, facts),
        "worse": worse_view(facts.regressions),
        "summary": [column_row(plan, comparison, figures, partial=partial) for figures in by_place(comparison)],
        "compared": bool(comparison.pairs),
        "fronts": any((c.on_cost_front or c.on_latency_front) and not c.simulated for c in comparison.columns),
        "scale": f"{numbers.fixed(rate_scale(comparison), 0, 2)} %",
        "charts": charts_view(plan, comparison, trend),
        "pairs": pairs_view(comparison),
        "samples": samples_view(plan, comparison),
        "scorers": scorers_view(plan, comparison),
        "totals": _totals(totals),
        "what": colophon(plan, comparison, facts),
    }


def _headline(comparison: Comparison) -> dict[str, Any]:
    """The first sentence of the conclusion, its interval apart; what follows goes into the lede.

    Where the leader beats a column but not the runner-up, the headline says that too: it names no best one.
    """
    first, *more = comparison.conclusion or ("Nothing was scored.",)
    ahead, clause, tie = first.partition("); ")
    but = ""
    if clause:
        first, more = f"{ahead}).", [tie, *more]
        pair = next_pair(comparison)
        but = f", but is not distinguishable from {pair.second}" if pair and not pair.decided else ""
    found = _HEADLINE.fullmatch(first)
    if not found or found["claim"].count("(") > found["claim"].count(")"):
        return {"claim": first.removesuffix("."), "doubt": "", "rest": "", "more": more}
    rest = found["rest"].strip().removesuffix(".")
    if rest.startswith("(") and rest.endswith(")"):
        more, rest = [f"{_capital(rest[1:-1])}.", *more], ""
    rest = f" {rest}" if rest else ""
    return {"claim": found["claim"], "doubt": found["doubt"], "rest": rest + but, "more": more}


def _lede(more: Sequence[str]) -> tuple[str, str]:
    """What goes before the price of winning, which is what the headline stands on, and what goes behind."""
    first = list(more[:1]) if more and more[0].startswith("Paired, ") else []
    return " ".join(first), " ".join(more[len(first) :])


def _parts(claim: str, comparison: Comparison) -> list[tuple[str, bool]]:
    """The claim in parts, each with whether it is the name of a column, which no line break should tear."""
    labels = sorted(
        (c.column.label for c in comparison.columns if len(c.column.label) <= _WHOLE), key=len, reverse=True
    )
    if not labels:
        return [(claim, False)]
    parts = re.split(f"(?<!\\w)({'|'.join(map(re.escape, filter(None, labels)))})(?!\\w)", claim)
    return [(part, place % 2 == 1) for place, part in enumerate(parts) if part]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _price_of_winning(comparison: Comparison, best: ColumnFigures | None) -> list[tuple[str, bool]]:
    """What the leader costs in money and time beside the runner-up, where both are real and known and differ.

    In parts of a sentence, each with whether it is the one to see.
    """
    pair = headline_pair(comparison)
    other = named(comparison, pair.second) if pair else None
    if best is None or other is None or any(c.simulated or c.recorded for c in (best, other)):
        return []
    said: list[tuple[str, bool]] = []
    if best.cost_usd and other.cost_usd and abs(best.cost_usd / other.cost_usd - 1) >= _ALIKE:
        ratio = best.cost_usd / other.cost_usd
        by = f"({numbers.money(best.cost_usd)} against {numbers.money(other.cost_usd)})"
        said += [("costs ", False), (numbers.times(ratio) if ratio >= 1 else numbers.percent(ratio), True)]
        said.append((f" as much for the run {by}", False))
    if best.latency_p50_s and other.latency_p50_s and abs(best.latency_p50_s / other.latency_p50_s - 1) >= _ALIKE:
        ratio = best.latency_p50_s / other.latency_p50_s
        by = f"(median {numbers.seconds(best.latency_p50_s)} against {numbers.seconds(other.latency_p50_s)})"
        said.append((f"{' and ' if said else ''}{'takes ' if ratio >= 1 else 'is '}", False))
        said.append((numbers.times(ratio) if ratio >= 1 else numbers.times(1 / ratio), True))
        said.append((f" as {'long per answer' if ratio >= 1 else 'fast'} {by}", False))
    begin = f"Compared with {other.column.label}, {best.column.label} "
    return [(begin, False), *said, (".", False)] if said else []


def _band(facts: RunFacts, totals: Totals) -> dict[str, str]:
    word = {"complete": "Incomplete"}.get(facts.state, _capital(facts.state))
    return {
        "word": f"{word}: {scored_of(totals)}",
        "reason": facts.reason + ("" if facts.reason.endswith((".", "!", "?")) or not facts.reason else "."),
        "when": f"Goes on after {moment(facts.resume_after)}." if facts.resume_after else "",
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


def _strip(plan: Plan, comparison: Comparison) -> dict[str, Any] | None:
    """Every pair of answers of the leader and the runner-up once, by who is right."""
    pair = headline_pair(comparison)
    if pair is None:
        return None
    first, second = named(comparison, pair.first), named(comparison, pair.second)
    if first is None or second is None:
        return None
    n = pair.both + pair.only_first + pair.only_second + pair.neither
    waiting = max(0, max(first.planned, second.planned) - n)
    parts = [
        ("both", pair.both, "both right", ("pass", "pass")),
        ("gain", pair.only_first, f"only {first.column.label} right", ("pass", "fail")),
        ("lost", pair.only_second, f"only {second.column.label} right", ("fail", "pass")),
        ("none", pair.neither, "both wrong", ("fail", "fail")),
        ("wait", waiting, "not compared", None),
    ]
    names = _addressed(plan, pair)
    at, segments, whole = 0.0, [], max(1, n + waiting)
    for kind, number, label, verdicts in parts:
        if number or kind != "wait":
            width = _STRIP * number / whole
            segments.append(
                {
                    "kind": kind,
                    "count": numbers.count(number),
                    "label": label,
                    "filter": "" if verdicts is None else f"v={names[0]}:{verdicts[0]},{names[1]}:{verdicts[1]}",
                    "x": f"{at:.1f}",
                    "width": f"{width:.1f}",
                }
            )
            at += width
    return {
        "segments": segments,
        "about": f"{numbers.plural(n, 'pair')} of answers to the same questions, {pair_test(pair)}: "
        f"{'more than chance' if pair.decided else 'may be chance'}. Brackets are 95 % intervals.",
    }


def _addressed(plan: Plan, pair: Pair) -> tuple[str, str]:
    """What the address of the page calls the two columns of a pair."""
    labels = [column.label for column in plan.columns]
    names = dict(zip(labels, slugs(labels), strict=True))
    return names[pair.first], names[pair.second]


def _gates(comparison: Comparison, facts: RunFacts) -> dict[str, Any] | None:
    if not comparison.gates:
        return None
    if not comparison.complete:
        heading = "Gates: a gate never passes on an incomplete run"
    else:
        named = {"pass": "passed", "fail": "failed", "not enough evidence": "without enough evidence"}
        named["not decided"] = "not decided"
        counted = {word: sum(g.verdict == word for g in comparison.gates) for word in named}
        said = ", ".join(f"{number} {named[word]}" for word, number in counted.items() if number)
        heading = f"Gates: {said} (exit code {facts.exit_code})"
    return {"heading": heading, "items": [_gate(gate) for gate in _in_order(comparison.gates)]}


def _in_order(gates: Sequence[GateResult]) -> list[GateResult]:
    """Gates as the suite has them; of many those that fail come first."""
    return sorted(gates, key=lambda gate: not gate.failed) if len(gates) > _GATES_AS_THEY_COME else list(gates)


def _gate(result: GateResult) -> dict[str, str]:
    only = narrowed(result.gate)
    return {
        "kind": "pass" if result.verdict == "pass" else "fail" if result.failed else "pending",
        "word": result.verdict,
        "text": result.gate.text,
        "only": f"for {only}" if only else "for every column",
        "why": result.reason,
    }


def _totals(totals: Totals) -> dict[str, str]:
    return {
        "scored": scored_of(totals),
        "tokens": both(numbers.tokens(totals.prompt_tokens), numbers.tokens(totals.completion_tokens)),
        "tokens_note": "where known" if totals.tokens_partial else "",
        "cost": numbers.money(totals.cost_usd),
        "cost_note": "where known" if totals.cost_partial else "no price known" if totals.cost_unknown else "",
        "sent": _sent(totals),
        "not_scored": numbers.count(totals.not_scored) if totals.not_scored else "",
    }


def _sent(totals: Totals) -> str:
    """How many requests there were, and how many attempts where some were made again; empty where none was sent."""
    said = [numbers.plural(totals.requests, "request")] if totals.requests else []
    if totals.attempts != totals.requests:
        said.append(numbers.plural(totals.attempts, "attempt"))
    return ", ".join(said)
