from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from evalrun.catalog.profiles import PROFILES
from evalrun.conduct.quota import left_of, manners_of, open_ledger, state_folder
from evalrun.conduct.scopes import Scopes, scopes_of
from evalrun.errors import StorageError
from evalrun.records.plan import Plan
from evalrun.records.quota import Limit, Quota
from evalrun.records.suite import Model, Provider
from evalrun.scheduler.ledger import MemoryLedger, SqliteLedger
from evalrun.scheduler.ledger_file import FILE_NAME
from evalrun.scheduler.quota import Book
from evalrun.scheduler.rooms import Booking, Charge
from evalrun.scoring import OPTIONS
from evalrun.suite.load import load_suite
from evalrun.suite.plan import make_plan
from evalrun.suite.select import select
from tests.store.builders import plan
from tests.virtual import START

DAILY = Quota(limits=(Limit(axis="requests", amount=2, per_s=86_400.0),))


def planned(*, simulated: bool = False, profile: str = "") -> Plan:
    """A plan for one model with a daily limit."""
    base = plan()
    provider = Provider(id="lab", dialect="openai-chat", base_url="http://127.0.0.1:9/v1", simulated=simulated)
    model = Model(provider="lab", name="large", label="large", quota=DAILY, profile=profile)
    return replace(base, suite=replace(base.suite, models=(model,), providers=MappingProxyType({"lab": provider})))


def scopes(what: Plan, state: Path) -> Scopes:
    """Its scopes."""
    return scopes_of(what, concurrency=4, environ={}, state=state)


def test_the_state_folder_is_where_the_environment_says(tmp_path: Path) -> None:
    """`EVALRUN_STATE` moves it; unset or empty it is the user's own."""
    assert state_folder({"EVALRUN_STATE": str(tmp_path)}) == tmp_path
    assert state_folder({"EVALRUN_STATE": "here"}) == Path.cwd() / "here"
    assert state_folder({}) == state_folder({"EVALRUN_STATE": " "})
    assert state_folder({}).name == "evalrun"


def test_two_runs_share_a_day(tmp_path: Path) -> None:
    """What one run spends of a model's day is gone for the next."""
    what = planned()
    found = []
    for _ in range(3):
        known = scopes(what, tmp_path)
        ledger = open_ledger(what, known, Book(known.scopes), state=tmp_path, now=START)
        assert isinstance(ledger, SqliteLedger)
        found.append(ledger.try_book(known.of_model["large"], Charge(5), START))
        ledger.close()

    assert [isinstance(one, Booking) for one in found] == [True, True, False]


def test_the_simulator_never_touches_the_machines_ledger(tmp_path: Path) -> None:
    """A run of simulated models keeps its limits in memory, and makes no file."""
    what = planned(simulated=True)
    known = scopes(what, tmp_path / "state")
    ledger = open_ledger(what, known, Book(known.scopes), state=tmp_path / "state", now=START)
    ledger.close()

    assert type(ledger) is MemoryLedger
    assert not (tmp_path / "state").exists()


def test_a_ledger_out_of_reach_is_told(tmp_path: Path) -> None:
    """Nothing may be sent where nobody can say what was: it is an error, not an empty ledger."""
    what = planned()
    known = scopes(what, tmp_path)
    (tmp_path / "quota.db").mkdir()

    with pytest.raises(StorageError, match=r"quota\.db: not a file"):
        open_ledger(what, known, Book(known.scopes), state=tmp_path, now=START)


def test_a_models_profile_says_what_its_replies_mean(tmp_path: Path) -> None:
    """The manner of a model's own scope is its profile's; without one there is none."""
    what = planned(profile="openai")
    known = scopes(what, tmp_path)
    (manner,) = manners_of(what, known).values()

    assert manners_of(what, known).keys() <= known.scopes.keys()
    assert manner.believe == PROFILES["openai"].believe
    assert (manner.window, manner.resets) == (PROFILES["openai"].window, PROFILES["openai"].resets)
    assert manners_of(planned(), known) == {}


def test_a_group_of_two_providers_is_one_scope_whichever_models_are_chosen(tmp_path: Path) -> None:
    """A run of one of its models books where the run of all of them did, or the group's limit would hold twice."""
    text = """
version: 1
providers: {one: {base_url: "http://localhost/v1"}, two: {base_url: "http://localhost:1/v1"}}
models: [{id: one/a, label: a, quota: team}, {id: two/b, label: b, quota: [team, own]}]
quotas: {team: {rpd: 10}, own: {rpm: 5}}
prompts: {p: {user: "{{ q }}"}}
cases: [{id: c, vars: {q: x}, expected: y}]
scorers: [icontains]
"""
    file = tmp_path / "suite.yaml"
    file.write_text(text, encoding="utf-8")
    suite = load_suite(file, scorers=OPTIONS)
    narrow = select(suite, only={"model": ("b",)}, limit=None, sample=None, seed=0)
    (whole, chosen) = (
        scopes_of(make_plan(each), concurrency=4, environ={}, state=tmp_path) for each in (suite, narrow)
    )

    assert suite.wide == narrow.wide == ("team",)
    assert whole.of_model["b"] == chosen.of_model["b"]
    assert chosen.of_model["b"][3] == "#team"
    assert chosen.of_model["b"][4].startswith("two:")


def test_what_is_left_where_nobody_can_tell(tmp_path: Path) -> None:
    """Without a ledger, and with one out of reach, there is nothing to say of what is left, and nothing is raised."""
    assert left_of(tmp_path, "capitals", 0.0) == ()

    (tmp_path / FILE_NAME).mkdir()
    assert left_of(tmp_path, "capitals", 0.0) == ()
