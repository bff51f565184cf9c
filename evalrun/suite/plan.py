"""Suite -> cells in plan order, with estimates.

Plan order is the suite's: case by case, column by column, sample by sample, and every output keeps it. Requests are
sent in a seeded order instead, sample by sample, case by case, columns interleaved: whenever a run stops, what is
finished is a fair sample of the cases, the same for every column.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from evalrun import template, tokens
from evalrun.catalog import DIALECTS
from evalrun.errors import NothingSelected, UsageError
from evalrun.records.message import Message
from evalrun.records.outcome import TokensMethod
from evalrun.records.plan import Cell, Column, Plan
from evalrun.records.request import Request, request_key
from evalrun.records.suite import Case, Model, Prompt, Suite

MAX_PLANNED = 100_000

# What an answer is reckoned at where nothing limits it.
_DEFAULT_OUTPUT_TOKENS = 256

# Dialects that send plain texts.
_TEXT_DIALECTS = frozenset({"openai-completions", "openai-embeddings"})


def make_plan(suite: Suite, *, max_planned: int = MAX_PLANNED) -> Plan:
    """Lay out a suite's cells. Raises NothingSelected for none and UsageError for more than *max_planned*."""
    columns = tuple(_columns(suite))
    planned = len(columns) * len(suite.cases) * suite.samples
    if not planned:
        raise NothingSelected("nothing selected: the suite has no case, prompt or model left")
    if planned > max_planned:
        raise UsageError(
            f"{suite.file}: {planned:,} cells are planned ({len(columns)} columns × {len(suite.cases):,} cases × "
            f"{suite.samples} samples), more than {max_planned:,}\nraise the limit with --max-planned {planned}"
        )
    cells, methods = _cells(suite, columns)
    return Plan(
        suite=suite,
        columns=columns,
        cells=tuple(cells),
        order=tuple(_order(suite, cells)),
        merged=planned - len(cells),
        tokens_method=max(methods, key=list(TokensMethod).index, default=TokensMethod.ESTIMATE),
    )


def first_request(plan: Plan, cell: Cell) -> Request:
    """The request that opens a cell, exactly as it will be sent."""
    suite, column = plan.suite, plan.columns[cell.column]
    model = _by_name(suite.models, column.model, "label")
    prompt = _by_name(suite.prompts, column.prompt, "name")
    request = _request(suite, prompt, model, column.params, suite.cases[cell.case], cell.sample)
    return replace(request, input_tokens=cell.input_tokens, output_tokens=cell.output_tokens)


def _columns(suite: Suite) -> Iterator[Column]:
    seen = set()
    many_prompts = len(suite.prompts) > 1
    for prompt, model in itertools.product(suite.prompts, suite.models):
        free = {key: values for key, values in suite.matrix.items() if not _fixed(key, prompt, model)}
        for values in itertools.product(*free.values()):
            params = dict(zip(free, values, strict=True))
            shown = [model.label, *([prompt.name] if many_prompts else [])]
            shown += [f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in params.items()]
            identity = json.dumps([prompt.name, model.label, params], sort_keys=True)
            if identity in seen:
                continue
            seen.add(identity)
            yield Column(
                id=hashlib.sha256(identity.encode()).hexdigest()[:16],
                label=" · ".join(shown),
                prompt=prompt.name,
                model=model.label,
                params=params,
            )


def _fixed(key: str, prompt: Prompt, model: Model) -> bool:
    """Whether something nearer than the matrix decides a parameter: a recorded answer has none at all."""
    return key in prompt.params or key in model.params or model.recorded is not None


