"""Time that moves only when everybody waits: three days of quota pass in a second."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")

START = 1_780_000_000.0  # 2026-05-28, a Thursday


class _NoWaiting(selectors.SelectSelector):
    """A selector that moves the clock on by the time it was told to wait."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("everybody waits for somebody else: a deadlock")
            self.now += timeout
        return ready


class _Loop(asyncio.SelectorEventLoop):
    """An event loop whose time is the selector's."""

    def __init__(self) -> None:
        self.virtual = _NoWaiting()
        super().__init__(self.virtual)

    def time(self) -> float:
        return self.virtual.now


class VirtualClock:
    """evalrun.clock.Clock on the running loop's time; *start* is the Unix time at which it begins."""

    def __init__(self, start: float = START) -> None:
        self._start = start

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def time(self) -> float:
        return self._start + self.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


def run_virtual(main: Callable[[VirtualClock], Awaitable[T]], start: float = START) -> T:
    """Run *main* to its end on a clock of its own; nothing waits for real."""

    async def call() -> Any:
        return await main(VirtualClock(start))

    with asyncio.Runner(loop_factory=_Loop) as runner:
        result: T = runner.run(call())
        return result
