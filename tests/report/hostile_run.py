"""A run in which every foreign text is hostile: each text of the corpus stands in each field once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from evalrun.records.comparison import ColumnFigures, Comparison, Flip, GateResult, Interval, Pair, ScorePair
from evalrun.records.human import HUMAN
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
from evalrun.records.regression import Regression, Regressions
from evalrun.records.row import Row
from evalrun.records.run import RunFacts
from evalrun.records.score import Mark, Score
from evalrun.records.suite import Case, Gate, Model, Prompt, Provider, Recorded, ScorerSpec, Suite
from tests.report.factory import make_facts


@dataclass(frozen=True)
class Run:
    """What Reports and summary take."""

    plan: Plan
    rows: Callable[[], Iterator[Row]]
    comparison: Comparison
    facts: RunFacts


def run_of(texts: tuple[str, ...]) -> Run:
    """Models, prompts, tools, pictures, cases, tags, variables, answers, refusals, calls, scores, people's notes,
    reasons, errors, gates, regressions and notes, all made of *texts*."""
    plan = _plan(texts)
    comparison = _comparison(plan, texts)
    facts = make_facts(
        run=texts[0],
        suite=texts[1 % len(texts)],
        state="paused",
        reason=" ".join(texts),
        go_on=texts[2 % len(texts)],
        resume_after=texts[3 % len(texts)],
        git_commit=texts[4 % len(texts)],
        notes=texts,
        changes=texts,
        limits={text: text for text in texts},
        price_dates=texts,
        stopping={text: text for text in texts},
        digests={text: text for text in texts},
        regressions=regressions_of(texts),
        quota_left=texts,
    )
    return Run(plan, lambda: _rows(plan, texts), comparison, facts)


def regressions_of(texts: tuple[str, ...]) -> Regressions:
    """Answers that got worse, each made of one text."""
    worst = tuple(Regression(case=t, column=t, sample=0, expected=t, said=t, reason=t) for t in texts)
    return Regressions(against=texts[0], compared=len(texts) + 1, failing=len(texts), worst=worst)


def _plan(texts: tuple[str, ...]) -> Plan:
    models = tuple(
        Model(
            provider="simulator" if index % 3 == 0 else text,
            name=text,
            label=text,
            tags=(text,),
            recorded=Recorded(file=text, match="id", answers={}) if index % 3 == 1 else None,
        )
        for index, text in enumerate(texts)
    )
    suite = Suite(
        name=texts[5 % len(texts)],
        file=texts[6 % len(texts)],
        text="\n".join(texts),
        digest="0" * 64,
        description=" ".join(texts),
        models=models,
        providers={"simulator": Provider(id="simulator", dialect="openai-chat", simulated=True)},
        prompts=tuple(
            Prompt(name=text, messages=(Message(role=text, content=text),), turns=(text,), tools=(tool_of(text),))
            for text in texts
        ),
        pictures={
            text: Picture(media_type=text, base64="AAAA", width=1, height=2, name=text)
            for text in texts
            if len(text) % 2
        },
        cases=tuple(
            Case(
                id=text,
                vars={text: text, "list": [text, {text: text}]},
                expected=text if i % 2 else [text],
                tags=(text,),
            )
            for i, text in enumerate(texts)
        ),
        scorers=tuple(ScorerSpec(type=text, name=text) for text in (*texts, HUMAN)),
        params={text: text for text in texts},
        gates=tuple(
            Gate(text=text, metric="pass_rate", operator=">=", value=0.5, only={"tag": (text,)}) for text in texts
        ),
    )
    columns = tuple(
        Column(id=f"c{index}", label=text, prompt=text, model=text, params={text: text})
        for index, text in enumerate(texts)
    )
    places = [(case, column % len(texts)) for case in range(len(texts)) for column in (case, case + 1)]
    cells = tuple(Cell(i, texts[case], texts[case], case, column, 0, 1, 1) for i, (case, column) in enumerate(places))
    return Plan(suite=suite, columns=columns, cells=cells, order=tuple(range(len(cells))))


def _rows(plan: Plan, texts: tuple[str, ...]) -> Iterator[Row]:
    for cell in plan.cells:
        text = texts[cell.case]
        outcome: Outcome
        if cell.position % 5 == 4:
            outcome = Failure(kind=_FAILURES[cell.position % 3], message=text, code=text, body=text)
            mark = None
        else:
            usage = Usage(prompt_tokens=1, completion_tokens=1, method=TokensMethod.API)
            outcome = Response(
                text=None if cell.position % 5 == 3 else text,
                usage=usage,
                latency_s=0.1,
                ttft_s=0.05,
                tool_calls=() if cell.position % 5 == 2 else calls_of(text),
                reasoning=text,
                choices=(Choice(text=text, finish_reason=text, refusal=text, tool_calls=calls_of(text)),),
                finish_reason=text,
                model=text,
                system_fingerprint=text,
                body=text,
            )
            if cell.position % 11 == 10:
                outcome = replace(outcome, text=None, refusal=text, tool_calls=())
            mark = _mark(texts[0], text, cell.position)
        attempt = Attempt(sent_at=1.0, latency_s=0.1, result=text, message=text)
        yield Row(
            cell=cell,
            case=plan.suite.cases[cell.case],
            column=plan.columns[cell.column],
            model=plan.suite.models[cell.column],
            exchanges=(Exchange(request_key=text, outcome=outcome, attempts=(attempt,), price_date=text),),
            mark=mark,
            messages=messages_of(text),
            tools=(tool_of(text),),
        )


_FAILURES = (FailureKind.SERVER, FailureKind.FILTERED, FailureKind.SKIPPED)


def _mark(first: str, text: str, position: int) -> Mark:
    """What the scorers and a person said of an answer; now and then nobody could say."""
    passed = position % 2 == 0
    score = Score(name=text, value=float(passed), passed=passed, reason=text, extracted=text)
    person = Score(name=HUMAN, value=float(passed), passed=passed, reason=text)
    broken = Score(name=first, value=None, passed=None, error=text)
    if position % 13 == 12:
        return Mark(score=None, verdict=None, scores=(broken,), reason=text)
    verdict = "pass" if passed else "fail"
    return Mark(score=float(passed), verdict=verdict, scores=(score, person, broken), reason=text)


def messages_of(text: str) -> tuple[Message, ...]:
    """A conversation with a picture, a named speaker, a call and a tool's answer."""
    picture = Image(source=text, detail=text, width=3, height=4)
    return (
        Message(role=text, content=(text, picture), name=text),
        Message(role="assistant", content=text, tool_calls=calls_of(text), carried=text),
        Message(role="tool", content=text, tool_call_id=text),
    )


