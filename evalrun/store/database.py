"""Opening a run's file with care, and SQLite's errors in our words."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from evalrun.errors import EvalrunError, RunTooNew, StorageError, UsageError
from evalrun.store.schema import APPLICATION_ID, FORMAT, STATEMENTS

MAGIC = b"SQLite format 3\x00"
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_REFUSED = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite, the disk or a damaged row raises into a StorageError that names the file."""
    try:
        yield
    except EvalrunError:
        raise
    except (sqlite3.Error, OSError, ValueError, MemoryError) as error:
        raise storage_error(path, error) from error


def storage_error(path: Path, error: BaseException) -> StorageError:
    """*error* in our words. SQLite's own text is left out where it may quote damaged bytes."""
    if isinstance(error, StorageError):
        return type(error)(str(error))
    if isinstance(error, OSError):
        return StorageError(f"{path}: {error.strerror or type(error).__name__}")
    full = getattr(error, "sqlite_errorcode", None)
    code = None if full is None else full & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StorageError(f"{path}: the disk is full; everything stored before is safe")
    if code == sqlite3.SQLITE_IOERR:
        return StorageError(f"{path}: the disk refused ({_name(error)}); everything stored before is safe")
    if code in _BUSY:
        return StorageError(f"{path}: in use by another program")
    if code in _REFUSED:
        return StorageError(f"{path}: cannot be opened or written ({_name(error)})")
    if code is None and isinstance(error, sqlite3.Error) and "disk is full" in str(error):
        return StorageError(f"{path}: the disk is full; everything stored before is safe")
    return StorageError(f"{path}: damaged ({_name(error)})")


def damaged(path: Path, what: str) -> StorageError:
    """The error for a file whose content cannot be trusted."""
    return StorageError(f"{path}: damaged ({what})")


def _name(error: BaseException) -> str:
    return str(getattr(error, "sqlite_errorname", "")) or "content that is not what was written"


def connect(path: Path, *, write: bool) -> sqlite3.Connection:
    """A connection to an existing run file, in autocommit mode.

    Read-only ones can neither write nor run anything that the file defines. Raises UsageError where there is no file,
    RunTooNew and StorageError where it cannot be used.
    """
    _check_file(path)
    if write:
        return _connect(path, "mode=rw", write=True)
    try:
        return _connect(path, "mode=ro", write=False)
    except sqlite3.OperationalError as error:
        # On read-only media SQLite cannot make the shared memory that a write-ahead log needs; no log, no need.
        if error.sqlite_errorcode & 0xFF not in _REFUSED or _size(path.with_name(path.name + "-wal")):
            raise
        return _connect(path, "mode=ro&immutable=1", write=False)


def _connect(path: Path, how: str, *, write: bool) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?{how}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=5.0, check_same_thread=False)
    try:
        for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "cache_size = -16384", "temp_store = MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        if not write:
            connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _check_file(path: Path) -> None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise UsageError(f"{path.parent}: no run here ({path.name} is missing)") from None
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise StorageError(f"{path}: not a file")
        if os.read(handle, len(MAGIC)) != MAGIC:
            raise StorageError(f"{path}: not a run's file, or damaged")
    finally:
        os.close(handle)


def check_identity(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse what is not a run's file, or is one of a newer evalrun. The schema must be ours to the letter."""
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise StorageError(f"{path}: not a run's file, or damaged")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > FORMAT:
        raise RunTooNew(f"{path}: written by a newer evalrun (format {version}, this one reads up to {FORMAT})")
    found = connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid").fetchall()
    if version != FORMAT or [sql for (sql,) in found] != list(STATEMENTS):
        raise damaged(path, "its tables are not a run's")


def check_integrity(connection: sqlite3.Connection, path: Path) -> None:
    """Have SQLite walk through every page and index."""
    answers = connection.execute("PRAGMA integrity_check(1)").fetchall()
    if answers != [("ok",)]:
        raise damaged(path, "integrity check failed")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Everything inside is committed together, or nothing is."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
