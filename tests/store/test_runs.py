from __future__ import annotations

import asyncio
import shutil
import threading
from pathlib import Path

import pytest

from evalrun.errors import UsageError
from evalrun.records.run import RunState
from evalrun.store.run import RunStore
from evalrun.store.runs import (
    find_run,
    folder_name,
    list_runs,
    newest_unfinished,
    read_info,
    run_folder,
    run_id,
)
from tests.store.builders import NOW, VERSION, answer, failure, plan


async def make(
    results: Path,
    hour: int,
    state: RunState | None,
    *,
    suite: str = "capitals",
    file: str = "suites/capitals.yaml",
    done: int = 6,
) -> Path:
    """A run begun *hour* hours after NOW, that ended as *state* says (None: a crash) with *done* of 6 cells asked."""
    now = NOW + 3600 * hour
    folder = run_folder(results, suite, run_id(now, f"{hour:04x}"))
    with RunStore.create(folder, plan(name=suite, file=file), evalrun_version=VERSION, now=now) as store:
        store.begin_sitting(now=now, how="run", argv=())
        for cell in plan().cells[:done]:
            await store.put(cell.key, 0, failure() if cell.position == 0 else answer())
        if state:
            store.end_sitting(now=now + 60, ended=state)
    return folder


def test_a_runs_name() -> None:
    """A run is named after its second in UTC and a token."""
    assert run_id(NOW + 0.9, "3f9c") == "2026-11-20T10-31-07Z-3f9c"


@pytest.mark.parametrize("token", ["", "A", "../x", "ü", "a-b", "a\n"])
def test_a_token_is_plain(token: str) -> None:
    """A token that could not be part of a folder's name is a bug."""
    with pytest.raises(ValueError, match="token"):
        run_id(NOW, token)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("capitals", "capitals"),
        ("a b/c", "a-b-c"),
        ("../../etc", "etc"),
        ("..", "suite"),
        (".git", "git"),
        ("", "suite"),
        ("Ümlaut", "mlaut"),
        ("x" * 300, "x" * 100),
    ],
)
def test_a_suites_folder_is_one_plain_name(name: str, folder: str) -> None:
    """Whatever a suite is called, its runs lie in one folder of results/."""
    assert folder_name(name) == folder


async def test_what_a_list_tells(tmp_path: Path) -> None:
    """A run is listed with its state, counts, times and suite, without its answers being read."""
    folder = await make(tmp_path, 0, "paused", done=4)

    (info,) = list_runs(tmp_path)

    assert (info.suite, info.run, info.folder) == ("capitals", "2026-11-20T10-31-07Z-0000", folder)
    assert (info.state, info.started_at, info.finished_at) == ("paused", NOW, NOW + 60)
    assert (info.planned, info.answered, info.errors, info.pending) == (6, 3, 1, 2)
    assert (info.suite_file, info.suite_digest, info.damage) == ("suites/capitals.yaml", "d1", "")


async def test_states(tmp_path: Path) -> None:
    """A run whose last sitting did not end was interrupted; one that is held is running; the newest comes first."""
    await make(tmp_path, 1, "complete")
    crashed = await make(tmp_path, 2, None)
    held = await make(tmp_path, 3, "paused")

    with RunStore.open(held, write=True, now=NOW):
        assert [info.state for info in list_runs(tmp_path)] == ["running", "interrupted", "complete"]
        assert list_runs(tmp_path)[0].finished_at is None
    assert read_info(crashed).finished_at is None


async def test_the_newest_unfinished_run(tmp_path: Path) -> None:
    """A run is gone on with by suite name and file: the newest that has cells to ask or did not end properly."""
    await make(tmp_path, 1, "paused", done=2)
    unfinished = await make(tmp_path, 2, "incomplete", done=5)
    await make(tmp_path, 3, "complete")
    await make(tmp_path, 4, "paused", file="other/capitals.yaml")
    await make(tmp_path, 5, "paused", suite="towns")
    damaged = await make(tmp_path, 6, "paused")
    (damaged / "run.db").write_bytes(b"")

    found = newest_unfinished(tmp_path, "capitals", str(Path.cwd() / "suites/capitals.yaml"))

    assert found is not None
    assert found.folder == unfinished
    crashed = await make(tmp_path, 7, None)
    found = newest_unfinished(tmp_path, "capitals", "suites/capitals.yaml")
    assert found is not None
    assert found.folder == crashed
    assert newest_unfinished(tmp_path, "rivers", "suites/rivers.yaml") is None
    assert newest_unfinished(tmp_path / "nowhere", "capitals", "suites/capitals.yaml") is None


