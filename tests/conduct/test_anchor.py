"""OpenRouter's word on the day, in the plan and in the machine's ledger."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from evalrun.clock import SystemClock
from evalrun.conduct.anchor import Day, anchored, day_in
from evalrun.conduct.options import RunOptions, Selection
from evalrun.conduct.plan import prepare
from evalrun.conduct.quota import open_ledger
from evalrun.conduct.scopes import scopes_of
from evalrun.records.plan import Plan
from evalrun.records.quota import DAY_S, MINUTE_S
from evalrun.scheduler.ledger_peek import peek
from evalrun.scheduler.quota import Book
from evalrun.scheduler.rooms import Booking, Charge
from tests.providers.rawserver import RawServer, Say, raw_server, reply

NOW = 1_790_000_000.0 - 1_790_000_000.0 % DAY_S + 43_200.0  # noon
ENVIRON = {"LAB_KEY": "sk-canary-0123456789"}


class Noon(SystemClock):
    """A clock that shows noon."""

    def time(self) -> float:
        return NOW


def told(limit: int, used: int, **more: Any) -> bytes:
    """What ``/key`` answers."""
    free = {"limit": limit, "used": used, "remaining": limit - used}
    return reply({"data": {"label": "sk-or-v1-abc", "is_free_tier": True, "free_model_daily_requests": free, **more}})


def options(folder: Path, **more: Any) -> RunOptions:
    """A run's options, with all its folders in one place."""
    return RunOptions(results=folder / "results", environ=ENVIRON, state=folder / "state", **more)


def planned(
    folder: Path, server: RawServer, quota: str = "", models: str = "[openrouter/a:free, openrouter/b:free]"
) -> Plan:
    """A plan for free models at *server*."""
    suite = folder / "suite.yaml"
    suite.write_text(
        f"providers: {{openrouter: {{base_url: '{server.url}', api_key_env: LAB_KEY{quota}}}}}\nmodels: {models}\n"
        "prompts: {p: 'Capital of France?'}\ncases: [{expected: Paris}]\nscorers: [icontains]\n"
    )
    return prepare(suite, Selection())


def day_of(plan: Plan, how: RunOptions, label: str = "a:free") -> list[tuple[str, float, float]]:
    """A model's limits of a day: in which scope, how many requests, how many used."""
    scopes = scopes_of(plan, concurrency=4, environ=ENVIRON, state=how.state)
    views = peek(how.state / "quota.db", scopes.scopes, NOW).views
    return [
        (views[scope].scope.name, line.limit.amount, line.used)
        for scope in scopes.of_model[label]
        for line in views[scope].limits
        if line.limit.per_s == DAY_S
    ]


def use(plan: Plan, how: RunOptions, at: float) -> None:
    """One request of a run before this one."""
    scopes = scopes_of(plan, concurrency=4, environ=ENVIRON, state=how.state)
    ledger = open_ledger(plan, scopes, Book(scopes.scopes), state=how.state, now=at)
    booking = ledger.try_book(scopes.of_model["a:free"], Charge(5), at)
    assert isinstance(booking, Booking)
    ledger.settle(booking, Charge(5), at)
    ledger.close()


async def test_what_others_used_is_used(tmp_path: Path) -> None:
    """The day stands as the vendor says, limit and use, for all free models together; the minute is still whole."""
    how = options(tmp_path)
    async with raw_server(Say(told(1000, 380))) as server:
        plan = planned(tmp_path, server)
        before = day_of(plan, how)
        plan = await anchored(plan, how, Noon())

    assert before == [("openrouter-free", 50, 0)]
    assert day_of(plan, how) == day_of(plan, how, "b:free") == [("openrouter-free", 1000, 380)]
    assert server.requests[0].startswith(b"GET /v1/key HTTP/1.1")
    assert b"sk-canary" in server.requests[0]
    scopes = scopes_of(plan, concurrency=4, environ=ENVIRON, state=how.state)
    views = peek(how.state / "quota.db", scopes.scopes, NOW).views
    assert [line.used for view in views.values() for line in view.limits if line.limit.per_s == MINUTE_S] == [0]


