"""``stop_when`` through the real dispatcher: the simulator's engine answers, in virtual time."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalrun.conduct.marking import score_rows
from evalrun.conduct.options import RunOptions, Selection
from evalrun.conduct.plan import prepare
from evalrun.conduct.run import forget_errors
from evalrun.conduct.sitting import Ending, Sitting
from evalrun.conduct.sitting_quota import sitting_quota
from evalrun.conduct.stopping import keep_accounts, stopped, watch_of
from evalrun.providers.recorded import answer as recorded
from evalrun.records.comparison import ColumnFigures, Pair
from evalrun.records.message import Message
from evalrun.records.outcome import Exchange, Failure, FailureKind, Outcome, Status
from evalrun.records.plan import Plan
from evalrun.records.request import Request
from evalrun.scheduler.rooms import Spent
from evalrun.simulator.engine import Engine
from evalrun.simulator.rules import Rules
from evalrun.stats.compare import compare
from evalrun.stats.stopping import Decision, feed, start
from evalrun.store import ledger
from evalrun.store.run import RunStore
from tests.bench.harness import sender
from tests.virtual import VirtualClock, run_virtual

CASES = 90
SUITE = """\
name: products
models: [simulator/large, simulator/small, simulator/medium]
params: {temperature: 0, max_tokens: 20}
prompts: {plain: "What is {{ a }} * {{ b }}? Answer with the number only."}
scorers: [numeric]
"""
FACTORS = [(13 + n * 7 % 83, 11 + n % 17) for n in range(CASES)]
CASE_LINES = "".join(
    f"  - {{id: c{n}, vars: {{a: {a}, b: {b}}}, expected: {a * b}}}\n" for n, (a, b) in enumerate(FACTORS)
)
STOP = "stop_when: {decided: [large, small], min_effect: 0.05}\n"


class Inline(RunStore):
    """A run's file whose writer is waited for in real time: virtual time cannot wait for a thread."""

    async def put_together(self, entries: Iterable[tuple[str, int, Exchange, tuple[Message, ...]]]) -> None:
        for entry in [ledger.entry(*entry) for entry in entries]:
            self._writer_or_raise().run(lambda connection, entry=entry: ledger.put(connection, entry))


