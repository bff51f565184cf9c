"""What was run, for the foot of the page: columns with their parameters, prompts, the run's own facts. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from evalrun.records.comparison import Comparison
from evalrun.records.message import Message
from evalrun.records.plan import Column, Plan
from evalrun.records.run import RunFacts
from evalrun.records.suite import Prompt
from evalrun.report import numbers
from evalrun.report.fields import to_text, utc
from evalrun.report.limits_text import limits_text
from evalrun.report.talk import message_lines, tool_text
from evalrun.report.totals import Totals

FILES = (
    ("results.csv", "one row a cell"),
    ("comparison.csv", "one row a case, the columns side by side"),
    ("summary.csv", "one row a column"),
    ("results.jsonl", "every cell in full, answers word for word"),
    ("requests.jsonl", "every request with its attempts"),
    ("run.json", "the whole run in figures, for programs"),
    ("summary.md", "conclusion, table and what got worse, for a pull request"),
    ("junit.xml", "cases as tests, for CI"),
)
"""The files beside the page, and what each holds."""


def model_id(plan: Plan, column: Column) -> str:
    """Which model stands behind a column: ``provider/model``, or the file of recorded answers."""
    model = next((m for m in plan.suite.models if m.label == column.model), None)
    if model is None:
        return column.model
    return model.recorded.file if model.recorded else f"{model.provider}/{model.name}"


def colophon(plan: Plan, comparison: Comparison, facts: RunFacts) -> dict[str, Any]:
    """What was run, how it was reckoned, and how to go on, for the foot of the page."""
    suite = plan.suite
    sizes = [
        numbers.plural(len(plan.columns), "column"),
        numbers.plural(len(suite.cases), "case"),
        numbers.plural(suite.samples, "sample"),
    ]
    took = numbers.seconds(max(0.0, facts.finished_at - facts.started_at))
    pairs = [
        ("Suite", suite.file),
        ("sha256", suite.digest[:16]),
        ("Cells", " × ".join(sizes)),
        ("Started", utc(facts.started_at)),
        ("Took", took),
        ("evalrun", facts.evalrun_version),
        ("Python", facts.python_version),
        ("Commit", facts.git_commit or ""),
        ("Prices of", ", ".join(facts.price_dates)),
        ("Forecast", _forecast(comparison, facts)),
        ("Tolerated", _tolerated(suite.max_error_rate)),
        ("Exit code", str(facts.exit_code)),
    ]
    return {
        "columns": [_column(plan, column) for column in plan.columns],
        "scorers": ", ".join(("not-" if s.negate else "") + s.type for s in suite.scorers),
        "prompts": [{"name": p.name, "messages": _messages(plan, p), "tools": _tools(p)} for p in suite.prompts],
        "facts": [pair for pair in pairs if pair[1]],
        "notes": [*facts.changes, *facts.notes],
        "commands": _commands(plan, comparison, facts),
        "reckoned": _reckoned(plan),
        "files": FILES,
    }


def _tolerated(max_error_rate: float) -> str:
    return (
        f"cells without a verdict up to {numbers.percent(max_error_rate)} of all"
        if max_error_rate
        else "no cell without a verdict"
    )


def _forecast(comparison: Comparison, facts: RunFacts) -> str:
    """What was planned beside what it took."""
    planned = [said["requests"] for said in facts.forecast.values() if isinstance(said, Mapping) and "requests" in said]
    totals = Totals.of(comparison)
    if not planned:
        return ""
    spent = "" if totals.cost_usd is None else f", {numbers.money(totals.cost_usd)}"
    return f"{numbers.plural(sum(planned), 'request')} planned; {numbers.count(totals.requests)} sent{spent}"


def _commands(plan: Plan, comparison: Comparison, facts: RunFacts) -> list[tuple[str, str]]:
    """Commands that go on from here, each with what it does."""
    folder, suite = shlex.quote(facts.folder), shlex.quote(plan.suite.file)
    totals = Totals.of(comparison)
    found = []
    if facts.go_on:
        found.append((facts.go_on, "Go on: ask what has no answer"))
    if totals.errors:
        found.append((f"evalrun resume {folder} --retry-errors", f"Ask the {_in_error(totals.errors)} again"))
    if comparison.complete:
        found.append((f"evalrun bless {folder}", "Make this run the baseline of its suite"))
    found += [
        (f"evalrun compare EARLIER_RUN {folder}", "Compare it with an earlier run, case by case"),
        (f"evalrun history {suite}", "See how the suite went over time, and what drifted"),
        (f"evalrun score {folder}", "Score the stored answers again after a change of scorers"),
    ]
    if len(comparison.columns) > 1:
        found.append((f"evalrun plan {suite} --detect 0.02", "How many cases a difference of 2 points needs"))
    return found


def _in_error(errors: int) -> str:
    return "cell in error" if errors == 1 else f"{numbers.count(errors)} cells in error"


def _reckoned(plan: Plan) -> list[tuple[str, str]]:
    """What each figure is, and what evalrun promises of it."""
    several = plan.suite.samples > 1
    test = "sign flips of whole cases" if several else "exact McNemar test"
    named = [f"{scorer.name} ({scorer.weight:g})" for scorer in plan.suite.scorers]
    weights = ", ".join(
        [*named, *(["those of single cases"] if any(case.scorers for case in plan.suite.cases) else [])]
    )
    clustered = "; samples of one case count by how much they repeat one another" if several else ""
    return [
        (
            "Pass rate",
            (
                f"passed / scored, Wilson 95 % interval{clustered}. Errors, skips and pending cells are not in it; "
                "an empty answer is, as a fail."
            ),
        ),
        ("Score", f"Weighted mean of the scorers{f': {weights}' if weights else ''}, in 0..1."),
        ("Differences", f"Paired on the cells that both columns have; {test}; Holm over all pairs that are shown."),
        (
            "Best",
            (
                "Marked only where the paired tests leave the first rank to one column, on a complete run. "
                "Simulated columns never compete with real ones."
            ),
        ),
        (
            "Tokens, cost",
            (
                "Sums over all requests of a cell, as the endpoint says; estimated where it says nothing. "
                "Answers from the cache cost nothing again."
            ),
        ),
        ("Latency", "Answered cells only; without waiting for quota and without retries."),
        ("Gates", "Decided on complete runs only; a gate never passes on an incomplete one."),
    ]


def _tools(prompt: Prompt) -> list[str]:
    """A prompt's tools, then the template that more of them come from."""
    return [*map(tool_text, prompt.tools), *([prompt.tools_from] if prompt.tools_from else [])]


