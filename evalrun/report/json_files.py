"""results.jsonl, requests.jsonl and run.json: everything, exactly, for programs.

Strings come back from a JSON parser as they were, lone surrogates included; in the file they are inert.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from evalrun.records.comparison import Comparison, GateResult, Pair
from evalrun.records.message import Message
from evalrun.records.outcome import Exchange, Failure, Response
from evalrun.records.plan import Plan
from evalrun.records.regression import Regressions
from evalrun.records.row import Row
from evalrun.records.run import RunFacts
from evalrun.records.suite import Case
from evalrun.report.fields import flat, record_json, to_json, utc
from evalrun.report.talk import message_json, request_messages
from evalrun.report.totals import Totals


class JsonLines:
    """Rows as lines of results.jsonl and requests.jsonl.

    What rows of a case or a column have in common is written as JSON once: the parts are put together as text. Mutable
    state: those parts, of the case and the messages met last and of every column.
    """

    def __init__(self, run: str) -> None:
        self._run = to_json(run)
        self._columns: dict[str, str] = {}
        self._case: Case | None = None
        self._case_id = self._case_said = ""
        self._messages: tuple[Message, ...] | None = None
        self._messages_said = ""

    def results(self, row: Row) -> str:
        """One cell as a line of JSON: what was asked, what came back word for word, every score with its reason."""
        asked = self._asked(row)
        messages = self._said(row.messages)
        tools = to_json([flat(tool) for tool in row.tools]) if row.tools else "[]"
        return (
            f'{{"run":{self._run},"position":{row.cell.position},{asked},{self._case_said},'
            f'"messages":{messages},"tools":{tools},{record_json(_result(row))[1:]}'
        )

    def requests(self, row: Row) -> Iterator[str]:
        """One line of JSON a request of the cell: what it asked, what came back, and every attempt at it.

        Bodies of replies are in results.jsonl. Messages are null where they are not known.
        """
        asked = self._asked(row)
        for index, (exchange, messages) in enumerate(zip(row.exchanges, request_messages(row), strict=True)):
            said = "null" if messages is None else self._said(messages)
            yield (
                f'{{"run":{self._run},"position":{row.cell.position},"request":{index},{asked},"messages":{said},'
                f"{record_json(_exchange(exchange))[1:]}"
            )

    def _asked(self, row: Row) -> str:
        case, column = row.case, row.column
        if case is not self._case:
            self._case, self._case_id = case, to_json(case.id)
            self._case_said = to_json({"tags": case.tags, "vars": case.vars, "expected": case.expected})[1:-1]
        said = self._columns.get(column.id)
        if said is None:
            model = f"{row.model.provider}/{row.model.name}"
            names = {"column": column.label, "prompt": column.prompt, "model": column.model, "model_id": model}
            said = self._columns[column.id] = to_json({**names, "params": column.params})[1:-1]
        return f'"case":{self._case_id},{said},"sample":{row.cell.sample}'

    def _said(self, messages: tuple[Message, ...]) -> str:
        if messages is not self._messages:  # the columns of a case are often asked the same
            self._messages = messages
            self._messages_said = to_json([message_json(message) for message in messages])
        return self._messages_said


def request_lines(row: Row, run: str) -> Iterator[str]:
    """A single cell's lines of requests.jsonl."""
    return JsonLines(run).requests(row)


def _result(row: Row) -> dict[str, Any]:
    """What came of a cell."""
    outcome = row.outcome
    response = outcome if isinstance(outcome, Response) else None
    failure = outcome if isinstance(outcome, Failure) else None
    mark, method = row.mark, row.tokens_method
    return {
        "status": str(row.status),
        "verdict": mark.verdict if mark else None,
        "score": mark.score if mark else None,
        "reason": mark.reason if mark else None,
        "scores": [flat(score) for score in mark.scores] if mark else [],
        "output": response.text if response else None,
        "refusal": response.refusal if response else None,
        "tool_calls": [flat(call) for call in row.tool_calls],
        "reasoning": response.reasoning if response else None,
        "choices": _choices(response) if response else [],
        "finish_reason": response.finish_reason if response else None,
        "prompt_tokens": row.prompt_tokens,
        "completion_tokens": row.completion_tokens,
        "cached_tokens": row.cached_tokens,
        "reasoning_tokens": row.reasoning_tokens,
        "tokens_method": str(method) if method else None,
        "cost_usd": row.cost_usd,
        "latency_s": row.latency_s,
        "ttft_s": row.ttft_s,
        "tokens_per_s": row.tokens_per_s,
        "requests": row.requests,
        "from_cache": row.from_cache,
        "error_kind": str(failure.kind) if failure else None,
        "error": failure.message if failure else None,
        "replies": [exchange.outcome.body for exchange in row.exchanges],
        "request_key": row.cell.request_key,
    }


