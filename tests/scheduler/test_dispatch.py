from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

import pytest

from evalrun.records.outcome import Exchange, Failure, FailureKind, Outcome, Response, TokensMethod, Usage
from evalrun.records.quota import Budget, Limit, LimitFact, Quota, RateFacts, Refusal, Scope
from evalrun.records.request import Request
from evalrun.scheduler.dispatch import Dispatcher
from evalrun.scheduler.jobs import Halt, Job
from evalrun.scheduler.ledger import MemoryLedger
from evalrun.scheduler.pressure import Pressure
from evalrun.scheduler.quota import Book
from evalrun.scheduler.retry import RetryPolicy
from evalrun.scheduler.rooms import Charge, Spent
from tests.virtual import VirtualClock, run_virtual

OK = Response(text="yes", usage=Usage(prompt_tokens=1, completion_tokens=1, method=TokensMethod.API), latency_s=1.0)


def book(budget: Budget | None = None, **quotas: Quota) -> Book:
    """A book of scopes in memory."""
    quotas = {"a account": Quota(), "a": Quota(), "b account": Quota(), "b": Quota(), **quotas}
    scopes = {name: Scope(id=name, name=name, quota=quota, shared=False) for name, quota in quotas.items()}
    return Book(scopes, budget)


def request(name: str) -> Request:
    """A request of that key."""
    return Request(key=name, provider="p", dialect="d", model="m", messages=(), params={}, sample=0)


def jobs(lane: str, count: int, more: tuple[str, ...] = ()) -> Iterator[Job]:
    """A lane's feed of *count* jobs, which book in the run, the lane's account, the lane's own scope, and *more*."""
    scopes = ("run", f"{lane} account", lane, *more)
    return (Job(request(f"{lane}{n}"), n, scopes, Charge(1, 1), "p") for n in range(count))


class Server:
    """Answers after a second, unless a script says otherwise; keeps what it saw and when."""

    def __init__(self, clock: VirtualClock, script: dict[str, list[Outcome]] | None = None) -> None:
        self.clock = clock
        self.script = script or {}
        self.seen: list[tuple[float, str]] = []
        self.at_once = self.most_at_once = 0

    async def send(self, request: Request) -> Outcome:
        self.seen.append((self.clock.monotonic(), request.key))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.clock.sleep(1)
        finally:
            self.at_once -= 1
        waiting = self.script.get(request.key) or self.script.get("*")
        return waiting.pop(0) if waiting else OK


class Kept:
    """A sink that keeps every exchange; *more* says which jobs follow."""

    def __init__(self, more: Callable[[Job], Sequence[Job]] = lambda _: ()) -> None:
        self.exchanges: dict[str, Exchange] = {}
        self._more = more

    async def __call__(self, job: Job, exchange: Exchange) -> Sequence[Job]:
        assert job.request.key not in self.exchanges
        self.exchanges[job.request.key] = exchange
        return self._more(job)


def dispatch(
    lanes: dict[str, Iterator[Job]],
    book: Book,
    script: dict[str, list[Outcome]] | None = None,
    *,
    kept: Kept | None = None,
    policy: RetryPolicy | None = None,
    pressures: dict[str, Pressure] | None = None,
    meanwhile: Callable[[Dispatcher], Awaitable[None]] | None = None,
) -> tuple[Server, Kept, Dispatcher, float]:
    """Run a dispatcher in virtual time: the server, the sink, the dispatcher and the seconds it took."""

    async def main() -> tuple[Server, Kept, Dispatcher, float]:
        clock = VirtualClock()
        server, sink = Server(clock, script), kept or Kept()
        dispatcher = Dispatcher(
            lanes,
            send=server.send,
            sink=sink,
            ledger=MemoryLedger(book),
            clock=clock,
            draw=lambda: 0.5,
            settle=lambda job, outcome: Charge(1, 1) if isinstance(outcome, Response) else Charge(0),
            pressures=pressures,
            policy=policy,
        )
        beside = asyncio.ensure_future(meanwhile(dispatcher)) if meanwhile else None
        await dispatcher.run()
        if beside:
            await beside
        return server, sink, dispatcher, clock.monotonic()

    return run_virtual(main)


