"""What one sitting has to ask, what it keeps of each reply, and what it counts on the way."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from evalrun.clock import Clock
from evalrun.conduct.log import LOGGER
from evalrun.conduct.options import LaneProgress, RunOptions
from evalrun.errors import ExitCode, UsageError
from evalrun.prices import cost_usd
from evalrun.records.outcome import Exchange, Failure, FailureKind, Outcome, Response
from evalrun.records.plan import Cell, Plan
from evalrun.records.quota import Budget, Quota
from evalrun.records.row import Row
from evalrun.records.suite import Model
from evalrun.scheduler.dispatch import Dispatcher, Halt, Job, LaneView, Send
from evalrun.scheduler.quota import Book, Charge, Spent
from evalrun.scheduler.retry import RetryPolicy
from evalrun.scoring import score
from evalrun.store.cache import ResponseCache
from evalrun.store.run import RunStore
from evalrun.suite.plan import first_request

_EVERYONE = "run"

# The server may have counted these though no reply came: their estimate stays spent.
_UNKNOWN_FATE = frozenset({FailureKind.RESET, FailureKind.TIMEOUT, FailureKind.CUT, FailureKind.INTERNAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a sitting ended. *interrupted* is the exit code of a signal; *wait_s* is what a parked server asked for."""

    interrupted: ExitCode | None = None
    paused: str = ""
    stopped: str = ""
    wait_s: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """For the store."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Ending:
        """Out of the store."""
        code = said["interrupted"]
        return cls(**{**said, "interrupted": None if code is None else ExitCode(code)})


@dataclass(slots=True)
class _Tally:
    """One model's counts. Mutable; changed by Sitting only."""

    total: int = 0
    done: int = 0
    errors: int = 0
    tokens: int = 0
    cost_usd: float | None = 0.0


