from __future__ import annotations

import asyncio
import time

import pytest

from evalrun.clock import SystemClock


def test_time_never_goes_back() -> None:
    """The monotonic clock only goes on, at the pace of the wall's."""
    clock = SystemClock()
    moments = [clock.monotonic() for _ in range(1000)]

    assert moments == sorted(moments)
    assert clock.time() == pytest.approx(time.time(), abs=1)


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this system has no clock that goes on in its sleep")
def test_a_sleeping_machine_does_not_stop_the_clock() -> None:
    """On Linux the monotonic clock is the one that counts suspended time."""
    assert SystemClock().monotonic() == pytest.approx(time.clock_gettime(time.CLOCK_BOOTTIME), abs=1)


def test_a_negative_wait_is_none() -> None:
    """Waiting for what has passed already returns at once."""
    asyncio.run(asyncio.wait_for(SystemClock().sleep(-5), timeout=1))
