"""Random suites, servers and clocks, the whole client against the simulator's engine: the server's log is the judge."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from evalrun.records.outcome import Exchange, Failure, FailureKind, Response
from evalrun.records.quota import DAY_S, Limit, Quota
from evalrun.scheduler.jobs import Job
from evalrun.simulator.audit import Received, peaks
from evalrun.simulator.engine import Engine
from evalrun.simulator.rules import Rules
from tests.bench.harness import Ask, Played, Scenario, dispatcher_of, ledger_of, play, sender
from tests.virtual import VirtualClock, run_virtual

MODELS = ("large", "medium", "small")
ZONES = ("utc", "America/Los_Angeles", "Europe/Berlin", "Asia/Kathmandu", "America/Santiago")

# Just before something: midnights in four zones, both changes of the clocks in two, a year's end; and no time at all.
MOMENTS = [
    datetime.fromisoformat(text).timestamp()
    for text in (
        "2026-11-21T00:00:00+00:00",
        "2026-11-21T00:00:00-08:00",
        "2026-11-21T00:00:00+05:45",
        "2027-01-01T00:00:00+01:00",
        "2026-03-08T00:00:00-08:00",
        "2026-03-08T02:00:00-08:00",
        "2026-11-01T00:00:00-07:00",
        "2026-11-01T02:00:00-07:00",
        "2026-09-06T00:00:00-04:00",
        "2026-03-29T02:00:00+01:00",
        "2026-06-17T13:24:35+00:00",
    )
]
FAULTS = st.dictionaries(
    st.sampled_from(["500", "503", "reset", "cut", "garbage", "empty"]), st.floats(0, 0.15), max_size=3
)


class SteppingClock(VirtualClock):
    """A wall clock that is set by an hour and back every ten minutes; the monotonic one does not notice."""

    def time(self) -> float:
        """Unix time, wrong half of the time."""
        now = super().time()
        return now + 3600.0 * (int(self.monotonic() // 600) % 2)


@st.composite
def limits(draw: st.DrawFn, most: int = 3) -> tuple[Limit, ...]:
    """A few limits of any kind on any axis, never so small that most requests could not pass."""
    found = []
    for axis in draw(
        st.lists(st.sampled_from(["requests", "requests", "tokens", "input_tokens", "output_tokens"]), max_size=most)
    ):
        window = draw(st.sampled_from(["rolling", "fixed", "bucket"]))
        per_s = draw(st.sampled_from([1.0, 10.0, 60.0, 60.0, 3600.0, DAY_S, DAY_S]))
        amount = draw(st.integers(1, 20)) if axis == "requests" else draw(st.integers(80, 2000))
        burst = draw(st.none() | st.integers(1, amount)) if window == "bucket" else None
        resets = draw(st.sampled_from(ZONES)) if window == "fixed" and per_s == DAY_S else ""
        found.append(Limit(axis=axis, amount=amount, per_s=per_s, window=window, resets=resets, burst=burst))  # type: ignore[arg-type]
    return tuple(found)


@st.composite
def quotas(draw: st.DrawFn) -> Quota:
    """Limits with a charge rule, and perhaps few places."""
    charge = draw(st.sampled_from(["max", "sum", "usage", "input"]))
    return Quota(limits=draw(limits()), charge=charge, concurrency=draw(st.none() | st.integers(1, 4)))  # type: ignore[arg-type]


@st.composite
def scenarios(draw: st.DrawFn, *, faults: bool = True) -> Scenario:
    """A suite of one to three lanes, a server with its limits, and both clocks."""
    low = draw(st.floats(0, 5))
    rules = Rules(
        account=draw(quotas()),
        models=draw(st.dictionaries(st.sampled_from(MODELS), quotas(), max_size=2)),
        latency_s=(low, low + draw(st.floats(0, 30))),
        transit=(draw(st.sampled_from([0.0, 1.0])), 1.0),
        faults=draw(FAULTS) if faults else {},
        clock_offset_s=draw(st.sampled_from([0.0, 0.5, -0.5]) | st.floats(-600, 600)),
        seed=draw(st.integers(0, 9)),
    )
    lanes = {}
    for lane in range(draw(st.integers(1, 3))):
        model = draw(st.sampled_from(MODELS))
        sizes = draw(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 40)), min_size=1, max_size=20))
        lanes[f"{lane}"] = tuple(
            Ask(model=model, text=f"{lane}: What is {number} + {number}?" + " please" * words, max_tokens=most)
            for number, (most, words) in enumerate(sizes)
        )
    return Scenario(
        rules=rules,
        lanes=lanes,
        at_once=draw(st.integers(1, 16)),
        start=draw(st.sampled_from(MOMENTS)) - draw(st.sampled_from([0.0, 0.1]) | st.floats(0, 200)),
        clock=draw(st.sampled_from([VirtualClock, SteppingClock])),
    )


def judge(log: Sequence[Received], rules: Rules) -> None:
    """No request was refused for want of room, and no window held more than its limit."""
    assert [peak for peak in peaks(log, rules) if peak.over] == []
    assert [received for received in log if received.refused] == []


def ends(played: Played) -> None:
    """Every request has an end, and no lane stands still."""
    for exchange in played.exchanges.values():
        outcome = exchange.outcome
        if isinstance(outcome, Failure):
            assert outcome.kind is not FailureKind.RATE_LIMIT
            assert outcome.kind is FailureKind.SKIPPED or len(exchange.attempts) >= 1
        event(type(outcome).__name__)
    assert [view for view in played.views if view.halt or view.in_flight] == []


@pytest.mark.slow
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(scenarios())
def test_never_over_and_always_finishing(scenario: Scenario) -> None:
    """Whatever is limited, however long answers take and whatever fails: never over any limit, and every lane ends."""
    played = play(scenario)

    judge(played.log, scenario.rules)
    ends(played)
    assert len(played.exchanges) == sum(map(len, scenario.lanes.values()))


@pytest.mark.slow
@settings(max_examples=75, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(scenarios(faults=False))
def test_what_fits_is_answered(scenario: Scenario) -> None:
    """Without failures, everything is answered at the first attempt but what no limit could ever let through."""
    played = play(scenario)

    for exchange in played.exchanges.values():
        fits = isinstance(exchange.outcome, Response)
        assert fits or (isinstance(exchange.outcome, Failure) and exchange.outcome.kind is FailureKind.SKIPPED)
        assert len(exchange.attempts) == (1 if fits else 0)
    judge(played.log, scenario.rules)


@settings(max_examples=75, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(scenarios(), st.floats(0, 300), st.floats(0, 100))
def test_never_over_across_an_interruption(scenario: Scenario, interrupted_s: float, pause_s: float) -> None:
    """A run that is cancelled in the middle and gone on with, on the same ledger, is never over either."""

    async def main() -> tuple[list[Received], dict[str, Exchange]]:
        clock: Any = scenario.clock(scenario.start)
        log: list[Received] = []
        engine = Engine(scenario.rules, VirtualClock(scenario.start), log.append)
        ledger = ledger_of(scenario)
        done: dict[str, Exchange] = {}

        async def keep(job: Job, exchange: Exchange) -> Sequence[Job]:
            done[str(job.ticket)] = exchange
            return ()

        def go_on() -> asyncio.Future[None]:
            left = {
                lane: tuple(ask for number, ask in enumerate(asks) if str((lane, number)) not in done)
                for lane, asks in scenario.lanes.items()
            }
            rest = Scenario(rules=scenario.rules, lanes=left, at_once=scenario.at_once, start=scenario.start)
            return asyncio.ensure_future(
                dispatcher_of(rest, ledger, clock, send=sender(engine, clock), keep=keep).run()
            )

        first = go_on()
        await asyncio.wait([first], timeout=interrupted_s)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await clock.sleep(pause_s)
        await go_on()
        return log, done

    log, _ = run_virtual(main)

    judge(log, scenario.rules)
