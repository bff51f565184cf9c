"""Who may interrupt a run: the signals of this process, or another thread of it."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

from evalrun.errors import ExitCode

Interrupts = Callable[[Callable[[ExitCode], None]], AbstractContextManager[None]]
"""For as long as its context lasts, what it is given is called in the running loop, once for each interruption."""

_SIGNALS = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED}


@contextmanager
def signals(stop: Callable[[ExitCode], None]) -> Iterator[None]:
    """SIGINT and SIGTERM, where the loop may have them: it is the main thread's."""
    loop = asyncio.get_running_loop()
    for number, code in _SIGNALS.items():
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, stop, code)
    try:
        yield
    finally:
        for number in _SIGNALS:
            with suppress(NotImplementedError, RuntimeError, ValueError):
                loop.remove_signal_handler(number)


class Interrupter:
    """Interruptions by another thread; one that comes before the run listens is told to it as soon as it does.

    Mutable state: how many came and were passed on, and who listens.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting = 0
        self._tell: Callable[[], object] | None = None

    def interrupt(self) -> None:
        """Interrupt the run; twice makes it let go of what is in flight. May be called from any thread."""
        with self._lock:
            if self._tell is None:
                self._waiting += 1
            else:
                self._tell()

    @contextmanager
    def __call__(self, stop: Callable[[ExitCode], None]) -> Iterator[None]:
        """See Interrupts."""
        loop = asyncio.get_running_loop()

        def tell() -> None:
            loop.call_soon_threadsafe(stop, ExitCode.INTERRUPTED)

        with self._lock:
            self._tell = tell
            for _ in range(self._waiting):
                tell()
            self._waiting = 0
        try:
            yield
        finally:
            with self._lock:
                self._tell = None