async def test_damaged_runs_are_listed(tmp_path: Path) -> None:
    """A run that cannot be read is listed with the reason, in its place by the time in its name."""
    await make(tmp_path, 1, "complete")
    broken = await make(tmp_path, 2, "complete")
    await make(tmp_path, 3, "complete")
    (broken / "run.db").write_bytes((broken / "run.db").read_bytes()[:5000])
    (tmp_path / "capitals" / "empty").mkdir()

    infos = list_runs(tmp_path)

    assert [info.state for info in infos] == ["complete", "damaged", "complete"]
    assert infos[1].folder == broken
    assert f"{broken}/run.db: damaged" in infos[1].damage
    assert (infos[1].planned, infos[1].finished) == (0, False)


async def test_listing_while_runs_are_written(tmp_path: Path) -> None:
    """A run that is opened, written and closed meanwhile is never taken for a damaged one."""
    folder = await make(tmp_path, 1, "paused", done=0)

    def write() -> None:
        for number in range(12):
            with RunStore.open(folder, write=True, now=NOW) as store:
                store.begin_sitting(now=NOW, how="run", argv=())
                asyncio.run(store.put(plan().cells[number % 6].key, number // 6, answer()))
                store.end_sitting(now=NOW + 1, ended="paused")

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    while writer.is_alive():
        seen += list_runs(tmp_path)
    writer.join()

    assert {info.damage for info in seen} == {""}
    assert list_runs(tmp_path)[0].answered == 6


async def test_links_are_not_runs(tmp_path: Path) -> None:
    """A link in results/ leads nowhere."""
    folder = await make(tmp_path / "elsewhere", 1, "complete")
    (tmp_path / "results" / "capitals").mkdir(parents=True)
    (tmp_path / "results" / "capitals" / "2026-11-20T10-31-07Z-0000").symlink_to(folder)
    (tmp_path / "results" / "towns").symlink_to(folder.parent)

    assert list_runs(tmp_path / "results") == []


async def test_finding_a_run(tmp_path: Path) -> None:
    """A run is named by path, id, suite or the beginning of an id; nothing names the newest."""
    old = await make(tmp_path, 1, "complete")
    new = await make(tmp_path, 2, "complete")
    towns = await make(tmp_path, 30, "complete", suite="towns")

    assert find_run(tmp_path).folder == towns
    assert find_run(tmp_path, old.name).folder == old
    assert find_run(tmp_path, f"capitals/{old.name}").folder == old
    assert find_run(tmp_path, "capitals").folder == new
    assert find_run(tmp_path, "2026-11-20T11").folder == old
    assert find_run(tmp_path, "towns/2026").folder == towns
    assert find_run(tmp_path / "nowhere", str(old)).folder == old
    assert find_run(tmp_path, str(old / "run.db")).folder == old


async def test_a_run_that_cannot_be_found(tmp_path: Path) -> None:
    """No run, or more than one, is a matter of usage, and the message names candidates."""
    with pytest.raises(UsageError, match="no runs here"):
        find_run(tmp_path)
    await make(tmp_path, 1, "complete")
    newest = await make(tmp_path, 2, "complete")

    with pytest.raises(UsageError, match=f"rivers: no such run in .*newest is capitals/{newest.name}"):
        find_run(tmp_path, "rivers")
    with pytest.raises(UsageError, match=r"2026-11: 2 runs are called so: capitals/2026\S+, capitals/2026\S+$"):
        find_run(tmp_path, "2026-11")
    shutil.copytree(newest, tmp_path / "towns" / newest.name)
    with pytest.raises(UsageError, match="2 runs are called so"):
        find_run(tmp_path, newest.name)
