"""What the account of one limit promises, against a server that counts at the worst moment."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.quota import DAY_S, ROLLING_DAY, Limit, Quota, WindowKind
from evalrun.scheduler.calendar import ServerClock
from evalrun.scheduler.quota import Book, Charge
from evalrun.scheduler.windows import BucketAccount, SlidingAccount, account_of
from tests.scheduler.adversary import Ask, play, refusals

START = 1_790_000_000.0
ZONES = ("", "utc", "America/Los_Angeles", "Europe/Berlin", "Asia/Kathmandu", ROLLING_DAY)
DST = (1_772_956_800.0, 1_793_512_800.0)  # shortly before the clocks of California change in 2026


def asks(most_gap_s: float, most_latency_s: float) -> st.SearchStrategy[list[Ask]]:
    """Requests that come in bursts or not, fast or slow, counted at their beginning, end or in between."""
    share = st.one_of(st.just(0.0), st.just(1.0), st.floats(0, 1))
    ask = st.builds(
        Ask,
        gap_s=st.one_of(st.just(0.0), st.floats(0, most_gap_s)),
        latency_s=st.one_of(st.just(0.0), st.floats(0, most_latency_s)),
        counted=share,
        dated=share,
        input_tokens=st.integers(1, 40),
        max_tokens=st.integers(0, 40),
        output_tokens=st.integers(0, 40),
    )
    return st.lists(ask.map(_honest), min_size=1, max_size=40)


def _honest(ask: Ask) -> Ask:
    """No answer is longer than its limit."""
    return Ask(
        ask.gap_s,
        ask.latency_s,
        ask.counted,
        ask.dated,
        ask.input_tokens,
        ask.max_tokens,
        min(ask.output_tokens, ask.max_tokens),
    )


@pytest.mark.slow
@given(
    window=st.sampled_from(["rolling", "fixed", "bucket"]),
    amount=st.integers(1, 6),
    burst=st.one_of(st.none(), st.integers(1, 3)),
    per_s=st.sampled_from([1.0, 10.0, 60.0, 3600.0]),
    offset_s=st.one_of(st.just(0.0), st.floats(-4000, 4000)),
    told=st.booleans(),
    wanted=asks(40, 90),
)
def test_no_window_holds_more_requests_than_its_limit(
    window: WindowKind,
    amount: int,
    burst: int | None,
    per_s: float,
    offset_s: float,
    told: bool,
    wanted: list[Ask],
) -> None:
    """Whenever between sending and settling the server counts, whatever its clock says, and whether or not it tells."""
    limit = Limit(
        axis="requests", amount=amount, per_s=per_s, window=window, burst=burst if window == "bucket" else None
    )
    quota = Quota(limits=(limit,))
    log = play(Book({"a": quota}), wanted, START, (lambda now: now + offset_s) if told else None)

    assert refusals(limit, quota, log, offset_s) == []


@given(
    zone=st.sampled_from(ZONES),
    start=st.one_of(st.sampled_from(DST), st.floats(START, START + 2 * DAY_S)),
    offset_s=st.floats(-59, 59),
    told=st.booleans(),
    amount=st.integers(1, 4),
    wanted=asks(30_000, 60),
)
def test_no_day_holds_more_requests_than_its_limit(
    zone: str, start: float, offset_s: float, told: bool, amount: int, wanted: list[Ask]
) -> None:
    """In any zone, across both changes of the clock and at midnight."""
    limit = Limit(axis="requests", amount=amount, per_s=DAY_S, window="fixed", resets=zone)
    quota = Quota(limits=(limit,))
    log = play(Book({"a": quota}), wanted, start, (lambda now: now + offset_s) if told else None)

    assert refusals(limit, quota, log, offset_s) == []


@pytest.mark.slow
@given(
    window=st.sampled_from(["rolling", "fixed", "bucket"]),
    axis=st.sampled_from(["tokens", "input_tokens", "output_tokens"]),
    rule=st.sampled_from(["max", "sum", "usage", "input"]),
    amount=st.integers(80, 200),
    offset_s=st.floats(-4000, 4000),
    wanted=asks(20, 30),
)
def test_no_window_holds_more_tokens_than_its_limit(
    window: WindowKind, axis: str, rule: str, amount: int, offset_s: float, wanted: list[Ask]
) -> None:
    """What the vendor's rule charges, at sending and after the answer, fits its window."""
    limit = Limit(axis=axis, amount=amount, per_s=60, window=window)  # type: ignore[arg-type]
    quota = Quota(limits=(limit,), charge=rule)  # type: ignore[arg-type]
    log = play(Book({"a": quota}), wanted, START, lambda now: now + offset_s)

    assert refusals(limit, quota, log, offset_s) == []


