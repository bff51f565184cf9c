"""run.log: what happened in a run, in lines, with every known secret taken out."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from evalrun.redact import Redactor
from evalrun.safe_text import safe_line

LOGGER = logging.getLogger("evalrun")


class _OneSafeLine(logging.Formatter):
    """A record as one line: time in UTC, level, text; nothing foreign in it can end the line or hold a secret."""

    converter = staticmethod(time.gmtime)

    def __init__(self, redactor: Redactor) -> None:
        super().__init__("%(asctime)sZ %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S")
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        return safe_line(self._redactor(super().format(record)))


_MINE: ContextVar[logging.Handler | None] = ContextVar("evalrun.run_log", default=None)
_LOCK = threading.Lock()
_OPEN: dict[logging.Handler, tuple[int, bool]] = {}
"""The logs that are open, each with the logger's level and propagation before it. Changed under the lock only."""


@contextmanager
def run_log(folder: Path, redactor: Redactor) -> Iterator[None]:
    """Append this run's log records to ``run.log`` in *folder* for as long as the context lasts.

    Of several runs in one process each has its own log: a record belongs to the run in whose context it was made.
    """
    path = folder / "run.log"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600))
    handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(_OneSafeLine(redactor))
    handler.addFilter(lambda _: _MINE.get() is handler)
    _begin(handler)
    token = _MINE.set(handler)
    try:
        yield
    finally:
        _MINE.reset(token)
        _end(handler)
        handler.close()


def _begin(handler: logging.Handler) -> None:
    with _LOCK:
        before = next(iter(_OPEN.values()), (LOGGER.level, LOGGER.propagate))
        _OPEN[handler] = before
        LOGGER.addHandler(handler)
        LOGGER.setLevel(logging.INFO)
        LOGGER.propagate = False


def _end(handler: logging.Handler) -> None:
    with _LOCK:
        LOGGER.removeHandler(handler)
        level, propagate = _OPEN.pop(handler)
        if not _OPEN:
            LOGGER.setLevel(level)
            LOGGER.propagate = propagate