def calls_of(text: str) -> tuple[ToolCall, ...]:
    """Calls whose every part is *text*, one of them with arguments that are JSON."""
    as_json = json.dumps({text: text})
    return (ToolCall(id=text, name=text, arguments=text), ToolCall(id=text, name=text, arguments=as_json))


def tool_of(text: str) -> Tool:
    """A tool whose every part is *text*."""
    return Tool(name=text, description=text, parameters={"properties": {text: {"type": text}}, "required": [text]})


def _comparison(plan: Plan, texts: tuple[str, ...]) -> Comparison:
    doubt = Interval(mean=0.1, low=-0.1, high=0.3)
    figures = tuple(
        ColumnFigures(
            column=column,
            simulated=index % 3 == 0,
            recorded=index % 3 == 1,
            planned=2,
            scored=1,
            passed=1,
            errors=1,
            pass_rate=Interval(mean=0.5, low=0.1, high=0.9),
            score=0.5,
            scorers={column.label: 0.5},
            tokens_methods=(column.label,),
            ttft_p50_s=0.05,
            tokens_per_s=20.0,
            top_error=column.label,
            tokens_per_cell=12.0,
            cost_per_cell_usd=0.001,
            intervals={"score": doubt, f"scorer.{column.label}": doubt, "pass@2": doubt},
            pass_at={2: 0.5},
            pass_all={2: 0.25},
            unsteady=doubt,
            place=index + 1,
            rank=(1, len(plan.columns)),
            on_cost_front=True,
            on_latency_front=False,
        )
        for index, column in enumerate(plan.columns)
    )
    first = plan.columns[0].label
    pairs = tuple(
        Pair(
            first=first,
            second=column.label,
            both=1,
            only_first=1,
            only_second=0,
            neither=0,
            difference=doubt,
            p_value=0.5,
            decided=False,
            cases=1,
            needs=column.label,
            flips=(Flip(case=column.label, sample=0, passed=first),),
            score=ScorePair(
                difference=doubt,
                standard_error=0.1,
                p_value=0.5,
                p_permutation=0.5,
                p_adjusted=0.5,
                decided=False,
                needs=column.label,
            ),
        )
        for column in plan.columns[1:]
    )
    gates = tuple(GateResult(gate=g, verdict="fail", reason=t) for g, t in zip(plan.suite.gates, texts, strict=True))
    return Comparison(columns=figures, pairs=pairs, gates=gates, conclusion=texts, complete=False)