def ideal_s(window: WindowKind, requests: int, per_minute: int, latency_s: float, phase_s: float) -> float:
    """How long it takes somebody who knows the server's clock and counts each request when it is sent."""
    if window == "bucket":
        return max(0, requests - per_minute) * 60 / per_minute + latency_s
    turns = -(-requests // per_minute) - 1
    if turns and window == "fixed":
        return turns * 60 - phase_s + latency_s
    return turns * 60 + latency_s


@pytest.mark.slow
@pytest.mark.parametrize("window", ["rolling", "fixed", "bucket"])
@pytest.mark.parametrize("latency_s", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("per_minute", [10, 15, 60, 600])
@pytest.mark.parametrize("phase_s", [0.0, 17.3, 50.0])
def test_it_is_within_3_percent_of_the_ideal(
    window: WindowKind, latency_s: float, per_minute: int, phase_s: float
) -> None:
    """Six windows' worth of requests take at most 3 % longer than they would take somebody who knows everything."""
    start = START - START % 60 + phase_s
    limit = Limit(axis="requests", amount=per_minute, per_s=60, window=window)
    requests = per_minute * 6 + (per_minute if window == "bucket" else 0)
    log = play(Book({"a": Quota(limits=(limit,))}), [Ask(latency_s=latency_s)] * requests, start, lambda now: now)
    took_s = max(sent.came_at for sent in log) - start

    assert took_s <= 1.03 * ideal_s(window, requests, per_minute, latency_s, phase_s)


def test_a_bucket_lends_its_burst_at_once_and_then_flows() -> None:
    """A full bucket lets its burst go, and one more each time that one has flowed in again."""
    limit = Limit(axis="requests", amount=60, per_s=60, window="bucket", burst=5)
    log = play(Book({"a": Quota(limits=(limit,))}), [Ask(latency_s=0.0)] * 8, START)

    assert [sent.sent_at - START for sent in log] == pytest.approx([0, 0, 0, 0, 0, 1, 2, 3], abs=0.005)
    assert log[4].sent_at == START


@given(
    window=st.sampled_from(["rolling", "fixed", "bucket"]),
    entries=st.lists(st.tuples(st.floats(40, 99), st.floats(0, 5), st.booleans()), max_size=20),
)
def test_what_is_removed_leaves_nothing(window: WindowKind, entries: list[tuple[float, float, bool]]) -> None:
    """An account from which everything of the last period was removed is as good as new, in whatever order it came."""
    account = account_of(Limit(axis="requests", amount=10, per_s=60, window=window), ServerClock())
    held = []
    for at, amount, back in entries:
        entry = account.take(amount)
        if back:
            account.settle(entry, amount, at)
        held.append(entry)
    for entry in reversed(held):
        account.remove(entry)

    assert account.used(100.0) == pytest.approx(0.0, abs=1e-6)


def test_an_entry_from_the_future_counts_as_now() -> None:
    """Another process's clock may be ahead: what it settled an hour from now leaves a minute from now."""
    for window in ("rolling", "bucket"):
        account = account_of(Limit(axis="requests", amount=1, per_s=60, window=window), ServerClock())  # type: ignore[arg-type]
        account.settle(account.take(1), 1, START + 3600)

        assert account.fits_at(1, START) == pytest.approx(START + 60)
        assert account.fits_at(1, START + 60) <= START + 60


def test_late_news_of_another_process_is_counted() -> None:
    """An entry that was settled before others, but is heard of after them, leaves before them."""
    account = SlidingAccount(Limit(axis="requests", amount=2, per_s=60), ServerClock())
    for at in (10.0, 5.0):
        account.settle(account.take(1), 1, at)

    assert account.fits_at(1, 20.0) == 65.0
    assert account.used(66.0) == 1


def test_a_bucket_counts_late_news_where_it_belongs() -> None:
    """What a bucket lost long ago has flowed back, even if that is heard of late."""
    account = BucketAccount(Limit(axis="requests", amount=60, per_s=60, window="bucket"))
    for at in (100.0, 70.0):
        account.settle(account.take(10), 10, at)

    assert account.used(100.0) == pytest.approx(10.0)


@pytest.mark.slow
@pytest.mark.parametrize("window", ["rolling", "fixed", "bucket"])
@pytest.mark.parametrize("axis", ["requests", "tokens"])
def test_thirty_thousand_a_minute_are_kept_in_constant_time(window: WindowKind, axis: str) -> None:
    """Asking, booking and settling take about as long with 30,000 requests in the window as with ten."""
    limit = Limit(axis=axis, amount=30_000 if axis == "requests" else 30_000_000, per_s=60, window=window)  # type: ignore[arg-type]
    book = Book({"a": Quota(limits=(limit,), charge="sum")})
    charge = Charge(900, 100)
    began = time.process_time()
    for n in range(30_000):
        now = START + n / 1000
        book.room(("a",), charge, now)
        book.settle(book.book(("a",), charge, now), charge, now - (n % 3) * 0.1)
    each_us = (time.process_time() - began) / 30_000 * 1e6

    assert each_us < 200
