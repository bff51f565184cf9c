from __future__ import annotations

import math
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.quota import DAY_S, ROLLING_DAY, Limit
from evalrun.scheduler.calendar import ServerClock, is_aligned, window_end

ZONES = ("utc", "America/Los_Angeles", "Europe/Berlin", "Asia/Kathmandu", "America/Havana", "America/Santiago")


def daily(zone: str) -> Limit:
    """A day's limit in a zone."""
    return Limit(axis="requests", amount=1, per_s=DAY_S, window="fixed", resets=zone)


def at(text: str, zone: str = "UTC") -> float:
    """The Unix time of a local time."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("now", "zone", "end"),
    [
        (at("2026-11-20T23:59:59.9"), "utc", at("2026-11-21")),
        (at("2026-11-20T23:59:59.9"), "", at("2026-11-21")),
        (at("2026-11-21"), "utc", at("2026-11-22")),
        (at("2026-11-20T23:59:59.9", "America/Los_Angeles"), "America/Los_Angeles", at("2026-11-21T08:00")),
        (at("2026-03-08T00:00", "America/Los_Angeles"), "America/Los_Angeles", at("2026-03-08T08:00") + 23 * 3600),
        (at("2026-11-01T00:00", "America/Los_Angeles"), "America/Los_Angeles", at("2026-11-01T07:00") + 25 * 3600),
        (at("2026-11-20T18:14:59"), "Asia/Kathmandu", at("2026-11-20T18:15")),
    ],
)
def test_a_day_ends_at_midnight_of_its_zone(now: float, zone: str, end: float) -> None:
    """A day lasts until the next date begins in its zone: 23 or 25 hours where clocks are put on or back."""
    assert window_end(daily(zone), now) == end


@given(now=st.floats(1_700_000_000, 1_900_000_000), zone=st.sampled_from(ZONES))
def test_a_day_is_one_date(now: float, zone: str) -> None:
    """The end of a day lies ahead, by at most 25 hours, and is where the date changes."""
    end = window_end(daily(zone), now)
    local = ZoneInfo("UTC" if zone == "utc" else zone)

    assert now < end <= now + 25 * 3600
    today = datetime.fromtimestamp(now, local).date()
    assert datetime.fromtimestamp(end - 0.001, local).date() == today
    assert datetime.fromtimestamp(end, local).date() > today


def test_short_windows_begin_at_multiples_of_their_span() -> None:
    """A fixed minute is the clock's own, and so are ten seconds."""
    minute = Limit(axis="requests", amount=1, per_s=60, window="fixed")
    tens = Limit(axis="requests", amount=1, per_s=10, window="fixed")

    assert window_end(minute, 120.0) == 180.0
    assert window_end(tens, 129.9) == 130.0


def test_only_fixed_windows_follow_the_clock() -> None:
    """Rolling windows, buckets and rolling days begin with the first request."""
    assert is_aligned(Limit(axis="requests", amount=1, per_s=60, window="fixed"))
    assert not is_aligned(Limit(axis="requests", amount=1, per_s=60))
    assert not is_aligned(Limit(axis="requests", amount=1, per_s=60, window="bucket"))
    assert not is_aligned(daily(ROLLING_DAY))


@given(
    offset_s=st.floats(-4000, 4000),
    replies=st.lists(
        st.tuples(st.floats(0, 90), st.floats(0, 20), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30
    ),
)
def test_the_bounds_hold_the_servers_clock(offset_s: float, replies: list[tuple[float, float, float, float]]) -> None:
    """Wherever between sending and reply the Date was written, and though it may be a second old, the true offset lies
    within the bounds; and they never get wider than one reply's."""
    clock, now = ServerClock(), 1_790_000_000.0
    for gap_s, latency_s, share, age_s in replies:
        now += gap_s
        stamped = now + share * latency_s
        clock.observe(math.floor(stamped + offset_s - age_s), now, now + latency_s)
        now += latency_s
        bounds = clock.bounds(now)
        assert bounds is not None
        assert bounds[0] - 1e-6 <= offset_s <= bounds[1] + 1e-6
        assert bounds[1] - bounds[0] <= 20 + 2.1


def test_many_replies_narrow_the_bounds() -> None:
    """Dates that change between two replies tell more than one of them."""
    clock = ServerClock()
    for n in range(100):
        sent_at = 1000 + n * 0.77
        clock.observe(math.floor(sent_at + 0.05), sent_at, sent_at + 0.1)
    low, high = clock.bounds(1077.0) or (0.0, 0.0)

    assert high - low < 1.4


def test_a_contradiction_widens_the_bounds_for_a_while() -> None:
    """Two machines whose clocks differ are both right until only one of them is heard for ten minutes."""
    clock = ServerClock()
    clock.observe(1000, 1000.2, 1000.3)
    clock.observe(1031, 1001.2, 1001.3)
    low, high = clock.bounds(1001.3) or (0.0, 0.0)
    assert low <= 0
    assert high >= 30
    clock.observe(1002, 1002.2, 1002.3)
    assert (clock.bounds(1002.3) or (0.0, 0.0))[1] >= 30

    clock.observe(1700, 1700.2, 1700.3)
    assert (clock.bounds(1700.3) or (0.0, 0.0))[1] < 2


def test_before_the_first_date_a_clock_is_taken_to_be_about_right() -> None:
    """A day has to begin some time even if no server has said what time it is."""
    low, high = ServerClock().assumed(0.0)

    assert low < 0 < high
    assert ServerClock().bounds(0.0) is None
    assert datetime.fromtimestamp(high, UTC) < datetime.fromtimestamp(3600, UTC)
