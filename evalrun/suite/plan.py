"""Suite -> cells in plan order, with estimates.

Plan order is the suite's: case by case, column by column, sample by sample, and every output keeps it. Requests are
sent in a seeded order instead, sample by sample, case by case, columns interleaved: whenever a run stops, what is
finished is a fair sample of the cases, the same for every column. Where a suite has ``stop_when``, it is case by case,
sample by sample.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from evalrun import tokens
from evalrun.catalog import DIALECTS
from evalrun.catalog.adapt import adapt
from evalrun.errors import NothingSelected, UsageError
from evalrun.records.outcome import TokensMethod
from evalrun.records.plan import Cell, Column, Plan
from evalrun.records.request import Request, request_key
from evalrun.records.suite import Case, Model, Prompt, Suite
from evalrun.suite.rendering import render_messages, render_turns, results_of, tools_of

MAX_PLANNED = 100_000

_WITHOUT_OUTPUT = frozenset({"recorded", "openai-embeddings"})

# What an answer is reckoned at where nothing limits it, and what of it is reckoned to be written where it is sent back.
_DEFAULT_OUTPUT_TOKENS = 256
_REPLY_TOKENS = 100

# Dialects that send plain texts.
_TEXT_DIALECTS = frozenset({"openai-completions", "openai-embeddings"})


def make_plan(suite: Suite, *, max_planned: int = MAX_PLANNED) -> Plan:
    """Lay out a suite's cells. Raises NothingSelected for none and UsageError for more than *max_planned*."""
    columns = columns_of(suite)
    planned = len(columns) * len(suite.cases) * suite.samples
    if not planned:
        raise NothingSelected("nothing selected: the suite has no case, prompt or model left")
    if planned > max_planned:
        raise UsageError(
            f"{suite.file}: {planned:,} cells are planned ({len(columns)} columns × {len(suite.cases):,} cases × "
            f"{suite.samples} samples), more than {max_planned:,}\nraise the limit with --max-planned {planned}"
        )
    cells, methods, merged = _cells(suite, columns)
    return Plan(
        suite=suite,
        columns=columns,
        cells=tuple(cells),
        order=tuple(_order(suite, cells)),
        merged=merged,
        tokens_method=max(methods, key=list(TokensMethod).index, default=TokensMethod.ESTIMATE),
    )


def columns_of(suite: Suite) -> tuple[Column, ...]:
    """The columns of a suite, in plan order."""
    return tuple(_columns(suite))


