"""Rank files of encodings, downloaded when somebody asks for it and never otherwise."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from evalrun.errors import StorageError, UsageError
from evalrun.files import staged
from evalrun.redact import Redactor
from evalrun.tokens.encodings import CACHE_VARIABLE, RANK_FILES, RankFile, copies, own_folder

PUBLISHED_AT = "https://openaipublic.blob.core.windows.net/encodings"
MAX_BYTES = 8 << 20
"""More than any rank file has."""

_shown = Redactor(())


def fetch(names: Iterable[str], *, timeout_s: float, source: str = PUBLISHED_AT, say: Callable[[str], None]) -> None:
    """Download the rank files of encodings that are not at hand into evalrun's cache folder, telling each to *say*.

    *timeout_s* is for each file, from the first byte sent to the last received; *source* is the folder that they are
    under. Environment proxies are used. Raises UsageError where a file cannot be had whole and as published, and
    StorageError where it cannot be written; what was downloaded before stays.
    """
    for name in names:
        file = RANK_FILES[name]
        found = next((path for path, whole in copies(name) if whole), None)
        if found is not None:
            say(f"{name}: at hand in {found}")
            continue
        url = f"{source.rstrip('/')}/{file.name}"
        content = asyncio.run(_download(url, timeout_s, _by_hand(file)))
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise UsageError(
                f"{_shown(url)}: not the file that was published for {name} (its sha256 is another); nothing was kept\n"
                "try again; if it stays so, something between here and there changes it"
            )
        say(f"{name}: {len(content):,} bytes, written to {_keep(file, content)}")


async def _download(url: str, timeout_s: float, otherwise: str) -> bytes:
    """The body at *url*, all of it within *timeout_s* seconds. Redirects are not followed.

    Raises UsageError, with *otherwise* as what can be done instead.
    """
    try:
        async with (
            asyncio.timeout(timeout_s),
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session,
            session.get(url, proxy=_proxy_for(url), allow_redirects=False) as reply,
        ):
            if reply.status != 200:
                where = " (redirects are not followed)" if 300 <= reply.status < 400 else ""
                raise UsageError(f"{_shown(url)}: HTTP {reply.status}{where}; nothing was kept")
            content = bytearray()
            async for piece in reply.content.iter_any():
                content += piece
                if len(content) > MAX_BYTES:
                    words = f"larger than {MAX_BYTES >> 20} MiB, so no rank file; nothing was kept"
                    raise UsageError(f"{_shown(url)}: {words}")
            return bytes(content)
    except TimeoutError:
        words = f"not here after {timeout_s:g} s; give it longer with --timeout, {otherwise}"
        raise UsageError(f"{_shown(url)}: {words}") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        reason = _shown(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
        raise UsageError(
            f"{_shown(url)}: cannot be downloaded ({reason})\n"
            f"behind a proxy, set HTTPS_PROXY; take another server with --mirror, {otherwise}"
        ) from error


def _by_hand(file: RankFile) -> str:
    return f"or put the file, as {file.cached_as}, into a folder that {CACHE_VARIABLE} names"


def _proxy_for(url: str) -> str | None:
    """The proxy that the environment names for *url*; None where it names none, or excepts the host."""
    place = urlsplit(url)
    if proxy_bypass(place.netloc.rpartition("@")[2]):
        return None
    proxy = getproxies().get(place.scheme)
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


def _keep(file: RankFile, content: bytes) -> Path:
    path = own_folder() / file.cached_as
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with staged(path, "wb") as out:
            out.write(content)
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written ({error.strerror or error}); make room, or name another folder in "
            f"XDG_CACHE_HOME ({CACHE_VARIABLE} is where files are looked for first)"
        ) from error
    return path