def _messages(plan: Plan, prompt: Prompt) -> list[dict[str, str]]:
    """A prompt's messages, then what the user says after each reply."""
    turns = [Message(role="user", content=turn) for turn in prompt.turns]
    said = [(m.role, m) for m in prompt.messages] + [("user, after the reply", m) for m in turns]
    return [{"role": role, "text": message_lines(m, plan.suite.pictures)} for role, m in said]


def _column(plan: Plan, column: Column) -> dict[str, str]:
    suite = plan.suite
    model = next((m for m in suite.models if m.label == column.model), None)
    prompt = next((p for p in suite.prompts if p.name == column.prompt), None)
    own: list[Mapping[str, Any]] = [
        suite.params,
        column.params,
        model.params if model else {},
        prompt.params if prompt else {},
    ]
    merged = {key: value for params in own for key, value in params.items()}
    price = model.price if model else None
    recorded = model is not None and model.recorded is not None
    return {
        "label": column.label,
        "model": model_id(plan, column),
        "prompt": column.prompt,
        "params": "" if recorded else ", ".join(f"{key} {to_text(value)}" for key, value in merged.items()),
        "limits": limits_text(plan, column.model) or ("" if recorded else "none"),
        "price": _price(price.input_usd, price.output_usd) if price else "" if recorded else "unknown",
    }


def _price(sent: float, received: float) -> str:
    return "free" if not sent and not received else f"{numbers.money(sent)} / {numbers.money(received)}"