def test_everything_is_sent_once_within_concurrency() -> None:
    """Ten requests of a second each, three at once, take four seconds and never more than three at once."""
    server, sink, _, took = dispatch({"a": jobs("a", 10)}, book(run=Quota(concurrency=3)))

    assert sorted(key for _, key in server.seen) == sorted(sink.exchanges)
    assert len(server.seen) == 10
    assert server.most_at_once == 3
    assert took == pytest.approx(4)


def test_lanes_advance_together() -> None:
    """Columns are interleaved: when the run stops in the middle, no lane is ahead of another by more than one."""
    server, _, _, _ = dispatch({"a": jobs("a", 6), "b": jobs("b", 6)}, book(run=Quota(concurrency=1)))
    first = [key[0] for _, key in server.seen[:6]]

    assert first.count("a") == first.count("b") == 3


def test_a_lane_at_its_limit_does_not_hold_the_others() -> None:
    """A model without quota waits alone; the other's requests go on."""
    minute = Quota(limits=(Limit(axis="requests", amount=1, per_s=60),))
    limits = book(run=Quota(concurrency=8), slow=minute)
    server, _, _, took = dispatch({"a": jobs("a", 3, ("slow",)), "b": jobs("b", 5)}, limits)

    assert max(at for at, key in server.seen if key.startswith("b")) < 1
    assert took == pytest.approx(2 * 61 + 1)


def test_a_passing_failure_is_tried_again_and_told() -> None:
    """A 500 is retried after a drawn delay; the exchange keeps both attempts and the wait, apart from the latency."""
    script: dict[str, list[Outcome]] = {"a0": [Failure(kind=FailureKind.SERVER, message="oops", http_status=500)]}
    server, sink, _, _ = dispatch({"a": jobs("a", 1)}, book(run=Quota()), script)
    exchange = sink.exchanges["a0"]

    assert [attempt.result for attempt in exchange.attempts] == ["server", "ok"]
    assert exchange.retry_wait_s == pytest.approx(0.25)
    assert exchange.queue_s == 0
    assert len(server.seen) == 2


def test_a_rate_limit_holds_its_whole_lane() -> None:
    """After a 429 nobody of the lane is sent before the server's Retry-After has passed."""
    limited: list[Outcome] = [Failure(kind=FailureKind.RATE_LIMIT, message="slow", retry_after_s=30.0)]
    server, sink, _, _ = dispatch({"a": jobs("a", 3)}, book(run=Quota(concurrency=1)), {"a0": limited})

    assert [key for _, key in server.seen] == ["a0", "a0", "a1", "a2"]
    assert server.seen[1][0] >= 31
    assert all(isinstance(exchange.outcome, Response) for exchange in sink.exchanges.values())


def test_a_server_that_asks_for_too_long_parks_its_lane() -> None:
    """A wait beyond the run's patience is not slept: the lane stops, its cells stay to be asked, others finish."""
    limited: list[Outcome] = [Failure(kind=FailureKind.RATE_LIMIT, message="per day", retry_after_s=24_367.0)]
    _, sink, dispatcher, took = dispatch(
        {"a": jobs("a", 5), "b": jobs("b", 5)}, book(run=Quota(concurrency=2)), {"a0": limited}
    )
    view = next(view for view in dispatcher.views() if view.lane == "a")

    assert view.halt is Halt.PARKED
    assert view.parked_until == pytest.approx(VirtualClock().start + 1 + 24_367)
    assert "a0" not in sink.exchanges
    assert {f"b{n}" for n in range(5)} <= set(sink.exchanges)
    assert took < 20


@pytest.mark.parametrize("kind", [FailureKind.AUTH, FailureKind.MONEY, FailureKind.GONE])
def test_a_refused_key_stops_its_lane_at_once(kind: FailureKind) -> None:
    """After a 401 at most what was in flight reaches the server; the failed cells are told, the rest stays."""
    script: dict[str, list[Outcome]] = {"*": [Failure(kind=kind, message="no") for _ in range(99)]}
    server, sink, dispatcher, _ = dispatch({"a": jobs("a", 50)}, book(run=Quota(concurrency=4)), script)

    assert len(server.seen) <= 4
    assert dispatcher.views()[0].halt is Halt.REFUSED
    assert len(sink.exchanges) == len(server.seen)


