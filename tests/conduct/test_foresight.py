"""What goes into a forecast: limits as the ledger knows them, cells that are answered, how earlier answers went."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalrun.conduct.foresight import foresee, foresee_sitting
from evalrun.conduct.options import RunOptions, Selection
from evalrun.conduct.plan import prepare
from evalrun.conduct.quota import open_ledger
from evalrun.conduct.scopes import scopes_of
from evalrun.conduct.sitting_quota import sitting_quota
from evalrun.errors import UsageError
from evalrun.records.outcome import Attempt, Exchange, Failure, FailureKind, Response, TokensMethod, Usage
from evalrun.records.plan import Plan
from evalrun.records.quota import DAY_S, MINUTE_S, Limit, LimitFact, RateFacts, Refusal
from evalrun.scheduler.ledger import SqliteLedger
from evalrun.scheduler.ledger_file import FILE_NAME
from evalrun.scheduler.quota import Book
from evalrun.scheduler.rooms import Booking, Charge, Spent
from evalrun.store.run import RunStore
from evalrun.store.runs import run_folder, run_id

NOW = 1_795_170_667.0  # 2026-11-20T10:31:07Z

SUITE = """\
name: sums
providers:
  lab: {dialect: openai-chat, base_url: "http://127.0.0.1:9/v1", quota: {rpm: 20}, account: team}
models:
  - {id: lab/one, label: one, quota: [{rpd: 50, resets: utc}]}
  - {id: lab/two, label: two, quota: [{rpm: 5}]}
params: {max_tokens: 40}
prompts: {plain: "What is {{ a }} + 1?"}
cases:
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A suite of twelve cases and two models in a folder of its own."""
    path = tmp_path / "sums.yaml"
    path.write_text(SUITE + "".join(f"  - {{id: c{n}, vars: {{a: {n}}}}}\n" for n in range(12)))
    return path


@pytest.fixture
def options(tmp_path: Path) -> RunOptions:
    """A run's options, with all its folders in one place."""
    return RunOptions(results=tmp_path / "results", environ={}, state=tmp_path / "state")


@pytest.fixture
def ledger(suite: Path, options: RunOptions) -> Iterator[SqliteLedger]:
    """The machine's ledger as a run of the suite opens it."""
    plan = prepare(suite, Selection())
    scopes = scopes_of(plan, concurrency=16, environ={}, state=options.state)
    found = open_ledger(plan, scopes, Book(scopes.scopes), state=options.state, now=NOW - 100)
    assert isinstance(found, SqliteLedger)
    yield found
    found.close()


def use(ledger: SqliteLedger, *scopes: str, at: float, took_s: float = 0.5) -> None:
    """Send a request and have it answered."""
    booking = ledger.try_book(("run", *scopes), Charge(10, 40), at)
    assert isinstance(booking, Booking)
    ledger.settle(booking, Charge(10, 5), at + took_s)


def new_run(plan: Plan, options: RunOptions) -> RunStore:
    """A run of the plan in which nothing is asked yet."""
    folder = run_folder(options.results, plan.suite.name, run_id(NOW - 500, "3f9c"))
    return RunStore.create(folder, plan, evalrun_version="0.1.0", now=NOW - 500)


def answer(store: RunStore, plan: Plan, *positions: int, **said: Any) -> None:
    """Answer cells after one more attempt each."""
    usage = Usage(prompt_tokens=10, completion_tokens=4, method=TokensMethod.API)
    tried = Attempt(sent_at=NOW - 400, latency_s=0.1, result="server")
    sent = Attempt(sent_at=NOW - 400, latency_s=2.0, result="ok")
    for position in positions:
        key = plan.cells[position].key
        outcome = said.get("outcome", Response(text="3", usage=usage, latency_s=2.0))
        asyncio.run(store.put(key, 0, Exchange(request_key=key, outcome=outcome, attempts=(tried, sent))))


