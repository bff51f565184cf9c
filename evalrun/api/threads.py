"""A run in a thread of its own, with a loop of its own: so it works where a loop is running already, as in a notebook.

The thread that called waits. What interrupts the waiting (Ctrl-C, a cancelled task) interrupts the run, which lets what
is in flight come back and puts everything on the disk. Signal handlers are left as they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextvars import copy_context
from threading import Event, Thread
from typing import TypeVar

from evalrun.conduct.interrupts import Interrupter

T = TypeVar("T")

_PATIENCE = 3  # so many interruptions make the caller go without waiting for the run
_LOOK_S = 0.2  # a signal that the system gave to another thread does not wake this one
_START_S = 30.0  # a thread whose caller was interrupted before it could say go ends by itself


def carry(work: Callable[[], T], interrupter: Interrupter) -> tuple[T, bool]:
    """What *work* returns, and whether the waiting was interrupted; what it raises is raised here.

    A second KeyboardInterrupt makes it let go of what is in flight. After a third the caller is not kept waiting:
    KeyboardInterrupt is raised, and the thread ends by itself.
    """
    (future, go), came = _begin(work), 0
    while True:
        try:
            go.set()
            if wait([future], timeout=_LOOK_S).done:
                return future.result(), came > 0
        except KeyboardInterrupt:
            came += 1
            if came >= _PATIENCE or future.done():
                raise
            interrupter.interrupt()


async def carry_async(work: Callable[[], T], interrupter: Interrupter) -> T:
    """What *work* returns. Where the task is cancelled it is interrupted, and CancelledError is raised at its end."""
    begun, go = _begin(work)
    future, cancelled = asyncio.wrap_future(begun), None
    go.set()
    while True:
        try:
            found = await asyncio.shield(future)
        except asyncio.CancelledError as error:
            cancelled = error
            interrupter.interrupt()
            continue
        if cancelled is not None:
            raise cancelled
        return found


def _begin(work: Callable[[], T]) -> tuple[Future[T], Event]:
    """A thread that does the work once the event is set: an interruption while it is started leaves nothing behind."""
    future: Future[T] = Future()
    context, go = copy_context(), Event()

    def run() -> None:
        if not go.wait(_START_S):
            future.cancel()
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(context.run(work))
        except BaseException as error:  # noqa: BLE001  # the caller's to handle, whatever it is
            future.set_exception(error)

    try:
        Thread(target=run, name="evalrun").start()
    except BaseException:
        future.cancel()
        go.set()
        raise
    return future, go
