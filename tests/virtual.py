"""Virtual time for asyncio: a loop that jumps to its next timer instead of waiting, and a Clock over it.

Hours pass in a moment and in the right order. Nothing under test may wait for a socket, a thread or another process:
when there is neither a timer nor anything ready, the test is stuck, and says so.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

START = 1_790_000_000.0  # Unix time at which a virtual clock begins: 2026-09-21T14:13:20Z


class Stuck(RuntimeError):
    """Everything waits, and no timer will end it."""


class _JumpingSelector(selectors.DefaultSelector):
    """Never waits: it looks what is ready, and else moves the loop's time on by what it was told to wait."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:
            raise Stuck("nothing is ready and no timer is set")
        self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is only what its timers make of it; it begins at 0."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


class VirtualClock:
    """A Clock that reads the running virtual loop. *start* is the Unix time at the loop's beginning."""

    def __init__(self, start: float = START) -> None:
        self.start = start

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def time(self) -> float:
        return self.start + self.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


def run_virtual(coroutine_function: Callable[[], Awaitable[T]]) -> T:
    """Run ``coroutine_function()`` to its end in virtual time. Raises Stuck, or what it raises."""

    async def main() -> T:
        return await coroutine_function()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())
