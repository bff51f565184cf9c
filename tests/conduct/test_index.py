from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from evalrun.conduct import index
from evalrun.conduct.index import refresh_index
from tests.store.test_summaries import manifest


def run(results: Path, day: int, suite: str = "capitals", **more: object) -> Path:
    """A run of that day, told by its run.json; its folder."""
    folder = results / suite / f"2026-11-{day:02d}T10-31-07Z-3f9c"
    folder.mkdir(parents=True)
    said = manifest(started_at=f"2026-11-{day:02d}T10:31:07Z", suite={"name": suite}, **more)
    (folder / "run.json").write_text(json.dumps(said))
    (folder / "report.html").touch()
    return folder


def page(results: Path) -> str:
    """The index."""
    return (results / "index.html").read_text(encoding="utf-8")


def test_every_run_is_on_the_page(tmp_path: Path) -> None:
    """Suites and runs, the newest first, with links; a run without a report and a damaged one too."""
    run(tmp_path, 20)
    run(tmp_path, 22)
    run(tmp_path, 21, "sums")
    damaged = run(tmp_path, 23, "broken")
    (damaged / "run.json").write_text("{[")
    (tmp_path / "capitals" / "2026-11-24T10-31-07Z-aaaa").mkdir()
    (tmp_path / "capitals" / "2026-11-24T10-31-07Z-aaaa" / "run.db").touch()
    (tmp_path / "README.md").touch()
    said = refresh_index(tmp_path)
    text = page(tmp_path)

    assert said == ""
    assert [text.index(f'dir="auto">{name}</h2>') for name in ("capitals", "broken", "sums")] == sorted(
        text.index(f'dir="auto">{name}</h2>') for name in ("capitals", "broken", "sums")
    )
    assert './capitals/2026-11-22T10-31-07Z-3f9c/report.html"' in text
    assert "no report yet" in text
    assert "its run.json cannot be read" in text
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {"README.md", "index.html"}


def test_comparisons_are_listed(tmp_path: Path) -> None:
    """What `evalrun compare` wrote has a link; a suite that is called so is a suite."""
    (tmp_path / "compare" / "a--b").mkdir(parents=True)
    (tmp_path / "compare" / "a--b" / "comparison.html").touch()
    run(tmp_path, 20, "compare")
    refresh_index(tmp_path)

    assert page(tmp_path).count("comparison.html") == 1
    assert './compare/a--b/comparison.html"' in page(tmp_path)
    assert './compare/2026-11-20T10-31-07Z-3f9c/report.html"' in page(tmp_path)


def test_another_page_is_left_alone(tmp_path: Path) -> None:
    """An index.html that evalrun did not write stays, a link too, and the reason is told; its own is written anew."""
    run(tmp_path, 20)
    (tmp_path / "index.html").write_text("<h1>My site</h1>")
    said = refresh_index(tmp_path)
    mine = page(tmp_path)
    (tmp_path / "index.html").unlink()
    (tmp_path / "index.html").symlink_to(tmp_path / "elsewhere.html")
    linked = refresh_index(tmp_path)
    (tmp_path / "index.html").unlink()

    assert "another page, which stays as it is" in said
    assert mine == "<h1>My site</h1>"
    assert "another page" in linked
    assert not (tmp_path / "elsewhere.html").exists()
    assert (refresh_index(tmp_path), refresh_index(tmp_path)) == ("", "")


def test_a_run_from_elsewhere_writes_no_index(tmp_path: Path) -> None:
    """The reports of a run that does not lie in the results folder are no reason to write beside it."""
    folder = run(tmp_path / "download", 20)
    (tmp_path / "results").mkdir()

    assert refresh_index(tmp_path / "results", folder) == ""
    assert not (tmp_path / "results" / "index.html").exists()
    assert not (tmp_path / "download" / "index.html").exists()


def test_a_disk_that_refuses_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The index is no reason for a run to fail."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    run(tmp_path, 20)
    monkeypatch.setattr(index, "write_index_page", full)

    assert refresh_index(tmp_path).endswith("cannot be written (No space left on device); the runs are not affected")
    assert not (tmp_path / "index.html").exists()


def test_a_run_that_ends_meanwhile_is_not_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another run writes its reports while the page is made, the page is made again."""
    run(tmp_path, 20)
    real, times = index._index, []

    def slow(results: Path) -> object:
        found = real(results)
        times.append(1)
        if len(times) == 1:
            run(tmp_path, 21)
        return found

    monkeypatch.setattr(index, "_index", slow)
    refresh_index(tmp_path)

    assert len(times) == 2
    assert "2026-11-21T10-31-07Z-3f9c" in page(tmp_path)


def test_several_at_once_leave_one_whole_page(tmp_path: Path) -> None:
    """Runs that end together each find themselves on the page that is left."""

    def ends(day: int) -> None:
        refresh_index(tmp_path, run(tmp_path, day))

    threads = [threading.Thread(target=ends, args=(day,)) for day in range(1, 13)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    text = page(tmp_path)

    assert text.rstrip().endswith("</html>")
    assert [day for day in range(1, 13) if f"2026-11-{day:02d}T10-31-07Z-3f9c/report.html" not in text] == []
    assert not list(tmp_path.glob(".index*"))


def test_what_is_read_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each suite the newest runs are listed, of suites the newest, and bytes are counted over all of them."""
    for day in range(1, 7):
        run(tmp_path, day)
    for number in range(3):
        run(tmp_path, 8 + number, f"s{number}")
    monkeypatch.setattr(index, "MOST_RUNS", 4)
    monkeypatch.setattr(index, "MOST_SUITES", 2)
    refresh_index(tmp_path)
    few = page(tmp_path)
    monkeypatch.setattr(index, "MOST_SUITES", 9)
    monkeypatch.setattr(index, "MOST_READ", 1_500)
    refresh_index(tmp_path)

    assert "2 older suites not listed" in few
    assert "2 more runs not listed" in page(tmp_path)
    assert "not read: there are too many runs here" in page(tmp_path)
    assert "2026-11-06T10-31-07Z-3f9c" in page(tmp_path)
