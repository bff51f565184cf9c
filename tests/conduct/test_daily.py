from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evalrun.conduct.daily import cases_a_day
from evalrun.records.plan import Plan
from evalrun.records.quota import DAY_S, MINUTE_S, Limit, Quota
from tests.stats.build import plan

LETTERS = {"large": "p" * 10, "mini": "p" * 10}


def _day(amount: float, per_s: float = DAY_S, axis: Any = "requests") -> Quota:
    return Quota(limits=(Limit(axis=axis, amount=amount, per_s=per_s),))


def _limited(
    *, provider: Quota = Quota(), models: tuple[Quota, Quota] = (Quota(), Quota()), group: Quota | None = None
) -> Plan:
    """Two models of one provider, ten cases each."""
    made = plan(LETTERS)
    suite, groups = made.suite, ("team",) if group else ()
    limited = tuple(
        replace(model, quota=quota, groups=groups) for model, quota in zip(suite.models, models, strict=True)
    )
    providers = {**suite.providers, "lab": replace(suite.providers["lab"], quota=provider)}
    quotas = {"team": group} if group else {}
    return replace(made, suite=replace(suite, models=limited, providers=providers, quotas=quotas))


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, {}),
        ({"models": (_day(150), _day(150))}, {"large": 150, "mini": 150}),
        ({"models": (_day(150), Quota())}, {"large": 150}),
        ({"provider": _day(150)}, {"large": 75, "mini": 75}),
        ({"provider": _day(150), "models": (_day(20), Quota())}, {"large": 20, "mini": 75}),
        ({"group": _day(500)}, {"large": 250, "mini": 250}),
        ({"models": (_day(10, MINUTE_S), _day(10, MINUTE_S))}, {}),
        ({"models": (_day(9_000, DAY_S, "tokens"), Quota())}, {}),
        ({"models": (_day(700, 7 * DAY_S), Quota())}, {"large": 100}),
    ],
)
def test_the_tightest_limit_of_a_day_binds(limits: dict[str, Any], expected: dict[str, float]) -> None:
    """Its own, the account's or a group's, which columns share; limits of minutes and of tokens say nothing of days."""
    assert cases_a_day(_limited(**limits), {"large": 10, "mini": 10}) == pytest.approx(expected)


def test_a_case_may_take_several_requests() -> None:
    """Samples and turns count: 30 requests for ten cases leave a third of the limit."""
    made = _limited(models=(_day(150), _day(150)))

    assert cases_a_day(made, {"large": 30, "mini": 10}) == {"large": 50, "mini": 150}


def test_what_sends_nothing_has_no_limit() -> None:
    """A recorded column is as quick as its file, and takes nothing from the account."""
    assert cases_a_day(_limited(provider=_day(150)), {"large": 10, "mini": 0}) == {"large": 150}
