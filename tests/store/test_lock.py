from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evalrun.errors import RunInUse, StorageError, UsageError
from evalrun.store.lock import RunLock, acknowledged, locked
from tests.store.builders import NOW

HOLDER = """
import sys, time
from pathlib import Path
from evalrun.store.lock import RunLock
lock = RunLock(Path(sys.argv[1]), now=1795170667.0)
lock.acknowledge(7)
print("held", flush=True)
time.sleep(60)
"""


def no_sleep(_: float) -> None:
    """Sleep not at all."""


def test_one_holder(tmp_path: Path) -> None:
    """A second holder is refused with the first's pid and time; after release the folder is free."""
    lock = RunLock(tmp_path, now=NOW)

    assert locked(tmp_path)
    with pytest.raises(RunInUse, match=rf"in use by pid {os.getpid()} since 2026-11-20T10:31:07Z"):
        RunLock(tmp_path, now=NOW, sleep=no_sleep)
    lock.release()
    lock.release()
    assert not locked(tmp_path)
    RunLock(tmp_path, now=NOW).release()


def test_kill_9_frees_the_folder(tmp_path: Path) -> None:
    """The kernel drops the lock of a killed process: nobody has to delete anything. What it acknowledged stays."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        started = time.monotonic()
        with pytest.raises(RunInUse, match=rf"in use by pid {process.pid} since"):
            RunLock(tmp_path, now=NOW)
        assert time.monotonic() - started < 1
        process.send_signal(signal.SIGKILL)
        process.wait(10)

    assert acknowledged(tmp_path) == 7
    lock = RunLock(tmp_path, now=NOW)
    assert lock.acknowledged == 7
    lock.release()
    assert acknowledged(tmp_path) == 7


def test_a_forked_child_does_not_keep_the_lock(tmp_path: Path) -> None:
    """A worker that outlives the run does not hold its folder."""
    lock = RunLock(tmp_path, now=NOW)
    ready, say_ready = os.pipe()
    wait, say_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(say_end)
        os.write(say_ready, b".")
        os.read(wait, 1)
        os._exit(0)
    try:
        os.read(ready, 1)
        assert locked(tmp_path)
        lock.release()
        assert not locked(tmp_path)
    finally:
        for handle in (ready, say_ready, wait, say_end):
            os.close(handle)
        os.waitpid(child, 0)


def test_looking_does_not_disturb_a_starting_holder(tmp_path: Path) -> None:
    """A holder waits for those who only look whether it is locked."""
    (tmp_path / "lock").touch()
    handle = os.open(tmp_path / "lock", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_SH)

    RunLock(tmp_path, now=NOW, sleep=lambda _: fcntl.flock(handle, fcntl.LOCK_UN)).release()

    os.close(handle)


def test_links_and_folders_are_refused(tmp_path: Path) -> None:
    """The lock is a plain file, never a link to somebody else's."""
    (tmp_path / "other").write_text("precious")
    (tmp_path / "lock").symlink_to(tmp_path / "other")

    with pytest.raises(StorageError, match="lock"):
        RunLock(tmp_path, now=NOW)
    assert (tmp_path / "other").read_text() == "precious"
    (tmp_path / "lock").unlink()
    os.mkfifo(tmp_path / "lock")
    with pytest.raises(StorageError, match="not a file"):
        RunLock(tmp_path, now=NOW)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """A folder that cannot be written is a matter of usage."""
    with pytest.raises(UsageError, match="cannot be written"):
        RunLock(tmp_path / "nowhere", now=NOW)
    assert not locked(tmp_path / "nowhere")
    assert acknowledged(tmp_path / "nowhere") == 0


@pytest.mark.parametrize("content", [b"", b"garbage", b"acknowledged 12\n", b"\xff" * 300])
def test_a_garbled_lock_file_still_locks(tmp_path: Path, content: bytes) -> None:
    """What the file says is for people; a garbled one says nothing."""
    (tmp_path / "lock").write_bytes(content)

    assert acknowledged(tmp_path) == 0
    RunLock(tmp_path, now=NOW).release()
    assert (tmp_path / "lock").read_text().startswith(f"acknowledged {0:020d}\npid {os.getpid()} since ")
