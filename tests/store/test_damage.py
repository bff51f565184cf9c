from __future__ import annotations

import asyncio
import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalrun.errors import RunTooNew, StorageError
from evalrun.store.run import RunStore
from tests.store.builders import NOW, answer, failure, key, mark, new_run, plan

PLACES = 50  # for each of six ways


def content(store: RunStore) -> Any:
    """Everything that can be read out of a run."""
    return (
        store.plan(),
        list(store.rows(with_messages=True)),
        list(store.history()),
        store.meta(),
        store.sittings(),
        store.counts(),
        store.answered_keys(),
        store.spent(),
        [store.exchanges(cell.key) for cell in plan(30).cells],
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with something in every table, closed."""
    folder = tmp_path_factory.mktemp("damage") / "whole"
    _fill(folder).close()
    return folder


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run as a killed process leaves it: its answers are in the write-ahead log."""
    folder = tmp_path_factory.mktemp("damage") / "crashed"
    store = _fill(folder)
    shutil.copytree(folder, folder.with_name("copy"))
    store.close()
    return folder.with_name("copy")


def _fill(folder: Path) -> RunStore:
    store = new_run(folder, 30)

    async def put() -> None:
        for number, cell in enumerate(plan(30).cells[:50]):
            exchange = failure() if number % 7 == 3 else answer(f"answer {number} " * (number * 3))
            await store.put(cell.key, 0, exchange, ())

    asyncio.run(put())
    store.forget([key(0), key(3)])
    store.put_marks((cell.key, "digest", mark(0.5)) for cell in plan(30).cells[4:40])
    store.begin_sitting(now=NOW, how="run", argv=("evalrun",))
    return store


def _copy(folder: Path, into: Path) -> Path:
    shutil.copytree(folder, into)
    (into / "lock").chmod(0o600)
    return into


def _flip(data: bytearray, place: int, draw: random.Random) -> bytearray:
    data[place] ^= 1 << draw.randrange(8)
    return data


def _cut(data: bytearray, place: int, _: random.Random) -> bytearray:
    return data[:place]


@pytest.mark.slow
@pytest.mark.parametrize("damage", [_flip, _cut])
@pytest.mark.parametrize(
    ("start", "name"),
    [
        ("whole", "run.db"),
        pytest.param("crashed", "run.db", marks=pytest.mark.slow),
        pytest.param("crashed", "run.db-wal", marks=pytest.mark.slow),
    ],
)
def test_damage_is_found_or_changes_nothing(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    start: str,
    name: str,
    damage: Callable[[bytearray, int, random.Random], bytearray],
) -> None:
    """A file that was cut, or has one bit changed, is refused in words that name it, or reads as it did."""
    folder: Path = request.getfixturevalue(start)
    with RunStore.open(folder) as store:
        expected = content(store)
    draw = random.Random(f"{start} {name} {damage.__name__}")
    size = (folder / name).stat().st_size
    found = 0
    for number in range(PLACES):
        broken = _copy(folder, tmp_path / str(number))
        (broken / name).write_bytes(damage(bytearray((broken / name).read_bytes()), draw.randrange(size), draw))
        try:
            with RunStore.open(broken, write=number % 2 == 0, now=NOW) as store:
                assert content(store) == expected
        except StorageError as error:
            assert str(error).startswith(f"{broken}/run.db: ")  # noqa: PT017  both ways out are checked
            found += 1
        shutil.rmtree(broken)

    assert found > 0


def test_a_write_ahead_log_that_was_removed(crashed: Path, tmp_path: Path) -> None:
    """A database that is whole but older than what was acknowledged is not taken for the run."""
    broken = _copy(crashed, tmp_path / "run")
    (broken / "run.db-wal").unlink()

    for write in (False, True):
        with pytest.raises(StorageError, match=r"run\.db: damaged \(its last 5\d commits are missing"):
            RunStore.open(broken, write=write, now=NOW)


def test_a_pending_write_ahead_log_is_read(crashed: Path, whole: Path, tmp_path: Path) -> None:
    """What a killed process has stored is read, with and without writing."""
    folder = _copy(crashed, tmp_path / "run")
    before = (folder / "run.db").read_bytes(), (folder / "run.db-wal").read_bytes()
    with RunStore.open(whole) as store:
        expected = content(store)

    with RunStore.open(folder) as store:
        assert content(store) == expected
    assert ((folder / "run.db").read_bytes(), (folder / "run.db-wal").read_bytes()) == before
    with RunStore.open(folder, write=True, now=NOW) as store:
        assert content(store) == expected


@pytest.mark.parametrize("data", [b"", b"SQLite format 3\x00", b"PK\x03\x04" * 2000, b"\x00" * 8192])
def test_what_is_not_a_database(tmp_path: Path, data: bytes) -> None:
    """An empty or foreign file is refused, and stays as it is."""
    (tmp_path / "run.db").write_bytes(data)

    for write in (False, True):
        with pytest.raises(StorageError, match=r"run\.db: "):
            RunStore.open(tmp_path, write=write, now=NOW)
    assert (tmp_path / "run.db").read_bytes() == data


def test_a_foreign_database(tmp_path: Path) -> None:
    """A database of another program is refused."""
    connection = sqlite3.connect(tmp_path / "run.db")
    connection.execute("CREATE TABLE cells (a)")
    connection.close()

    with pytest.raises(StorageError, match="not a run's file"):
        RunStore.open(tmp_path)


def _change(folder: Path, *statements: str) -> None:
    connection = sqlite3.connect(folder / "run.db", isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_a_newer_run(whole: Path, tmp_path: Path) -> None:
    """A run of a newer evalrun is refused untouched, with its own error."""
    folder = _copy(whole, tmp_path / "run")
    _change(folder, "PRAGMA user_version = 2", "ALTER TABLE cells ADD COLUMN new INTEGER")
    before = (folder / "run.db").read_bytes()

    for write in (False, True):
        with pytest.raises(RunTooNew, match=r"run\.db: written by a newer evalrun \(format 2"):
            RunStore.open(folder, write=write, now=NOW)
    assert (folder / "run.db").read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON marks BEGIN DELETE FROM exchanges; END",
        "CREATE VIEW v AS SELECT load_extension('x')",
        "DROP INDEX cells_key",
        "PRAGMA user_version = 0",
        "PRAGMA application_id = 1",
    ],
)
def test_a_run_that_somebody_changed(whole: Path, tmp_path: Path, statement: str) -> None:
    """A file defines exactly what we define: no trigger or view of somebody else's is ever run."""
    folder = _copy(whole, tmp_path / "run")
    _change(folder, statement)

    with pytest.raises(StorageError, match=r"run\.db: "):
        RunStore.open(folder)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM cells WHERE position = 59",
        "DELETE FROM cells WHERE position = 5",
        "DELETE FROM cases WHERE id = 29",
        'DELETE FROM "columns" WHERE id = 1',
        "DELETE FROM suite",
        "DELETE FROM exchanges WHERE ordinal = 0 AND status = 'error'",
        "DELETE FROM texts WHERE id = 9",
        "UPDATE texts SET exchange = replace(exchange, 'answer', 'ANSWER')",
        "UPDATE exchanges SET text = 7 WHERE text = 8",
        "UPDATE exchanges SET status = 'answered'",
        "UPDATE cells SET case_id = 1",
        "UPDATE marks SET digest = 'other'",
        "UPDATE sittings SET how = 'other'",
        "DELETE FROM meta WHERE key = 'plan.sizes'",
        "UPDATE meta SET value = '3' WHERE key = 'plan.merged'",
    ],
)
def test_rows_that_somebody_changed(whole: Path, tmp_path: Path, statement: str) -> None:
    """A row that is gone, or is not what was written, is found when it is read."""
    folder = _copy(whole, tmp_path / "run")
    _change(folder, statement)

    with pytest.raises(StorageError, match=r"run\.db: damaged"), RunStore.open(folder) as store:
        content(store)


def test_links_are_not_followed(whole: Path, tmp_path: Path) -> None:
    """A run.db that is a link, or no file at all, is refused."""
    (tmp_path / "run.db").symlink_to(whole / "run.db")
    with pytest.raises(StorageError, match=r"run\.db: "):
        RunStore.open(tmp_path)
    (tmp_path / "run.db").unlink()
    os.mkfifo(tmp_path / "run.db")
    with pytest.raises(StorageError, match="not a file"):
        RunStore.open(tmp_path)
