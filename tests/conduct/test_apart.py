from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalrun.clock import SystemClock
from evalrun.conduct import apart, writing
from evalrun.conduct.apart import begin_tables, main
from evalrun.conduct.options import RunOptions
from evalrun.conduct.report import rebuild
from evalrun.errors import StorageError
from evalrun.report.write import FILES, Reports
from evalrun.store.run import RunStore
from tests.report.large_run import store_large

TABLES = ("results.csv", "results.jsonl", "requests.jsonl")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stored run of 1,000 cells and a few more, one in error."""
    return store_large(tmp_path_factory.mktemp("large"), 260)


def written(run: Path) -> dict[str, bytes]:
    """Every file of the run's report, written again."""
    results = run.parent.parent
    options = RunOptions(results=results, environ={}, state=results / "state")
    rebuild(str(run), options, clock=SystemClock())
    return {name: (run / name).read_bytes() for name in FILES}


def left(run: Path) -> list[str]:
    """Files that a writing left behind half done."""
    return [path.name for path in run.iterdir() if path.name.startswith(".")]


@pytest.mark.slow
def test_two_processes_write_what_one_does(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables of a second process have the same bytes as those of the first, so has every other file."""
    alone = written(run)
    begun = []
    monkeypatch.setattr(writing, "LARGE", 1_000)
    monkeypatch.setattr(writing, "_cores", lambda: 2)
    monkeypatch.setattr(writing, "begin_tables", lambda *said: begun.append(begin_tables(*said)) or begun[-1])
    together = written(run)

    assert [tables is not None for tables in begun] == [True]
    assert {name for name in FILES if alone[name] != together[name]} == set()
    assert len(together["results.csv"]) > 100_000
    assert left(run) == []


@pytest.mark.slow
def test_where_no_process_can_be_begun_one_does_it(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an interpreter to begin the files are written all the same."""
    alone = written(run)
    monkeypatch.setattr(writing, "LARGE", 1_000)
    monkeypatch.setattr(writing, "_cores", lambda: 2)
    monkeypatch.setattr(apart.sys, "executable", "/nowhere/python")

    assert written(run) == alone


def test_small_runs_have_one_process(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to 20,000 cells, or on one core, nothing is begun."""

    def never(*said: object) -> None:
        raise AssertionError("a process was begun")

    monkeypatch.setattr(writing, "begin_tables", never)
    written(run)
    monkeypatch.setattr(writing, "LARGE", 1_000)
    monkeypatch.setattr(writing, "_cores", lambda: 1)
    assert set(written(run)) == set(FILES)


def staged(folder: Path) -> dict[str, Path]:
    """Files for the tables, as they are staged."""
    files = {name: folder / name for name in TABLES}
    for path in files.values():
        path.touch()
    return files


@pytest.mark.slow
def test_a_full_disk_is_told(run: Path, tmp_path: Path) -> None:
    """What the disk refuses there is the same error here."""
    tables = begin_tables(run, staged(tmp_path) | {"results.csv": Path("/dev/full")})
    assert tables is not None

    with pytest.raises(OSError, match="No space left") as told:
        tables.join()
    assert told.value.errno == errno.ENOSPC


@pytest.mark.slow
def test_what_is_damaged_is_told(tmp_path: Path) -> None:
    """A row that is not what was written is a StorageError that names the file."""
    damaged = store_large(tmp_path, 20)
    data = (damaged / "run.db").read_bytes()
    (damaged / "run.db").write_bytes(data.replace(b"does not contain", b"does now contain"))
    tables = begin_tables(damaged, staged(tmp_path))
    assert tables is not None

    with pytest.raises(StorageError, match=r"run\.db: damaged"):
        tables.join()


@pytest.mark.slow
def test_a_killed_process_is_told_and_leaves_the_old_files(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the other process ends before its end, the files of before stay, whole, and none is half done."""
    before = written(run)

    def killed(*said: object) -> object:
        tables = begin_tables(*said)  # type: ignore[arg-type]
        assert tables is not None
        tables._process.kill()
        return tables

    monkeypatch.setattr(writing, "LARGE", 1_000)
    monkeypatch.setattr(writing, "_cores", lambda: 2)
    monkeypatch.setattr(writing, "begin_tables", killed)

    with pytest.raises(StorageError, match="ended before their end"):
        written(run)
    assert {name: (run / name).read_bytes() for name in FILES} == before
    assert left(run) == []


@pytest.mark.slow
def test_leaving_early_ends_the_process(run: Path) -> None:
    """Ctrl-C in the middle of the rows: the other process is gone, and so is what both had staged."""
    begun = []
    with RunStore.open(run) as store:
        plan = store.plan()

    def interrupted() -> None:
        with Reports(run, plan, "run", begin_apart=lambda files: begun.append(begin_tables(run, files)) or begun[0]):
            assert left(run)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert begun[0]._process.poll() is not None
    assert left(run) == []


@pytest.mark.parametrize("said", ["", '"go"\n'])
def test_it_ends_where_nobody_waits(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], said: str
) -> None:
    """When the process that asked has died, before it said go or later, the other one does not write on for minutes."""
    files = {name: str(path) for name, path in staged(tmp_path).items()}
    monkeypatch.setattr("sys.stdin", io.StringIO(said))
    main({"folder": str(run), "files": files, "parent": os.getppid() + 1})

    assert json.loads(capsys.readouterr().out)["errno"] == errno.EPIPE


@pytest.fixture(autouse=True)
def _nothing_left(run: Path) -> Iterator[None]:
    yield
    for path in run.iterdir():
        if path.name.startswith("."):
            path.unlink()
