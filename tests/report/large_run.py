"""A stored run of many cases × 4 columns: what `evalrun report RUN` must bear."""

from __future__ import annotations

import asyncio
import hashlib
from itertools import islice
from pathlib import Path
from random import Random

from evalrun.records.message import Message
from evalrun.records.outcome import Attempt, Exchange, Failure, FailureKind, Outcome, Response, TokensMethod, Usage
from evalrun.records.plan import Cell, Column, Plan
from evalrun.records.score import Mark, Score
from evalrun.records.suite import Case, Model, Prompt, Provider, ScorerSpec, Suite
from evalrun.scoring import digest
from evalrun.store.run import RunStore
from tests.report.large import Language

LABELS = ("alder", "birch", "cedar", "douglas")
BEGUN = 1_795_170_667.0
_AT_ONCE = 8_000
_TAGS = ("north", "south", "east", "west", "coast", "hills", "plain", "river")


def store_large(results: Path, cases: int, *, seed: int = 7) -> Path:
    """Write a run of so many cases into *results*; its folder. One cell of a thousand is an error."""
    language, chance = Language(seed), Random(seed)
    plan = _plan(cases, language, chance)
    with RunStore.create(results / "large" / "run", plan, evalrun_version="0", now=BEGUN) as store:
        store.begin_sitting(now=BEGUN, how="run", argv=())
        cells = iter(plan.cells)
        while part := tuple(islice(cells, _AT_ONCE)):
            said = [(cell, _exchange(cell, language, chance)) for cell in part]
            asked = [(cell.key, 0, exchange, _messages(plan, cell)) for cell, exchange in said]
            asyncio.run(store.put_together(asked))
            scored = [cell for cell, exchange in said if isinstance(exchange.outcome, Response)]
            store.put_marks([(cell.key, _digest(plan, cell), _mark(plan, cell, chance)) for cell in scored])
        store.end_sitting(now=BEGUN + 60, ended="complete")
    return results / "large" / "run"


def _plan(count: int, language: Language, chance: Random) -> Plan:
    cases = tuple(
        Case(
            id=f"place-{number:06}",
            vars={"question": language.text(chance.randint(60, 180))},
            expected=language.text(12),
            tags=(_TAGS[number * number % len(_TAGS)],),
        )
        for number in range(count)
    )
    suite = Suite(
        name="large",
        file="suites/large.yaml",
        text="version: 1\n",
        digest="0" * 64,
        models=tuple(Model(provider="lab", name=label, label=label) for label in LABELS),
        providers={"lab": Provider(id="lab", dialect="openai-chat")},
        prompts=(Prompt(name="plain", messages=(Message(role="user", content="{{ question }}"),)),),
        cases=cases,
        scorers=(ScorerSpec(type="icontains", name="icontains"), ScorerSpec(type="regex", name="form", weight=0.5)),
    )
    columns = tuple(Column(id=label, label=label, prompt="plain", model=label) for label in LABELS)
    cells = []
    for position in range(count * len(columns)):
        case, column = divmod(position, len(columns))
        key = hashlib.sha256(f"{case} {column}".encode()).hexdigest()
        cells.append(Cell(position, key, key, case, column, 0, 40, 60))
    return Plan(suite=suite, columns=columns, cells=tuple(cells), order=tuple(range(len(cells))))


def _digest(plan: Plan, cell: Cell) -> str:
    """What says that a mark was given by the suite's own scorers, so that nothing is scored again."""
    return digest(plan.suite.scorers, plan.suite.cases[cell.case], plan.suite.threshold)


def _messages(plan: Plan, cell: Cell) -> tuple[Message, ...]:
    return (Message(role="user", content=str(plan.suite.cases[cell.case].vars["question"])),)


def _exchange(cell: Cell, language: Language, chance: Random) -> Exchange:
    outcome: Outcome = Failure(kind=FailureKind.SERVER, message="503 overloaded", http_status=503, latency_s=0.3)
    cost = None
    if cell.position % 1000 != 999:
        text = language.answer()
        usage = Usage(prompt_tokens=30 + cell.case % 50, completion_tokens=len(text) // 4 + 1, method=TokensMethod.API)
        latency = chance.lognormvariate(0.2, 0.4) + len(text) / 900
        outcome = Response(text=text, usage=usage, latency_s=latency, finish_reason="stop", model=LABELS[cell.column])
        cost = 1e-6 * (usage.prompt_tokens or 0) + 4e-6 * (usage.completion_tokens or 0)
    attempts = (Attempt(sent_at=BEGUN, latency_s=outcome.latency_s or 0.0, result="ok"),)
    return Exchange(request_key=cell.request_key, outcome=outcome, attempts=attempts, cost_usd=cost)


def _mark(plan: Plan, cell: Cell, chance: Random) -> Mark:
    """Most cases are passed by all or by none; of the others each column passes its share."""
    drawn = hashlib.sha256(str(cell.case).encode()).digest()
    passed = drawn[0] < 140 if drawn[0] < 220 else chance.random() < 0.3 + 0.1 * cell.column
    formed = drawn[1] < 230
    wanted = str(plan.suite.cases[cell.case].expected)
    reason = f"contains {wanted}" if passed else f"does not contain {wanted}"
    scores = (
        Score(
            name="icontains", value=float(passed), passed=passed, reason=reason, extracted=wanted if passed else None
        ),
        Score(name="form", value=float(formed), passed=formed, weight=0.5, reason="" if formed else "no figure in it"),
    )
    verdict = "pass" if passed and formed else "fail"
    why = "" if verdict == "pass" else reason if not passed else "no figure in it"
    return Mark(score=(passed + 0.5 * formed) / 1.5, verdict=verdict, scores=scores, reason=why)  # type: ignore[arg-type]
