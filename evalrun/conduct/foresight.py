"""plan, limits, ledger, earlier answers -> scheduler.forecast: what a run will send, spend and wait for."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import cycle, islice

from evalrun.conduct.options import RunOptions
from evalrun.conduct.scopes import MACHINE_FILE, RUN, Scopes, scopes_of
from evalrun.conduct.sitting_quota import SittingQuota, budget_of
from evalrun.errors import StorageError, UsageError
from evalrun.keys import read_key
from evalrun.records.outcome import Response
from evalrun.records.plan import Plan
from evalrun.records.quota import Budget
from evalrun.records.row import Row
from evalrun.records.suite import Model, Provider
from evalrun.scheduler.forecast import Forecast, LaneLoad, LimitState, ScopeState, forecast
from evalrun.scheduler.ledger_file import FILE_NAME
from evalrun.scheduler.ledger_peek import Peek, empty, peek
from evalrun.scheduler.rooms import Charge, ScopeView, Spent
from evalrun.simulator.models import MODELS
from evalrun.store.run import RunStore
from evalrun.store.runs import list_runs, newest_unfinished
from evalrun.suite.plan import asking, expected_requests

_SAMPLE = 2000  # so many of a run's rows say how long answers take
_LEAST_LATENCIES = 5
QUICK = 20_000
"""A run of more cells is not read for what it says of the next: opening checks all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """A forecast; *run* would be gone on with (empty: a new one), *notes* say what could not be taken into account."""

    forecast: Forecast
    run: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """What earlier answers of a model say: see LaneLoad."""

    latencies_s: Sequence[float] = ()
    retries: float = 0.0
    output_share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    """The cells of a run that are answered, those that need no answer, and those in error; what it has spent."""

    answered: frozenset[str] = frozenset()
    spared: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    spent: Spent = field(default_factory=Spent)


def foresee(plan: Plan, options: RunOptions, now: float) -> Foreseen:
    """What `evalrun run` would do *now* (Unix time): nothing is sent and nothing is written.

    Raises StorageError where a run to go on with cannot be read.
    """
    suite = plan.suite
    info = None if options.new else newest_unfinished(options.results, suite.name, suite.file)
    done, past = _Done(), dict[str, _Past]()
    if info is not None:
        with RunStore.open(info.folder) as store:
            done, past = _done(store, options), _past(store)
    scopes, notes = _scopes(plan, options)
    try:
        known = peek(options.state / FILE_NAME, scopes.scopes, now) if _has_ledger(options) else None
    except StorageError as error:
        known = None
        notes += (f"what is used already is not counted: {error}",)
    found = _forecast(
        plan,
        scopes,
        known or empty(scopes.scopes, now),
        done,
        past or _earlier(plan, options),
        options,
        now,
    )
    return Foreseen(forecast=found, run=info.run if info else "", notes=notes)


def foresee_cases(plan: Plan, options: RunOptions, now: float, cases: int) -> Forecast:
    """What a new run would do if its suite had so many *cases* like its own, without a budget; it begins *now*."""
    scopes, _ = _scopes(plan, options)
    known = None
    if _has_ledger(options):
        with suppress(StorageError):
            known = peek(options.state / FILE_NAME, scopes.scopes, now)
    known = known or empty(scopes.scopes, now)
    loads = _loads(plan, scopes, known, _Done(), _earlier(plan, options), options)
    share = cases / len(plan.suite.cases)
    more = [
        replace(load, charges=list(islice(cycle(load.charges), math.ceil(share * len(load.charges))))) for load in loads
    ]
    states = {key: _state(view) for key, view in known.views.items()}
    return forecast(more, states, now, max_wait_s=options.max_wait_s, budget=Budget(), spent=Spent())


def foresee_sitting(plan: Plan, store: RunStore, quota: SittingQuota, options: RunOptions, now: float) -> Forecast:
    """What a sitting that begins *now* (Unix time) will do with the cells that *store* has no answer to."""
    keys = quota.scopes.scopes
    known = Peek(
        views={key: quota.book.view(key, now) for key in keys},
        latencies={key: quota.ledger.latencies(key) for key in keys},
    )
    past = _past(store) or _earlier(plan, options)
    return _forecast(plan, quota.scopes, known, _done(store, options), past, options, now)


def _forecast(
    plan: Plan, scopes: Scopes, known: Peek, done: _Done, past: Mapping[str, _Past], options: RunOptions, now: float
) -> Forecast:
    return forecast(
        _loads(plan, scopes, known, done, past, options),
        {key: _state(view) for key, view in known.views.items()},
        now,
        max_wait_s=options.max_wait_s,
        budget=budget_of(plan, options),
        spent=done.spent,
    )


