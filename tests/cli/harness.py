"""The command line as a user meets it: in this process for speed, or as a program of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
BASIC = ROOT / "suites" / "basic.yaml"


@dataclass(frozen=True)
class Said:
    """What a command ended with and printed."""

    code: int
    out: str
    err: str


def call(capsys: pytest.CaptureFixture[str], *words: object) -> Said:
    """Run a command in this process."""
    from evalrun import cli

    code = cli.execute([str(word) for word in words])
    captured = capsys.readouterr()
    return Said(code, captured.out, captured.err)


def environment(**more: str) -> dict[str, str]:
    """Almost no environment: a path to programs and a home."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), "EVALRUN_STATE": "", **more}


def program(*words: object, cwd: Path, timeout_s: float = 60, **env: str) -> Said:
    """Run a command as a program of its own in *cwd*."""
    done = subprocess.run(
        [sys.executable, "-m", "evalrun", *map(str, words)],
        cwd=cwd, env=environment(**env), capture_output=True, text=True, timeout=timeout_s, stdin=subprocess.DEVNULL,
        check=False,
    )  # fmt: skip
    return Said(done.returncode, done.stdout, done.stderr)


def popen(*words: object, cwd: Path, **env: str) -> subprocess.Popen[str]:
    """Start a command as a program of its own, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "evalrun", *map(str, words)],
        cwd=cwd, env=environment(**env), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


class Simulator:
    """`evalrun simulate` as a process of its own, with a log of every request it received."""

    def __init__(self, folder: Path, *options: object) -> None:
        self.log = folder / "simulator.log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._process = popen("simulate", "--port", self.port, "--log", self.log, *options, cwd=folder)
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.05)
        self.close()
        raise RuntimeError(f"the simulator did not start: {self._process.stderr and self._process.stderr.read()}")

    def requests(self) -> list[dict[str, Any]]:
        """Every request received so far; a line that is being written counts next time."""
        if not self.log.exists():
            return []
        whole, _, _ = self.log.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.communicate(timeout=10)

    def __enter__(self) -> Simulator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def newest_run(results: Path) -> Path:
    """The folder of the run that was written last."""
    folders = [path.parent for path in results.glob("*/*/run.db")]
    return max(folders, key=lambda folder: (folder / "lock").stat().st_mtime_ns)