class Sitting:
    """Feeds the dispatcher and keeps what comes back. Mutable state: the tallies and the keys that are done."""

    def __init__(self, store: RunStore, plan: Plan, options: RunOptions, clock: Clock, spent: Spent) -> None:
        self._store, self._plan, self._options, self._clock = store, plan, options, clock
        self._models = {model.label: model for model in plan.suite.models}
        budget = _budget(plan, options)
        self.deadline_s = budget.deadline_s
        self._book = Book(_quotas(plan, options), budget, spent)
        self._done = store.answered_keys() | store.failed_keys()
        self._tally = {label: _Tally() for label in self._models}
        for cell in plan.cells:
            tally = self._tally_of(cell)
            tally.total += 1
            tally.done += cell.key in self._done
        self._dispatcher: Dispatcher | None = None
        self._failed = ""
        on = options.cache != "off" and options.cache_file is not None
        self._cache = ResponseCache(options.cache_file, time=clock.time) if on and options.cache_file else None

    def dispatcher(self, send: Send) -> Dispatcher:
        """The dispatcher of this sitting, a lane a model."""
        self._dispatcher = Dispatcher(
            {label: self._feed(label) for label in self._models},
            send=send,
            sink=self._keep,
            book=self._book,
            clock=self._clock,
            draw=random.random,
            settle=self._took,
            policy=RetryPolicy(max_wait_s=self._options.max_wait_s),
        )
        return self._dispatcher

    def close(self) -> None:
        """Close the cache."""
        if self._cache:
            self._cache.close()

    async def take_from_cache(self) -> None:
        """Fill in every answer that the response cache has; they cost nothing and book no quota."""
        if self._cache is None or self._options.cache == "refresh":
            return
        for cell in self._todo():
            response = None if self._is_recorded(cell) else self._cache.get(cell.request_key)
            if response is not None:
                exchange = Exchange(
                    request_key=cell.request_key, outcome=response, cost_usd=0.0, price_date="cache", from_cache=True
                )
                messages = first_request(self._plan, cell).messages
                await self._store.put(cell.key, 0, exchange, messages)
                self._count(cell, exchange)

    def _cache_misses(self) -> str:
        """What ``--cache only`` leaves unasked, in words; empty for nothing."""
        missing = sum(1 for cell in self._todo() if not self._is_recorded(cell))
        return f"{missing} requests are not in the cache (--cache only)" if missing else ""

    def progress(self) -> tuple[LaneProgress, ...]:
        """Every model as it stands."""
        views = {view.lane: view for view in self._dispatcher.views()} if self._dispatcher else {}
        now = self._clock.monotonic()
        return tuple(_progress(label, tally, views.get(label), now) for label, tally in self._tally.items())

    def ending(self, interrupted: ExitCode | None) -> Ending:
        """How it ended, once the dispatcher has."""
        if interrupted is not None:
            return Ending(interrupted=interrupted)
        if self._failed or (self._options.cache == "only" and self._cache_misses()):
            return Ending(stopped=self._failed or self._cache_misses())
        halted = [view for view in self._dispatcher.views() if view.halt] if self._dispatcher else []
        refused = [f"{view.lane}: {view.reason}" for view in halted if view.halt is Halt.REFUSED]
        paused = [f"{view.lane}: {view.reason}" for view in halted if view.halt is Halt.PARKED]
        paused += [view.reason for view in halted if view.halt is Halt.BUDGET]
        return Ending(
            stopped="; ".join(dict.fromkeys(refused)),
            paused="; ".join(dict.fromkeys(paused)),
            wait_s=self._dispatcher.parked_s() if self._dispatcher else 0.0,
        )

    def _todo(self) -> Iterator[Cell]:
        cells = (self._plan.cells[position] for position in self._plan.order)
        return (cell for cell in cells if cell.key not in self._done)

    def _feed(self, label: str) -> Iterator[Job]:
        model = self._models[label]
        scopes = (_EVERYONE, *_scope_names(model))
        for cell in self._todo():
            if self._plan.columns[cell.column].model == label and not (
                self._options.cache == "only" and not self._is_recorded(cell)
            ):
                yield Job(first_request(self._plan, cell), cell, scopes, _estimate(cell, model))

    async def _keep(self, job: Job, exchange: Exchange) -> Sequence[Job]:
        """Commit a reply, count it, and say what its cell asks next: nothing, where a cell is one request."""
        cell: Cell = job.ticket
        outcome = exchange.outcome
        if self._is_recorded(cell):
            exchange = replace(exchange, attempts=())  # looked up, not sent
        if isinstance(outcome, Response):
            price = self._models[self._plan.columns[cell.column].model].price
            exchange = replace(
                exchange,
                cost_usd=cost_usd(price, outcome.usage),
                price_date=price.date if price else "",
            )
        await self._store.put(cell.key, 0, exchange, job.request.messages)
        self._count(cell, exchange)
        self._note(cell, exchange)
        if self._cache and isinstance(outcome, Response) and not self._is_recorded(cell):
            self._cache.put(cell.request_key, outcome)
        if self._options.fail_fast and not self._failed:
            self._stop_at_failure(cell, exchange)
        return ()

    def _note(self, cell: Cell, exchange: Exchange) -> None:
        """A line in the log for what did not go smoothly."""
        failed = [attempt for attempt in exchange.attempts if attempt.result != "ok"]
        if failed:
            place = f"{self._plan.suite.cases[cell.case].id} · {self._plan.columns[cell.column].label}"
            how = "in error" if isinstance(exchange.outcome, Failure) else "answered"
            said = "; ".join(f"{attempt.result}: {attempt.message}" for attempt in failed)
            LOGGER.warning("%s: %s after %d attempts: %s", place, how, len(exchange.attempts), said)

    def _stop_at_failure(self, cell: Cell, exchange: Exchange) -> None:
        suite, column = self._plan.suite, self._plan.columns[cell.column]
        case = suite.cases[cell.case]
        row = Row(cell=cell, case=case, column=column, model=self._models[column.model], exchanges=(exchange,))
        mark = score(row, suite.scorers, suite.threshold)
        if (mark is None or mark.verdict != "pass") and self._dispatcher:
            self._failed = f"stopped at the first failure (--fail-fast): {case.id} · {column.label}"
            self._dispatcher.stop(self._failed)

    def _count(self, cell: Cell, exchange: Exchange) -> None:
        self._done.add(cell.key)
        tally = self._tally_of(cell)
        tally.done += 1
        if isinstance(exchange.outcome, Failure):
            tally.errors += 1
            return
        usage = exchange.outcome.usage
        tally.tokens += (usage.prompt_tokens or 0) + (usage.completion_tokens or 0)
        known = tally.cost_usd is not None and exchange.cost_usd is not None
        tally.cost_usd = (tally.cost_usd or 0.0) + (exchange.cost_usd or 0.0) if known else None

    def _took(self, job: Job, outcome: Outcome) -> Charge:
        """What a reply really took, for the budget."""
        if isinstance(outcome, Failure):
            return job.charge if outcome.kind in _UNKNOWN_FATE else Charge(0)
        usage = outcome.usage
        price = self._models[self._plan.columns[job.ticket.column].model].price
        tokens = (usage.prompt_tokens or 0) + (usage.completion_tokens or 0)
        return Charge(tokens, cost_usd(price, usage) or 0.0)

    def _tally_of(self, cell: Cell) -> _Tally:
        return self._tally[self._plan.columns[cell.column].model]

    def _is_recorded(self, cell: Cell) -> bool:
        return self._models[self._plan.columns[cell.column].model].recorded is not None