@dataclass
class Bench:
    """A suite in a folder of its own, what was sent of it and what was said. *slow_s* is how long an answer takes."""

    folder: Path
    text: str = STOP
    slow_s: Callable[[Request], float] = lambda request: 0.1
    fails: Callable[[Request, int], Failure | None] = lambda request, nth: None
    events: list[tuple[str, str]] = field(default_factory=list)
    concurrency: int = 8
    suite: str = SUITE

    def __post_init__(self) -> None:
        self.options = RunOptions(
            results=self.folder / "results", environ={}, state=self.folder / "state", concurrency=self.concurrency
        )
        self.plan = self.planned(self.text)

    def planned(self, text: str) -> Plan:
        """The suite with this ``stop_when``."""
        path = self.folder / "products.yaml"
        path.write_text(self.suite + text + "cases:\n" + CASE_LINES)
        return prepare(path, Selection())

    @property
    def store_folder(self) -> Path:
        return self.folder / "results" / "products" / "run"

    def open(self) -> RunStore:
        """The run's file, new the first time."""
        if (self.store_folder / "run.db").exists():
            return Inline.open(self.store_folder, write=True, now=0)
        return Inline.create(self.store_folder, self.plan, evalrun_version="0", now=0)

    def sit(self, *, sends: int | None = None) -> Ending:
        """One sitting, with the accounts kept at its end; after so many *sends* it is stopped, as a signal does."""
        store = self.open()
        try:
            score_rows(store, self.plan, {})
            ending = run_virtual(lambda: self._sit(store, sends))
            keep_accounts(store, self.plan, {})
        finally:
            store.close()
        return ending

    async def _sit(self, store: RunStore, sends: int | None) -> Ending:
        clock = VirtualClock()
        answer = sender(Engine(Rules(latency_s=0.0), clock), clock)
        counts: dict[str, int] = {}
        sent = 0

        async def send(request: Request) -> Outcome:
            nonlocal sent
            sent += 1
            self.events.append(("sent", request.key))
            if sent == sends:
                dispatcher.stop("enough for today")
            counts[request.key] = counts.get(request.key, 0) + 1
            if request.dialect == "recorded":
                return recorded(request, self.plan.suite.models[-1].recorded)
            await clock.sleep(self.slow_s(request))
            return self.fails(request, counts[request.key]) or await answer(request)

        with sitting_quota(self.plan, self.options, Spent(), clock.time()) as quota:
            sitting = Sitting(
                store, self.plan, self.options, clock, quota, lambda line: self.events.append(("said", line))
            )
            await sitting.take_up()
            dispatcher = sitting.dispatcher(send)
            await asyncio.wait_for(dispatcher.run(), 1e6)
            sitting.close()
            return sitting.ending(None)

    def model_of(self, key: str) -> str:
        """Whom a request was for."""
        return next(self.plan.columns[cell.column].model for cell in self.plan.cells if cell.request_key == key)

    def sent(self) -> list[str]:
        """The models that were asked, in order."""
        return [self.model_of(key) for what, key in self.events if what == "sent"]

    def compared(self, found: Any) -> tuple[Sequence[ColumnFigures], Pair]:
        """The figures of the columns, and the pair of large and small."""
        with RunStore.open(self.store_folder) as store:
            comparison = compare(self.plan, store.rows(), complete=True, watched=found.pairs)
        return comparison.columns, next(p for p in comparison.pairs if {p.first, p.second} == {"large", "small"})

    def look(self) -> tuple[Any, dict[Status, int]]:
        """What came of ``stop_when``, and the cells by status."""
        with RunStore.open(self.store_folder) as store:
            return stopped(store, self.plan, watch_of(store, self.plan)), store.counts()


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bool]]:
    """Whether each model is right on each case, from a run in which nothing stops."""
    bench = Bench(tmp_path_factory.mktemp("truth"), text="")
    bench.sit()
    found: dict[str, dict[str, bool]] = {}
    with RunStore.open(bench.store_folder) as store:
        for row in store.rows():
            assert row.mark is not None
            found.setdefault(row.model.label, {})[row.case.id] = row.mark.verdict == "pass"
    return found


def in_order(plan: Plan) -> list[int]:
    """The cases in the order in which they are asked."""
    return list(dict.fromkeys(plan.cells[position].case for position in plan.order))


def decided_after(bench: Bench, truth: dict[str, dict[str, bool]], without: Sequence[str] = ()) -> int:
    """The rule alone, on all answers in the plan's order: after how many cases it decides."""
    state = start(alpha=0.05, min_effect=0.05, cases=CASES)
    for case in [bench.plan.suite.cases[case].id for case in in_order(bench.plan)]:
        if case not in without:
            state = feed(state, float(truth["large"][case]) - float(truth["small"][case]))
        if state.decision is not Decision.OPEN:
            return state.cases
    raise AssertionError("the models are too alike for this test")


def drawn_s(seed: int, request: Request) -> float:
    """A latency that hangs on the question and the model alone: some are a hundred times as slow as others."""
    drawn = hashlib.sha256(f"{seed}{request.key}".encode()).digest()
    return float(0.01 * 100 ** (drawn[0] / 255))


