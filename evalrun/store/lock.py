"""One process a run folder: a kernel lock on ``<folder>/lock``, which dies with its holder.

The file also says who holds it, and how many commits were acknowledged. That figure is written after each commit and
outlives a crash: a database that holds fewer has lost some, whatever its own checks say (a write-ahead log that was
removed or cut leaves a database that is whole, only older).
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
import time
import weakref
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from evalrun.errors import RunInUse, StorageError, UsageError

_NAME = "lock"
_TRIES = 10
_PAUSE_S = 0.02
_CONTENT = re.compile(rb"acknowledged (\d{20})\n(?:pid (\d+) since (\S+)\n)?")
_held: weakref.WeakSet[RunLock] = weakref.WeakSet()


class RunLock:
    """The lock on a run's folder, held from creation to release() or to the end of the process.

    *now* (Unix time) goes into the message that others get. Raises RunInUse within a second where another holds it,
    UsageError where the folder cannot be written.
    """

    def __init__(self, folder: Path, *, now: float, sleep: Callable[[float], None] = time.sleep) -> None:
        self._handle = _acquire(folder / _NAME, sleep)
        self.acknowledged = _read(self._handle)[0]
        since = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        text = f"{_line(self.acknowledged)}pid {os.getpid()} since {since}\n".encode("ascii")
        try:
            os.pwrite(self._handle, text, 0)
            os.ftruncate(self._handle, len(text))
        except OSError as error:
            os.close(self._handle)
            raise StorageError(f"{folder / _NAME}: {error.strerror}") from error
        _held.add(self)

    def acknowledge(self, count: int) -> None:
        """Note that *count* commits are on the disk. Raises OSError."""
        os.pwrite(self._handle, _line(count).encode("ascii"), 0)
        self.acknowledged = count

    def release(self) -> None:
        """Let others have the folder. Doing it twice does nothing."""
        _held.discard(self)
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def acknowledged(folder: Path) -> int:
    """How many commits the holders of the folder have acknowledged; 0 where nobody says."""
    try:
        handle = os.open(folder / _NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        return _read(handle)[0]
    finally:
        os.close(handle)


def locked(folder: Path) -> bool:
    """Whether a living process holds the folder."""
    try:
        handle = os.open(folder / _NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(handle)


def _acquire(path: Path, sleep: Callable[[float], None]) -> int:
    for attempt in range(_TRIES):
        handle = _open(path)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _still_there(path, handle):
                return handle
        except OSError as error:
            if error.errno not in {errno.EWOULDBLOCK, errno.EACCES}:
                os.close(handle)
                raise StorageError(f"{path}: {error.strerror}") from error
        if attempt + 1 == _TRIES:
            _, pid, since = _read(handle)
            os.close(handle)
            raise RunInUse(f"{path.parent}: in use by pid {pid or '?'} since {since or '?'}")
        os.close(handle)
        sleep(_PAUSE_S)  # somebody may only be looking whether it is locked
    raise AssertionError("unreachable")


def _open(path: Path) -> int:
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR}:
            raise UsageError(f"{path.parent}: cannot be written: {error.strerror}") from error
        raise StorageError(f"{path}: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise StorageError(f"{path}: not a file")
    return handle


def _still_there(path: Path, handle: int) -> bool:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    mine = os.fstat(handle)
    return (found.st_dev, found.st_ino) == (mine.st_dev, mine.st_ino)


def _read(handle: int) -> tuple[int, str, str]:
    match = _CONTENT.match(os.pread(handle, 200, 0))
    if match is None:
        return 0, "", ""
    return int(match[1]), (match[2] or b"").decode(), (match[3] or b"").decode()


def _line(count: int) -> str:
    return f"acknowledged {count:020d}\n"


def _release_in_child() -> None:
    # The lock belongs to the open file: a forked worker that outlived the run would hold it for ever.
    for lock in list(_held):
        lock.release()


os.register_at_fork(after_in_child=_release_in_child)
