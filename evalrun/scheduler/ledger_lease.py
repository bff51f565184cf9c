"""Who is still alive: a kernel lock on a file of its own, which dies with its process, whatever became of that.

A process number may be another process tomorrow, or be somebody else's in a container; a lock is neither. All of this
happens while the ledger's own lock is held, so a file without a lock is a dead process's.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import weakref
from pathlib import Path

_held: weakref.WeakSet[Lease] = weakref.WeakSet()


class Lease:
    """This process's sign of life in *folder*, until release() or its end. Raises OSError."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self.name = secrets.token_hex(8)
        self._path = folder / self.name
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._handle = os.open(self._path, flags, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._handle)
            raise
        _held.add(self)

    def release(self) -> None:
        """Say goodbye. Doing it twice does nothing."""
        if self._handle >= 0:
            self._path.unlink(missing_ok=True)
        self.let_go()

    def let_go(self) -> None:
        """Close the file without touching the folder: in a forked child the lease is its parent's."""
        _held.discard(self)
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def sweep(folder: Path) -> frozenset[str]:
    """The names of all living leases in *folder*; the files of dead ones are removed. Raises OSError."""
    alive = set()
    for path in list(folder.iterdir()) if folder.is_dir() else ():
        if _is_locked(path):
            alive.add(path.name)
        else:
            path.unlink(missing_ok=True)
    return frozenset(alive)


def _is_locked(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)


def _let_go_in_child() -> None:
    # The lock belongs to the open file: a forked worker that outlived its parent would keep the lease alive.
    for lease in list(_held):
        lease.let_go()


os.register_at_fork(after_in_child=_let_go_in_child)