async def test_what_is_right_stays(tmp_path: Path) -> None:
    """Where the ledger has the same figure nothing is changed: the minute's requests stay counted."""
    how = options(tmp_path)
    async with raw_server(Say(told(50, 1))) as server:
        plan = planned(tmp_path, server)
        use(plan, how, NOW - 5)
        plan = await anchored(plan, how, Noon())

    scopes = scopes_of(plan, concurrency=4, environ=ENVIRON, state=how.state)
    lines = peek(how.state / "quota.db", scopes.scopes, NOW).views[scopes.of_model["a:free"][-1]].limits
    assert {(line.limit.per_s, line.used) for line in lines} == {(MINUTE_S, 1), (DAY_S, 1)}


@pytest.mark.parametrize("used", [1, 7])
async def test_what_is_wrong_is_put_right(used: int, tmp_path: Path) -> None:
    """More or less than the ledger has: the vendor's figure holds."""
    how = options(tmp_path)
    async with raw_server(Say(told(50, used))) as server:
        plan = planned(tmp_path, server)
        use(plan, how, NOW - 4000)
        use(plan, how, NOW - 3000)
        plan = await anchored(plan, how, Noon())

    assert day_of(plan, how) == [("openrouter-free", 50, used)]


@pytest.mark.parametrize(("limit", "holds"), [(50, 50), (1000, 200)])
async def test_the_users_own_figure_is_never_raised(limit: int, holds: int, tmp_path: Path) -> None:
    """A limit of the day that the suite states is lowered by what the vendor says, and not raised."""
    how = options(tmp_path)
    async with raw_server(Say(told(limit, 12))) as server:
        plan = await anchored(planned(tmp_path, server, ", quota: {rpd: 200}"), how, Noon())

    assert day_of(plan, how) == [("openrouter", holds, 12)]


ANSWERS = {
    "an error": reply({"error": {"message": "no"}}, 401),
    "a fault": reply(b"", 500),
    "no JSON": reply(b"<html>"),
    "an older answer": reply({"data": {"label": "x", "usage": 0, "is_free_tier": True}}),
    "odd figures": told(-1, 5),
    "nothing": reply({}),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_no_word_no_change(answer: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever goes wrong, the run goes on with what it knows."""
    how = options(tmp_path)
    caplog.set_level(logging.INFO, "evalrun")
    async with raw_server(Say(answer)) as server:
        plan = planned(tmp_path, server)
        found = await anchored(plan, how, Noon())

    assert found is plan
    assert len(server.requests) == 1
    assert "sk-canary" not in caplog.text


@pytest.mark.parametrize(
    ("models", "more"),
    [("[openrouter/paid]", {}), ("[simulator/large]", {}), ("[openrouter/a:free]", {"cache": "only"})],
)
async def test_who_need_not_ask(models: str, more: dict[str, Any], tmp_path: Path) -> None:
    """Without a free model, or where nothing is to be sent, nobody asks."""
    async with raw_server(Say(told(50, 50))) as server:
        plan = planned(tmp_path, server, models=models)
        found = await anchored(plan, options(tmp_path, **more), Noon())

    assert found is plan
    assert server.requests == []


@pytest.mark.parametrize(
    ("free", "day"),
    [
        ({"limit": 50, "used": 12, "remaining": 38}, Day(50, 12)),
        ({"limit": 50, "remaining": 38}, Day(50, 12)),
        ({"limit": 50, "used": 60}, Day(50, 60)),
        ({"limit": 0, "used": 0}, None),
        ({"limit": None, "used": 1}, None),
        ({"limit": 50}, None),
        ({"limit": True, "used": 1}, None),
        ({"limit": 10**30, "used": 1}, None),
        ([], None),
        (None, None),
    ],
)
def test_what_the_answer_says(free: Any, day: Day | None) -> None:
    """The figures of the day are read where they make sense."""
    assert day_in(json.loads(json.dumps({"data": {"free_model_daily_requests": free}}))) == day
