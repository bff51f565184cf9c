"""Runs written straight into their files, with answers and marks of the test's choice."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalrun.records.message import Message
from evalrun.records.outcome import Attempt, Exchange, Failure, FailureKind, Outcome, Response, TokensMethod, Usage
from evalrun.records.plan import Cell, Column, Plan
from evalrun.records.run import RunState
from evalrun.records.score import Mark, Score
from evalrun.records.suite import Case, Model, Prompt, Provider, ScorerSpec, Suite
from evalrun.store.run import RunStore

DAY_S = 86_400.0
BEGUN = 1_795_170_667.0  # 2026-11-20T10:31:07Z


@dataclass(frozen=True)
class Said:
    """What came of a cell: an answer with its score, or an error. None for *passed*: nobody scored it."""

    passed: bool | None = True
    text: str = "an answer"
    score: float | None = None
    error: str = ""
    tokens: int = 30
    cost_usd: float | None = 0.001
    latency_s: float = 0.5
    fingerprint: str = "fp_1"
    model: str = "m-2026"
    cached: bool = False


@dataclass(frozen=True)
class Made:
    """A run to be written. *ask* words go into every request's key, as another prompt would."""

    cases: Sequence[Case]
    said: Callable[[str, str, int], Said] = lambda case, column, sample: Said()
    labels: Sequence[str] = ("large", "small")
    samples: int = 1
    suite: str = "capitals"
    ask: Mapping[str, str] = field(default_factory=dict)
    prompt: str = "Capital of {{ country }}?"
    prompt_name: str = "terse"
    names: Mapping[str, str] = field(default_factory=dict)
    judge: str | Callable[[Case], str] = "judge"
    state: RunState | None = "complete"
    asked: int | None = None
    simulated: bool = False


def cases(number: int, *, numbered: bool = False) -> list[Case]:
    """Cases with ids of their own, or with those that a suite without ids gives."""
    return [
        Case(id=f"case-{n + 1}" if numbered else f"land{n}", vars={"country": f"Land {n}"}, expected=f"Town {n}")
        for n in range(number)
    ]


def stored(results: Path, run: str, made: Made, *, day: int = 0) -> Path:
    """Write the run into ``<results>/<suite>/<run>`` as if it had begun on that *day*; its folder."""
    folder = results / made.suite / run
    plan = _plan(made)
    with RunStore.create(folder, plan, evalrun_version="0", now=BEGUN + day * DAY_S) as store:
        store.begin_sitting(now=BEGUN + day * DAY_S, how="run", argv=())
        cells = plan.cells[: made.asked]
        said = [(c, made.said(plan.suite.cases[c.case].id, plan.columns[c.column].label, c.sample)) for c in cells]
        entries = [(cell.key, 0, _exchange(cell, one), (Message(role="user", content="?"),)) for cell, one in said]
        asyncio.run(store.put_together(entries))
        judges = {
            n: made.judge if isinstance(made.judge, str) else made.judge(case) for n, case in enumerate(made.cases)
        }
        store.put_marks([(cell.key, judges[cell.case], _mark(one)) for cell, one in said if not one.error])
        if made.state is not None:
            store.end_sitting(now=BEGUN + day * DAY_S + 60, ended=made.state)
    return folder


def _plan(made: Made) -> Plan:
    provider = Provider(id="openai", dialect="openai-chat", simulated=made.simulated)
    suite = Suite(
        name=made.suite,
        file=f"suites/{made.suite}.yaml",
        text="version: 1\n",
        digest="0" * 64,
        models=tuple(Model(provider="openai", name=made.names.get(o, o), label=o) for o in made.labels),
        providers={"openai": provider},
        prompts=(Prompt(name=made.prompt_name, messages=(Message(role="user", content=made.prompt),)),),
        cases=tuple(made.cases),
        scorers=(ScorerSpec(type="icontains", name="icontains"),),
        samples=made.samples,
    )
    columns = tuple(Column(id=label, label=label, prompt=made.prompt_name, model=label) for label in made.labels)
    cells: list[Cell] = []
    asked_before: Counter[str] = Counter()
    for number, case in enumerate(made.cases):
        for index, label in enumerate(made.labels):
            for sample in range(made.samples):
                asked = [made.ask.get(label, ""), made.names.get(label, label), repr(dict(case.vars)), sample]
                key = hashlib.sha256(repr(asked).encode("utf-8", "surrogatepass")).hexdigest()
                again = asked_before[key]
                asked_before[key] += 1
                cells.append(
                    Cell(len(cells), f"{key}#{again + 1}" if again else key, key, number, index, sample, 20, 10)
                )
    return Plan(suite=suite, columns=columns, cells=tuple(cells), order=tuple(range(len(cells))))


def _exchange(cell: Cell, one: Said) -> Exchange:
    outcome: Outcome = Failure(kind=FailureKind.SERVER, message=one.error, http_status=500)
    cost: dict[str, Any] = {}
    if not one.error:
        usage = Usage(prompt_tokens=20, completion_tokens=one.tokens - 20, method=TokensMethod.API)
        outcome = Response(
            text=one.text, usage=usage, latency_s=one.latency_s, model=one.model, system_fingerprint=one.fingerprint
        )
        cost = {"cost_usd": one.cost_usd}
    attempts = () if one.cached else (Attempt(sent_at=BEGUN, latency_s=one.latency_s, result="ok"),)
    return Exchange(request_key=cell.request_key, outcome=outcome, attempts=attempts, from_cache=one.cached, **cost)


def _mark(one: Said) -> Mark:
    if one.passed is None:
        return Mark(score=None, verdict=None, reason="the scorer broke")
    value = float(one.passed) if one.score is None else one.score
    scores = (Score(name="icontains", value=value, passed=one.passed),)
    return Mark(score=value, verdict="pass" if one.passed else "fail", scores=scores)
