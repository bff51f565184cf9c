"""The ledger's file: one SQLite database that many processes write in turn, and its errors in our words.

Every transaction is made under a kernel lock on a file beside it. So waiting is short, where SQLite itself would sleep
for long, and no two connections write or checkpoint at once, which before SQLite 3.51.3 could damage a write-ahead log.
A killed process loses nothing that it committed; after a crash of the whole machine the last moments may be missing.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from evalrun.errors import EvalrunError, LedgerDamaged, LedgerOutOfReach, StorageError

FILE_NAME = "quota.db"
APPLICATION_ID = 0x65766C71  # "evlq"
FORMAT = 1
STATEMENTS = (
    # version counts changes; epoch changes when entries were taken away, so that everybody reads anew.
    """CREATE TABLE state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL,
    epoch INTEGER NOT NULL
) STRICT""",
    """CREATE TABLE scopes (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    quota TEXT NOT NULL,
    used_at REAL NOT NULL
) STRICT""",
    """CREATE TABLE sets (
    number INTEGER PRIMARY KEY,
    scopes TEXT NOT NULL UNIQUE
) STRICT""",
    """CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    pid INTEGER NOT NULL,
    suite TEXT NOT NULL,
    since REAL NOT NULL,
    seen INTEGER NOT NULL
) STRICT""",
    # Tokens: input and output as reserved; took_* is what it really was, NULL where nobody knows. requests counts those
    # that an entry stands for.
    """CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    changed INTEGER NOT NULL,
    scopes INTEGER NOT NULL REFERENCES sets (number),
    lease TEXT NOT NULL,
    suite TEXT NOT NULL,
    requests INTEGER NOT NULL CHECK (requests > 0),
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    booked_at REAL NOT NULL,
    settled_at REAL,
    took_input INTEGER,
    took_output INTEGER
) STRICT""",
    "CREATE INDEX entries_by_change ON entries (changed)",
    "CREATE INDEX entries_in_flight ON entries (lease) WHERE settled_at IS NULL",
    """CREATE TABLE lessons (
    scope TEXT NOT NULL,
    topic TEXT NOT NULL,
    changed INTEGER NOT NULL,
    learned_at REAL NOT NULL,
    by_hand INTEGER NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (scope, topic)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE latencies (
    id INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    seconds REAL NOT NULL
) STRICT""",
    "CREATE INDEX latencies_by_scope ON latencies (scope, id)",
)

_CURE = "evalrun quota forget removes it, and with it what is known of this day's use"
_WAIT_S = 10.0
_PAUSES_S = (0.00005, 0.0001, 0.0002, 0.0005)
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_REFUSED = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}


class LedgerFile:
    """The open file, made where it is not there. Everything raises StorageError in words where it is out of reach."""

    def __init__(self, path: Path, *, wait_s: float = _WAIT_S, sleep: Callable[[float], None] = time.sleep) -> None:
        self.path = path
        self.leases = path.with_name(f"{path.name}.leases")
        self._wait_s, self._sleep = wait_s, sleep
        self._handle, self._locked = -1, False
        self._identity = (0, 0)
        self._connection: sqlite3.Connection | None = None
        with _errors(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._handle = _open(_lock_path(path))
        try:
            with self.lock(), _errors(path):
                self._open()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file. Doing it twice does nothing."""
        if self._connection is not None:
            # The last one to leave folds the log into the file: not while another writes.
            with suppress(StorageError, sqlite3.Error), self.lock():
                self._connection.close()
            self._connection.close()
            self._connection = None
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be alone with the file; inside itself it does nothing."""
        if self._locked:
            yield
            return
        self._acquire()
        self._locked = True
        try:
            yield
        finally:
            self._locked = False
            fcntl.flock(self._handle, fcntl.LOCK_UN)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything inside is committed together, or nothing is."""
        connection = self._connection
        if connection is None:
            raise LedgerOutOfReach(f"{self.path}: closed")
        with self.lock(), _errors(self.path):
            self._check_place()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _acquire(self) -> None:
        waited, turn = 0.0, 0
        while True:
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if waited >= self._wait_s:
                    raise LedgerOutOfReach(f"{self.path}: another program has held it for {waited:.0f} s") from None
            except OSError as error:
                raise _in_words(self.path, error) from error
            else:
                return
            pause_s = _PAUSES_S[min(turn, len(_PAUSES_S) - 1)]
            self._sleep(pause_s)
            waited, turn = waited + pause_s, turn + 1

    def _open(self) -> None:
        # Only a file that is not there yet is opened besides SQLite: to close a second handle on a database drops the
        # locks that the process has on it.
        with suppress(FileNotFoundError):
            if not stat.S_ISREG(self.path.lstat().st_mode):
                raise LedgerOutOfReach(f"{self.path}: not a file")
        if not self.path.exists():
            os.close(_open(self.path))
        found = self.path.lstat()
        self._identity = (found.st_dev, found.st_ino)
        uri = f"file:{quote(str(self.path.absolute()))}?mode=rw"
        self._connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=self._wait_s)
        self._prepare(self._connection)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "temp_store = MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.execute("PRAGMA synchronous = NORMAL")
        tables = [sql for (sql,) in connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        if not tables and not version and not application:
            self._create(connection)
        elif application != APPLICATION_ID:
            raise damaged(self.path, "this is no ledger")
        elif version > FORMAT:
            raise LedgerOutOfReach(f"{self.path}: written by a newer evalrun; use that one, or another EVALRUN_STATE")
        elif version != FORMAT or sorted(tables) != sorted(STATEMENTS):
            raise damaged(self.path, "its tables are not a ledger's")
        elif connection.execute("PRAGMA integrity_check(1)").fetchall() != [("ok",)]:
            raise damaged(self.path, "integrity check failed")

    def _create(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        for statement in STATEMENTS:
            connection.execute(statement)
        connection.execute("INSERT INTO state VALUES (1, 0, 0)")
        connection.execute("COMMIT")

    def _check_place(self) -> None:
        """Whoever wrote to a file that was moved away would be alone with it, and no longer know of the others."""
        try:
            found = self.path.lstat()
        except FileNotFoundError:
            raise LedgerOutOfReach(f"{self.path}: was removed while in use") from None
        if (found.st_dev, found.st_ino) != self._identity:
            raise LedgerOutOfReach(f"{self.path}: was replaced by another file while in use")


def remove(path: Path) -> None:
    """Remove a ledger, damaged or not; whoever has it open is told at the next transaction. Raises StorageError."""
    with _errors(path):
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm", f"{path.name}-journal"):
            path.with_name(name).unlink(missing_ok=True)


def damaged(path: Path, what: str) -> LedgerDamaged:
    """The error for a file whose content cannot be trusted."""
    return LedgerDamaged(f"{path}: damaged ({what}); {_CURE}")


def _lock_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _open(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise LedgerOutOfReach(f"{path}: not a file")
    return handle


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    try:
        yield
    except EvalrunError:
        raise
    except (sqlite3.Error, OSError) as error:
        raise _in_words(path, error) from error


def _in_words(path: Path, error: sqlite3.Error | OSError) -> StorageError:
    """*error* for people. SQLite's own text is left out where it may quote damaged bytes."""
    if isinstance(error, OSError):
        return LedgerOutOfReach(f"{path}: the ledger is out of reach ({error.strerror or type(error).__name__})")
    full = getattr(error, "sqlite_errorcode", None)
    code = None if full is None else full & 0xFF
    name = getattr(error, "sqlite_errorname", "")
    if code == sqlite3.SQLITE_FULL or (code is None and "disk is full" in str(error)):
        return LedgerOutOfReach(f"{path}: the disk is full; what was booked before is safe")
    if code == sqlite3.SQLITE_IOERR:
        return LedgerOutOfReach(f"{path}: the disk refused ({name}); what was booked before is safe")
    if code in _BUSY:
        return LedgerOutOfReach(f"{path}: in use by another program")
    if code in _REFUSED:
        return LedgerOutOfReach(f"{path}: cannot be opened or written ({name})")
    return damaged(path, name or "content that is not what was written")
