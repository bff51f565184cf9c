"""The ledger's file out of reach: damaged, read-only, full, moved away, held by somebody, of another version."""

from __future__ import annotations

import fcntl
import os
import random
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from evalrun.errors import StorageError
from evalrun.records.quota import Quota
from evalrun.scheduler.ledger_care import forget, standings
from evalrun.scheduler.ledger_file import LedgerFile
from evalrun.scheduler.ledger_lease import sweep
from tests.conftest import ROOT
from tests.scheduler.ledgers import IDS, MODEL, SMALL, booked, opened, rpd, scopes_with, spend
from tests.virtual import START

SCOPES = scopes_with(model=Quota(limits=(rpd(50),)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger in which twenty requests were settled."""
    path = tmp_path / "state" / "quota.db"
    ledger = opened(path, SCOPES)
    spend(ledger, 20, START)
    ledger.close()
    return path


def test_the_folder_and_the_files_are_the_users_alone(path: Path) -> None:
    """The state folder is 0700 and everything in it 0600, whatever the umask; nothing but the ledger stays there."""
    found = {one.name: stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()}

    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert found == {"quota.db": 0o600, "quota.db.lock": 0o600, "quota.db.leases": 0o700}
    assert list((path.parent / "quota.db.leases").iterdir()) == []


def test_what_is_in_use_is_the_users_alone_too(path: Path) -> None:
    """The write-ahead log and leases of an open ledger are nobody else's to read."""
    ledger = opened(path, SCOPES)
    booked(ledger, START)
    modes = {stat.S_IMODE(one.stat().st_mode) & 0o077 for one in path.parent.rglob("*")}
    ledger.close()

    assert modes == {0}


DAMAGE: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_text("not a database\n" * 100),
    "zeros": lambda path: path.write_bytes(bytes(8192)),
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "a foreign database": lambda path: other_database(path, "CREATE TABLE t (a)"),
    "a table more": lambda path: change(path, "CREATE TABLE t (a)"),
    "a trigger": lambda path: change(path, "CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM entries; END"),
    "no state": lambda path: change(path, "DELETE FROM state"),
    "a negative count": lambda path: change(path, "UPDATE entries SET input_tokens = -5"),
    "an infinite time": lambda path: change(path, "UPDATE entries SET settled_at = 9e999"),
    "a lost set": lambda path: change(path, "DELETE FROM sets"),
    "a set of no names": lambda path: change(path, "UPDATE sets SET scopes = '[1]'"),
    "a lesson of nonsense": lambda path: change(path, "INSERT INTO lessons VALUES ('x', 'y', 1, 1.8e9, 1, '{]')"),
    "a lesson of too little": lambda path: change(path, "INSERT INTO lessons VALUES ('x', 'y', 1, 1.8e9, 1, '{}')"),
}


def other_database(path: Path, statement: str) -> None:
    """Put a database of somebody else's there."""
    path.unlink()
    change(path, statement)


def change(path: Path, statement: str) -> None:
    """Run a statement on the file."""
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_ledger_says_so_and_how_to_go_on(path: Path, damage: Callable[[Path], object]) -> None:
    """It is never taken for an empty one: it names itself and the cure, and the cure works."""
    damage(path)

    with pytest.raises(StorageError, match=r"quota\.db: .*evalrun quota forget"):
        opened(path, SCOPES)
    forget(path, None, START)
    ledger = opened(path, SCOPES)
    spend(ledger, 1, START)
    ledger.close()


def test_flipped_bytes_never_surprise(path: Path, tmp_path: Path) -> None:
    """Whatever byte is wrong, the ledger opens or a StorageError is raised, and nothing else."""
    whole, draw = path.read_bytes(), random.Random(3)
    for turn in range(60):
        copy = tmp_path / str(turn) / "quota.db"
        copy.parent.mkdir()
        wrong = bytearray(whole)
        for _ in range(3):
            wrong[draw.randrange(len(wrong))] ^= 1 << draw.randrange(8)
        copy.write_bytes(wrong)
        try:
            ledger = opened(copy, SCOPES)
        except StorageError:
            continue
        try:
            ledger.try_book(IDS, SMALL, START + 1)
        except StorageError:
            pass
        finally:
            ledger.close()


def test_a_newer_ledger_is_left_alone(path: Path) -> None:
    """What a newer evalrun wrote is not touched, and it says so."""
    change(path, "PRAGMA user_version = 99")
    before = path.read_bytes()

    with pytest.raises(StorageError, match="newer evalrun"):
        opened(path, SCOPES)
    assert path.read_bytes() == before


@pytest.mark.parametrize("what", ["folder", "file", "link", "fifo"])
def test_what_is_no_file_is_refused(tmp_path: Path, what: str) -> None:
    """A folder, a link or a pipe in the ledger's place is named, not followed, and does not hang."""
    path = tmp_path / "quota.db"
    if what == "folder":
        path.mkdir()
    elif what == "file":
        path = path / "quota.db"
        path.parent.write_text("")
    elif what == "link":
        path.symlink_to(tmp_path / "elsewhere")
    else:
        os.mkfifo(path)

    with pytest.raises(StorageError, match=r"quota\.db"):
        opened(path, SCOPES)
    assert not (tmp_path / "elsewhere").exists()


def test_a_full_disk_refuses_a_reservation(path: Path) -> None:
    """What does not fit on the disk is not booked, so it is not sent."""
    ledger = opened(path, scopes_with(model=Quota(limits=(rpd(5000),))))
    connection = ledger._file._connection
    assert connection is not None
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(StorageError, match="disk is full; what was booked before is safe"):
        spend(ledger, 4000, START)
    sent = len(ledger._held)
    ledger.close()

    assert standings(path, START)[1].view.limits[0].used >= sent > 50


def test_a_commit_that_fails_books_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reservation that cannot be written is an error, and neither this process nor another counts it."""
    ledger = opened(path, SCOPES)
    real = ledger._file._connection

    class Full:
        in_transaction = True

        def execute(self, statement: str, *values: object) -> object:
            if statement == "COMMIT":
                error = sqlite3.OperationalError("database or disk is full")
                error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_FULL, "SQLITE_FULL"
                raise error
            return real.execute(statement, *values)  # type: ignore[union-attr]

    with monkeypatch.context() as patch:
        patch.setattr(ledger._file, "_connection", Full())
        with pytest.raises(StorageError, match=r"the disk is full; what was booked before is safe"):
            ledger.try_book(IDS, SMALL, START)
    used = [view.limits[0].used for view in ledger.views(START + 2) if view.scope.id == MODEL]
    spend(ledger, 30, START + 3)
    ledger.close()

    assert used == [20]
    assert standings(path, START + 4)[1].view.limits[0].used == 50


def test_a_ledger_that_is_moved_away_is_noticed(path: Path) -> None:
    """Who writes to a file that the others no longer have would exceed with them: both ways of losing it are told."""
    ledger = opened(path, SCOPES)
    path.rename(path.with_name("away.db"))
    with pytest.raises(StorageError, match="removed while in use"):
        ledger.try_book(IDS, SMALL, START)
    path.write_bytes(b"")
    with pytest.raises(StorageError, match="replaced by another file"):
        ledger.try_book(IDS, SMALL, START)
    path.unlink()
    ledger.close()


def test_who_holds_it_for_too_long_is_not_waited_for_for_ever(path: Path) -> None:
    """A process that stands still while it holds the lock costs the others ten seconds, not their night."""
    holder = os.open(path.with_name("quota.db.lock"), os.O_RDWR)
    fcntl.flock(holder, fcntl.LOCK_EX)
    pauses: list[float] = []
    try:
        with pytest.raises(StorageError, match="another program has held it for 10 s"):
            LedgerFile(path, sleep=pauses.append)
    finally:
        os.close(holder)

    assert 10 <= sum(pauses) < 10.1


def test_nobody_can_write_where_nobody_may(path: Path) -> None:
    """A folder or a file that may only be read is told in words, by an unprivileged process."""
    script = (
        "import os, sys; from pathlib import Path\n"
        "from evalrun.errors import StorageError\n"
        "from evalrun.scheduler.ledger_file import LedgerFile\n"
        "os.setuid(65534)\n"
        "try: LedgerFile(Path(sys.argv[1]))\n"
        "except StorageError as error: print(error)\n"
    )
    if os.getuid() != 0:
        pytest.skip("only root can become somebody who may not")
    folder = path.parent
    while folder.stat().st_uid == 0 and folder != folder.parent and "pytest" in str(folder):
        folder.chmod(0o755)
        folder = folder.parent

    def said() -> str:
        done = subprocess.run(
            [sys.executable, "-c", script, str(path)], capture_output=True, text=True, cwd="/", check=True,
            env={"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        return done.stdout

    assert said() == f"{path}: the ledger is out of reach (Permission denied)\n"
    path.with_name("quota.db.lock").chmod(0o666)
    assert said().startswith(f"{path}: ")
    assert "cannot be opened or written" in said()


def test_a_fork_does_not_keep_a_dead_process_alive(path: Path) -> None:
    """A worker that was forked off holds no lease of its parent's."""
    script = (
        "import os, sys, time; from pathlib import Path\n"
        "from evalrun.scheduler.ledger_lease import Lease\n"
        "Lease_ = Lease(Path(sys.argv[1]))\n"
        "if os.fork() == 0:\n"
        "    sys.stdin.read(); os._exit(0)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    folder = path.parent / "quota.db.leases"
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(folder)], stdin=subprocess.PIPE, env={"PYTHONPATH": str(ROOT)}
    )
    assert process.wait(30) == -9
    assert sweep(folder) == frozenset()
    assert process.stdin is not None
    process.stdin.close()


def test_closing_twice_and_using_it_afterwards(path: Path) -> None:
    """A closed ledger can be closed again, and says that it is closed when it is asked for more."""
    ledger = opened(path, SCOPES)
    ledger.close()
    ledger.close()

    with pytest.raises(StorageError, match="closed"):
        ledger.try_book(IDS, SMALL, START)