def _cells(suite: Suite, columns: tuple[Column, ...]) -> tuple[list[Cell], set[TokensMethod]]:
    models = {model.label: model for model in suite.models}
    prompts = {prompt.name: prompt for prompt in suite.prompts}
    cells: list[Cell] = []
    methods: set[TokensMethod] = set()
    twins: dict[str, int] = {}
    for case_index, case in enumerate(suite.cases):
        seen = set()
        for (index, column), sample in itertools.product(enumerate(columns), range(suite.samples)):
            model = models[column.model]
            request = _request(suite, prompts[column.prompt], model, column.params, case, sample)
            identity = (column.prompt, column.model, request.key)
            if identity in seen:
                continue
            seen.add(identity)
            twin = twins[request.key] = twins.get(request.key, 0) + 1
            count, method = _input_tokens(request)
            methods.add(method)
            cells.append(
                Cell(
                    position=len(cells),
                    key=request.key if twin == 1 else f"{request.key}#{twin}",
                    request_key=request.key,
                    case=case_index,
                    column=index,
                    sample=sample,
                    input_tokens=count,
                    output_tokens=_output_tokens(request),
                )
            )
    return cells, methods


def _request(suite: Suite, prompt: Prompt, model: Model, matrix: Mapping[str, Any], case: Case, sample: int) -> Request:
    messages = tuple(
        Message(role=message.role, content=template.render(message.text, case.vars)) for message in prompt.messages
    )
    provider = suite.providers[model.provider]
    params: dict[str, Any]
    if model.recorded:
        params, name, sample = _recorded_params(model, case), model.label, 0
    else:
        # The nearest wins: case, prompt, model, matrix, suite.
        params = {**suite.params, **matrix, **model.params, **prompt.params, **case.params}
        name = model.name
        if isinstance(params.get("seed"), int):
            params["seed"] += sample
    key = request_key(
        provider=provider.id,
        dialect=provider.dialect,
        version=DIALECTS[provider.dialect],
        model=name,
        messages=messages,
        params=params,
        sample=sample,
    )
    return Request(
        key=key,
        provider=provider.id,
        dialect=provider.dialect,
        model=name,
        messages=messages,
        params=params,
        sample=sample,
    )


def _recorded_params(model: Model, case: Case) -> dict[str, Any]:
    """What a recorded model is asked: which answer, and its digest, so that a changed answer is a changed request."""
    recorded = model.recorded
    if recorded is None:
        raise ValueError(f"{model.label} is not recorded")
    match = str(case.id if recorded.match == "id" and "id" not in case.vars else case.vars.get(recorded.match, ""))
    answer = recorded.answers.get(match)
    text = None if answer is None else (answer.text or "")
    digest = None if text is None else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return {"match": match, "answer_sha256": digest}


def _input_tokens(request: Request) -> tuple[int, TokensMethod]:
    if request.dialect == "recorded":
        return 0, TokensMethod.RECORDED
    if request.dialect in _TEXT_DIALECTS:  # no frame of messages around them
        found = [tokens.count(message.text, request.model) for message in request.messages]
        method = max((m for _, m in found), key=list(TokensMethod).index, default=TokensMethod.ESTIMATE)
        return sum(n for n, _ in found), method
    return tokens.count_messages(request.messages, request.model, request.tools)


def _output_tokens(request: Request) -> int:
    if request.dialect == "recorded":
        return 0
    params = request.params
    return int(params.get("max_completion_tokens") or params.get("max_tokens") or _DEFAULT_OUTPUT_TOKENS)


def _order(suite: Suite, cells: list[Cell]) -> list[int]:
    """Positions in sending order: cases in an order drawn from their ids and the suite's name, the same every time."""

    def draw(case_id: str) -> bytes:
        return hashlib.sha256(f"{suite.name}\0{case_id}".encode("utf-8", "surrogatepass")).digest()

    ranks = {index: draw(case.id) for index, case in enumerate(suite.cases)}
    ordered = sorted(cells, key=lambda cell: (cell.sample, ranks[cell.case], cell.column))
    return [cell.position for cell in ordered]


def _by_name(items: tuple[Any, ...], name: str, attribute: str) -> Any:
    return next(item for item in items if getattr(item, attribute) == name)
