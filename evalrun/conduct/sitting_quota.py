"""One sitting's limits made ready: scopes, budget, ledger and endpoints' pressures, and how they stand in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from evalrun.conduct.options import RunOptions
from evalrun.conduct.quota import open_ledger
from evalrun.conduct.scopes import Scopes, scopes_of
from evalrun.errors import UsageError
from evalrun.records.plan import Plan
from evalrun.records.quota import DAY_S, Budget
from evalrun.scheduler.ledger import MemoryLedger
from evalrun.scheduler.pressure import Pressure
from evalrun.scheduler.quota import Book
from evalrun.scheduler.rooms import Spent


@dataclass(frozen=True, slots=True, kw_only=True)
class SittingQuota:
    """What a sitting's dispatcher asks about limits. *book* is the ledger's own picture of all scopes."""

    scopes: Scopes
    book: Book
    ledger: MemoryLedger
    pressures: Mapping[str, Pressure]

    def today(self, label: str, now: float) -> str:
        """What a model's tightest daily limit has used, such as ``43/50 today``; empty where there is none."""
        found = [
            (view.left / view.limit.amount, f"{view.used:g}/{view.limit.amount:g} today")
            for scope in self.scopes.of_model[label]
            for view in self.book.view(scope, now).limits
            if view.limit.per_s == DAY_S and view.limit.axis == "requests"
        ]
        return min(found, default=(0.0, ""))[1]


@contextmanager
def sitting_quota(plan: Plan, options: RunOptions, spent: Spent, now: float) -> Iterator[SittingQuota]:
    """A sitting's limits, with the machine's ledger open. Raises UsageError, StorageError; *now* is Unix time."""
    scopes = scopes_of(plan, concurrency=options.concurrency, environ=options.environ, state=options.state)
    book = Book(scopes.scopes, budget_of(plan, options), spent)
    ledger = open_ledger(plan, scopes, book, state=options.state, now=now)
    try:
        yield SittingQuota(scopes=scopes, book=book, ledger=ledger, pressures=_pressures(plan, scopes, options))
    finally:
        ledger.close()


def _pressures(plan: Plan, scopes: Scopes, options: RunOptions) -> dict[str, Pressure]:
    """A pressure for each endpoint in use."""
    used = {model.provider for model in plan.suite.models if model.recorded is None}
    return {name: Pressure(adaptive=name in scopes.adaptive, most=options.concurrency) for name in sorted(used)}


def budget_of(plan: Plan, options: RunOptions) -> Budget:
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
