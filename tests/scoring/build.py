"""Rows and scorers for the tests of scoring, in one line each."""

from __future__ import annotations

from typing import Any

from evalrun.records.outcome import Exchange, Failure, Outcome, Response, TokensMethod, Usage
from evalrun.records.plan import Cell, Column
from evalrun.records.row import Row
from evalrun.records.score import Score
from evalrun.records.suite import Case, Model, ScorerSpec
from evalrun.scoring.marks import score_one


def reply(
    text: str | None, *, prompt_tokens: int | None = 10, completion_tokens: int | None = 5, **rest: Any
) -> Response:
    """A reply with 10 + 5 tokens that took half a second."""
    usage = Usage(prompt_tokens=prompt_tokens, completion_tokens=completion_tokens, method=TokensMethod.API)
    return Response(text=text, usage=usage, **{"latency_s": 0.5, **rest})


def row(answer: str | Outcome | None, *, cost_usd: float | None = 0.002, **case: Any) -> Row:
    """A row with this answer: a text, a whole outcome, or None for a reply without text."""
    outcome = answer if isinstance(answer, Response | Failure) else reply(answer)
    return Row(
        cell=Cell(0, "k", "k", 0, 0, 0, 0, 0),
        case=Case(id="c", **case),
        column=Column(id="col", label="m", prompt="p", model="m"),
        model=Model(provider="lab", name="m", label="m"),
        exchanges=(Exchange(request_key="k", outcome=outcome, cost_usd=cost_usd),),
    )


def spec(name: str, value: Any = None, /, **rest: Any) -> ScorerSpec:
    """A scorer as a suite asks for it; ``not-`` in front negates."""
    return ScorerSpec(
        type=name.removeprefix("not-"), **{"name": name, "negate": name.startswith("not-"), "value": value, **rest}
    )


def one(name: str, answer: str | Outcome | None, value: Any = None, *, expected: Any = None, **rest: Any) -> Score:
    """The score that one scorer gives one answer."""
    return score_one(spec(name, value, **rest), row(answer, expected=expected))
