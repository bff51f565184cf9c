"""Plans, exchanges and runs for the tests of the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evalrun.records.message import Message
from evalrun.records.outcome import Attempt, Exchange, Failure, FailureKind, Outcome, Response, TokensMethod, Usage
from evalrun.records.plan import Cell, Column, Plan
from evalrun.records.score import Mark, Score
from evalrun.records.suite import Case, Model, Prompt, Provider, Suite
from evalrun.store.run import RunStore

NOW = 1_795_170_667.0  # 2026-11-20T10:31:07Z
VERSION = "0.1.0"


def suite(cases: int = 3, *, digest: str = "d1", **changes: Any) -> Suite:
    """A suite with one prompt and two models."""
    fields: dict[str, Any] = {
        "name": "capitals",
        "file": "suites/capitals.yaml",
        "text": "version: 1\n",
        "digest": digest,
        "models": (
            Model(provider="simulator", name="large", label="large"),
            Model(provider="simulator", name="small", label="small", params={"temperature": 0.1}),
        ),
        "providers": {"simulator": Provider(id="simulator", dialect="openai-chat", simulated=True)},
        "prompts": (Prompt(name="terse", messages=(Message(role="user", content="Capital of {{ country }}?"),)),),
        "cases": tuple(Case(id=f"c{n}", vars={"country": f"Land {n}"}, expected=f"Town {n}") for n in range(cases)),
    }
    return Suite(**{**fields, **changes})


def plan(cases: int = 3, *, word: str = "", **changes: Any) -> Plan:
    """A plan of *cases* × two columns; *word* goes into the keys, as another prompt would."""
    columns = tuple(
        Column(id=f"terse/{label}", label=label, prompt="terse", model=label) for label in ("large", "small")
    )
    cells = tuple(
        Cell(
            position=case * 2 + column,
            key=key(case, column, word),
            request_key=key(case, column, word),
            case=case,
            column=column,
            sample=0,
            input_tokens=9,
            output_tokens=3,
        )
        for case in range(cases)
        for column in range(2)
    )
    order = tuple(sorted(range(len(cells)), key=lambda n: (n * 7919) % 1009))
    return Plan(suite=suite(cases, **changes), columns=columns, cells=cells, order=order, merged=1)


def key(case: int, column: int = 0, word: str = "") -> str:
    """A cell's key: as long as a real one."""
    return f"{word}{case}-{column}-".ljust(64, "a")


def answer(text: str | None = "Paris", **changes: Any) -> Exchange:
    """An exchange that ended in a response."""
    usage = Usage(prompt_tokens=12, completion_tokens=3, method=TokensMethod.API)
    return exchange(Response(text=text, usage=usage, latency_s=0.25, finish_reason="stop"), **changes)


def failure(kind: FailureKind = FailureKind.SERVER, **changes: Any) -> Exchange:
    """An exchange that ended in a failure."""
    return exchange(Failure(kind=kind, message="it broke", http_status=500), **changes)


def exchange(outcome: Outcome, **changes: Any) -> Exchange:
    """An exchange of one attempt."""
    result = "ok" if isinstance(outcome, Response) else str(outcome.kind)
    fields: dict[str, Any] = {
        "request_key": key(0),
        "attempts": (Attempt(sent_at=NOW, latency_s=0.25, result=result),),
        "cost_usd": 0.001,
    }
    return Exchange(outcome=outcome, **{**fields, **changes})


def mark(score: float = 1.0) -> Mark:
    """A mark by one scorer."""
    passed = score >= 1
    return Mark(
        score=score, verdict="pass" if passed else "fail", scores=(Score(name="s", value=score, passed=passed),)
    )


def new_run(folder: Path, cases: int = 3, **changes: Any) -> RunStore:
    """A run just begun."""
    return RunStore.create(folder, plan(cases, **changes), evalrun_version=VERSION, now=NOW)
