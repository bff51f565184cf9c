"""run.log: what happened in a run, in lines, with every known secret taken out."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def run_log(folder: Path, redactor: Redactor) -> Iterator[None]:
    """Append evalrun's log records to ``run.log`` in *folder* for as long as the context lasts."""
    path = folder / "run.log"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600))
    handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(_OneSafeLine(redactor))
    level, propagate = LOGGER.level, LOGGER.propagate
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(level)
        LOGGER.propagate = propagate
        handler.close()