@pytest.mark.slow
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), concurrency=st.integers(1, 24))
def test_a_run_decides_where_the_rule_does_whatever_the_latencies(
    tmp_path_factory: pytest.TempPathFactory, truth: dict[str, dict[str, bool]], seed: int, concurrency: int
) -> None:
    """Answers come back in any order; the decision is that of the plan's order, and afterwards nothing of the pair is
    sent that was not in flight, while the other column is asked to its end. What was in flight counts in no figure:
    the columns are compared on the cases up to the decision, however many more came back."""
    bench = Bench(
        tmp_path_factory.mktemp("run"), slow_s=lambda request: drawn_s(seed, request), concurrency=concurrency
    )
    bench.sit()
    after = decided_after(bench, truth)
    found, counts = bench.look()
    at = next(place for place, event in enumerate(bench.events) if event[0] == "said")
    late = [bench.model_of(key) for what, key in bench.events[at:] if what == "sent"]

    assert (found.pairs[0].decision, found.pairs[0].cases) == (Decision.FIRST, after)
    assert set(late) <= {"medium"}
    assert bench.sent().count("medium") == CASES
    assert counts[Status.PENDING] == 0
    assert found.saved == 3 * CASES - len(bench.sent()) > 0
    assert counts[Status.SPARED] == found.spared == found.saved + found.late

    columns, pair = bench.compared(found)
    ordered = [bench.plan.suite.cases[case].id for case in in_order(bench.plan)]
    for figures in columns:
        counted = ordered if figures.column.model == "medium" else ordered[:after]
        assert (figures.scored, figures.errors) == (len(counted), 0)
        assert figures.passed == sum(truth[figures.column.model][case] for case in counted)
    assert (pair.cases, pair.call, pair.difference) == (after, "better", found.pairs[0].interval)
    assert pair.watched == f"decided after {after} of {CASES} cases"


@pytest.mark.slow
@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_run_that_is_gone_on_with_decides_at_the_same_case(
    tmp_path_factory: pytest.TempPathFactory, truth: dict[str, dict[str, bool]], data: st.DataObject
) -> None:
    """However often it is stopped, and in the middle of what: the decision is the same, and no cell is asked twice."""
    bench = Bench(tmp_path_factory.mktemp("run"), slow_s=lambda request: drawn_s(3, request))
    stops = data.draw(st.lists(st.integers(1, 60), max_size=3))
    for sends in stops:
        bench.sit(sends=sends)
    bench.sit()
    found, counts = bench.look()
    asked = [key for what, key in bench.events if what == "sent"]

    assert (found.pairs[0].decision, found.pairs[0].cases) == (Decision.FIRST, decided_after(bench, truth))
    assert len(asked) == len(set(asked))
    assert counts[Status.PENDING] == 0
    assert found.saved == 3 * CASES - len(asked)


def test_a_finished_run_asks_nothing_more(tmp_path: Path) -> None:
    """Spared cells stay spared when a run is taken up again."""
    bench = Bench(tmp_path)
    bench.sit()
    before = len(bench.events)
    bench.sit()

    assert len(bench.events) == before


def test_a_case_that_failed_for_good_is_passed_over(tmp_path: Path, truth: dict[str, dict[str, bool]]) -> None:
    """It does not hold the decision up, and does not count in it; retries that wait hold it until they end."""
    bench = Bench(tmp_path)
    wins = [case.id for case in bench.plan.suite.cases if truth["large"][case.id] > truth["small"][case.id]]
    broken = {wins[0], wins[1]}

    def fails(request: Request, nth: int) -> Failure | None:
        cell = next(cell for cell in bench.plan.cells if cell.request_key == request.key)
        case, model = bench.plan.suite.cases[cell.case].id, bench.plan.columns[cell.column].model
        if model == "small" and case in broken:
            return Failure(kind=FailureKind.BAD_REQUEST, message="no")
        if model == "large" and nth < 3 and cell.case % 7 == 0:
            return Failure(kind=FailureKind.SERVER, message="busy")
        return None

    bench.fails = fails
    bench.sit()
    found, counts = bench.look()

    assert found.pairs[0].cases == decided_after(bench, truth, without=sorted(broken))
    assert counts[Status.ERROR] <= 2


@pytest.mark.slow
def test_errors_that_came_too_late_are_asked_again_with_the_others(
    tmp_path: Path, truth: dict[str, dict[str, bool]]
) -> None:
    """Where a cell in error before the decision is asked again, errors after it count once more, and are too."""
    bench = Bench(tmp_path, slow_s=lambda request: drawn_s(7, request), concurrency=24)
    first, *others = in_order(bench.plan)
    late_from = decided_after(bench, truth, without=[bench.plan.suite.cases[first].id])

    def fails(request: Request, nth: int) -> Failure | None:
        cell = next(cell for cell in bench.plan.cells if cell.request_key == request.key)
        is_watched = bench.plan.columns[cell.column].model != "medium"
        broken = is_watched and (cell.case == first or others.index(cell.case) >= late_from)
        return Failure(kind=FailureKind.BAD_REQUEST, message="no") if broken else None

    bench.fails = fails
    bench.sit()
    _, before = bench.look()
    with bench.open() as store:
        late = sum(len(row.exchanges) > 1 and isinstance(row.exchanges[0].outcome, Failure) for row in store.rows())
        forget_errors(store, bench.plan)
    _, after = bench.look()

    assert before[Status.SPARED] > late > 0
    assert (after[Status.ERROR], after[Status.SPARED]) == (0, 0)


