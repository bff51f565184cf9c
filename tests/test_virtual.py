from __future__ import annotations

import asyncio
import time

import pytest

from tests.virtual import START, Stuck, VirtualClock, run_virtual


def test_days_pass_in_a_moment_and_in_order() -> None:
    """Sleeps end in the order of their times, at exactly their times, whatever they last."""
    clock = VirtualClock()
    ended: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        ended.append((name, clock.time()))

    async def main() -> None:
        await asyncio.gather(sleeper("day", 86400), sleeper("minute", 60), sleeper("now", -1))

    began = time.perf_counter()
    run_virtual(main)

    assert ended == [("now", START), ("minute", START + 60), ("day", START + 86400)]
    assert time.perf_counter() - began < 2


def test_timeouts_are_virtual_too() -> None:
    """asyncio's own timeouts run on virtual time."""

    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert run_virtual(main) == pytest.approx(30)


def test_a_wait_without_an_end_is_told() -> None:
    """Where nothing can ever happen, the run ends with Stuck instead of hanging."""

    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stuck):
        run_virtual(main)