def first_request(plan: Plan, cell: Cell) -> Request:
    """The request that opens a cell, exactly as it will be sent; it answers `choices_of` cells in a row."""
    suite, column, case = plan.suite, plan.columns[cell.column], plan.suite.cases[cell.case]
    model = _by_name(suite.models, column.model, "label")
    prompt = prompt_of(plan, cell)
    choices = _choices(suite, prompt, model, column.params, case)
    params = _params(suite, prompt, model, column.params, case)[0]
    request = _request(suite, prompt, model, params, case, cell.sample // choices)
    written = cell.output_tokens * _billed(plan, cell)
    return replace(request, input_tokens=cell.input_tokens, output_tokens=written)


def prompt_of(plan: Plan, cell: Cell) -> Prompt:
    """The prompt of a cell's column."""
    prompt: Prompt = _by_name(plan.suite.prompts, plan.columns[cell.column].prompt, "name")
    return prompt


def has_script(plan: Plan, cell: Cell) -> bool:
    """Whether a cell may make further requests: for live turns, or to answer calls. Recorded answers are one each."""
    model: Model = _by_name(plan.suite.models, plan.columns[cell.column].model, "label")
    return _scripted(prompt_of(plan, cell), model)


def choices_of(plan: Plan, cell: Cell) -> int:
    """How many answers the cell's request asks for: each of them is a sample, and a cell of its own."""
    suite, column = plan.suite, plan.columns[cell.column]
    model: Model = _by_name(suite.models, column.model, "label")
    return _choices(suite, prompt_of(plan, cell), model, column.params, suite.cases[cell.case])


def asking(plan: Plan, cells: Iterable[Cell]) -> Iterator[Cell]:
    """Of these cells those that a request is sent for: of several whose answers come in one reply, the first."""
    asked: set[tuple[int, int, int]] = set()
    for cell in cells:
        request = (cell.case, cell.column, cell.sample // choices_of(plan, cell))
        if request not in asked:
            asked.add(request)
            yield cell


def expected_requests(plan: Plan, cell: Cell) -> list[tuple[int, int]]:
    """Input and output tokens of each request that a cell is reckoned to make, its first one before the others.

    Of cells that share one it is the same request, see `asking`. Live turns are known, but for what the model will have
    said; of tools one round a turn is reckoned.
    """
    prompt, case = prompt_of(plan, cell), plan.suite.cases[cell.case]
    if not has_script(plan, cell):
        return [(cell.input_tokens, cell.output_tokens * _billed(plan, cell))]
    request = first_request(plan, cell)
    found = [(request.input_tokens, request.output_tokens)]
    reply = min(request.output_tokens, _REPLY_TOKENS)
    rounds = 2 if prompt.tool_results else 1
    turns = [tokens.count_messages((turn,), request.model)[0] for turn in render_turns(prompt, case, plan.suite)]
    total = request.input_tokens
    for number, said in enumerate([0, *turns]):
        for round_ in range(rounds):
            if number or round_:
                total += reply + (said if not round_ else reply)
                found.append((total, request.output_tokens))
    return found


def requests_of(plan: Plan) -> list[list[tuple[int, int]]]:
    """For each column the requests that its cells are reckoned to make, see `expected_requests`, each sent once.

    What the parameters decide is looked up once a column for all cases that set none: most plans are large by cases.
    """
    found: list[list[tuple[int, int]]] = [[] for _ in plan.columns]
    asked: list[set[tuple[int, int]]] = [set() for _ in plan.columns]
    plain: dict[int, tuple[int, int]] = {}
    for cell in plan.cells:
        index = cell.column
        usual = not plan.suite.cases[cell.case].params
        if not usual or index not in plain:
            choices = choices_of(plan, cell)
            billed = 0 if has_script(plan, cell) else _billed(plan, cell)
            if usual:
                plain[index] = choices, billed
        else:
            choices, billed = plain[index]
        if choices > 1:
            request = (cell.case, cell.sample // choices)
            if request in asked[index]:
                continue
            asked[index].add(request)
        if billed:
            found[index].append((cell.input_tokens, cell.output_tokens * billed))
        else:
            found[index] += expected_requests(plan, cell)
    return found


def changes_of(plan: Plan) -> tuple[str, ...]:
    """What of the parameters is sent otherwise than the suite says, model by model, in words."""
    suite = plan.suite
    said: dict[str, None] = {}
    sets = {json.dumps(case.params, sort_keys=True, default=str): case for case in suite.cases}
    for column, case in itertools.product(plan.columns, sets.values()):
        model = _by_name(suite.models, column.model, "label")
        prompt = _by_name(suite.prompts, column.prompt, "name")
        for words in _params(suite, prompt, model, column.params, case)[1]:
            said[f"{model.label}: {words}"] = None
    return tuple(said)


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


def _cells(suite: Suite, columns: tuple[Column, ...]) -> tuple[list[Cell], set[TokensMethod], int]:
    """The cells, how their tokens were counted, and how many were left out as the same as another."""
    models = {model.label: model for model in suite.models}
    prompts = {prompt.name: prompt for prompt in suite.prompts}
    cells: list[Cell] = []
    methods: set[TokensMethod] = set()
    twins: dict[str, int] = {}
    merged = 0
    for case_index, case in enumerate(suite.cases):
        seen = set()
        for (index, column), drawn in itertools.product(enumerate(columns), range(suite.samples)):
            model, prompt = models[column.model], prompts[column.prompt]
            params = _params(suite, prompt, model, column.params, case)[0]
            request = _request(suite, prompt, model, params, case, drawn)
            identity = (column.prompt, column.model, request.key)
            if identity in seen:
                merged += 1
                continue
            seen.add(identity)
            count, method = _input_tokens(request)
            methods.add(method)
            scripted = _scripted(prompt, model)
            name = _dialogue_key(request.key, suite, prompt, case) if scripted else request.key
            choices = _choices(suite, prompt, model, column.params, case)
            for choice in range(choices):
                twin = twins[name] = twins.get(name, 0) + 1
                cells.append(
                    Cell(
                        position=len(cells),
                        key=name if twin == 1 else f"{name}#{twin}",
                        request_key=request.key,
                        case=case_index,
                        column=index,
                        sample=drawn * choices + choice,
                        input_tokens=count,
                        output_tokens=_output_tokens(request),
                    )
                )
    return cells, methods, merged


def _choices(suite: Suite, prompt: Prompt, model: Model, matrix: Mapping[str, Any], case: Case) -> int:
    return 1 if model.recorded else int(_nearest("n", suite, prompt, model, matrix, case))


def _nearest(name: str, suite: Suite, prompt: Prompt, model: Model, matrix: Mapping[str, Any], case: Case) -> Any:
    """A parameter as the nearest place says it, 1 where none does."""
    nearest = (case.params, prompt.params, model.params, matrix, suite.params)
    return next((params[name] for params in nearest if name in params), 1)


def _billed(plan: Plan, cell: Cell) -> int:
    """How many answers the cell's request is billed for: legacy completions, for all that they chose from."""
    suite, column = plan.suite, plan.columns[cell.column]
    model: Model = _by_name(suite.models, column.model, "label")
    best_of = _nearest("best_of", suite, prompt_of(plan, cell), model, column.params, suite.cases[cell.case])
    return max(choices_of(plan, cell), 1 if model.recorded else best_of)


def _params(
    suite: Suite, prompt: Prompt, model: Model, matrix: Mapping[str, Any], case: Case
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The parameters of a column's request for a case, as the model takes them, and in words what that changes."""
    if model.recorded:
        return _recorded_params(model, case), ()
    # The nearest wins: case, prompt, model, matrix, suite.
    said = {**suite.params, **matrix, **model.params, **prompt.params, **case.params}
    provider = suite.providers[model.provider]
    return adapt(provider.id, provider.dialect, model.name, said) if said else (said, ())


def _scripted(prompt: Prompt, model: Model) -> bool:
    return model.recorded is None and bool(prompt.turns or prompt.tool_results)


def _dialogue_key(key: str, suite: Suite, prompt: Prompt, case: Case) -> str:
    """The key of a cell whose first request has *key*, of all that it will say."""
    turns = [asdict(turn) for turn in render_turns(prompt, case, suite)]
    script = [key, turns, [asdict(result) for result in results_of(prompt, case)], prompt.max_tool_rounds]
    return hashlib.sha256(
        json.dumps(script, sort_keys=True, default=str).encode("utf-8", "backslashreplace")
    ).hexdigest()


def _request(suite: Suite, prompt: Prompt, model: Model, params: dict[str, Any], case: Case, sample: int) -> Request:
    messages = render_messages(prompt, case, suite)
    tools = tools_of(prompt, case)
    provider = suite.providers[model.provider]
    name = model.name
    if model.recorded:
        name, sample = model.label, 0
    elif isinstance(params.get("seed"), int):
        params = {**params, "seed": params["seed"] + sample}
    key = request_key(
        provider=provider.id,
        dialect=provider.dialect,
        version=DIALECTS[provider.dialect],
        model=name,
        messages=messages,
        params=params,
        sample=sample,
        tools=tools,
    )
    return Request(
        key=key,
        provider=provider.id,
        dialect=provider.dialect,
        model=name,
        messages=messages,
        params=params,
        sample=sample,
        tools=tools,
        pictures=suite.pictures,
    )


def _recorded_params(model: Model, case: Case) -> dict[str, Any]:
    """What a recorded model is asked: which answer, its digest and its score: if these change it is another request."""
    recorded = model.recorded
    if recorded is None:
        raise ValueError(f"{model.label} is not recorded")
    match = str(case.id if recorded.match == "id" and "id" not in case.vars else case.vars.get(recorded.match, ""))
    answer = recorded.answers.get(match)
    text = None if answer is None else (answer.text or "")
    digest = None if text is None else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    given = {} if answer is None or answer.score is None else {"score": answer.score}
    return {"match": match, "answer_sha256": digest, **given}


def _input_tokens(request: Request) -> tuple[int, TokensMethod]:
    if request.dialect == "recorded":
        return 0, TokensMethod.RECORDED
    if request.dialect in _TEXT_DIALECTS:  # no frame of messages around them
        found = [tokens.count(message.text, request.model) for message in request.messages]
        method = max((m for _, m in found), key=list(TokensMethod).index, default=TokensMethod.ESTIMATE)
        return sum(n for n, _ in found), method
    return tokens.count_request(request)


def _output_tokens(request: Request) -> int:
    if request.dialect in _WITHOUT_OUTPUT:
        return 0
    params = request.params
    return int(params.get("max_completion_tokens") or params.get("max_tokens") or _DEFAULT_OUTPUT_TOKENS)


def _order(suite: Suite, cells: list[Cell]) -> list[int]:
    """Positions in sending order: cases in an order drawn from their ids and the suite's name, the same every time.

    Samples come one after the other, so that every case is asked soon; where a run may stop early all samples of a case
    come together, for only a whole case is evidence.
    """

    def draw(case_id: str) -> bytes:
        return hashlib.sha256(f"{suite.name}\0{case_id}".encode("utf-8", "surrogatepass")).digest()

    ranks = {index: draw(case.id) for index, case in enumerate(suite.cases)}
    if suite.stop_when:
        ordered = sorted(cells, key=lambda cell: (ranks[cell.case], cell.sample, cell.column))
    else:
        ordered = sorted(cells, key=lambda cell: (cell.sample, ranks[cell.case], cell.column))
    return [cell.position for cell in ordered]


def _by_name(items: tuple[Any, ...], name: str, attribute: str) -> Any:
    for item in items:  # a loop, not next() of a generator: this is asked several times for each cell of large plans
        if getattr(item, attribute) == name:
            return item
    raise LookupError(name)