def test_a_fast_column_waits_for_the_one_that_it_is_compared_with(tmp_path: Path) -> None:
    """Where one model may be asked one at a time and the other as fast as it can, this one is never further ahead than
    as many cases as may be in flight; a column that is compared with nothing does not wait."""
    slow = SUITE.replace("simulator/large", "{id: simulator/large, quota: {concurrency: 1}}")
    bench = Bench(tmp_path, suite=slow, slow_s=lambda request: 1.0 if request.model == "large" else 0.01, concurrency=4)
    bench.sit()
    sent = bench.sent()
    ahead = [sent[:place].count("small") - sent[:place].count("large") for place in range(len(sent))]

    assert 2 <= max(ahead) <= 4
    assert sent[: CASES + 10].count("medium") == CASES


def test_a_column_does_not_wait_for_one_that_is_refused(tmp_path: Path) -> None:
    """Where the other model's key is refused nothing can be decided, and all cells of this one are asked."""

    def fails(request: Request, nth: int) -> Failure | None:
        return Failure(kind=FailureKind.AUTH, message="401") if request.model == "large" else None

    bench = Bench(tmp_path, fails=fails)
    ending = bench.sit()

    assert bench.sent().count("small") == CASES
    assert "401" in ending.stopped


def test_a_changed_suite_asks_what_was_spared(tmp_path: Path) -> None:
    """Without ``stop_when`` the spared cells are pending again, and the answers that there are stay."""
    bench = Bench(tmp_path)
    bench.sit()
    stopped_before, before = bench.look()
    bench.plan = bench.planned("")
    with bench.open() as store:
        store.replan(bench.plan)
        keep_accounts(store, bench.plan, {})
    _, after = bench.look()
    bench.sit()
    asked = [key for what, key in bench.events if what == "sent"]

    assert before[Status.SPARED] - stopped_before.late == after[Status.PENDING] > 0
    assert after[Status.SPARED] == 0
    assert len(asked) == len(set(asked)) == 3 * CASES


def test_other_scorers_may_undo_a_decision(tmp_path: Path) -> None:
    """A run that is scored anew spares nothing for a decision that its new marks do not make."""
    bench = Bench(tmp_path)
    bench.sit()
    bench.plan = replace(bench.plan, suite=replace(bench.plan.suite, scorers=()))
    with bench.open() as store:
        store.replan(bench.plan)
        keep_accounts(store, bench.plan, {})
    found, counts = bench.look()

    assert counts[Status.SPARED] == 0
    assert found.pairs[0].decision is Decision.OPEN
    assert counts[Status.PENDING] > 0


@pytest.mark.slow
def test_samples_of_a_case_come_together_and_count_once(tmp_path: Path) -> None:
    """With samples a case is asked whole before the next ones, and its mean difference is one observation."""
    bench = Bench(tmp_path, text=STOP + "samples: 3\n", concurrency=6)
    bench.sit()
    found, _ = bench.look()
    places = [bench.plan.cells[position] for position in bench.plan.order]

    assert [cell.case for cell in places] == [case for case in dict.fromkeys(c.case for c in places) for _ in range(9)]
    assert 0 < found.pairs[0].cases < CASES
    assert found.spared > CASES


