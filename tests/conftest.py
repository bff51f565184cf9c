"""The guards of every test, and what several rooms' tests share.

A test starts with a clean environment and an empty home of its own. It may reach this machine's loopback and nothing
else, and it may write wherever it likes but in the real home and the real results folder: a test that tries fails,
even where the code under test swallows the exception.
"""

from __future__ import annotations

import gc
import importlib.util
import ipaddress
import itertools
import os
import re
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

REAL_ENVIRONMENT = dict(os.environ)
"""What pytest was started with. For tests that run pip, which needs the machine's own settings."""

REQUIRED = os.environ.get("EVALRUN_REQUIRE") == "1"
"""Whether a test whose needs are missing fails, as it must in CI, instead of being skipped."""

# A shell has what it begins in the background ignore Ctrl-C, and so would every program that a test begins.
signal.signal(signal.SIGINT, signal.default_int_handler)

gc.disable()  # while tests are collected, which makes a great many values that all stay

# Where nobody is watching, the same examples every time: what lands must not hang on chance. Elsewhere it explores.
hypothesis.settings.register_profile("evalrun", deadline=None, print_blob=True, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("evalrun")


def require(condition: object, reason: str) -> None:
    """Skip the running test with *reason* where *condition* is false; under ``EVALRUN_REQUIRE=1`` fail it instead."""
    if condition:
        return
    if REQUIRED:
        pytest.fail(f"required here (EVALRUN_REQUIRE=1): {reason}", pytrace=False)
    pytest.skip(reason)


# ── needs ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def find_chromium() -> str | None:
    """The path of a Chromium or Chrome on this machine, or None."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, (shutil.which(name, path=REAL_ENVIRONMENT.get("PATH")) for name in names)), None)


def pytest_collection_finish() -> None:
    """Look for garbage from now on, but not among what is there already, which stays to the end."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that asks for a fixture with needs carries that need's marker, so that -m finds it."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "shared_data" in fixtures:
            item.add_marker(pytest.mark.shared)
        if "chromium" in fixtures:
            item.add_marker(pytest.mark.browser)
        if item.get_closest_marker("sdk"):
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or fail in CI, a test whose needs this machine does not have."""
    if item.get_closest_marker("shared"):
        require((SHARED / "data").is_dir(), "needs the recorded data in ../shared/data")
    if item.get_closest_marker("browser"):
        require(importlib.util.find_spec("playwright"), "needs playwright (make test-all installs it)")
        require(find_chromium(), "needs Chromium (Debian: apt-get install chromium)")
    if item.get_closest_marker("sdk"):
        for module in ("openai", "anthropic", "azure"):
            require(importlib.util.find_spec(module), f"needs {module} of the extra sdk (make test-all installs it)")


@pytest.fixture
def shared_data() -> Path:
    """The folder of recorded data beside the repository; asking for it marks the test ``shared``."""
    return SHARED / "data"


@pytest.fixture
def chromium() -> str:
    """The path of a Chromium; asking for it marks the test ``browser``. Start it with ``--no-sandbox`` (CI is root)."""
    return find_chromium() or ""


# ── guards ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class YouTouchedTheNetwork(AssertionError):
    """A test reached for a host that is not this machine. Start a server on loopback instead."""


class YouWroteIntoTheRealHome(AssertionError):
    """A test wrote into the real home. Take the folder from HOME or XDG_*, which every test has of its own."""


class YouWroteIntoTheRealResults(AssertionError):
    """A test wrote into the repository's results folder. Give the run ``tmp_path`` for its results."""


MISTAKES: list[AssertionError] = []
"""What the guards refused during the running test."""

_FOREIGN = re.compile(
    r"""(?ix) .+_(API_?KEY|KEY|TOKEN|SECRET|PASSWORD) | (HTTP|HTTPS|ALL|NO|FTP)_PROXY | EVALRUN_.+ | XDG_.+
    | CI | (GITHUB|GITLAB|BUILDKITE|RUNNER)_.+ | NO_COLOR | FORCE_COLOR | CLICOLOR.* | COLUMNS | LINES
    | (TIKTOKEN|DATA_GYM)_CACHE_DIR | SOURCE_DATE_EPOCH"""
)
_XDG = ("CONFIG", "CACHE", "STATE", "DATA")
_REAL_HOME_FOLDERS = tuple(
    os.path.join(os.path.expanduser("~"), name, "")  # noqa: PTH118, PTH111
    for name in (".cache", ".config", ".local", "Library")
)
_REAL_RESULTS = str(ROOT / "results") + os.sep
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC


def _refuse(mistake: AssertionError) -> None:
    MISTAKES.append(mistake)
    raise mistake


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _on_connect(args: tuple[Any, ...]) -> None:
    address = args[1]
    if isinstance(address, tuple) and address and isinstance(address[0], str) and not _is_loopback(address[0]):
        _refuse(YouTouchedTheNetwork(f"connected to {address[0]}"))


def _on_lookup(args: tuple[Any, ...]) -> None:
    host = args[0].decode("ascii", "replace") if isinstance(args[0], bytes) else args[0]
    if not host or _is_loopback(host) or re.fullmatch(r"[0-9.]+|[0-9a-fA-F:.%]*:[0-9a-zA-Z:.%]*", host):
        return
    if host.endswith(".invalid"):  # reserved for this: what every resolver says of it, without asking one
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    _refuse(YouTouchedTheNetwork(f"looked up {host}"))


def _on_write(path: object) -> None:
    if not isinstance(path, str | bytes | os.PathLike):
        return
    place = os.path.abspath(os.fsdecode(path))  # noqa: PTH100
    if "__pycache__" in place:  # Python's own, wherever it is installed
        return
    if place.startswith(_REAL_RESULTS):
        _refuse(YouWroteIntoTheRealResults(place))
    if place.startswith(_REAL_HOME_FOLDERS):
        _refuse(YouWroteIntoTheRealHome(place))


def _on_open(args: tuple[Any, ...]) -> None:
    path, _mode, flags = args
    if flags & _WRITES:
        _on_write(path)


_CHECKS: dict[str, Callable[[tuple[Any, ...]], None]] = {
    "socket.connect": _on_connect,
    "socket.sendto": _on_connect,
    "socket.sendmsg": _on_connect,
    "socket.getaddrinfo": _on_lookup,
    "socket.gethostbyname": _on_lookup,
    "open": _on_open,
    "os.mkdir": lambda args: _on_write(args[0]),
    "os.rename": lambda args: _on_write(args[1]),
    "os.remove": lambda args: _on_write(args[0]),
    "sqlite3.connect": lambda args: _on_write(args[0]),
}


def _guard(checks: dict[str, Callable[[tuple[Any, ...]], None]] = _CHECKS) -> None:
    """Watch what this process does. An audit hook cannot be taken away again, nor be gone round by a library."""

    def watch(event: str, args: tuple[Any, ...]) -> None:
        check = checks.get(event)
        if check is not None:
            check(args)

    sys.addaudithook(watch)


@pytest.fixture(scope="session", autouse=True)
def _clean_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Before any other fixture: no foreign variables, a home in a temporary folder, the guards on."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if _FOREIGN.fullmatch(name):
                patch.delenv(name)
        homes = tmp_path_factory.mktemp("homes")
        patch.setenv("HOME", str(homes))
        for kind in _XDG:
            patch.setenv(f"XDG_{kind}_HOME", str(homes / f".{kind.lower()}"))
        _guard()
        yield homes


_numbers = itertools.count()


@pytest.fixture(autouse=True)
def _house_rules(_clean_session: Path, request: pytest.FixtureRequest) -> Iterator[None]:
    """A home for this test alone; afterwards the environment is put back, and refused mistakes fail the test."""
    home = _clean_session / str(next(_numbers))
    home.mkdir()
    environment = dict(os.environ)
    os.environ["HOME"] = str(home)
    for kind in _XDG:
        os.environ[f"XDG_{kind}_HOME"] = str(home / f".{kind.lower()}")
    if request.node.get_closest_marker("shared"):
        os.environ["TIKTOKEN_CACHE_DIR"] = str(SHARED / "tiktoken-cache")
    yield
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update(environment)
    mistakes, MISTAKES[:] = MISTAKES[:], []
    if mistakes:
        raise mistakes[0]
