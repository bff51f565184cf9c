"""How a run's file begins, is checked when it is opened, and becomes one plain file when it is closed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from evalrun.errors import StorageError, UsageError
from evalrun.records.plan import Plan
from evalrun.store import ledger
from evalrun.store.database import check_identity, check_integrity, connect, damaged, storage_errors, transaction
from evalrun.store.lock import RunLock
from evalrun.store.plan_tables import read_meta, write_meta, write_plan
from evalrun.store.rows import verify_marks
from evalrun.store.schema import APPLICATION_ID, FORMAT, STATEMENTS

_COMMITS = "store.commits"


def make_folder(folder: Path) -> None:
    """Make a run's folder and those above it, for the user alone. Raises UsageError where that cannot be done."""
    try:
        for missing in reversed([folder, *folder.parents]):
            if not missing.exists():
                missing.mkdir(mode=0o700, exist_ok=True)
        if not folder.is_dir() or folder.is_symlink():
            raise UsageError(f"{folder}: not a folder")
    except OSError as error:
        raise UsageError(f"{folder}: cannot be made: {error.strerror}") from error


def write_new(path: Path, plan: Plan, notes: Mapping[str, Any]) -> None:
    """Write a new run's file under another name and rename it: a run is there with its whole plan, or not at all."""
    staging = path.with_name(f".{path.name}.new")
    with storage_errors(path):
        staging.unlink(missing_ok=True)
        os.close(os.open(staging, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        try:
            connection = sqlite3.connect(staging, isolation_level=None)
            try:
                _fill(connection, plan, notes)
            finally:
                connection.close()
            staging.rename(path)
            _sync_folder(path.parent)
        except BaseException:
            staging.unlink(missing_ok=True)
            raise


def _fill(connection: sqlite3.Connection, plan: Plan, notes: Mapping[str, Any]) -> None:
    connection.execute("PRAGMA page_size = 8192")  # replies of some kilobytes leave less room unused than in 4096
    connection.execute("PRAGMA journal_mode = MEMORY")
    connection.execute("PRAGMA synchronous = FULL")
    with transaction(connection):
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        for statement in STATEMENTS:
            connection.execute(statement)
        write_plan(connection, plan)
        write_meta(connection, _COMMITS, 0)
        for key, value in notes.items():
            write_meta(connection, f"run.{key}", value)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check(connection: sqlite3.Connection, path: Path, acknowledged: int) -> None:
    """Refuse a file that is not a run's, is too new or damaged, or older than what its writer has acknowledged."""
    check_identity(connection, path)
    check_integrity(connection, path)
    check_complete(connection, path, acknowledged)
    ledger.verify(connection)
    verify_marks(connection)


def check_complete(connection: sqlite3.Connection, path: Path, acknowledged: int) -> None:
    """Refuse a file that lost exchanges, or commits that were acknowledged."""
    if ledger.held(connection) != ledger.stored(connection):
        raise damaged(path, "exchanges are missing")
    if (lost := acknowledged - read_meta(connection, _COMMITS)) > 0:
        raise damaged(path, f"its last {lost} commits are missing: its write-ahead log was cut or removed")


class CommitCounter:
    """Counts a run's commits in the file and, behind each, in its lock: the two tell whether the file lost any."""

    def __init__(self, connection: sqlite3.Connection, lock: RunLock) -> None:
        self._commits = int(read_meta(connection, _COMMITS))
        self._lock = lock

    def count(self, connection: sqlite3.Connection) -> None:
        """Count the transaction that is about to be committed."""
        write_meta(connection, _COMMITS, self._commits + 1)

    def acknowledge(self) -> None:
        """Note that it is on the disk. Raises OSError."""
        self._commits += 1
        self._lock.acknowledge(self._commits)


def open_for_writing(path: Path, acknowledged: int) -> sqlite3.Connection:
    """The writer's connection: checked, write-ahead log, every commit on the disk before it returns."""
    with storage_errors(path):
        connection = connect(path, write=True)
        try:
            check(connection, path, acknowledged)
            if connection.execute("PRAGMA journal_mode = WAL").fetchone() != ("wal",):
                raise StorageError(f"{path}: this file system cannot hold a write-ahead log")
            connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            connection.close()
            raise
    return connection


def fold_into_one_file(connection: sqlite3.Connection) -> None:
    """Bring the write-ahead log home, so that the closed run is one file that can be copied and read anywhere.

    Where somebody is reading it the log stays, which does no harm.
    """
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA busy_timeout = 200")
        connection.execute("PRAGMA journal_mode = DELETE")


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection for a while, which sees the file at one moment; SQLite's errors come in our words."""
    with storage_errors(path):
        connection = connect(path, write=False)
        try:
            connection.execute("BEGIN")
            yield connection
        finally:
            connection.close()
