"""`make bench-report`: how long it takes to write the report of 100,000 cases × 4 columns, and in how much memory.

Prints a line and writes it as JSON to results/bench/. Seconds count on a machine that has nothing else to do.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from tests.report.large_run import store_large
from tests.report.measured import write_measured

CASES, COLUMNS = 100_000, 4
MOST_S = 60.0
MOST_BYTES = 500_000_000
RESULTS = Path(__file__).resolve().parents[2] / "results" / "bench"
METHOD = (
    "A run is stored as tests/report/large_run.py makes it (texts of 200 characters in the median, 4 kB in one of "
    "twenty), then `evalrun report` writes all its standard files in processes of its own. wall_s is from begin to "
    "end, cpu_s the processor time of all its processes, peak_bytes the most that was resident in all of them together."
)


def main(words: list[str]) -> int:
    """Run it; 1 where a bound was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.report", description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES, help=f"cases of the run (default {CASES:,})")
    said = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        run = store_large(Path(folder), said.cases)
        found = write_measured(run)
        sizes = {path.name: path.stat().st_size for path in sorted(run.iterdir()) if path.name != "lock"}
    ok = found.wall_s < MOST_S and found.peak_bytes < MOST_BYTES
    written = {
        "method": METHOD,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "cells": said.cases * COLUMNS,
        "figures": asdict(found),
        "bounds": {"wall_s": MOST_S, "peak_bytes": MOST_BYTES},
        "ok": ok,
        "file_bytes": sizes,
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    file = RESULTS / "report.json"
    file.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(
        f"{said.cases:,} cases × {COLUMNS} columns: {found.wall_s:.1f} s ({found.cpu_s:.1f} s of processor time, the "
        f"slower process {found.slower_cpu_s:.1f} s), {found.peak_bytes / 1e6:.0f} MB at most  "
        f"{'ok' if ok else 'MISSED'}\nwritten: {file}\n"
    )
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
