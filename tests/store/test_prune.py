from __future__ import annotations

from pathlib import Path

import pytest

from evalrun.store.prune import prune
from evalrun.store.run import RunStore
from tests.store.builders import NOW
from tests.store.test_runs import make


async def test_the_newest_finished_runs_stay(tmp_path: Path) -> None:
    """Of each suite the newest finished runs stay; the others go, newest first."""
    old, middle, new = [await make(tmp_path, hour, "complete") for hour in (1, 2, 3)]
    other = await make(tmp_path, 1, "complete", suite="towns")

    assert [info.folder for info in prune(tmp_path, None, 1, now=NOW, dry_run=True)] == [middle, old]
    assert old.exists()
    assert [info.folder for info in prune(tmp_path, None, 1, now=NOW)] == [middle, old]

    assert [path.name for path in (tmp_path / "capitals").iterdir()] == [new.name]
    assert other.exists()
    assert prune(tmp_path, None, 1, now=NOW) == []
    assert [info.folder for info in prune(tmp_path, "towns", 0, now=NOW)] == [other]
    assert not (tmp_path / "towns").exists()
    assert new.exists()


async def test_unfinished_damaged_and_held_runs_stay(tmp_path: Path) -> None:
    """What may hold paid answers goes only when told; what a process holds never does."""
    paused = await make(tmp_path, 1, "paused", done=3)
    crashed = await make(tmp_path, 2, None)
    damaged = await make(tmp_path, 3, "complete")
    (damaged / "run.db").write_bytes(b"x")
    held = await make(tmp_path, 4, "complete")

    with RunStore.open(held, write=True, now=NOW):
        assert prune(tmp_path, "capitals", 0, now=NOW) == []
        removed = prune(tmp_path, "capitals", 0, now=NOW, unfinished=True)
        assert [info.folder for info in removed] == [damaged, crashed, paused]
    assert held.exists()


async def test_links_are_not_followed(tmp_path: Path) -> None:
    """Nothing outside of results/ is ever removed, wherever links lead."""
    outside = await make(tmp_path / "outside", 1, "complete")
    results = tmp_path / "results"
    inside = await make(results, 2, "complete")
    (inside / "link").symlink_to(outside)
    (results / "towns").symlink_to(outside.parent)
    (results / "capitals" / outside.name).symlink_to(outside)
    (results / "capitals" / ".removed-x").symlink_to(outside)

    assert [info.folder for info in prune(results, None, 0, now=NOW)] == [inside]

    assert (outside / "run.db").exists()


async def test_what_an_earlier_removal_left_goes(tmp_path: Path) -> None:
    """A removal that was cut short is finished by the next."""
    kept = await make(tmp_path, 1, "complete")
    left = kept.with_name(".removed-2026-11-20T10-31-07Z-0000")
    left.mkdir()
    (left / "results.csv").write_text("")

    prune(tmp_path, None, 5, now=NOW)

    assert not left.exists()
    assert kept.exists()


def test_a_negative_number_is_a_bug(tmp_path: Path) -> None:
    """How many to keep is not negative."""
    with pytest.raises(ValueError, match="keep"):
        prune(tmp_path, None, -1, now=NOW)
