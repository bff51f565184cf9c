from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evalrun.errors import StorageError
from evalrun.records.outcome import Failure, FailureKind, Response, TokensMethod, Usage
from evalrun.store.cache import ResponseCache

PUTTER = """
import sys
from pathlib import Path
from evalrun.store.cache import ResponseCache
from tests.store.test_cache import response

with ResponseCache(Path(sys.argv[1]), time=lambda: 1.0) as cache:
    for n in range(200):
        cache.put(f"{sys.argv[2]}-{n}", response(str(n)))
        cache.put("shared", response("same"))
        assert cache.get("shared") == response("same")
"""


class Time:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def response(text: str = "Paris") -> Response:
    """A response with that text."""
    usage = Usage(prompt_tokens=1, completion_tokens=2, method=TokensMethod.API)
    return Response(text=text, usage=usage, latency_s=0.5, finish_reason="stop", body="{}")


def test_a_response_comes_back(tmp_path: Path) -> None:
    """A response is found by its request's key, in a later process too, whatever its text; the file is the user's."""
    path = tmp_path / "cache" / "responses.db"
    with ResponseCache(path, time=Time()) as cache:
        assert cache.get("k") is None
        cache.put("k", response("old"))
        cache.put("k", response("\ud800 new"))

    with ResponseCache(path, time=Time()) as cache:
        assert cache.get("k") == response("\ud800 new")
        assert cache.get("K") is None
        assert cache.size()[0] == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_failures_are_not_kept(tmp_path: Path) -> None:
    """Errors are never cached."""
    failure: Any = Failure(kind=FailureKind.SERVER, message="no")
    with ResponseCache(tmp_path / "c.db", time=Time()) as cache:
        with pytest.raises(TypeError):
            cache.put("k", failure)
        assert cache.get("k") is None


def test_prune_by_age_and_size(tmp_path: Path) -> None:
    """Old entries go first, then the oldest until the rest fits; the file gets smaller."""
    time = Time()
    with ResponseCache(tmp_path / "c.db", time=time) as cache:
        for n in range(10):
            time.now = 1000.0 + n
            cache.put(str(n), response("x" * 20_000))
        before = (tmp_path / "c.db").stat().st_size
        time.now = 1010.0

        assert cache.prune(max_age_s=7) == 3
        assert cache.prune() == 0
        assert cache.prune(max_bytes=60_000) == 5

        assert [n for n in range(10) if cache.get(str(n))] == [8, 9]
        assert cache.size()[0] == 2
        assert cache.size()[1] < 60_000
    assert (tmp_path / "c.db").stat().st_size < before / 2


@pytest.mark.slow
def test_several_processes_at_once(tmp_path: Path) -> None:
    """Processes that begin the same cache together lose nothing."""
    command = [sys.executable, "-c", PUTTER, str(tmp_path / "c.db")]
    processes = [subprocess.Popen([*command, name]) for name in "abc"]

    assert [process.wait(60) for process in processes] == [0, 0, 0]
    with ResponseCache(tmp_path / "c.db", time=Time()) as cache:
        assert cache.size()[0] == 601
        assert cache.get("b-199") == response("199")


def test_a_damaged_entry_is_no_entry(tmp_path: Path) -> None:
    """An entry that is not what was written is as good as none."""
    with ResponseCache(tmp_path / "c.db", time=Time()) as cache:
        cache.put("k", response())
        cache._connection.execute("UPDATE responses SET kept = replace(kept, 'Paris', 'Rome')")

        assert cache.get("k") is None


@pytest.mark.parametrize("data", [b"not a database, " * 600, b"SQLite format 3\x00" + b"\xff" * 8000])
def test_a_damaged_file(tmp_path: Path, data: bytes) -> None:
    """A damaged cache is named, with the cure, and left alone."""
    (tmp_path / "c.db").write_bytes(data)

    with pytest.raises(StorageError, match=r"c\.db: .*delete it"):
        ResponseCache(tmp_path / "c.db", time=Time())
    assert (tmp_path / "c.db").read_bytes() == data


def test_a_foreign_or_newer_file(tmp_path: Path) -> None:
    """A database of another program or version is not written to."""
    connection = sqlite3.connect(tmp_path / "c.db")
    connection.execute("CREATE TABLE t (a)")
    connection.close()
    with pytest.raises(StorageError, match="not a response cache"):
        ResponseCache(tmp_path / "c.db", time=Time())

    ResponseCache(tmp_path / "d.db", time=Time()).close()
    connection = sqlite3.connect(tmp_path / "d.db")
    connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(StorageError, match="another version"):
        ResponseCache(tmp_path / "d.db", time=Time())


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """A cache file that is a link to somewhere is refused."""
    (tmp_path / "c.db").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(StorageError, match=r"c\.db"):
        ResponseCache(tmp_path / "c.db", time=Time())
    assert not (tmp_path / "elsewhere").exists()
