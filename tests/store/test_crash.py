from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from evalrun.store.run import RunStore
from tests.store.builders import NOW, plan

CASES = 2000

PUTTER = """
import asyncio, sys
from pathlib import Path
from evalrun.store.run import RunStore
from tests.store.builders import NOW, answer, new_run, plan

folder = Path(sys.argv[1])

async def main():
    store = RunStore.open(folder, write=True, now=NOW) if folder.exists() else new_run(folder, 2000)
    cells = store.pending()
    async def put():
        for cell in cells:
            await store.put(cell.key, 0, answer(cell.key * 20))
            sys.stdout.write(cell.key + "\\n")
            sys.stdout.flush()
    await asyncio.gather(*[put() for _ in range(16)])

asyncio.run(main())
"""


def kill_at(folder: Path, lines: int) -> set[str]:
    """Put answers in a process of its own, kill -9 it after so many acknowledged ones; all that it acknowledged."""
    with subprocess.Popen([sys.executable, "-c", PUTTER, str(folder)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        told = [process.stdout.readline() for _ in range(lines)]
        process.send_signal(signal.SIGKILL)
        told += process.stdout.readlines()
        watchdog.cancel()
    return {line.strip() for line in told if line.endswith("\n")}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [*range(2), *[pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 20)]])
def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, seed: int) -> None:
    """Killed twice at any moment, a run holds each acknowledged answer once, is whole, and can go on."""
    folder = tmp_path / "run"
    draw = random.Random(seed)

    told = kill_at(folder, draw.randrange(1, CASES // 2))
    told |= kill_at(folder, draw.randrange(1, CASES // 2))

    with RunStore.open(folder) as store:
        stored = store.answered_keys()
        assert told <= stored
        assert len(stored) <= len(told) + 2 * 16
    with RunStore.open(folder, write=True, now=NOW) as store:
        assert store.answered_keys() == stored
        assert {row.cell.key for row in store.rows() if row.output == row.cell.key * 20} == stored
        assert {cell.key for cell in store.pending()} == {cell.key for cell in plan(CASES).cells} - stored
    connection = sqlite3.connect(folder / "run.db")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
