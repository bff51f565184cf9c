"""What was run, for the foot of the page: columns with their parameters, prompts, the run's own facts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalrun.records.message import Message
from evalrun.records.plan import Column, Plan
from evalrun.records.run import RunFacts
from evalrun.records.suite import Prompt
from evalrun.report import numbers
from evalrun.report.fields import to_text, utc
from evalrun.report.talk import message_lines, tool_text


def model_id(plan: Plan, column: Column) -> str:
    """Which model stands behind a column: ``provider/model``, or the file of recorded answers."""
    model = next((m for m in plan.suite.models if m.label == column.model), None)
    if model is None:
        return column.model
    return model.recorded.file if model.recorded else f"{model.provider}/{model.name}"


def colophon(plan: Plan, facts: RunFacts) -> dict[str, Any]:
    """What was run, for the foot of the page."""
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
        ("Exit code", str(facts.exit_code)),
    ]
    return {
        "columns": [_column(plan, column) for column in plan.columns],
        "scorers": ", ".join(("not-" if s.negate else "") + s.type for s in suite.scorers),
        "prompts": [{"name": p.name, "messages": _messages(plan, p), "tools": _tools(p)} for p in suite.prompts],
        "facts": [pair for pair in pairs if pair[1]],
        "notes": [*facts.changes, *facts.notes],
    }


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
        "price": _price(price.input_usd, price.output_usd) if price else "" if recorded else "unknown",
    }


def _price(sent: float, received: float) -> str:
    return "free" if not sent and not received else f"{numbers.money(sent)} / {numbers.money(received)}"
