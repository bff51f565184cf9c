"""The files that a suite names: found from its folder, inside its repository, read whole and as text."""

from __future__ import annotations

import errno
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from evalrun import files
from evalrun.errors import Code
from evalrun.suite.complaints import Complaints, Spot, hint, listed, printable

MAX_SUITE_BYTES = 16 << 20
MAX_PROMPT_BYTES = 1 << 20
MAX_DATA_BYTES = 256 << 20
MAX_MATCHES = 1_000
"""Files that one pattern may name."""

_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Found:
    """A file: where it is, and what it is called in front of people."""

    path: Path
    shown: str


class Sources:
    """Where one suite's files come from."""

    def __init__(self, suite: Path, complaints: Complaints) -> None:
        self._shown_folder = os.path.dirname(suite)  # noqa: PTH120  as typed: Path would tidy it
        self._folder = suite.parent.resolve()
        self._root = files.repository_root(self._folder)
        self._complaints = complaints

    @property
    def folder(self) -> Path:
        """The suite's folder, from which files are named; absolute."""
        return self._folder

    def find(self, name: str, spot: Spot, complaints: Complaints | None = None) -> Found | None:
        """The one file of this name, or None with a complaint at *spot* (among *complaints*, else with all others)."""
        complaints = self._complaints if complaints is None else complaints
        if not _may_name(name, spot, complaints):
            return None
        path = self._folder / name
        return Found(path, self._shown(path)) if self._is_inside(path, name, spot, complaints) else None

    def find_all(self, pattern: str, spot: Spot) -> list[Found]:
        """The files that a name or a pattern (``*``, ``?``, ``[…]``, ``**``) stands for, sorted by name."""
        if not _GLOB.search(pattern):
            found = self.find(pattern, spot)
            return [found] if found else []
        if not _may_name(pattern, spot, self._complaints):
            return []
        try:
            paths = sorted(path for path in self._folder.glob(pattern) if path.is_file())
        except (ValueError, OSError, NotImplementedError) as error:
            self._complaints.add(spot, Code.GLOB_EMPTY, f"not a pattern of file names: {printable(str(error))}")
            return []
        if not paths:
            self._complaints.add(spot, Code.GLOB_EMPTY, f"no file is like `{printable(pattern)}`")
        if len(paths) > MAX_MATCHES:
            words = f"`{printable(pattern)}` stands for more than {MAX_MATCHES:,} files"
            self._complaints.add(spot, Code.FILE_TOO_LARGE, words)
            return []
        complaints = self._complaints
        return [Found(path, self._shown(path)) for path in paths if self._is_inside(path, path.name, spot, complaints)]

    def read(self, found: Found, spot: Spot, limit: int) -> str | None:
        """The file's text, or None with a complaint at *spot*, the place that names it."""
        return read_text(found, spot, limit, self._complaints)

    def _shown(self, path: Path) -> str:
        relative = os.path.relpath(os.path.normpath(path), self._folder)
        return os.path.normpath(os.path.join(self._shown_folder, relative))  # noqa: PTH118

    def _is_inside(self, path: Path, name: str, spot: Spot, complaints: Complaints) -> bool:
        try:
            if files.inside(path, self._root):
                return True
        except (OSError, RuntimeError) as error:
            complaints.add(spot, Code.FILE_UNREADABLE, f"cannot read `{printable(name)}`: {_reason(error)}")
            return False
        words = f"`{printable(name)}` leads out of the suite's repository ({printable(str(self._root))})"
        complaints.add(spot, Code.FILE_OUTSIDE, words)
        return False


def _may_name(name: str, spot: Spot, complaints: Complaints) -> bool:
    if not name or "\0" in name:
        complaints.add(spot, Code.EMPTY, "the name of a file is missing")
        return False
    if name.startswith(("/", "~")):
        words = f"`{printable(name)}` is an absolute path: name files from the suite's folder"
        complaints.add(spot, Code.FILE_OUTSIDE, words)
        return False
    return True


def read_bytes(found: Found, spot: Spot, limit: int, complaints: Complaints) -> bytes | None:
    """A regular file's bytes, or None with a complaint at *spot*."""
    try:
        # Without O_NONBLOCK a pipe would wait for somebody to write into it.
        handle = os.open(found.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        complaints.add(spot, *_open_words(found, error))
        return None
    try:
        with os.fdopen(handle, "rb") as file:
            kind = os.fstat(file.fileno())
            if not stat.S_ISREG(kind.st_mode):
                what = "a folder" if stat.S_ISDIR(kind.st_mode) else "a device or a pipe"
                complaints.add(spot, Code.FILE_NOT_REGULAR, f"`{printable(found.shown)}` is {what}, not a file")
                return None
            content = file.read(limit + 1)
    except OSError as error:
        complaints.add(spot, *_open_words(found, error))
        return None
    if len(content) > limit:
        words = f"`{printable(found.shown)}` is larger than {_size(limit)}"
        complaints.add(spot, Code.FILE_TOO_LARGE, words)
        return None
    return content


def read_text(found: Found, spot: Spot, limit: int, complaints: Complaints) -> str | None:
    """A regular file's text (UTF-8, with or without a byte order mark); None with a complaint where it has none.

    What is wrong inside the file is complained about in the file, what keeps it from being read at *spot*.
    """
    content = read_bytes(found, spot, limit, complaints)
    if content is None:
        return None
    inside = Spot(found.shown)
    if b"\0" in content:
        utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
        words = "UTF-16 text (save it as UTF-8)" if utf16 else "a binary file, not text"
        complaints.add(inside, Code.FILE_ENCODING if utf16 else Code.FILE_BINARY, words)
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        words = f"not UTF-8: byte 0x{content[error.start]:02x} (save the file as UTF-8)"
        complaints.add(Spot(found.shown, line, column), Code.FILE_ENCODING, words)
        return None
    if not text.strip():
        complaints.add(inside, Code.FILE_EMPTY, "the file is empty")
        return None
    return text


def _open_words(found: Found, error: OSError) -> tuple[Code, str]:
    name = printable(found.shown)
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Code.FILE_MISSING, f"there is no file `{name}`{_near_names(found)}"
    if isinstance(error, IsADirectoryError):
        return Code.FILE_NOT_REGULAR, f"`{name}` is a folder, not a file"
    if error.errno in (errno.ENXIO, errno.ENODEV):
        return Code.FILE_NOT_REGULAR, f"`{name}` is a device or a pipe, not a file"
    return Code.FILE_UNREADABLE, f"cannot read `{name}`: {_reason(error)}"


def _near_names(found: Found) -> str:
    folder = found.path.parent
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if not entry.name.startswith("."))[:1000]
    except OSError:
        return f" (there is no folder `{printable(os.path.dirname(found.shown) or '.')}` either)"  # noqa: PTH120
    meant = hint(found.path.name, names)
    if "did you mean" in meant:
        return meant
    return f" (the folder holds {listed(names, 5)})" if names else " (the folder is empty)"


def _reason(error: BaseException) -> str:
    if isinstance(error, RuntimeError):
        return "its links lead in a circle"
    return printable((getattr(error, "strerror", None) or str(error)).lower())


def _size(count: int) -> str:
    return f"{count >> 20} MiB" if count >= 1 << 20 else f"{count:,} bytes"
