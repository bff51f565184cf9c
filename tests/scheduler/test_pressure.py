from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.outcome import FailureKind
from evalrun.scheduler.pressure import Pressure


def fill(pressure: Pressure, now: float = 0.0) -> int:
    """Send until it says stop; how many went."""
    sent = 0
    while pressure.pause(now) is None:
        pressure.sent()
        sent += 1
    return sent


def test_a_stated_concurrency_is_used_from_the_start() -> None:
    """Where limits are known nothing is found by trying."""
    assert fill(Pressure(adaptive=False, most=40)) == 40


def test_an_unknown_endpoint_is_pushed_harder_round_by_round() -> None:
    """Without trouble the number at once doubles each round, up to what the user allows."""
    pressure = Pressure(adaptive=True, most=50)
    seen = []
    for now in range(8):
        seen.append(fill(pressure, now))
        for _ in range(seen[-1]):
            pressure.answered(1.0, now + 1)
    assert seen[0] == 8
    assert seen == sorted(seen)
    assert seen[-1] == 50


@pytest.mark.parametrize("kind", [FailureKind.RATE_LIMIT, FailureKind.OVERLOAD])
def test_a_refusal_halves_once_a_round(kind: FailureKind) -> None:
    """Several refusals of one round lower the number at once by half, not by half each."""
    pressure = Pressure(adaptive=True, most=64)
    pressure.sent()
    pressure.answered(1.0, 1)
    before = pressure.at_once
    for _ in range(4):
        pressure.sent()
    for _ in range(4):
        pressure.failed(kind, 2.0, 0.5)
    assert pressure.at_once == before // 2


def test_latency_that_grows_with_load_lowers_it() -> None:
    """An endpoint that gets slower the harder it is pushed is pushed less."""
    pressure = Pressure(adaptive=True, most=64)
    for now in range(200):
        count = fill(pressure, now)
        for _ in range(count):
            pressure.answered(0.1 * count, now + 0.5)
    assert pressure.at_once < 30


def test_a_named_concurrency_is_kept_to() -> None:
    """A server that names its limit of requests at once gets one fewer than it refused."""
    pressure = Pressure(adaptive=False, most=10)
    for _ in range(6):
        pressure.sent()
    pressure.failed(FailureKind.RATE_LIMIT, 1.0, 0.5, concurrency=True)

    assert pressure.at_once == 5


def test_an_outage_is_probed_and_ends_with_the_first_answer() -> None:
    """After five failures in a row only one probe goes at a time, with pauses that double; an answer ends it."""
    pressure = Pressure(adaptive=False, most=5)
    for _ in range(5):
        pressure.sent()
    for _ in range(5):
        pressure.failed(FailureKind.OVERLOAD, 0.0, 0.5)
    assert pressure.pause(0.5) is not None
    probes, now = 0, 0.0
    while now < 600:
        pause = pressure.pause(now)
        if pause is None:
            pressure.sent()
            probes += 1
            assert pressure.pause(now) is not None
            pressure.failed(FailureKind.OVERLOAD, now, 0.5)
        else:
            assert pause.until is not None
            now = max(now + 1e-6, pause.until)
    assert 10 <= probes <= 20
    pressure.sent()
    pressure.answered(0.1, now)
    assert pressure.pause(now) is None
    assert pressure.down_s(now) == 0


def test_a_requests_own_fault_is_no_outage() -> None:
    """Refused requests say nothing about the endpoint being down."""
    pressure = Pressure(adaptive=False, most=9)
    for _ in range(9):
        pressure.sent()
        pressure.failed(FailureKind.BAD_REQUEST, 1.0, 0.5)
    assert pressure.pause(1.0) is None


@given(st.lists(st.tuples(st.sampled_from([None, *FailureKind]), st.floats(0, 100), st.floats(0, 1)), max_size=60))
def test_it_never_waits_for_nothing(events: list[tuple[FailureKind | None, float, float]]) -> None:
    """With nothing in flight it either lets one go or says a finite time, whatever came back before."""
    pressure = Pressure(adaptive=True, most=8)
    now = 0.0
    for kind, gap, draw in events:
        now += gap
        pressure.sent()
        if kind is None:
            pressure.answered(gap, now)
        else:
            pressure.failed(kind, now, draw)
    pause = pressure.pause(now)
    assert pause is None or (pause.until is not None and now <= pause.until <= now + 90)