def test_without_a_ledger_and_runs_all_is_to_be_sent(suite: Path, options: RunOptions) -> None:
    """The first forecast counts every cell, has every limit whole, and writes nothing anywhere."""
    before = sorted(suite.parent.rglob("*"))
    found = foresee(prepare(suite, Selection()), options, NOW)

    one, two = found.forecast.lanes
    assert (one.amounts.requests, two.amounts.requests) == (12, 12)
    assert (found.run, found.notes) == ("", ())
    assert [state.left for scope in one.scopes for state in scope.limits] == [20, 50]
    assert two.timing.binding is not None
    assert two.timing.binding.words == "5 requests a minute"
    assert sorted(suite.parent.rglob("*")) == before


def test_what_others_used_is_counted(suite: Path, options: RunOptions, ledger: SqliteLedger) -> None:
    """What the ledger knows to be used is not left, for the account and for the model, with the suite's own limits."""
    for number in range(8):
        use(ledger, "lab:team", "lab:team/one", at=NOW - 30 + number)
    found = foresee(prepare(suite, Selection()), options, NOW)

    one, two = found.forecast.lanes
    assert [state.left for scope in one.scopes for state in scope.limits] == [12, 42]
    assert [state.left for scope in two.scopes for state in scope.limits] == [12, 5]


def test_a_forecast_leaves_the_ledger_as_it_is(suite: Path, options: RunOptions, ledger: SqliteLedger) -> None:
    """To look does not register anybody, and has nobody read anew."""
    use(ledger, "lab:team", "lab:team/one", at=NOW - 5)
    before = _tables(options)
    foresee(prepare(suite, Selection()), options, NOW)

    assert _tables(options) == before


def _tables(options: RunOptions) -> list[Any]:
    import sqlite3

    connection = sqlite3.connect(options.state / FILE_NAME)
    try:
        tables = ("state", "scopes", "sets", "leases", "entries", "lessons", "latencies")
        return [connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables]
    finally:
        connection.close()


def test_how_long_answers_took_on_this_machine_is_known(suite: Path, options: RunOptions, ledger: SqliteLedger) -> None:
    """The ledger's latencies give a range where no limit binds."""
    for number in range(5):
        use(ledger, "lab:team", "lab:team/one", at=NOW - 90 + number, took_s=3.0)
    ledger.close()
    found = foresee(prepare(suite, Selection(limit=4)), options, NOW)

    one, two = found.forecast.lanes
    assert one.timing.finishes_at == pytest.approx(NOW + 3)
    assert two.timing.finishes_at is None  # nobody has asked it yet


def test_a_ledger_out_of_reach_is_said(suite: Path, options: RunOptions) -> None:
    """A damaged ledger does not hinder a forecast; that it is not counted is said."""
    options.state.mkdir()
    (options.state / FILE_NAME).write_bytes(b"no database" * 1000)
    found = foresee(prepare(suite, Selection()), options, NOW)

    assert found.forecast.amounts.requests == 24
    assert found.notes[0].startswith("what is used already is not counted: ")


def test_a_missing_key_is_said_where_it_matters(suite: Path, options: RunOptions, ledger: SqliteLedger) -> None:
    """Without its key an account cannot be found in the ledger: the forecast is made, and says so."""
    suite.write_text(suite.read_text().replace("account: team", "api_key_env: LAB_KEY"))
    found = foresee(prepare(suite, Selection()), options, NOW)

    assert found.forecast.amounts.requests == 24
    assert "LAB_KEY is not set" in found.notes[0]
    assert not (options.state / "machine.key").exists()


def test_an_unfinished_run_is_gone_on_with(suite: Path, options: RunOptions) -> None:
    """Cells that the newest unfinished run has answered or in error are not sent again, unless somebody asks for it."""
    plan = prepare(suite, Selection())
    failed = Failure(kind=FailureKind.SERVER, message="boom")
    with new_run(plan, options) as store:
        answer(store, plan, 0, 1, 2)
        answer(store, plan, 4, outcome=failed)
        folder = store.folder
    found = foresee(plan, options, NOW)
    again = foresee(plan, replace(options, retry_errors=True), NOW)
    new = foresee(plan, replace(options, new=True), NOW)

    assert found.run == folder.name
    amounts = found.forecast.amounts
    assert (amounts.requests, amounts.answered, amounts.in_error) == (20, 3, 1)
    assert (again.forecast.amounts.requests, again.forecast.amounts.in_error) == (21, 0)
    assert (new.run, new.forecast.amounts.requests) == ("", 24)


