"""The one writer of a run's file: a thread that commits everything waiting for it in one transaction.

Mutable state: the queue, and ``_broken``, which only the thread sets. Whatever the disk refuses breaks the writer for
good: every waiter, then and later, gets a StorageError, and what was committed before stays.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from evalrun.errors import StorageError
from evalrun.store.database import storage_error, transaction

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], Any]

_GROUP = 1000  # jobs a transaction
_JOIN_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiter:
    """A job and who waits for it: an event loop's future, or a thread's."""

    job: Job
    grouped: bool
    future: asyncio.Future[Any] | Future[Any]
    loop: asyncio.AbstractEventLoop | None


class Writer:
    """Runs jobs on *connection* in a thread of its own, and closes it at the end.

    *before_commit* runs at the end of each transaction, *after_commit* behind it and before any waiter hears of it,
    *at_end* before the connection is closed, unless the writer is broken.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        *,
        before_commit: Job,
        after_commit: Callable[[], None],
        at_end: Job,
    ) -> None:
        self._connection = connection
        self._path = path
        self._before_commit = before_commit
        self._after_commit = after_commit
        self._at_end = at_end
        self._queue: SimpleQueue[_Waiter | None] = SimpleQueue()
        self._broken: StorageError | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=f"store {path.parent.name}", daemon=True)
        self._thread.start()

    async def write(self, job: Job) -> Any:
        """Have *job* run in a transaction with others; its result, once it is on the disk. Raises StorageError."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._enter(_Waiter(job=job, grouped=True, future=future, loop=loop))
        return await future

    def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Have *job* run in a transaction of its own, and wait for it. Raises what the job raises, and StorageError."""
        future: Future[T] = Future()
        self._enter(_Waiter(job=job, grouped=False, future=future, loop=None))
        return future.result()

    def close(self) -> None:
        """Commit what is waiting, then end the thread and the connection. Doing it twice does nothing."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)
        self._thread.join(_JOIN_S)

    @property
    def ended(self) -> bool:
        """Whether the thread is gone and the connection closed."""
        return not self._thread.is_alive()

    def _enter(self, waiter: _Waiter) -> None:
        if self._closing:
            raise StorageError(f"{self._path}: closed")
        if self._broken is not None:
            raise StorageError(str(self._broken))
        self._queue.put(waiter)

    def _run(self) -> None:
        going = True
        while going:
            waiting: list[_Waiter | None] = [self._queue.get()]
            with contextlib.suppress(Empty):
                while len(waiting) < _GROUP:
                    waiting.append(self._queue.get_nowait())
            going = None not in waiting
            self._work([waiter for waiter in waiting if waiter is not None])
        self._finish()

    def _work(self, waiters: Sequence[_Waiter]) -> None:
        together: list[_Waiter] = []
        for waiter in waiters:
            if waiter.grouped:
                together.append(waiter)
                continue
            self._commit(together)
            together = []
            self._commit([waiter])
        self._commit(together)

    def _commit(self, waiters: Sequence[_Waiter]) -> None:
        if not waiters:
            return
        if self._broken is not None:
            _tell([(waiter, None, StorageError(str(self._broken))) for waiter in waiters])
            return
        try:
            with transaction(self._connection):
                results = [waiter.job(self._connection) for waiter in waiters]
                self._before_commit(self._connection)
            self._after_commit()
        except Exception as error:  # noqa: BLE001  whoever waits must hear of it, whatever it is
            _tell([(waiter, None, self._fail(error)) for waiter in waiters])
        else:
            _tell([(waiter, result, None) for waiter, result in zip(waiters, results, strict=True)])

    def _fail(self, error: Exception) -> Exception:
        """What a waiter is told. The disk's errors break the writer; a bug in one job does not."""
        if not isinstance(error, sqlite3.Error | OSError):
            return error
        failure = storage_error(self._path, error)
        failure.__cause__ = error
        self._broken = failure
        return failure

    def _finish(self) -> None:
        with contextlib.suppress(sqlite3.Error, OSError):
            if self._broken is None:
                self._at_end(self._connection)
        self._connection.close()


def _tell(results: Sequence[tuple[_Waiter, Any, Exception | None]]) -> None:
    """Give each waiter its result: threads at once, event loops with one call for all."""
    of_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any, Exception | None]]] = {}
    for waiter, result, error in results:
        if isinstance(waiter.future, asyncio.Future):
            assert waiter.loop is not None  # noqa: S101  set with the future
            of_loop.setdefault(waiter.loop, []).append((waiter.future, result, error))
        elif error is not None:
            waiter.future.set_exception(error)
        else:
            waiter.future.set_result(result)
    for loop, told in of_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits there any more
            loop.call_soon_threadsafe(_resolve, told)


def _resolve(told: Sequence[tuple[asyncio.Future[Any], Any, Exception | None]]) -> None:
    for future, result, error in told:
        if future.done():
            continue  # its waiter was cancelled; what it asked for is stored all the same
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)
