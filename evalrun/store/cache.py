"""Responses kept across runs, by request key, in one SQLite file that several processes may use at once.

A cache can be made again, so it is fast rather than durable: it survives a killed process, not always a power cut. It
keeps a rollback journal, not a write-ahead log: SQLite before 3.51.3 can damage a log that several processes write.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from platformdirs import user_cache_path

from evalrun.errors import StorageError
from evalrun.records.outcome import Response
from evalrun.store.codec import Codec, checksum
from evalrun.store.database import storage_errors, transaction

_APPLICATION_ID = 0x65766C63  # "evlc"
_FORMAT = 1
_BUSY_TIMEOUT_S = 5.0
_TABLE = """CREATE TABLE IF NOT EXISTS responses (
    request_key TEXT PRIMARY KEY,
    kept ANY NOT NULL,
    size INTEGER NOT NULL,
    stored_at REAL NOT NULL,
    crc INTEGER NOT NULL
) STRICT"""
_OVER = """DELETE FROM responses WHERE request_key IN (SELECT request_key FROM (
    SELECT request_key, sum(size) OVER (ORDER BY stored_at DESC, request_key) AS running FROM responses)
    WHERE running > ?)"""

_RESPONSE: Codec[Response] = Codec(Response)


def user_cache_file() -> Path:
    """The user's own cache, in a folder that is made if it is not there."""
    folder = user_cache_path("evalrun")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / "responses.db"


class ResponseCache:
    """The cache in the file *path*, which is made if it is not there. *time* tells the Unix time.

    Everything raises StorageError where the disk refuses or the file is damaged; it may then simply be deleted.
    """

    def __init__(self, path: Path, *, time: Callable[[], float]) -> None:
        self._path = path
        self._time = time
        with self._errors():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            os.close(os.open(path, flags, 0o600))
            self._connection = sqlite3.connect(
                path, isolation_level=None, timeout=_BUSY_TIMEOUT_S, check_same_thread=False
            )
        try:
            with self._errors():
                self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Doing it twice does nothing."""
        self._connection.close()

    def get(self, request_key: str) -> Response | None:
        """The response to that request, or None. A damaged entry is as good as none."""
        query = "SELECT kept, crc FROM responses WHERE request_key = ?"
        with self._errors():
            row = self._connection.execute(query, (request_key,)).fetchone()
        if row is None or checksum(request_key, row[0]) != row[1]:
            return None
        try:
            return _RESPONSE.decode(row[0])
        except ValueError:
            return None

    def put(self, request_key: str, response: Response) -> None:
        """Keep a response, in place of an older one. Failures are never kept: TypeError."""
        if not isinstance(response, Response):
            raise TypeError("only responses are cached")
        kept = _RESPONSE.encode(response)
        size = len(kept if isinstance(kept, bytes) else kept.encode())
        row = (request_key, kept, size, self._time(), checksum(request_key, kept))
        with self._errors():
            self._connection.execute("INSERT OR REPLACE INTO responses VALUES (?, ?, ?, ?, ?)", row)

    def prune(self, *, max_age_s: float | None = None, max_bytes: int | None = None) -> int:
        """Remove entries older than *max_age_s*, then the oldest until the rest has *max_bytes*; how many."""
        removed = 0
        with self._errors():
            with transaction(self._connection):
                if max_age_s is not None:
                    query = "DELETE FROM responses WHERE stored_at < ?"
                    removed += self._connection.execute(query, (self._time() - max_age_s,)).rowcount
                if max_bytes is not None:
                    removed += self._connection.execute(_OVER, (max_bytes,)).rowcount
            self._connection.executescript("PRAGMA incremental_vacuum")  # execute() would free one page
        return removed

    def size(self) -> tuple[int, int]:
        """How many entries there are, and their bytes."""
        with self._errors():
            entries, size = self._connection.execute("SELECT count(*), total(size) FROM responses").fetchone()
        return entries, int(size)

    def _prepare(self) -> None:
        for pragma in ("trusted_schema = OFF", "auto_vacuum = INCREMENTAL", "journal_mode = TRUNCATE"):
            self._connection.execute(f"PRAGMA {pragma}").fetchall()
        self._connection.execute("PRAGMA synchronous = OFF")
        with transaction(self._connection):
            found = self._connection.execute("PRAGMA application_id").fetchone()[0]
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            tables = self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            if not tables and not found:
                self._connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                self._connection.execute(f"PRAGMA user_version = {_FORMAT}")
                self._connection.execute(_TABLE)
            elif found != _APPLICATION_ID:
                raise StorageError(f"{self._path}: not a response cache")
            elif version != _FORMAT:
                raise StorageError(f"{self._path}: written by another version of evalrun")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            with storage_errors(self._path):
                yield
        except StorageError as error:
            raise StorageError(f"{error}; it is only a cache: delete it, or go on with --cache off") from error