def test_an_endpoint_that_was_never_there_stops_its_lane() -> None:
    """When nothing ever answered, a few requests' failures speak for all."""
    script: dict[str, list[Outcome]] = {"*": [Failure(kind=FailureKind.CONNECT, message="refused") for _ in range(999)]}
    _, sink, dispatcher, _ = dispatch({"a": jobs("a", 100)}, book(run=Quota(concurrency=2)), script)

    assert dispatcher.views()[0].halt is Halt.REFUSED
    assert len(sink.exchanges) <= 7


def test_an_endpoint_where_nobody_listens_costs_little_quota() -> None:
    """While connections are refused no further cells are tried, and the lane says what it waits for."""
    refused: list[Outcome] = [Failure(kind=FailureKind.CONNECT, message="nobody listens") for _ in range(999)]
    minute = Quota(concurrency=2, limits=(Limit(axis="requests", amount=30, per_s=60),))
    said: set[str] = set()

    async def look(dispatcher: Dispatcher) -> None:
        for _ in range(400):
            await asyncio.sleep(0.05)
            said.add(dispatcher.views()[0].waiting)

    server, _, dispatcher, took = dispatch(
        {"a": jobs("a", 100)}, book(run=minute), {"*": refused}, meanwhile=look,
        pressures={"p": Pressure(adaptive=False, most=2)},
    )  # fmt: skip

    assert dispatcher.views()[0].halt is Halt.REFUSED
    assert len({key for _, key in server.seen}) <= 7
    assert len(server.seen) <= 30
    assert took < 60
    assert any("nobody listens" in words for words in said)


def test_a_spent_budget_halts_and_leaves_the_rest() -> None:
    """A request budget is never passed, and what is left stays to be asked."""
    limits = book(Budget(max_requests=6), run=Quota(concurrency=4))
    server, sink, dispatcher, _ = dispatch({"a": jobs("a", 20)}, limits)

    assert len(server.seen) == len(sink.exchanges) == 6
    assert dispatcher.views()[0].halt is Halt.BUDGET


def test_follow_ups_go_ahead_of_new_jobs() -> None:
    """What the sink returns is sent before the feed's next."""

    def more(job: Job) -> Sequence[Job]:
        return [Job(request("judge"), None, ("run",), Charge(1))] if job.request.key == "a0" else []

    server, _, _, _ = dispatch({"a": jobs("a", 3)}, book(run=Quota(concurrency=1)), kept=Kept(more))
    assert [key for _, key in server.seen][:3].index("judge") <= 2
    assert sorted(key for _, key in server.seen) == ["a0", "a1", "a2", "judge"]


def test_stop_lets_what_is_in_flight_come_back() -> None:
    """After stop nothing new starts, and every answer under way is kept."""

    async def meanwhile(dispatcher: Dispatcher) -> None:
        await asyncio.sleep(1.5)
        dispatcher.stop("interrupted")

    server, sink, _, took = dispatch({"a": jobs("a", 10)}, book(run=Quota(concurrency=2)), meanwhile=meanwhile)

    assert len(server.seen) == len(sink.exchanges) == 4
    assert took == pytest.approx(2)


def test_a_sink_that_fails_ends_the_run_with_its_error() -> None:
    """A disk that refuses is not hidden: dispatch stops and raises what the sink raised."""

    class Broken(Kept):
        async def __call__(self, job: Job, exchange: Exchange) -> Sequence[Job]:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        dispatch({"a": jobs("a", 50)}, book(run=Quota(concurrency=2)), kept=Broken())


def test_an_empty_plan_ends_at_once() -> None:
    """Nothing to send is nothing to wait for."""
    _, sink, _, took = dispatch({"a": jobs("a", 0)}, book(run=Quota()))

    assert not sink.exchanges
    assert took == 0