def _exchange(exchange: Exchange) -> dict[str, Any]:
    outcome = exchange.outcome
    said: dict[str, Any] = {
        "request_key": exchange.request_key,
        "from_cache": exchange.from_cache,
        "result": "ok" if isinstance(outcome, Response) else str(outcome.kind),
        "latency_s": outcome.latency_s,
        "queue_s": exchange.queue_s,
        "retry_wait_s": exchange.retry_wait_s,
        "cost_usd": exchange.cost_usd,
        "price_date": exchange.price_date or None,
    }
    if isinstance(outcome, Response):
        said |= {"usage": flat(outcome.usage), "finish_reason": outcome.finish_reason, "model_said": outcome.model}
        said |= {"system_fingerprint": outcome.system_fingerprint, "ttft_s": outcome.ttft_s}
        said |= {"output": outcome.text, "refusal": outcome.refusal, "reasoning": outcome.reasoning}
        said |= {"tool_calls": [flat(call) for call in outcome.tool_calls], "choices": _choices(outcome)}
    else:
        said |= {"error": outcome.message, "http_status": outcome.http_status, "code": outcome.code}
        said["retry_after_s"] = outcome.retry_after_s
    return said | {"attempts": [flat(attempt) for attempt in exchange.attempts]}


def _choices(response: Response) -> list[dict[str, Any]]:
    """The answers of a reply besides its first."""
    return [flat(choice) | {"tool_calls": [flat(call) for call in choice.tool_calls]} for choice in response.choices]


def manifest(plan: Plan, comparison: Comparison, facts: RunFacts) -> str:
    """run.json: who ran what, when, with what result, and what it took."""
    suite, totals = plan.suite, Totals.of(comparison)
    said = {
        "run": facts.run,
        "state": facts.state,
        "complete": comparison.complete,
        "exit_code": facts.exit_code,
        "reason": facts.reason or None,
        "go_on": facts.go_on or None,
        "resume_after": facts.resume_after,
        "started_at": utc(facts.started_at),
        "finished_at": utc(facts.finished_at),
        "evalrun_version": facts.evalrun_version,
        "python_version": facts.python_version or None,
        "git_commit": facts.git_commit,
        "suite": {"name": suite.name, "file": suite.file, "sha256": suite.digest, "text": suite.text},
        "changes": facts.changes,
        "notes": facts.notes,
        "conclusion": comparison.conclusion,
        "stopping": facts.stopping,
        "regressions": None if facts.regressions is None else _regressions(facts.regressions),
        "figures": [_whole(figures) | {"column": figures.column.label} for figures in comparison.columns],
        "pairs": [_pair(pair) for pair in comparison.pairs],
        "pairs_possible": comparison.pairs_possible,
        "tags": [_whole(tag) for tag in comparison.tags],
        "tags_possible": comparison.tags_possible,
        "gates": [gate_json(result) for result in comparison.gates],
        "columns": [_column(plan, position, facts) for position in range(len(plan.columns))],
        "cells": {
            "planned": len(plan.cells),
            "merged": plan.merged,
            "cases": len(suite.cases),
            "samples": suite.samples,
        },
        "limits": facts.limits,
        "budget": flat(suite.budget),
        "max_error_rate": suite.max_error_rate,
        "price_dates": facts.price_dates,
        "totals": flat(totals),
        "forecast": {"said": facts.forecast, "fact": _fact(totals, facts)},
    }
    return to_json(said, indent=2) + "\n"


def _regressions(found: Regressions) -> dict[str, Any]:
    """What got worse, by name: this file says nothing of what was answered."""
    worst = [{"case": one.case, "column": one.column, "sample": one.sample or 0} for one in found.worst]
    return {"against": found.against, "compared": found.compared, "failing": found.failing, "worst": worst}


def _pair(pair: Pair) -> dict[str, Any]:
    score = None if pair.score is None else _whole(pair.score) | {"call": pair.score.call}
    return {**_whole(pair), "call": pair.call, "score": score}


def _whole(record: Any) -> Any:
    """A record and all that it holds, as mappings and lists."""
    if hasattr(record, "__dataclass_fields__"):
        return {name: _whole(value) for name, value in flat(record).items()}
    if isinstance(record, Mapping):
        return {str(key): _whole(value) for key, value in record.items()}
    return [_whole(one) for one in record] if isinstance(record, tuple | list) else record


def gate_json(result: GateResult) -> dict[str, Any]:
    """A gate with its answer. *regressed* lists every answer that passed in the baseline and fails now."""
    gate = result.gate
    said: dict[str, Any] = {"gate": gate.text, "verdict": result.verdict, "failed": result.failed}
    said |= {"reason": result.reason, "for": {key: list(names) for key, names in gate.only.items()}}
    said |= {"confidence": gate.confidence, "strict": gate.strict}
    if not gate.operator:
        said |= {"alpha": gate.alpha, "min_effect": gate.min_effect}
        said["regressed"] = [flat(one) for one in result.regressed]
    return said


def _column(plan: Plan, position: int, facts: RunFacts) -> dict[str, Any]:
    column = plan.columns[position]
    model = next((m for m in plan.suite.models if m.label == column.model), None)
    said: dict[str, Any] = {"id": column.id, "label": column.label, "prompt": column.prompt, "model": column.model}
    said["params"] = column.params
    said["sha256"] = facts.digests.get(column.label)
    if model is not None:
        said["model_id"] = f"{model.provider}/{model.name}"
        said["simulated"] = plan.suite.is_simulated(model)
        said["recorded"] = model.recorded.file if model.recorded else None
        said["price"] = flat(model.price) if model.price else None
    return said


def _fact(totals: Totals, facts: RunFacts) -> Mapping[str, Any]:
    return {
        "requests": totals.requests,
        "prompt_tokens": totals.prompt_tokens,
        "completion_tokens": totals.completion_tokens,
        "cost_usd": totals.cost_usd,
        "duration_s": round(max(0.0, facts.finished_at - facts.started_at), 3),
    }
