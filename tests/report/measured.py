"""What it takes to write a report by `evalrun report`: seconds, processor time and memory of all its processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

_LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class Measured:
    """*cpu_s* and *peak_bytes* are sums over the processes; *slower_cpu_s* is that of the one which worked longest.

    *peak_bytes* is of what is resident, so that pages which they share count for each.
    """

    wall_s: float
    cpu_s: float
    slower_cpu_s: float
    peak_bytes: int


def write_measured(run: Path) -> Measured:
    """Write the report of the run in this folder, looked at ten times a second. Linux only: it reads /proc."""
    begun, peak, cpu = time.perf_counter(), 0, dict[int, float]()
    with subprocess.Popen(
        [sys.executable, "-m", "evalrun", "report", str(run), "--results", str(run.parent.parent)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    ) as process:
        while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
            found = [_look(pid) for pid in (process.pid, *_children(process.pid))]
            peak = max(peak, sum(resident for _, _, resident in found))
            cpu |= {pid: seconds for pid, seconds, _ in found}
            time.sleep(_LOOK_EVERY_S)
        _, status, usage = ended
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return Measured(
        wall_s=time.perf_counter() - begun,
        cpu_s=usage.ru_utime + usage.ru_stime,
        slower_cpu_s=max(cpu.values()),
        peak_bytes=peak,
    )


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def _look(pid: int) -> tuple[int, float, int]:
    """A process, its seconds so far and its resident bytes; nothing of one that is gone."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        return pid, ticks / os.sysconf("SC_CLK_TCK"), int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return pid, 0.0, 0
