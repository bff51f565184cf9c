"""What a vendor says that an account has used today, before a run begins: other machines count too.

OpenRouter tells it of its free models: ``GET /key``, documented as FreeModelDailyRequests. The day is UTC's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from evalrun.clock import Clock
from evalrun.conduct.log import LOGGER
from evalrun.conduct.options import RunOptions
from evalrun.conduct.scopes import scopes_of
from evalrun.errors import StorageError
from evalrun.providers.lookups import open_lookup
from evalrun.records.outcome import Failure
from evalrun.records.plan import Plan
from evalrun.records.quota import DAY_S, MINUTE_S, Limit, Quota, Scope
from evalrun.scheduler.ledger_care import set_used
from evalrun.scheduler.ledger_file import FILE_NAME
from evalrun.scheduler.ledger_peek import peek
from evalrun.scheduler.rooms import ScopeView

_PROFILE = "openrouter-free"
_PATIENCE_S = 10.0
_MOST = 10**9


@dataclass(frozen=True, slots=True)
class Day:
    """Requests that may be made in a day, and those made."""

    limit: int
    used: int


async def anchored(plan: Plan, options: RunOptions, clock: Clock) -> Plan:
    """The plan with the day's limit as OpenRouter says that it is; what is used of it is put right in the ledger.

    A limit that the suite states itself is only lowered. Whatever goes wrong is logged, and the plan stays as it is.
    Raises UsageError as `open_send` does, where a key is missing or may not go there.
    """
    if options.cache == "only":
        return plan
    for name in sorted({model.provider for model in plan.suite.models if model.profile == _PROFILE}):
        day = await _ask(plan, name, options, clock)
        if day is not None:
            LOGGER.info("%s: %d of %d requests of the day are used, it says", name, day.used, day.limit)
            plan = with_day(plan, name, day)
            try:
                _put_right(plan, name, day, options, clock.time())
            except StorageError as error:
                LOGGER.warning("%s: what is used of the day is not put right: %s", name, error)
    return plan


def day_in(said: Any) -> Day | None:
    """What the body of ``/key`` says about the day; None: nothing that can be used."""
    data = said.get("data") if isinstance(said, dict) else None
    free = data.get("free_model_daily_requests") if isinstance(data, dict) else None
    if not isinstance(free, dict):
        return None
    limit, used, remaining = (_count(free.get(key)) for key in ("limit", "used", "remaining"))
    if used is None and limit is not None and remaining is not None:
        used = max(0, limit - remaining)
    return Day(limit, used) if limit and used is not None else None


def with_day(plan: Plan, provider: str, day: Day) -> Plan:
    """The plan with that limit: the profile's own figure is replaced, one that the suite states only lowered."""
    suite = plan.suite
    groups = {name for model in suite.models if model.provider == provider for name in model.groups}
    quotas = {
        name: _limited(quota, day, lower_only=False) if name in groups and name.startswith(_PROFILE) else quota
        for name, quota in suite.quotas.items()
    }
    own = suite.providers[provider]
    providers = {**suite.providers, provider: replace(own, quota=_limited(own.quota, day, lower_only=True))}
    return replace(plan, suite=replace(suite, quotas=quotas, providers=providers))


async def _ask(plan: Plan, name: str, options: RunOptions, clock: Clock) -> Day | None:
    provider = plan.suite.providers[name]
    if provider.simulated:
        return None
    allowed = options.selection.allowed
    async with open_lookup(
        provider, environ=options.environ, clock=clock, allowed=allowed, timeout_s=_PATIENCE_S
    ) as look_up:
        said = await look_up("/key")
    if isinstance(said, Failure):
        LOGGER.warning("%s: what is used of the day is not known: %s", name, said.message)
        return None
    return day_in(said)


def _put_right(plan: Plan, name: str, day: Day, options: RunOptions, now: float) -> None:
    """Have the ledger say what the vendor says, where it says otherwise. Raises StorageError."""
    scopes = scopes_of(plan, concurrency=options.concurrency, environ=options.environ, state=options.state)
    mine = [m.label for m in plan.suite.models if m.provider == name and m.profile == _PROFILE]
    ids = dict.fromkeys(scope for label in mine for scope in scopes.of_model[label])
    views = peek(options.state / FILE_NAME, scopes.scopes, now).views
    for scope, limit, view in _days([scopes.scopes[one] for one in ids], views):
        ledger = next(line.used for line in view.limits if line.limit == limit)
        # An account's limit counts paid models too, of which the vendor says nothing here.
        if day.used > ledger or (day.used < ledger and scope.name.startswith(_PROFILE)):
            set_used(options.state / FILE_NAME, scope, limit, day.used, now, at=_moment(view, now))


def _days(scopes: list[Scope], views: Any) -> Iterator[tuple[Scope, Limit, ScopeView]]:
    for scope in scopes:
        for limit in scope.quota.limits:
            if scope.shared and limit.axis == "requests" and limit.per_s == DAY_S:
                yield scope, limit, views[scope.id]


def _moment(view: ScopeView, now: float) -> float:
    """When what is used was used: today, but not in this minute, unless something was asked in it."""
    busy = any(line.used for line in view.limits if line.limit.per_s <= MINUTE_S)
    return now if busy else max(now - now % DAY_S, now - MINUTE_S - 1)


def _limited(quota: Quota, day: Day, *, lower_only: bool) -> Quota:
    return replace(quota, limits=tuple(_limit(one, day, lower_only=lower_only) for one in quota.limits))


def _limit(limit: Limit, day: Day, *, lower_only: bool) -> Limit:
    if limit.axis != "requests" or limit.per_s != DAY_S:
        return limit
    return replace(limit, amount=min(limit.amount, day.limit) if lower_only else day.limit)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST else None
