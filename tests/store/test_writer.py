from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from evalrun.errors import StorageError
from evalrun.store.run import RunStore
from evalrun.store.writer import Writer
from tests.store.builders import NOW, answer, key, new_run

DISK_FULL = """
import asyncio, resource, signal, sys
from dataclasses import replace
from pathlib import Path
from evalrun.errors import StorageError
from tests.store.builders import answer, key, new_run

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder = Path(sys.argv[1])

async def main():
    store = new_run(folder, 500)
    size = sum(path.stat().st_size for path in folder.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 300_000, resource.RLIM_INFINITY))
    for number in range(500):
        try:
            await store.put(key(number), 0, answer("x" * 3000))
        except StorageError as error:
            print("error", error)
            break
        print("stored", number)
    results = await asyncio.gather(*[store.put(key(n), 0, answer()) for n in range(400, 403)], return_exceptions=True)
    print("then", *[type(result).__name__ for result in results])
    store.close()

asyncio.run(main())
"""

NOT_CLOSED = """
import asyncio, sys
from pathlib import Path
from tests.store.builders import answer, key, new_run

async def main():
    store = new_run(Path(sys.argv[1]))
    await store.put(key(0), 0, answer())
    asyncio.ensure_future(store.put(key(1), 0, answer()))
    await asyncio.sleep(0)
    if sys.argv[2] == "raise":
        raise ZeroDivisionError
asyncio.run(main())
print("end", flush=True)
"""


class Wrapper:
    """A connection whose statements fail from the *n*-th write statement on."""

    def __init__(self, connection: sqlite3.Connection, fail_at: int) -> None:
        self._connection = connection
        self._left = fail_at

    def execute(self, query: str, *values: Any) -> sqlite3.Cursor:
        """Run *query*, or raise what a full disk raises."""
        if query.split()[0] in {"INSERT", "COMMIT", "BEGIN"}:
            self._left -= 1
            if self._left < 0:
                raise sqlite3.OperationalError("database or disk is full")
        return self._connection.execute(query, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@pytest.mark.parametrize("fail_at", range(15))
async def test_the_nth_write_fails(tmp_path: Path, fail_at: int) -> None:
    """Whichever statement fails, waiters get a StorageError, later ones too, and what was acknowledged is there."""
    store = new_run(tmp_path / "run")
    writer = store._writer
    assert writer is not None
    writer._connection = Wrapper(writer._connection, fail_at)  # type: ignore[assignment]
    acknowledged = set()
    for case in range(3):
        try:
            await store.put(key(case), 0, answer())
        except StorageError as error:
            assert "run.db: the disk is full" in str(error)  # noqa: PT017  both ways out are checked
        else:
            acknowledged.add(key(case))
    with pytest.raises(StorageError, match="the disk is full"):
        store.set_meta(state="paused")
    store.close()

    assert len(acknowledged) == fail_at // 5
    with RunStore.open(tmp_path / "run", write=True, now=NOW) as again:
        assert again.answered_keys() == acknowledged


async def test_every_waiter_of_a_failed_group_hears_of_it(tmp_path: Path) -> None:
    """Results that wait for the same commit fail together, and nothing of them is kept."""
    store = new_run(tmp_path / "run", 20)
    writer = store._writer
    assert writer is not None
    writer._connection = Wrapper(writer._connection, 6)  # type: ignore[assignment]

    results = await asyncio.gather(*[store.put(key(n), 0, answer()) for n in range(20)], return_exceptions=True)

    stored = {key(n) for n, result in enumerate(results) if result is True}
    assert all(isinstance(result, StorageError) for result in results if result is not True)
    assert len(stored) < 20
    assert store.answered_keys() == stored
    store.close()


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    """When a file can grow no more, the error names it, nothing more is taken, and every stored answer is intact."""
    done = subprocess.run(
        [sys.executable, "-c", DISK_FULL, str(tmp_path / "run")], capture_output=True, text=True, timeout=60, check=True
    )

    lines = done.stdout.splitlines()
    stored = {key(int(line.split()[1])) for line in lines if line.startswith("stored")}
    assert 10 < len(stored) < 500
    assert lines[-2].startswith(f"error {tmp_path}/run/run.db: the disk ")
    assert lines[-1] == "then StorageError StorageError StorageError"
    with RunStore.open(tmp_path / "run", write=True, now=NOW) as store:
        assert store.answered_keys() == stored


@pytest.mark.parametrize("end", ["return", "raise"])
def test_a_process_that_forgets_to_close_ends_promptly(tmp_path: Path, end: str) -> None:
    """The writer neither keeps the process alive nor loses what it was given."""
    done = subprocess.run(
        [sys.executable, "-c", NOT_CLOSED, str(tmp_path / "run"), end], capture_output=True, text=True, timeout=10
    )

    assert done.returncode == (end == "raise")
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"run.db", "lock"}
    with RunStore.open(tmp_path / "run") as store:
        assert store.answered_keys() == {key(0), key(1)}


def test_no_thread_is_left(tmp_path: Path) -> None:
    """Closing ends the writer's thread."""
    before = threading.active_count()
    new_run(tmp_path / "run").close()

    assert threading.active_count() == before


async def test_a_bug_in_a_job_does_not_stop_the_writer(tmp_path: Path) -> None:
    """A job that raises has its exception back, and its transaction is rolled back; others go on."""
    store = new_run(tmp_path / "run")
    writer = store._writer
    assert isinstance(writer, Writer)

    def half(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM cells")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        writer.run(half)
    with pytest.raises(ZeroDivisionError):
        await writer.write(half)

    assert await store.put(key(0), 0, answer())
    assert len(list(store.rows())) == 6
    store.close()


def test_a_loop_that_is_gone(tmp_path: Path) -> None:
    """A waiter whose event loop was closed does not break the writer."""
    store = new_run(tmp_path / "run")

    async def leave() -> None:
        task = asyncio.ensure_future(store.put(key(0), 0, answer()))
        await asyncio.sleep(0)
        del task

    loop = asyncio.new_event_loop()
    loop.run_until_complete(leave())
    for task in asyncio.all_tasks(loop):
        task.cancel()
        task._log_destroy_pending = False
    loop.close()

    assert asyncio.run(store.put(key(1), 0, answer()))
    store.close()
