from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from evalrun.conduct import ranks
from evalrun.conduct.ranks import fetch
from evalrun.errors import EvalrunError, ExitCode, StorageError, UsageError
from evalrun.tokens import encodings
from evalrun.tokens.encodings import RankFile, copies, own_folder
from tests.providers.rawserver import RawServer, Say, chunked, raw_server, reply

CONTENT = b"IQ== 0\nIg== 1\n"
NAME = "tiny"
FILE = RankFile("tiny.tiktoken", "a" * 40, hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """An encoding whose rank file is small; no other folder than evalrun's own is looked into."""
    for table in (encodings.RANK_FILES, ranks.RANK_FILES):
        monkeypatch.setitem(table, NAME, FILE)
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)


@contextmanager
def server(*says: Say) -> Iterator[RawServer]:
    """A raw server in a thread of its own: `fetch` brings its own event loop."""
    started, stop, found = threading.Event(), asyncio.Event(), []
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        async with raw_server(*says) as one:
            found.append(one)
            loops.append(asyncio.get_running_loop())
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert started.wait(10)
    try:
        yield found[0]
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(10)


def download(one: RawServer, timeout_s: float = 10.0) -> list[str]:
    """Fetch the tiny encoding from there; what was said."""
    said: list[str] = []
    fetch([NAME], timeout_s=timeout_s, source=one.url, say=said.append)
    return said


def test_what_is_fetched_is_kept_and_not_fetched_again() -> None:
    """A file with the published hash is kept under tiktoken's name, and then it is at hand."""
    with server(Say(reply(CONTENT))) as one:
        first, second = download(one), download(one)

    assert (own_folder() / FILE.cached_as).read_bytes() == CONTENT
    assert list(copies(NAME)) == [(own_folder() / FILE.cached_as, True)]
    assert len(one.requests) == 1
    assert one.requests[0].startswith(b"GET /v1/tiny.tiktoken HTTP/1.1\r\n")
    assert "14 bytes, written to " in first[0]
    assert "at hand in " in second[0]


def test_a_damaged_copy_is_replaced() -> None:
    """A file with another hash in evalrun's own folder is no reason not to fetch."""
    own_folder().mkdir(parents=True)
    (own_folder() / FILE.cached_as).write_bytes(b"half of")
    with server(Say(reply(CONTENT))) as one:
        download(one)

    assert (own_folder() / FILE.cached_as).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("say", "words"),
    [
        (Say(reply(b"IQ== 0\n")), "sha256 is another"),
        (Say(reply(b"<html>please log in</html>")), "sha256 is another"),
        (Say(reply(b"", status=404)), "HTTP 404; nothing was kept"),
        (Say(reply(b"", status=302, headers={"location": "http://127.0.0.1:9/x"})), "redirects are not followed"),
        (Say(reply(CONTENT, length=10_000), end="close"), "cannot be downloaded"),
        (Say(b"", end="reset"), "cannot be downloaded"),
        (Say(b"SSH-2.0-OpenSSH\r\n\r\n", end="close"), "cannot be downloaded"),
        (Say(b"", end="hang"), "not here after 0.2 s"),
        (Say(reply(CONTENT, length=10_000), end="hang"), "not here after 0.2 s"),
        (Say(chunked(*[b"x" * (1 << 20)] * 9)), "larger than 8 MiB"),
    ],
    ids=["wrong hash", "a login page", "404", "redirect", "cut", "reset", "no http", "silent", "slow", "too large"],
)
def test_what_is_not_whole_is_not_kept(say: Say, words: str) -> None:
    """Anything but the published file within the time is refused in words, and leaves nothing behind."""
    with server(say) as one, pytest.raises(UsageError, match=words) as refused:
        download(one, timeout_s=0.2 if say.end == "hang" else 10.0)

    assert refused.value.exit_code == ExitCode.USAGE
    assert not own_folder().exists() or not any(own_folder().iterdir())


def test_no_server_is_said_with_what_to_do() -> None:
    """Where nothing answers, the message names the variable for proxies and the way by hand."""
    with server(Say()) as one:
        pass
    with pytest.raises(UsageError) as refused:
        download(one)

    assert "HTTPS_PROXY" in str(refused.value)
    assert FILE.cached_as in str(refused.value)


def test_no_room_is_a_storage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that refuses is told as such, with the path."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with server(Say(reply(CONTENT))) as one, pytest.raises(StorageError, match="No space left on device"):
        download(one)

    assert list(own_folder().iterdir()) == []


def test_the_environments_proxy_is_used_and_excepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy of HTTP_PROXY sees the request unless NO_PROXY names the host; its password is never shown."""
    with server(Say(reply(CONTENT, status=403))) as proxy, server(Say(reply(CONTENT))) as one:
        monkeypatch.setenv("http_proxy", f"http://me:hunter22@127.0.0.1:{proxy.port}")
        with pytest.raises(EvalrunError) as refused:
            download(one)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        download(one)

    assert len(proxy.requests) == len(one.requests) == 1
    assert proxy.requests[0].startswith(f"GET {one.url}/tiny.tiktoken".encode())
    assert b"Proxy-Authorization: Basic" in proxy.requests[0]
    assert "hunter22" not in str(refused.value)


def test_netrc_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A password that lies in .netrc for the host is not sent."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hunter22\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with server(Say(reply(CONTENT))) as one:
        download(one)

    assert b"authorization" not in one.requests[0].lower()
