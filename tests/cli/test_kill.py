from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from evalrun.store.run import RunStore
from tests.cli.harness import Simulator, newest_run, popen, program

REQUESTS, AT_ONCE = 300, 12
TIMES = ["run", "latency_s", "queue_s", "retry_wait_s", "attempts", "requests"]


def write_suite(folder: Path, url: str, gates: str = "") -> Path:
    """A suite of sums, asked of a simulator that is a process of its own."""
    rows = "\n".join(f"{n},{n % 17},{n * 7 % 91},{n % 17 + n * 7 % 91}" for n in range(REQUESTS))
    (folder / "sums.csv").write_text(f"id,a,b,sum\n{rows}\n")
    suite = folder / "sums.yaml"
    suite.write_text(
        f"providers:\n  lab: {{dialect: openai-chat, base_url: '{url}'}}\n"
        "models: [lab/large]\n"
        "prompts: {plain: 'Case {{ id }}: what is {{ a }} + {{ b }}?'}\n"
        "cases: [{file: sums.csv, id: id, expected: sum, vars: {id: id, a: a, b: b}}]\n"
        f"scorers: [numeric]\n{gates}"
    )
    return suite


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Simulator]:
    """A simulator whose answers take 30 ms."""
    with Simulator(tmp_path, "--latency", "30ms") as simulator:
        yield simulator


def table(folder: Path) -> pd.DataFrame:
    """A run's results.csv without what may differ between two runs of the same answers."""
    return pd.read_csv(folder / "results.csv", dtype=str, keep_default_na=False).drop(columns=TIMES)


def answered(folder: Path) -> int:
    """How many cells of a run are answered on disk."""
    with RunStore.open(folder) as store:
        return len(store.answered_keys())


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_kill_9_at_ten_moments_loses_nothing(tmp_path: Path, lab: Simulator) -> None:
    """Killed at 10 seeded moments, a run goes on by the same command; only what was in flight is sent twice, and its
    results are those of an undisturbed run."""
    suite = write_suite(tmp_path, lab.url)
    assert program(suite, "-j", AT_ONCE, "--results", "calm", "--quiet", cwd=tmp_path).code == 0
    calm = table(newest_run(tmp_path / "calm"))
    draw = random.Random(20261120)
    lab.log.write_text("")

    for moment in sorted(draw.sample(range(5, REQUESTS - 5), 10)):
        process = popen(suite, "-j", AT_ONCE, "--results", "rough", cwd=tmp_path)
        deadline = time.monotonic() + 30
        while len(lab.requests()) < moment and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        folder = newest_run(tmp_path / "rough")
        seen = Counter(line["key"] for line in lab.requests())
        # What is on disk plus what was in flight is all that was ever sent, so at most that is sent again.
        assert len(seen) - answered(folder) <= AT_ONCE
    final = program(suite, "-j", AT_ONCE, "--results", "rough", "--quiet", cwd=tmp_path)

    seen = Counter(line["key"] for line in lab.requests())
    assert final.code == 0, final.err
    assert len(seen) == REQUESTS
    assert sum(seen.values()) - REQUESTS <= 10 * AT_ONCE
    assert len(list((tmp_path / "rough").glob("*/*/run.db"))) == 1
    pd.testing.assert_frame_equal(table(newest_run(tmp_path / "rough")), calm)


@pytest.mark.slow
def test_kill_9_once_loses_nothing(tmp_path: Path, lab: Simulator) -> None:
    """After one kill -9, the same command sends again only requests that had no answer on disk."""
    suite = write_suite(tmp_path, lab.url)
    process = popen(suite, "-j", AT_ONCE, cwd=tmp_path)
    while len(lab.requests()) < 100 and process.poll() is None:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    kept = answered(newest_run(tmp_path / "results"))
    before = len(lab.requests())
    final = program(suite, "-j", AT_ONCE, cwd=tmp_path)

    assert final.code == 0, final.err
    assert "going on with" in final.err
    assert len(lab.requests()) - before == REQUESTS - kept
    assert before - kept <= AT_ONCE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)]
)
def test_one_signal_finishes_what_is_in_flight(
    tmp_path: Path, lab: Simulator, number: signal.Signals, code: int
) -> None:
    """Ctrl-C once: every request that reached the server is answered on disk, the line that goes on is printed."""
    suite = write_suite(tmp_path, lab.url, gates="gates: ['pass_rate >= 0']\n")
    process = popen(suite, "-j", AT_ONCE, cwd=tmp_path)
    while len(lab.requests()) < 60 and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)

    assert process.returncode == code, err
    assert "evalrun resume" in out
    assert answered(newest_run(tmp_path / "results")) == len(lab.requests()) < REQUESTS
    final = program("resume", cwd=tmp_path)
    assert final.code == 0, final.err
    assert len(lab.requests()) == REQUESTS


@pytest.mark.slow
def test_two_signals_stop_at_once(tmp_path: Path) -> None:
    """Ctrl-C twice does not wait for slow replies; what was answered stays, and the run can go on."""
    with Simulator(tmp_path, "--latency", "4s") as slow:
        suite = write_suite(tmp_path, slow.url)
        process = popen(suite, "-j", AT_ONCE, cwd=tmp_path)
        while len(slow.requests()) < AT_ONCE and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)

    assert process.returncode == 130, err
    assert time.monotonic() - start < 2.5
    assert "evalrun resume" in out
    assert "Traceback" not in err


@pytest.mark.slow
def test_a_run_folder_has_one_owner(tmp_path: Path, lab: Simulator) -> None:
    """A second process that would go on with a run under way is refused with exit code 2."""
    suite = write_suite(tmp_path, lab.url)
    process = popen(suite, "-j", "1", cwd=tmp_path)
    while len(lab.requests()) < 5 and process.poll() is None:
        time.sleep(0.005)
    second = program(suite, cwd=tmp_path)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)

    assert second.code == 2
    assert "in use by" in second.err