def _loads(
    plan: Plan, scopes: Scopes, known: Peek, done: _Done, past: Mapping[str, _Past], options: RunOptions
) -> list[LaneLoad]:
    """What each model has left, in the order in which it is asked."""
    labels = [column.model for column in plan.columns]
    recorded = {model.label for model in plan.suite.models if model.recorded is not None}
    charges: dict[str, list[Charge]] = defaultdict(list)
    answered: dict[str, int] = defaultdict(int)
    failed: dict[str, int] = defaultdict(int)
    left = []
    for position in plan.order:
        cell = plan.cells[position]
        label = labels[cell.column]
        if cell.key in done.answered:
            answered[label] += 1
        elif cell.key in done.failed:
            failed[label] += 1
        elif label not in recorded and options.cache != "only" and cell.key not in done.spared:
            left.append(cell)
    for cell in asking(plan, left):
        charges[labels[cell.column]] += [Charge(sent, written) for sent, written in expected_requests(plan, cell)]
    loads = []
    for model in plan.suite.models:
        was = past.get(model.label, _Past())
        mine = () if model.recorded else scopes.of_model[model.label]
        loads.append(
            LaneLoad(
                lane=model.label,
                charges=charges[model.label],
                scopes=mine,
                price=model.price,
                answered=answered[model.label],
                in_error=failed[model.label],
                latencies_s=_latencies(model, plan.suite.providers[model.provider], known, mine, was),
                retries=was.retries,
                output_share=was.output_share,
            )
        )
    return loads


def _latencies(model: Model, provider: Provider, known: Peek, scopes: tuple[str, ...], past: _Past) -> Sequence[float]:
    """How long answers take: by the ledger, by an earlier run, or as the simulator of our own is made."""
    own = known.latencies.get(scopes[2], ()) if len(scopes) > 2 else ()
    if len(own) >= _LEAST_LATENCIES:
        return own
    if past.latencies_s:
        return past.latencies_s
    if provider.simulated and not provider.base_url and model.name in MODELS:
        low, high = MODELS[model.name].latency_s
        return [low + (high - low) * step / 8 for step in range(9)]
    return own


# -- limits -----------------------------------------------------------------------------------------------------------


def _state(view: ScopeView) -> ScopeState:
    """A scope as the forecast takes it. A limit that is used evenly is a bucket that begins empty."""
    even = {
        (lesson.limit.axis, lesson.limit.per_s)
        for lesson in view.lessons
        if lesson.limit is not None and lesson.kind in ("pace", "guess")
    }
    limits = []
    for seen in view.limits:
        limit, used = seen.limit, seen.used
        if (limit.axis, limit.per_s) in even:
            limit, used = replace(limit, window="bucket", burst=None), max(used, limit.amount)
        limits.append(LimitState(limit=limit, used=used, resets_at=seen.resets_at))
    return ScopeState(
        id=view.scope.id,
        name=view.scope.name,
        quota=view.scope.quota,
        limits=tuple(limits),
        closed_until=view.closed_until,
        closed_why=view.closed_why,
        own=view.scope.id == RUN,
    )


def _has_ledger(options: RunOptions) -> bool:
    return (options.state / FILE_NAME).exists()


def _scopes(plan: Plan, options: RunOptions) -> tuple[Scopes, tuple[str, ...]]:
    """The scopes that a run would book in. An account that is not known here is one that nothing is known of."""
    notes: list[str] = []
    providers = dict(plan.suite.providers)
    used = sorted({model.provider for model in plan.suite.models if model.recorded is None})
    for name in used:
        provider = providers[name]
        if provider.account or provider.simulated:
            continue
        try:
            known = read_key(provider, options.environ) is None or (options.state / MACHINE_FILE).exists()
        except UsageError as error:
            known = False
            notes.append(f"what is used already is not counted: {error}")
        if not known:
            providers[name] = replace(provider, account="?")
    asked = replace(plan, suite=replace(plan.suite, providers=providers))
    scopes = scopes_of(asked, concurrency=options.concurrency, environ=options.environ, state=options.state)
    return scopes, tuple(notes) if _has_ledger(options) else ()


# -- the past ---------------------------------------------------------------------------------------------------------


def _done(store: RunStore, options: RunOptions) -> _Done:
    spent = store.spent()
    return _Done(
        answered=frozenset(store.answered_keys()),
        spared=frozenset(store.spared_keys()),
        failed=frozenset() if options.retry_errors else frozenset(store.failed_keys()),
        spent=Spent(spent.requests, spent.prompt_tokens + spent.completion_tokens, spent.cost_usd),
    )


def _earlier(plan: Plan, options: RunOptions) -> dict[str, _Past]:
    """What the suite's newest run with answers says, if it can be read and that is quick."""
    for info in list_runs(options.results, plan.suite.name):
        if info.state != "damaged" and info.answered and info.planned <= QUICK:
            with suppress(StorageError), RunStore.open(info.folder) as store:
                return _past(store)
    return {}


def _past(store: RunStore) -> dict[str, _Past]:
    """What a run's answers say of its models; nothing of those without any."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in islice(store.rows(), _SAMPLE):
        rows[row.model.label].append(row)
    found = {label: _past_of(mine) for label, mine in rows.items()}
    return {label: past for label, past in found.items() if past is not None}


def _past_of(rows: Iterable[Row]) -> _Past | None:
    sent = [
        (row.cell.output_tokens, exchange)
        for row in rows
        for exchange in row.exchanges
        if exchange.attempts and isinstance(exchange.outcome, Response)
    ]
    latencies = [exchange.attempts[-1].latency_s for _, exchange in sent]
    if not latencies:
        return None
    room = wrote = 0
    for most, exchange in sent:
        tokens = exchange.outcome.usage.completion_tokens if isinstance(exchange.outcome, Response) else None
        if tokens is not None and most:
            room, wrote = room + most, wrote + tokens
    again = sum(len(exchange.attempts) - 1 for _, exchange in sent)
    return _Past(latencies_s=sorted(latencies), retries=again / len(sent), output_share=wrote / room if room else None)
