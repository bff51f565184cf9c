from __future__ import annotations

import asyncio
import contextvars
import os
import signal
import threading
import time

import pytest

from evalrun.api.threads import carry, carry_async
from evalrun.conduct.interrupts import Interrupter


class Counted(Interrupter):
    """Counts interruptions."""

    def __init__(self) -> None:
        super().__init__()
        self.came = 0

    def interrupt(self) -> None:
        self.came += 1

    def ctrl_c(self) -> None:
        """What a terminal does; back when it has been heard, or shortly after."""
        before, deadline = self.came, time.monotonic() + 0.5
        os.kill(os.getpid(), signal.SIGINT)
        while self.came == before and time.monotonic() < deadline:
            time.sleep(0.01)


def test_what_it_returns_and_raises_is_the_callers() -> None:
    """The result of the work, or its exception, comes out as if it had been called; it sees the caller's context."""
    variable = contextvars.ContextVar("variable", default="")
    variable.set("mine")

    assert carry(variable.get, Interrupter()) == ("mine", False)
    with pytest.raises(ZeroDivisionError):
        carry(lambda: 1 // 0, Interrupter())


def test_two_interruptions_are_passed_on() -> None:
    """Ctrl-C is passed on, twice too, and the caller still gets what comes of it."""
    interrupter = Counted()

    def work() -> int:
        interrupter.ctrl_c()
        interrupter.ctrl_c()
        return interrupter.came

    assert carry(work, interrupter) == (2, True)


def test_a_third_one_lets_the_caller_go() -> None:
    """Whoever presses a third time does not wait any longer, even where the work never ends."""
    interrupter, over = Counted(), threading.Event()

    def work() -> None:
        for _ in range(3):
            interrupter.ctrl_c()
        over.wait()

    try:
        with pytest.raises(KeyboardInterrupt):
            carry(work, interrupter)
    finally:
        over.set()

    assert interrupter.came == 2


def test_an_interrupted_start_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Ctrl-C while the thread is started is raised, and the work is not done behind the caller's back."""
    done: list[int] = []
    start, threads = threading.Thread.start, []

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        threads.append(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        carry(lambda: done.append(1), Interrupter())
    threads[0].join(timeout=10)

    assert not threads[0].is_alive()
    assert done == []


async def test_a_deadline_of_the_caller_is_kept() -> None:
    """Under a time-out the work is interrupted, ends in its own time, and TimeoutError is raised."""
    interrupter = Counted()

    def work() -> None:
        while interrupter.came < 1:
            time.sleep(0.01)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await carry_async(work, interrupter)

    assert interrupter.came == 1


async def test_work_that_fails_fails_the_task() -> None:
    """An exception of the work is the task's."""
    with pytest.raises(ZeroDivisionError):
        await carry_async(lambda: 1 // 0, Interrupter())
