from __future__ import annotations

import asyncio
import os
import signal

from evalrun.conduct.interrupts import Interrupter, signals
from evalrun.errors import ExitCode


async def test_signals_are_heard_for_a_while() -> None:
    """Within the context SIGINT and SIGTERM are told with their exit codes; afterwards they are as before."""
    heard: list[ExitCode] = []
    with signals(heard.append):
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(os.getpid(), number)
            await asyncio.sleep(0.01)

    assert heard == [ExitCode.INTERRUPTED, ExitCode.TERMINATED]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


async def test_another_thread_interrupts() -> None:
    """An interruption from another thread is told in the loop, once for each time."""
    heard: list[ExitCode] = []
    interrupter = Interrupter()
    with interrupter(heard.append):
        for _ in range(2):
            await asyncio.to_thread(interrupter.interrupt)
        await asyncio.sleep(0)

    assert heard == [ExitCode.INTERRUPTED] * 2


async def test_an_early_interruption_waits() -> None:
    """What comes before a run listens is told as soon as it does; what comes after its end waits for the next."""
    heard: list[ExitCode] = []
    interrupter = Interrupter()
    interrupter.interrupt()
    with interrupter(heard.append):
        await asyncio.sleep(0)
    interrupter.interrupt()

    assert heard == [ExitCode.INTERRUPTED]
    with interrupter(heard.append):
        await asyncio.sleep(0)
    assert len(heard) == 2