def _quotas(plan: Plan, options: RunOptions) -> dict[str, Quota]:
    """Every scope's limits: the run's own, each provider's, each model's."""
    quotas = {_EVERYONE: Quota(concurrency=options.concurrency)}
    for model in plan.suite.models:
        provider, own = _scope_names(model)
        quotas[provider] = plan.suite.providers[model.provider].quota
        quotas[own] = _both(quotas[own], model.quota) if own in quotas else model.quota
    return quotas


def _both(first: Quota, second: Quota) -> Quota:
    """The limits of two labels for one model: they share its scope."""
    at_once = [quota.concurrency for quota in (first, second) if quota.concurrency is not None]
    limits = (*first.limits, *(limit for limit in second.limits if limit not in first.limits))
    return Quota(concurrency=min(at_once, default=None), limits=limits)


def _budget(plan: Plan, options: RunOptions) -> Budget:
    """The run's budget: the command line's figures before the suite's."""
    asked, said = options.budget, plan.suite.budget
    budget = Budget(
        max_requests=said.max_requests if asked.max_requests is None else asked.max_requests,
        max_tokens=said.max_tokens if asked.max_tokens is None else asked.max_tokens,
        max_cost_usd=said.max_cost_usd if asked.max_cost_usd is None else asked.max_cost_usd,
        deadline_s=said.deadline_s if asked.deadline_s is None else asked.deadline_s,
    )
    _check_prices(plan, budget)
    return budget


def _check_prices(plan: Plan, budget: Budget) -> None:
    """A cost that nobody knows cannot be kept under a limit: say so before anything is sent."""
    if budget.max_cost_usd is None:
        return
    unknown = [m.label for m in plan.suite.models if m.price is None and m.recorded is None]
    if unknown:
        raise UsageError(
            f"{plan.suite.file}: budget.max_cost_usd cannot be kept: no price is known for {', '.join(unknown)}\n"
            "give one under prices: {provider/model: {input: …, output: …}} in US dollars for a million tokens"
        )


def _scope_names(model: Model) -> tuple[str, str]:
    return f"{model.provider}/", f"{model.provider}/{model.name}" if not model.recorded else f"recorded/{model.label}"


def _estimate(cell: Cell, model: Model) -> Charge:
    price = model.price
    cost = 0.0 if price is None else (cell.input_tokens * price.input_usd + cell.output_tokens * price.output_usd) / 1e6
    return Charge(cell.input_tokens + cell.output_tokens, cost)


def _progress(label: str, tally: _Tally, view: LaneView | None, now: float) -> LaneProgress:
    wait_s = None
    if view and view.waiting and view.until != float("inf"):
        wait_s = max(0.0, view.until - now)
    return LaneProgress(
        label=label,
        done=tally.done,
        total=tally.total,
        in_flight=view.in_flight if view else 0,
        errors=tally.errors,
        retries=view.retries if view else 0,
        tokens=tally.tokens,
        cost_usd=tally.cost_usd,
        waiting=view.waiting if view else "",
        wait_s=wait_s,
        halted=view.reason if view and view.halt else "",
    )