def test_a_cancelled_request_counts_as_spent() -> None:
    """What was in flight when the run was cancelled has an unknown fate: the budget keeps its estimate."""

    async def main() -> Spent:
        clock = VirtualClock()
        limits = book(run=Quota(concurrency=3))
        dispatcher = Dispatcher(
            {"a": jobs("a", 9)}, send=Server(clock).send, sink=Kept(), ledger=MemoryLedger(limits), clock=clock,
            draw=lambda: 0.5, settle=lambda job, outcome: Charge(0),
        )  # fmt: skip
        task = asyncio.ensure_future(dispatcher.run())
        await clock.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return limits.spent

    spent = run_virtual(main)
    assert (spent.requests, spent.tokens) == (3, 6)


def test_an_outage_costs_at_most_a_fifth_more() -> None:
    """Ten minutes of 503 cost at most 20 % extra requests, no cell is lost, and it goes on by itself afterwards."""

    async def main() -> tuple[int, Kept, float]:
        clock, sink, sent = VirtualClock(), Kept(), 0

        async def send(request: Request) -> Outcome:
            nonlocal sent
            sent += 1
            await clock.sleep(0.3)
            if 2 < clock.monotonic() < 602:
                return Failure(kind=FailureKind.OVERLOAD, message="busy", http_status=503)
            return OK

        dispatcher = Dispatcher(
            {"a": jobs("a", 300)}, send=send, sink=sink, ledger=MemoryLedger(book(run=Quota(concurrency=16))),
            clock=clock, draw=lambda: 0.5, settle=lambda job, outcome: Charge(1, 1),
            pressures={"p": Pressure(adaptive=False, most=16)},
        )  # fmt: skip
        await dispatcher.run()
        return sent, sink, clock.monotonic()

    sent, sink, took = run_virtual(main)

    assert len(sink.exchanges) == 300
    assert all(isinstance(exchange.outcome, Response) for exchange in sink.exchanges.values())
    assert sent <= 360
    assert took < 602 + 90


def test_a_long_prompt_is_not_starved_by_short_ones() -> None:
    """Who waits longest for a shared scope goes first there: small requests do not pass a large one for ever."""
    shared = Quota(limits=(Limit(axis="tokens", amount=1000, per_s=60),), charge="sum")
    limits = book(run=Quota(concurrency=50), all=shared)
    long = iter([Job(request(f"long{n}"), n, ("run", "a account", "a", "all"), Charge(900)) for n in range(2)])
    short = (Job(request(f"short{n}"), n, ("run", "b account", "b", "all"), Charge(100)) for n in range(40))
    server, _, _, _ = dispatch({"long": long, "short": short}, limits)
    order = [key for _, key in server.seen]

    assert order.index("long1") < 25


def test_what_was_never_sent_uses_no_quota() -> None:
    """A refused connection takes nothing of a limit: nobody counted it."""
    refused: list[Outcome] = [Failure(kind=FailureKind.CONNECT, message="nobody listens") for _ in range(3)]
    limits = book(
        Budget(max_requests=2), run=Quota(concurrency=1), a=Quota(limits=(Limit(axis="requests", amount=2, per_s=60),))
    )
    server, sink, _, took = dispatch({"a": jobs("a", 2)}, limits, {"a0": refused})

    assert len(server.seen) == 5
    assert all(isinstance(exchange.outcome, Response) for exchange in sink.exchanges.values())
    assert limits.spent.requests == 2
    assert took < 30


def test_what_can_never_fit_since_a_lesson_is_skipped_and_its_lane_goes_on() -> None:
    """A limit learned while a request waits, or from its own refusal, skips that request and stops nobody."""
    named = LimitFact(axis="tokens", amount=50, per_s=60)
    refused = Failure(
        kind=FailureKind.RATE_LIMIT, message="tokens", rate=RateFacts(refusal=Refusal.MINUTE, named=named)
    )
    scopes = ("run", "a account", "a")
    lane = iter([Job(request(f"a{n}"), n, scopes, Charge(100 if n < 2 else 1), "p") for n in range(4)])
    server, sink, dispatcher, _ = dispatch({"a": lane}, book(run=Quota(concurrency=1)), {"a0": [refused]})

    assert dispatcher.views()[0].halt is None
    assert [key for _, key in server.seen] == ["a0", "a2", "a3"]
    found = {key: exchange.outcome for key, exchange in sink.exchanges.items()}
    for key in ("a0", "a1"):
        outcome = found[key]
        assert isinstance(outcome, Failure)
        assert outcome.kind is FailureKind.SKIPPED
    assert found["a2"] == found["a3"] == OK