def test_earlier_answers_say_what_to_expect(suite: Path, options: RunOptions) -> None:
    """Latency, output and retries are taken from the answers of an earlier run, also for a new one."""
    plan = prepare(suite, Selection())
    with new_run(plan, options) as store:
        answer(store, plan, 0, 2, 4)
    one, two = foresee(plan, replace(options, new=True), NOW).forecast.lanes

    assert one.amounts.retries == 12
    assert one.amounts.output_tokens == 12 * 4
    assert two.amounts.output_tokens is None
    assert one.timing.binding is not None
    assert one.timing.binding.words == "20 requests a minute"  # which its retries are in the way of
    assert one.timing.most_s == pytest.approx(64, abs=1)


def test_a_limit_that_is_used_evenly_is_forecast_so(suite: Path, options: RunOptions, ledger: SqliteLedger) -> None:
    """After a 429 although there was room a limit is used evenly: one after the other from the first on."""
    named = LimitFact(axis="requests", amount=5, per_s=MINUTE_S)
    use(ledger, "lab:team", "lab:team/two", at=NOW - 99)
    rate = RateFacts(refusal=Refusal.MINUTE, named=named)
    ledger.observe(("run", "lab:team", "lab:team/two"), rate, sent_at=NOW - 98, received_at=NOW - 97, refused=True)
    two = foresee(prepare(suite, Selection()), options, NOW).forecast.lanes[1]

    assert two.timing.least_s == pytest.approx(12 * 12, abs=13)
    assert [state.limit for state in two.scopes[1].limits] == [
        Limit(axis="requests", amount=5, per_s=MINUTE_S, window="bucket", sure=False)
    ]


def test_a_sitting_forecasts_what_its_store_lacks(suite: Path, options: RunOptions) -> None:
    """A run's forecast counts what its own store has no answer to, under the limits that it opened."""
    plan = prepare(suite, Selection())
    with new_run(plan, options) as store:
        answer(store, plan, 0, 1, 2, 3)
        with sitting_quota(plan, options, Spent(), NOW) as quota:
            found = foresee_sitting(plan, store, quota, options, NOW)
            only = foresee_sitting(plan, store, quota, replace(options, cache="only"), NOW)

    assert (found.amounts.requests, found.amounts.answered) == (20, 4)
    assert only.amounts.requests == 0


def test_the_simulator_of_our_own_has_known_latencies(tmp_path: Path, options: RunOptions) -> None:
    """The first run of a demo has a time: how fast our own simulated models answer is no secret."""
    path = tmp_path / "demo.yaml"
    path.write_text("models: [simulator/large]\nprompts: {p: 'Hi {{ a }}'}\ncases: [{vars: {a: 1}}, {vars: {a: 2}}]\n")
    found = foresee(prepare(path, Selection()), options, NOW).forecast

    assert found.timing.finishes_at == pytest.approx(NOW + 0.08, abs=0.05)
    assert found.amounts.cost_usd_at_most == 0


def test_days_of_a_daily_limit_are_counted(suite: Path, options: RunOptions, ledger: SqliteLedger) -> None:
    """What is left today goes today and the rest on the next days, in sittings of which each says how much."""
    suite.write_text(suite.read_text().replace("rpd: 50", "rpd: 6"))
    use(ledger, "lab:team", "lab:team/one", at=NOW - 90)
    found = foresee(prepare(suite, Selection(only={"model": ("one",)})), options, NOW).forecast

    assert [sitting.requests for sitting in found.sittings] == [5, 6, 1]
    assert found.timing.days == 3
    assert found.timing.finishes_at == pytest.approx(NOW - NOW % DAY_S + 2 * DAY_S, abs=5)


def test_a_budget_without_prices_is_refused_before_anything(suite: Path, options: RunOptions) -> None:
    """A cost that nobody knows cannot be kept: the forecast says what the run would say."""
    suite.write_text(suite.read_text() + "budget: {max_cost_usd: 1}\n")
    with pytest.raises(UsageError, match="no price is known"):
        foresee(prepare(suite, Selection()), options, NOW)
