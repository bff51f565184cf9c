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


def pressing(interrupter: Counted, times: int) -> threading.Thread:
    """Ctrl-C so many times, each when the one before has been heard."""

    def press() -> None:
        for number in range(times):
            while interrupter.came < number:
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    return thread


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
        while interrupter.came < 2:
            time.sleep(0.01)
        return interrupter.came

    thread = pressing(interrupter, 2)
    try:
        assert carry(work, interrupter) == (2, True)
    finally:
        thread.join()


def test_a_third_one_lets_the_caller_go() -> None:
    """Whoever presses a third time does not wait any longer, even where the work never ends."""
    interrupter, over = Counted(), threading.Event()
    thread = pressing(interrupter, 3)
    try:
        with pytest.raises(KeyboardInterrupt):
            carry(over.wait, interrupter)
    finally:
        over.set()
        thread.join()

    assert interrupter.came == 2


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
