"""Plans and rows for the tests of stats, from small tables of letters.

A column's answers are a string, one letter a cell: ``p`` pass, ``f`` fail, ``e`` error, ``.`` pending, ``u`` unscored,
``n`` no answer (fails), ``r`` refused (fails), ``c`` filtered, ``s`` spared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalrun.records.comparison import Comparison
from evalrun.records.message import Message
from evalrun.records.outcome import Attempt, Exchange, Failure, FailureKind, Outcome, Response, TokensMethod, Usage
from evalrun.records.plan import Cell, Column, Plan
from evalrun.records.row import Row
from evalrun.records.score import Mark, Score
from evalrun.records.suite import Case, Gate, Model, Prompt, Provider, Recorded, Suite
from evalrun.stats.compare import compare
from evalrun.stats.watching import Watched

OUTCOMES: Mapping[str, tuple[str | None, str | None]] = {"n": (None, None), "r": (None, "no")}


def outcome(letter: str, **facts: Any) -> Outcome | None:
    """What came back for a letter."""
    if letter == ".":
        return None
    if letter == "s":
        return Failure(kind=FailureKind.SPARED, message="not needed")
    if letter in "ec":
        kind = FailureKind.AUTH if letter == "e" else FailureKind.FILTERED
        message = "401 from lab" if letter == "e" else "filtered by lab"
        return Failure(kind=kind, message=message, http_status=401 if letter == "e" else 400)
    text, refusal = OUTCOMES.get(letter, ("an answer", None))
    usage = Usage(
        prompt_tokens=facts.pop("prompt_tokens", 10),
        completion_tokens=facts.pop("completion_tokens", 5),
        method=TokensMethod.API,
    )
    return Response(text=text, refusal=refusal, usage=usage, **{"latency_s": 0.5, **facts})


def mark(letter: str) -> Mark | None:
    """The mark of a letter."""
    if letter in "ecs.":
        return None
    if letter == "u":
        broken = Score(name="numeric", value=None, passed=None, error="broken")
        return Mark(score=None, verdict=None, scores=(broken,), reason="numeric: broken")
    value = float(letter == "p")
    scores = (Score(name="equals", value=value, passed=bool(value)),)
    return Mark(score=value, verdict="pass" if value else "fail", scores=scores)


def plan(columns: Mapping[str, str], *, samples: int = 1, gates: tuple[Gate, ...] = (), **suite: Any) -> Plan:
    """A plan of these columns. A label that begins with ``sim`` is simulated, with ``rec`` recorded."""
    cases = len(next(iter(columns.values()))) // samples
    models = tuple(
        Model(
            provider="simulator" if label.startswith("sim") else "lab",
            name=label,
            label=label,
            recorded=Recorded(file="a.jsonl", match="id", answers={}) if label.startswith("rec") else None,
        )
        for label in columns
    )
    made = Suite(
        name="s",
        file="s.yaml",
        text="",
        digest="",
        models=models,
        providers={
            "lab": Provider(id="lab", dialect="openai-chat"),
            "simulator": Provider(id="simulator", dialect="openai-chat", simulated=True),
        },
        prompts=(Prompt(name="p", messages=(Message(role="user", content="hi"),)),),
        cases=tuple(Case(id=f"c{index}", tags=("even",) if index % 2 == 0 else ("odd",)) for index in range(cases)),
        samples=samples,
        gates=gates,
        **suite,
    )
    cells = []
    for case in range(cases):
        for column in range(len(columns)):
            for sample in range(samples):
                cells.append(Cell(len(cells), f"k{len(cells)}", "", case, column, sample, 0, 0))
    laid_out = tuple(Column(id=f"id-{label}", label=label, prompt="p", model=label) for label in columns)
    return Plan(suite=made, columns=laid_out, cells=tuple(cells), order=tuple(range(len(cells))))


def rows(made: Plan, columns: Mapping[str, str], **facts: Any) -> list[Row]:
    """The rows of a plan, in its order. *facts* are of every reply; ``cost_usd`` of every exchange."""
    cost_usd = facts.pop("cost_usd", 0.001)
    found = []
    for cell in made.cells:
        column = made.columns[cell.column]
        letter = columns[column.label][cell.case * made.suite.samples + cell.sample]
        came = outcome(letter, **facts)
        attempts = (Attempt(sent_at=0.0, latency_s=0.5, result="ok"),)
        exchanges = (
            () if came is None else (Exchange(request_key="", outcome=came, cost_usd=cost_usd, attempts=attempts),)
        )
        model = made.suite.models[cell.column]
        case = made.suite.cases[cell.case]
        found.append(Row(cell=cell, case=case, column=column, model=model, exchanges=exchanges, mark=mark(letter)))
    return found


def compared(
    columns: Mapping[str, str],
    *,
    complete: bool = True,
    samples: int = 1,
    watched: tuple[Watched, ...] = (),
    **suite: Any,
) -> Comparison:
    """The comparison of these columns."""
    made = plan(columns, samples=samples, **suite)
    return compare(made, rows(made, columns), complete=complete, watched=watched)
