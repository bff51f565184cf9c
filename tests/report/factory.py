"""Plans, rows and comparisons made by hand: what the other rooms would hand over."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from evalrun.records.comparison import ColumnFigures, Comparison, Flip, GateResult, Interval, Pair
from evalrun.records.message import Image, Message, Picture, Tool, ToolCall
from evalrun.records.outcome import (
    Attempt,
    Choice,
    Exchange,
    Failure,
    FailureKind,
    Outcome,
    Response,
    TokensMethod,
    Usage,
)
from evalrun.records.plan import Cell, Column, Plan
from evalrun.records.row import Row
from evalrun.records.run import RunFacts
from evalrun.records.score import Mark, Score
from evalrun.records.suite import Case, Gate, Model, Price, Prompt, Provider, ScorerSpec, Suite

QUESTIONS = [
    ("France", "Paris", "europe"),
    ("Japan", "Tokyo", "asia"),
    ("Australia", "Canberra", "oceania"),
    ("Kenya", "Nairobi", "africa"),
    ("Brazil", "Brasília", "america"),
    ("Canada", "Ottawa", "america"),
    ("Turkey", "Ankara", "asia"),
    ("Switzerland", "Bern", "europe"),
]


@dataclass
class Words:
    """Every foreign text of a made run; tests put what they like here."""

    suite: str = "capitals"
    description: str = "One-word answers about capitals."
    labels: tuple[str, ...] = ("large", "mini", "sim")
    prompt: str = "terse"
    prompt_text: str = "What is the capital of {{ country }}?"
    question: str = "What is the capital of {}?"
    answer: str = "{}"
    tag: str = "{}"
    case: str = "{}"
    variable: str = "country"
    value: str = "{}"
    expected: str = "{}"
    scorer: str = "icontains"
    reason: str = "does not contain {}"
    extracted: str = "{}"
    error: str = "503 overloaded"
    fingerprint: str = "fp_1"
    finish: str = "stop"
    gate: str = "pass_rate >= 0.9"
    gate_reason: str = "0.875 < 0.9"
    note: str = "2 identical cells were merged"
    conclusion: tuple[str, ...] = (
        "large beats mini on pass rate by 37.5 points [2.1, 72.9] (paired, 8 cases).",
        "mini and sim are not distinguishable (needs about 210 more cases).",
    )
    extra: dict[str, Any] = field(default_factory=dict)


def fill(text: str, value: object) -> str:
    """*text* with the value in place of ``{}``; other braces are left alone."""
    return text.replace("{}", str(value))


def make_plan(words: Words | None = None, *, cases: int = 8, samples: int = 1, top_p: Sequence[float] = ()) -> Plan:
    """A suite with three models (the third one simulated), laid out case by case."""
    words = words or Words()
    models = tuple(
        Model(
            provider="simulator" if index == 2 else "openai",
            name=f"model-{index}",
            label=label,
            price=None if index == 2 else Price(input_usd=0.15, output_usd=0.6, date="2026-11-01"),
        )
        for index, label in enumerate(words.labels)
    )
    made = []
    for index in range(cases):
        country, capital, tag = QUESTIONS[index % len(QUESTIONS)]
        number = "" if index < len(QUESTIONS) else f"-{index}"
        made.append(
            Case(
                id=fill(words.case, country.lower() + number),
                vars={words.variable: fill(words.value, country), "n": index, **words.extra},
                expected=[fill(words.expected, capital), capital],
                tags=(fill(words.tag, tag),),
            )
        )
    suite = Suite(
        name=words.suite,
        file="suites/capitals.yaml",
        text="version: 1\n",
        digest=hashlib.sha256(b"version: 1\n").hexdigest(),
        description=words.description,
        models=models,
        providers={
            "openai": Provider(id="openai", dialect="openai-chat"),
            "simulator": Provider(id="simulator", dialect="openai-chat", simulated=True),
        },
        prompts=(Prompt(name=words.prompt, messages=(Message(role="user", content=words.prompt_text),)),),
        cases=tuple(made),
        scorers=(ScorerSpec(type="icontains", name=words.scorer), ScorerSpec(type="regex", name="form", weight=0.5)),
        params={"temperature": 0, "max_tokens": 64, "seed": 7},
        samples=samples,
        gates=(Gate(text=words.gate, metric="pass_rate", operator=">=", value=0.9),),
    )
    columns = tuple(
        Column(
            id=f"c{number}",
            label=model.label if not top_p else f"{model.label} · top_p={value}",
            prompt=words.prompt,
            model=model.label,
            params={"top_p": value} if top_p else {},
        )
        for number, (model, value) in enumerate(itertools.product(models, top_p or (None,)))
    )
    cells = []
    for case, column, sample in itertools.product(range(cases), range(len(columns)), range(samples)):
        key = hashlib.sha256(f"{case} {column} {sample}".encode()).hexdigest()
        cells.append(Cell(len(cells), key, key, case, column, sample, 20, 8))
    return Plan(suite=suite, columns=columns, cells=tuple(cells), order=tuple(range(len(cells))))


def answered(cell: Cell, column: int, words: Words, case: Case) -> tuple[Outcome, Mark | None]:
    """A fixed fate for every cell: large is mostly right, mini half, sim in between; one error, one pending."""
    if (cell.case, column) == (3, 1):
        return Failure(kind=FailureKind.OVERLOAD, message=words.error, http_status=503, latency_s=0.4), None
    passed = {0: cell.case != 2, 1: cell.case % 2 == 0, 2: cell.case % 3 != 1}[column % 3]
    capital = str(case.expected[1])
    said = capital if passed else "I think that it is Sydney, but I may be wrong about it."
    response = Response(
        text=fill(words.answer, said),
        usage=Usage(prompt_tokens=21 + cell.case, completion_tokens=3 + column, method=_method(column)),
        latency_s=0.31 + 0.07 * cell.case + 0.5 * column,
        finish_reason=words.finish,
        model=f"model-{column}",
        system_fingerprint=words.fingerprint,
        body='{"choices": []}',
    )
    value = 1.0 if passed else 0.0
    reason = "" if passed else fill(words.reason, capital)
    scores = (
        Score(
            name=words.scorer,
            value=value,
            passed=passed,
            reason=reason or "as expected",
            extracted=fill(words.extracted, said[:9]),
        ),
        Score(name="form", value=1.0, passed=True, weight=0.5),
    )
    return response, Mark(score=(value + 0.5) / 1.5, verdict="pass" if passed else "fail", scores=scores, reason=reason)


def _method(column: int) -> TokensMethod:
    return (TokensMethod.API, TokensMethod.ESTIMATE, TokensMethod.SIMULATED)[column % 3]


def make_rows(plan: Plan, words: Words | None = None, *, pending: int = 0) -> Callable[[], Iterator[Row]]:
    """The rows of a plan; the last *pending* cells were not asked."""
    words = words or Words()

    def rows() -> Iterator[Row]:
        for cell in plan.cells:
            case, column = plan.suite.cases[cell.case], plan.columns[cell.column]
            model = next(m for m in plan.suite.models if m.label == column.model)
            index = plan.suite.models.index(model)
            messages = (Message(role="user", content=fill(words.question, case.vars[words.variable])),)
            base = {"cell": cell, "case": case, "column": column, "model": model, "messages": messages}
            if cell.position >= len(plan.cells) - pending:
                yield Row(**base)
                continue
            outcome, mark = answered(cell, index, words, case)
            attempts = (Attempt(sent_at=1_795_000_000.0, latency_s=outcome.latency_s or 0.0, result="ok"),)
            exchange = Exchange(
                request_key=cell.request_key,
                outcome=outcome,
                attempts=attempts,
                cost_usd=0.0 if index == 2 else 0.000012 * (3 - index),
                price_date="" if index == 2 else "2026-11-01",
            )
            yield Row(**base, exchanges=(exchange,), mark=mark)

    return rows


WEATHER = Tool(
    name="get_weather",
    description="Look up the weather.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
PHOTO = Picture(media_type="image/png", base64="AAAA", width=640, height=480, name="paris.png")


def talking(row: Row) -> Row:
    """The row with a dialogue of three streamed requests: a call that a tool answers, an answer, and a second turn."""
    call = ToolCall(id="call_1", name="get_weather", arguments='{"city":"Paris"}')
    photo = Image(source="sha256:paris", detail="low")
    coat = "And do I need a coat?"
    messages = (
        Message(role="system", content="Be brief."),
        Message(role="user", content=("How warm is it here?", photo)),
        Message(role="assistant", content="", tool_calls=(call,)),
        Message(role="tool", content="18", tool_call_id="call_1"),
        Message(role="assistant", content="It is 18 degrees in Paris."),
        Message(role="user", content=coat),
    )
    replies = (
        _streamed(None, 0.2, tool_calls=(call,), finish_reason="tool_calls"),
        _streamed("It is 18 degrees in Paris.", 0.3),
        _streamed("Take no coat.", 0.25, reasoning="18 degrees is warm."),
    )
    exchanges = tuple(
        Exchange(
            request_key=f"{row.cell.request_key}{at}",
            outcome=reply,
            attempts=(Attempt(sent_at=1_795_000_000.0 + at, latency_s=1.0, result="ok"),),
            cost_usd=0.001,
            goes_on=at < 2,
        )
        for at, reply in enumerate(replies)
    )
    return replace(row, exchanges=exchanges, messages=messages, tools=(WEATHER,))


def calling(row: Row) -> Row:
    """The row with an answer that is nothing but two calls, one of them broken, and a further answer."""
    calls = (
        ToolCall(id="call_1", name="get_weather", arguments='{"city":"Paris"}'),
        ToolCall(id="call_2", name="get_weather", arguments='{"city":"Rome","unit":"celsius'),
    )
    reply = _streamed(None, 0.1, tool_calls=calls, choices=(Choice(text="Another answer."),))
    exchange = Exchange(request_key=row.cell.request_key, outcome=reply, cost_usd=0.001)
    return replace(row, exchanges=(exchange,))


def _streamed(text: str | None, ttft_s: float, **rest: Any) -> Response:
    usage = Usage(prompt_tokens=50, completion_tokens=30, method=TokensMethod.API, cached_tokens=10, reasoning_tokens=5)
    return Response(text=text, usage=usage, **{"latency_s": 1.0, "ttft_s": ttft_s, "finish_reason": "stop", **rest})


def make_comparison(plan: Plan, rows: Callable[[], Iterator[Row]], words: Words | None = None) -> Comparison:
    """Figures of rows: plain sums, and intervals that are only plausible."""
    words = words or Words()
    columns = tuple(
        _figures(plan, column, [row for row in rows() if row.column is column], words) for column in plan.columns
    )
    competing = [c for c in columns if not c.simulated and c.scored]
    places = {figures.column.id: place for place, figures in enumerate(competing, 1)}
    columns = tuple(
        replace(c, place=places[c.column.id], rank=(1, 1) if places[c.column.id] == 1 else (2, len(competing)))
        if c.column.id in places
        else c
        for c in columns
    )
    complete = not any(c.pending for c in columns)
    verdict = "fail" if complete else "not decided"
    return Comparison(
        columns=columns,
        pairs=_pairs([c.column.label for c in competing]),
        pairs_possible=len(competing) * (len(competing) - 1) // 2,
        gates=tuple(GateResult(gate=g, verdict=verdict, reason=words.gate_reason) for g in plan.suite.gates),
        conclusion=words.conclusion,
        complete=complete,
    )


def _figures(plan: Plan, column: Column, mine: list[Row], words: Words) -> ColumnFigures:
    scored = [row for row in mine if row.scored]
    passed = sum(row.mark is not None and row.mark.verdict == "pass" for row in scored)
    mean = passed / len(scored) if scored else None
    costs = [row.cost_usd for row in mine if row.cost_usd is not None]
    latencies = sorted(row.latency_s for row in mine if row.latency_s is not None)
    model = next(m for m in plan.suite.models if m.label == column.model)
    scores = [row.mark.score for row in scored if row.mark and row.mark.score is not None]
    errors = [row for row in mine if row.status == "error"]
    return ColumnFigures(
        column=column,
        simulated=plan.suite.providers[model.provider].simulated,
        recorded=False,
        planned=len(mine),
        scored=len(scored),
        passed=passed,
        answered=sum(row.status == "answered" for row in mine),
        errors=len(errors),
        pending=sum(row.status == "pending" for row in mine),
        pass_rate=None if mean is None else Interval(mean=mean, low=max(0, mean - 0.22), high=min(1, mean + 0.11)),
        score=sum(scores) / len(scores) if scores else None,
        prompt_tokens=sum(row.prompt_tokens or 0 for row in mine) if scored else None,
        completion_tokens=sum(row.completion_tokens or 0 for row in mine) if scored else None,
        tokens_methods=tuple(sorted({str(row.tokens_method) for row in mine if row.tokens_method})),
        cost_usd=sum(costs) if costs else None,
        latency_p50_s=latencies[len(latencies) // 2] if latencies else None,
        latency_p95_s=latencies[-1] if latencies else None,
        requests=sum(row.requests for row in mine),
        attempts=sum(row.attempts for row in mine),
        top_error=words.error if errors else "",
    )


def _pairs(labels: Sequence[str]) -> tuple[Pair, ...]:
    """The first column with each of the others: the second is beaten, the rest are not told apart."""
    return tuple(
        Pair(
            first=labels[0],
            second=other,
            both=4,
            only_first=3,
            only_second=0 if number == 1 else 1,
            neither=1 if number == 1 else 0,
            difference=Interval(mean=0.375, low=0.021 if number == 1 else -0.1, high=0.729),
            p_value=0.031 if number == 1 else 0.41,
            p_adjusted=0.031 if number == 1 else 0.82,
            decided=number == 1,
            cases=8,
            effect_size=0.9,
            odds_ratio=7.0 if number == 1 else 3.0,
            needs="" if number == 1 else "needs about 210 more cases",
            flips=(Flip(case="kenya", sample=0, passed=labels[0]),),
        )
        for number, other in enumerate(labels[1:], 1)
    )


def make_facts(words: Words | None = None, **changes: Any) -> RunFacts:
    """A run that ended well."""
    words = words or Words()
    facts: dict[str, Any] = {
        "run": "2026-11-20T10-31-07Z-3f9c",
        "suite": "suites/capitals.yaml",
        "folder": "results/capitals/2026-11-20T10-31-07Z-3f9c",
        "state": "complete",
        "exit_code": 1,
        "started_at": 1_795_000_000.0,
        "finished_at": 1_795_000_042.5,
        "evalrun_version": "0.1.0",
        "python_version": "3.11.7",
        "git_commit": "3f9c1d2",
        "notes": (words.note,),
        "limits": {"mini": {"rpm": 15}},
        "forecast": {"requests": 24},
        "price_dates": ("2026-11-01",),
    }
    return RunFacts(**{**facts, **changes})
