"""How many more cases a day the limits of a plan's columns allow, for those limits that count days. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from evalrun.records.plan import Plan
from evalrun.records.quota import DAY_S, Quota
from evalrun.records.suite import Model


def cases_a_day(plan: Plan, requests: Mapping[str, int]) -> dict[str, float]:
    """By column label: a limit's requests a day over what one case takes of it, all columns that share it together.

    *requests* are what each column is reckoned to send in all, by label. Limits of a day or longer count, of whatever
    provider, model or group the column books in; the tightest binds. Columns without one are left out.
    """
    models = {model.label: model for model in plan.suite.models}
    cases = defaultdict(set)
    for cell in plan.cells:
        cases[cell.column].add(cell.case)
    a_case: dict[str, float] = {}
    taken: dict[tuple[str, ...], float] = defaultdict(float)
    limits: dict[tuple[str, ...], float] = {}
    for index, column in enumerate(plan.columns):
        sent = requests.get(column.label, 0) / max(1, len(cases[index]))
        if not sent:
            continue
        a_case[column.label] = sent
        for scope, quota in _scopes(plan, models[column.model]):
            taken[scope] += sent
            if (daily := _requests_a_day(quota)) is not None:
                limits[scope] = min(daily, limits.get(scope, daily))
    found = {}
    for column in plan.columns:
        if column.label in a_case:
            scopes = [scope for scope, _ in _scopes(plan, models[column.model]) if scope in limits]
            found[column.label] = min((limits[scope] / taken[scope] for scope in scopes), default=0.0)
    return {label: rate for label, rate in found.items() if rate}


def _scopes(plan: Plan, model: Model) -> Iterator[tuple[tuple[str, ...], Quota]]:
    """What a model books in, as far as the plan tells: its provider's account, itself, and its groups."""
    yield ("provider", model.provider), plan.suite.providers[model.provider].quota
    yield ("model", model.provider, model.name), model.quota
    for name in model.groups:
        yield ("group", name), plan.suite.quotas[name]


def _requests_a_day(quota: Quota) -> float | None:
    daily = [limit for limit in quota.limits if limit.axis == "requests" and limit.per_s >= DAY_S]
    return min((limit.amount * DAY_S / limit.per_s for limit in daily), default=None)