def test_the_time_of_the_windows_does_not_step() -> None:
    """Whoever looks at the windows of a running dispatcher asks it for the time: the wall's may have been set."""

    class Set(VirtualClock):
        """Its date is set an hour ahead after ten seconds."""

        def time(self) -> float:
            return super().time() + (3600 if self.monotonic() > 10 else 0)

    async def main() -> float:
        clock = Set()
        server = Server(clock)
        dispatcher = Dispatcher(
            {}, send=server.send, sink=Kept(), ledger=MemoryLedger(book()), clock=clock, draw=lambda: 0.5,
            settle=lambda job, outcome: None,
        )  # fmt: skip
        before = dispatcher.now()
        await clock.sleep(20)
        return dispatcher.now() - before

    assert run_virtual(main) == pytest.approx(20)


def test_what_is_not_needed_any_more_is_not_sent() -> None:
    """Waiting jobs of a lane that is spared go to the sink unsent, what is in flight comes back, others go on."""

    async def spare(dispatcher: Dispatcher) -> None:
        await asyncio.sleep(1.5)
        dispatcher.spare(lambda job: "decided" if job.request.key.startswith("a") else "")

    lanes = {"a": jobs("a", 4), "b": jobs("b", 4)}
    server, sink, _, took = dispatch(lanes, book(run=Quota(concurrency=2)), meanwhile=spare)
    spared = {key for key, one in sink.exchanges.items() if isinstance(one.outcome, Failure)}

    assert sorted(key for _, key in server.seen) == ["a0", "a1", "b0", "b1", "b2", "b3"]
    assert spared == {"a2", "a3"}
    assert sink.exchanges["a3"].outcome == Failure(kind=FailureKind.SPARED, message="decided")
    assert took == pytest.approx(3)


def test_what_is_not_needed_any_more_is_not_tried_again() -> None:
    """A retry that waits is given up at once, and one in flight when it comes back; their attempts are told."""
    failure = Failure(kind=FailureKind.SERVER, message="busy", retry_after_s=600)

    async def spare(dispatcher: Dispatcher) -> None:
        await asyncio.sleep(1.5)
        dispatcher.spare(lambda _: "decided")

    waits = book(run=Quota(concurrency=1))
    server, sink, _, took = dispatch({"a": jobs("a", 2)}, waits, {"*": [failure, failure]}, meanwhile=spare)

    assert [key for _, key in server.seen] == ["a0", "a1"]
    assert [one.outcome for one in sink.exchanges.values()] == [Failure(kind=FailureKind.SPARED, message="decided")] * 2
    assert [len(one.attempts) for one in sink.exchanges.values()] == [1, 1]
    assert took == pytest.approx(2)


def test_a_queue_may_have_more_later() -> None:
    """A lane that has nothing now is looked at again whenever something came back."""
    done: list[str] = []

    class Later:
        def __init__(self) -> None:
            self._jobs = jobs("b", 2)

        def __iter__(self) -> Iterator[Job]:
            return self

        def __next__(self) -> Job:
            if len(done) < 2:
                raise StopIteration
            return next(self._jobs)

    def note(job: Job) -> Sequence[Job]:
        done.append(job.request.key)
        return ()

    server, _, _, _ = dispatch({"a": jobs("a", 3), "b": Later()}, book(run=Quota(concurrency=1)), kept=Kept(note))

    seen = [key for _, key in server.seen]

    assert sorted(seen) == ["a0", "a1", "a2", "b0", "b1"]
    assert seen.index("b0") >= 2
