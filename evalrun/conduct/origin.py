"""Where a run came from: the commit its suite stood at, and the Python that ran it."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

_PATIENCE_S = 5.0


def git_commit(folder: Path) -> str | None:
    """The commit that *folder*'s repository stands at, with ``+changes`` where files differ; None outside of one."""
    git = shutil.which("git")
    if git is None:
        return None
    head = _ask(git, folder, "rev-parse", "HEAD")
    if not head:
        return None
    return f"{head}+changes" if _ask(git, folder, "status", "--porcelain", "--untracked-files=no") else head


def python_version() -> str:
    """The interpreter's version and the machine's kind."""
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def _ask(git: str, folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603  fixed words, a folder as its own argument, no shell
            [git, "-C", str(folder), *words], capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
