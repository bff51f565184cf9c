"""Runs in the states that a report must show: seeded answers of made-up models, compared as real runs are."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from evalrun.records.comparison import Interval
from evalrun.records.outcome import Attempt, Exchange, Failure, FailureKind, Outcome, Response, TokensMethod, Usage
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.records.score import Mark, Score
from evalrun.records.suite import Gate, Price, Suite
from evalrun.records.trend import TrendPoint
from evalrun.stats.compare import compare
from tests.report.factory import make_facts
from tests.report.hostile_run import Run
from tests.stats.build import plan as laid_out

TAGS = ("europe", "asia", "africa", "america", "oceania", "islands", "capitals over a million")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A made-up model: how often it is right, what an answer costs and takes, and how often nothing comes back."""

    right: float = 0.7
    cost_usd: float | None = 0.0004
    latency_s: float | None = 1.0
    errors: float = 0.0
    pending: float = 0.0
    spared: float = 0.0
    streamed: bool = False
    estimated: bool = False


def made(
    kinds: Mapping[str, Kind],
    *,
    cases: int = 200,
    samples: int = 1,
    gates: Sequence[Gate] = (),
    facts: Mapping[str, Any] | None = None,
    complete: bool = True,
    **suite: Any,
) -> Run:
    """A run of *kinds*, by label as tests.stats.build reads them: ``sim…`` is simulated, ``rec…`` recorded."""
    plan = laid_out(dict.fromkeys(kinds, "." * cases * samples), samples=samples, gates=tuple(gates), **suite)
    plan = replace(plan, suite=_told(plan.suite, kinds))
    draws = random.Random(6)
    hard = [draws.random() for _ in plan.suite.cases]
    rows = [_row(plan, at, kinds, hard, draws) for at in range(len(plan.cells))]
    comparison = compare(plan, rows, complete=complete)
    said = {"exit_code": 0, "notes": (), "limits": {}, **(facts or {})}
    return Run(plan, lambda: iter(rows), comparison, make_facts(**said))


def _told(suite: Suite, kinds: Mapping[str, Kind]) -> Suite:
    """The suite with names, tags and prices as a person would have written them."""
    models = tuple(
        replace(model, price=Price(input_usd=0.15, output_usd=0.6, date="2026-11-01"))
        if kinds[model.label].cost_usd
        else model
        for model in suite.models
    )
    cases = tuple(
        replace(
            case, id=f"city-{at:04}", tags=(TAGS[at * at % len(TAGS)],), vars={"city": f"city {at}"}, expected=f"{at}"
        )
        for at, case in enumerate(suite.cases)
    )
    return replace(
        suite,
        name="capitals",
        file="suites/capitals.yaml",
        description="Cities and their countries.",
        models=models,
        cases=cases,
    )


def _row(plan: Plan, at: int, kinds: Mapping[str, Kind], hard: Sequence[float], draws: random.Random) -> Row:
    cell = plan.cells[at]
    column = plan.columns[cell.column]
    kind = kinds[column.label]
    base = {
        "cell": cell,
        "case": plan.suite.cases[cell.case],
        "column": column,
        "model": plan.suite.models[cell.column],
    }
    fate, luck, spread = draws.random(), draws.random(), draws.lognormvariate(0.0, 0.45)
    if fate < kind.pending:
        return Row(**base)
    if fate < kind.pending + kind.errors:
        return Row(**base, exchanges=(Exchange(request_key="", outcome=_failed()),))
    if cell.case >= (1 - kind.spared) * len(plan.suite.cases):
        return Row(
            **base,
            exchanges=(Exchange(request_key="", outcome=Failure(kind=FailureKind.SPARED, message="decided before")),),
        )
    passed = 0.6 * hard[cell.case] + 0.4 * luck < kind.right
    value = 1.0 if passed else round(0.4 * luck, 2)
    scores = (Score(name="equals", value=value, passed=passed),)
    mark = Mark(
        score=value, verdict="pass" if passed else "fail", scores=scores, reason="" if passed else "another city"
    )
    exchange = Exchange(
        request_key="", outcome=_answer(kind, passed, spread), cost_usd=_cost(kind, spread), attempts=ATTEMPTS
    )
    return Row(**base, exchanges=(exchange,), mark=mark)


def _failed() -> Outcome:
    return Failure(kind=FailureKind.AUTH, message="401 from lab: the key is not valid", http_status=401)


def _cost(kind: Kind, spread: float) -> float | None:
    return None if kind.cost_usd is None else kind.cost_usd * (0.8 + 0.2 * spread)


