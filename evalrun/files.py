"""Paths that stay where they belong, and files that are whole or not there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

_BUFFER_BYTES = 1 << 18
"""Of a file that is written: a large report is a gigabyte and a half, which 8 kB at a time would take longer."""


def repository_root(folder: Path) -> Path:
    """The nearest folder at or above *folder* that holds ``.git``, else *folder* itself; resolved."""
    folder = folder.resolve()
    for candidate in (folder, *folder.parents):
        if (candidate / ".git").exists():
            return candidate
    return folder


def inside(path: Path, root: Path) -> bool:
    """Whether *path*, with every link followed, lies in *root*."""
    return path.resolve().is_relative_to(root.resolve())


def form_of(mode: str) -> dict[str, Any]:
    """How a file is opened: text is UTF-8 with ``\\n`` as it is, a lone surrogate as a replacement character."""
    text = {} if "b" in mode else {"encoding": "utf-8", "errors": "replace", "newline": ""}
    return {"mode": mode, "buffering": _BUFFER_BYTES, **text}


@contextmanager
def staged(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Write a file beside *path*, flush it to the disk, then rename it: a reader sees the old one or the new, whole.

    Text is UTF-8 with ``\\n`` kept as it is; a lone surrogate is written as a replacement character, never an error.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(name, opener=lambda *_: handle, **form_of(mode)) as file:  # so that the file knows its name
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