def test_recorded_answers_are_never_spared(tmp_path: Path) -> None:
    """They cost nothing: only the model that is asked stops."""
    (tmp_path / "old.jsonl").write_text("".join(f'{{"id": "c{n}", "text": "no idea"}}\n' for n in range(CASES)))
    models = "models: [simulator/large, {id: recorded/old, file: old.jsonl, match: id, answer: text}]"
    suite = SUITE.replace("models: [simulator/large, simulator/small, simulator/medium]", models)
    bench = Bench(tmp_path, STOP.replace("small", "old"), suite=suite)
    bench.sit()
    with RunStore.open(bench.store_folder) as store:
        statuses = [(row.column.model, row.status) for row in store.rows()]

    assert {label for label, status in statuses if status is Status.SPARED} == {"large"}
    assert sum(label == "old" for label, status in statuses if status is Status.ANSWERED) == CASES


@pytest.mark.slow
def test_a_dialogue_that_is_not_needed_any_more_ends_where_it_is(tmp_path: Path) -> None:
    """Its replies so far stay, no further turn is asked, and without ``stop_when`` it goes on from there."""
    asks = '"What is {{ a }} * {{ b }}? Answer with the number only."'
    talks = SUITE.replace(asks, f'{{user: {asks}, turns: ["Say that number once more."]}}')
    bench = Bench(tmp_path, suite=talks, slow_s=lambda request: drawn_s(5, request))
    bench.sit()
    found, counts = bench.look()
    at = next(place for place, event in enumerate(bench.events) if event[0] == "said")
    with RunStore.open(bench.store_folder) as store:
        spared = [row for row in store.rows() if row.status is Status.SPARED]
        late = [key for what, key in bench.events[at:] if what == "sent"]
        asked = {
            exchange.request_key for row in store.rows() for exchange in row.exchanges if row.model.label != "medium"
        }
    begun = [row for row in spared if row.requests == 1]

    assert begun
    assert {len(row.replies) for row in begun} == {1}
    assert sum(row.requests == 2 for row in spared) == found.late
    assert not asked.intersection(late)
    assert found.saved == 2 * (len(spared) - found.late) - len(begun)
    assert counts[Status.PENDING] == 0

    bench.plan, before = bench.planned(""), len(bench.events)
    with bench.open() as store:
        store.replan(bench.plan)
        keep_accounts(store, bench.plan, {})
    bench.sit()

    assert sum(what == "sent" for what, _ in bench.events[before:]) == found.saved
    assert bench.look()[1][Status.PENDING] == bench.look()[1][Status.SPARED] == 0


def test_a_run_without_a_difference_says_so(tmp_path: Path) -> None:
    """Two models that are the same are found to differ by less than the effect that matters."""
    alike = SUITE.replace("simulator/small", "{id: simulator/large, label: small}")
    bench = Bench(tmp_path, STOP.replace("0.05", "0.25"), suite=alike)
    bench.sit()
    found, _ = bench.look()

    assert found.pairs[0].decision is Decision.NO_DIFFERENCE
    assert found.notes()[0].startswith("large and small differ by less than 25.0 points on pass rate, decided after ")
    assert found.as_json()["pairs"][0]["decision"] == "no difference"


@pytest.mark.slow
def test_what_is_not_decided_is_said_too(tmp_path: Path) -> None:
    """Where the cases do not suffice nothing is saved, and the interval is told."""
    alike = SUITE.replace("simulator/small", "{id: simulator/large, label: small}")
    bench = Bench(tmp_path, STOP.replace("0.05", "0"), suite=alike)
    bench.sit()
    first, last = bench.look()[0].notes()

    assert first.startswith("large and small on pass rate: not decided after 90 of 90 cases: ")
    assert last.startswith("no request saved; the chance of any wrong decision is at most 5 %")


def test_a_stop_that_compares_nothing_says_so(tmp_path: Path) -> None:
    """Narrowed to one of its models, ``stop_when`` stops nothing."""
    bench = Bench(tmp_path)
    path = tmp_path / "products.yaml"
    bench.plan = prepare(path, Selection(only={"model": ("large", "medium")}))
    bench.sit()
    found, counts = bench.look()

    assert counts[Status.ANSWERED] + counts[Status.NO_ANSWER] == 2 * CASES
    assert found.notes() == ("stop_when: fewer than two of large, small are asked, so nothing was compared",)