def _answer(kind: Kind, passed: bool, spread: float) -> Response:
    latency_s = None if kind.latency_s is None else kind.latency_s * spread
    method = TokensMethod.ESTIMATE if kind.estimated else TokensMethod.API
    usage = Usage(prompt_tokens=90 + int(8 * spread), completion_tokens=int(70 * spread), method=method)
    ttft_s = latency_s / 4 if kind.streamed and latency_s is not None else None
    return Response(
        text="Paris" if passed else "Lyon", usage=usage, latency_s=latency_s, ttft_s=ttft_s, finish_reason="stop"
    )


ATTEMPTS = (Attempt(sent_at=1_795_000_000.0, latency_s=1.0, result="ok"),)
GATES = (
    Gate(text="pass_rate >= 0.75", metric="pass_rate", operator=">=", value=0.75, only={"model": ("gpt-4o-mini",)}),
    Gate(text="pass_rate >= 0.5", metric="pass_rate", operator=">=", value=0.5),
)
THREE = {
    "gpt-4o-mini": Kind(right=0.72, cost_usd=0.0002, latency_s=0.9, streamed=True),
    "claude-haiku": Kind(right=0.83, cost_usd=0.0009, latency_s=1.6, streamed=True),
    "llama-3.1-8b": Kind(right=0.55, cost_usd=0.00005, latency_s=0.5, estimated=True),
}
TWELVE = {
    f"vendor-{at % 4}/model-{at}-{'instruct' * (at % 3)}": Kind(
        right=0.45 + 0.035 * at, cost_usd=0.00003 * 1.7**at, latency_s=0.4 + 0.3 * at
    )
    for at in range(12)
}


@dataclass(frozen=True)
class State:
    """A run and the earlier ones that its page tells of."""

    run: Run
    trend: tuple[TrendPoint, ...] = field(default=())


def trend_of(labels: Sequence[str], runs: int = 9) -> tuple[TrendPoint, ...]:
    """Earlier runs: rates that wander a little; the second column was asked something else in the fourth."""
    draws = random.Random(9)
    points = []
    for at in range(runs):
        for place, label in enumerate(labels):
            mean = min(0.99, max(0.01, 0.8 - 0.12 * place + draws.uniform(-0.04, 0.04)))
            rate = Interval(mean=mean, low=max(0.0, mean - 0.05), high=min(1.0, mean + 0.05))
            points.append(
                TrendPoint(
                    run=f"run-{at}",
                    started_at=1_794_000_000.0 + 86_400 * at,
                    column=label,
                    pass_rate=rate,
                    same_requests=not (place == 1 and at == 3),
                )
            )
    return tuple(points)


PAUSED = {
    "state": "paused",
    "reason": "the day's 50 requests of lab are used",
    "go_on": "evalrun resume results/capitals/2026-11-20T10-31-07Z-3f9c",
    "resume_after": "2026-11-21T00:00:00Z",
    "exit_code": 75,
}
STATES = {
    "three": lambda: State(
        made({**THREE, "sim/large": Kind(right=0.8, cost_usd=0.0, latency_s=0.01)}, gates=GATES, facts={"exit_code": 0})
    ),
    "trend": lambda: State(made(THREE), trend_of(list(THREE))),
    "tie": lambda: State(made({"a": Kind(right=0.7), "b": Kind(right=0.71, latency_s=2.0)}, cases=60)),
    "partial": lambda: State(
        made({k: replace(v, pending=0.6) for k, v in THREE.items()}, gates=GATES, facts=PAUSED, complete=False)
    ),
    "errors in a column": lambda: State(
        made({**THREE, "broken": Kind(errors=1.0)}, facts={"state": "incomplete", "exit_code": 3})
    ),
    "errors everywhere": lambda: State(
        made({k: Kind(errors=1.0) for k in THREE}, facts={"state": "incomplete", "exit_code": 3})
    ),
    "one column": lambda: State(made({"only": Kind(right=0.39, streamed=True)})),
    "nothing asked": lambda: State(
        made({k: Kind(pending=1.0) for k in THREE}, facts={"state": "interrupted", "exit_code": 130}, complete=False)
    ),
    "simulated": lambda: State(
        made(
            {
                "sim/large": Kind(right=0.9, cost_usd=0.0, latency_s=0.02),
                "sim/small": Kind(right=0.6, cost_usd=0.0, latency_s=0.01),
            }
        )
    ),
    "recorded": lambda: State(
        made(
            {
                "rec finetuning": Kind(right=0.4, cost_usd=None, latency_s=None),
                "rec verification": Kind(right=0.55, cost_usd=None, latency_s=None),
            }
        )
    ),
    "twelve": lambda: State(made(TWELVE), trend_of(list(TWELVE), 14)),
    "stopped early": lambda: State(made({"a": Kind(right=0.9), "b": Kind(right=0.5, spared=0.4)})),
    "samples": lambda: State(made(dict(list(THREE.items())[:2]), cases=60, samples=3)),
    "all pass": lambda: State(made({"a": Kind(right=1.1), "b": Kind(right=1.1)}, cases=12)),
}
