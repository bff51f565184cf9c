from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from evalrun import Run, arun_suite, load_suite, open_run, run_suite
from evalrun.conduct.options import LaneProgress
from evalrun.errors import RunInUse, UsageError
from tests.api.conftest import nothing_said
from tests.cli.harness import Simulator, environment
from tests.cli.scripted import Scripted


def at(url: str, more: str = "", cases: int = 40) -> str:
    """A suite of sums, asked of one model at *url*."""
    listed = ", ".join(f"{{id: c{n}, vars: {{n: {n}}}, expected: {n + 1}}}" for n in range(cases))
    return (
        f"name: away\nproviders: {{lab: {{dialect: openai-chat, base_url: '{url}'{more}}}}}\nmodels: [lab/large]\n"
        f"prompts: {{p: 'What is {{{{ n }}}} + 1?'}}\ncases: [{listed}]\nscorers: [numeric]\n"
    )


@pytest.fixture
def slow(suite: Path, tmp_path: Path) -> Iterator[Simulator]:
    """A simulator whose answers take a tenth of a second, and the suite that asks it."""
    with Simulator(tmp_path, "--latency", "100ms") as simulator:
        suite.write_text(at(simulator.url))
        yield simulator


def test_a_suite_runs_from_a_script(suite: Path, silent: pytest.CaptureFixture[str]) -> None:
    """A run comes back complete with its figures and its reports, and nothing is printed."""
    run = run_suite(suite)

    assert (run.state, run.exit_code, run.reason, run.resume_after) == ("complete", 0, "", None)
    assert [figures.scored for figures in run.comparison.columns] == [3, 3, 3, 3]
    assert run.report_path.is_file()
    assert run.report_path.is_absolute()
    assert json.loads((run.folder / "run.json").read_text())["run"] == run.name
    assert nothing_said(silent)


async def test_a_suite_runs_where_a_loop_is_running(suite: Path, silent: pytest.CaptureFixture[str]) -> None:
    """In a notebook, whose loop is running, the same call works."""
    assert run_suite(suite).state == "complete"
    assert nothing_said(silent)


def copied(suite: Path, name: str) -> Path:
    """The same suite under another name."""
    path = suite.with_name(f"{name}.yaml")
    path.write_text(suite.read_text().replace("name: sums", f"name: {name}"))
    return path


async def test_the_callers_loop_goes_on(suite: Path) -> None:
    """`arun_suite` lets the caller's loop work: two suites run together, each with a log of its own."""
    other = copied(suite, "more")
    first, second = await asyncio.gather(arun_suite(suite), arun_suite(other))

    assert (first.state, second.state) == ("complete", "complete")
    for run, mine, foreign in ((first, "sums.yaml", "more.yaml"), (second, "more.yaml", "sums.yaml")):
        log = (run.folder / "run.log").read_text()
        assert mine in log
        assert foreign not in log


def test_a_finished_suite_runs_anew(suite: Path) -> None:
    """Twice in one process is two runs; a run in another thread is a run like any."""
    loaded = load_suite(suite)
    runs = [run_suite(loaded), run_suite(loaded)]
    thread = threading.Thread(target=lambda: runs.append(run_suite(loaded)))
    thread.start()
    thread.join()

    assert len({run.folder for run in runs}) == 3
    assert {run.state for run in runs} == {"complete"}


def test_a_budget_pauses_and_the_same_call_goes_on(suite: Path) -> None:
    """A spent budget gives a paused run with its reason; the same call, or `resume`, finishes that run."""
    paused = run_suite(suite, max_requests=5)
    further = paused.resume(max_requests=8)
    done = run_suite(suite)

    assert (paused.state, paused.exit_code) == ("paused", 75)
    assert paused.reason == "budget: max_requests 5; 5 used"
    assert sum(figures.pending for figures in further.comparison.columns) == 4
    assert (done.state, done.exit_code, done.name) == ("complete", 0, paused.name)


def test_a_spent_day_says_when_it_goes_on(suite: Path, tmp_path: Path) -> None:
    """Where the quota of a day is used up, the run says at what time it is back."""
    with Simulator(tmp_path) as lab:
        suite.write_text(at(lab.url, ", account: mine, quota: {rpd: 4, resets: utc}", cases=6))
        run = run_suite(suite)

        assert len(lab.requests()) == 4
    assert run.state == "paused"
    assert run.resume_after is not None
    assert timedelta(0) < run.resume_after - datetime.now(UTC) < timedelta(days=1, minutes=5)


def test_keys_come_from_the_environment_that_is_given(suite: Path) -> None:
    """A missing key is an error before anything is sent; a wrong one gives an incomplete run with the reason."""
    with Scripted(lambda _: 401) as server:
        suite.write_text(at(server.url, ", api_key_env: LAB_KEY"))
        with pytest.raises(UsageError, match="LAB_KEY"):
            run_suite(suite)
        assert server.bodies == []
        run = run_suite(suite, environ={"LAB_KEY": "wrong-key-0123456789"}, concurrency=2)

        assert (run.state, run.exit_code) == ("incomplete", 3)
        assert 1 <= len(server.bodies) <= 2
    assert "wrong-key" not in "".join(path.read_text(errors="replace") for path in run.folder.iterdir())


def test_a_failed_gate_is_a_result(suite: Path) -> None:
    """A gate that is not met is no exception: the run is complete, and its exit code says so."""
    suite.write_text(suite.read_text() + "gates: [cost_usd > 1]\n")
    run = run_suite(suite)

    assert (run.state, run.exit_code) == ("complete", 1)
    assert [gate.verdict for gate in run.comparison.gates] == ["fail"]


def test_errors_are_asked_again(suite: Path) -> None:
    """Cells in error make a run incomplete; `resume(retry_errors=True)` asks them again."""
    broken = [True]
    with Scripted(lambda _: 400 if broken[0] else {"role": "assistant", "content": "1"}) as server:
        suite.write_text(at(server.url, cases=2))
        first = run_suite(suite)
        broken[0] = False
        second = first.resume(retry_errors=True)

    assert (first.state, first.exit_code) == ("incomplete", 3)
    assert (second.state, second.exit_code) == ("complete", 0)


def test_the_cache_answers_again(suite: Path) -> None:
    """With the cache on, a second run sends nothing."""
    run_suite(suite, cache="use")
    again = run_suite(suite, cache="use")

    assert [figures.from_cache for figures in again.comparison.columns] == [3, 3, 3, 3]


# ── interruptions ──────────────────────────────────────────────────────────────────────────────────────────────────


def wait_for(slow: Simulator, requests: int) -> None:
    """Until so many requests have come in."""
    deadline = time.monotonic() + 30
    while len(slow.requests()) < requests and time.monotonic() < deadline:
        time.sleep(0.02)


def ctrl_c() -> None:
    """What a terminal does."""
    os.kill(os.getpid(), signal.SIGINT)


def interrupting(slow: Simulator) -> threading.Thread:
    """A Ctrl-C for this process as soon as a few requests have come in."""

    def press() -> None:
        wait_for(slow, 5)
        ctrl_c()

    thread = threading.Thread(target=press)
    thread.start()
    return thread


@pytest.mark.slow
def test_ctrl_c_gives_an_interrupted_run(slow: Simulator, suite: Path, silent: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C lets what is in flight come back; the run is interrupted, can be resumed, and loses nothing."""
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    pressing = interrupting(slow)
    run = run_suite(suite, concurrency=4)
    pressing.join()

    assert (run.state, run.exit_code) == ("interrupted", 130)
    asked = len(slow.requests())
    assert asked < 40
    assert sum(figures.answered for figures in run.comparison.columns) == asked
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert run.resume().state == "complete"
    assert len(slow.requests()) == 40
    assert nothing_said(silent)


@pytest.mark.slow
def test_ctrl_c_in_a_program(slow: Simulator, suite: Path) -> None:
    """The same as a program of its own, whose exit code is the run's."""
    program = f"import sys, evalrun\nsys.exit(evalrun.run_suite({str(suite)!r}, concurrency=4).exit_code)\n"
    process = subprocess.Popen(
        [sys.executable, "-c", program], cwd=suite.parent, env=environment(), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    wait_for(slow, 5)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)

    assert (process.returncode, said) == (130, "")
    assert open_run().state == "interrupted"


def test_a_late_ctrl_c_is_not_swallowed(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Ctrl-C that comes when all is answered is raised once the reports are written."""
    from evalrun.conduct import run as conduct

    finish = conduct.finish

    def late(*args: Any, **named: Any) -> Any:
        ctrl_c()
        time.sleep(0.2)
        return finish(*args, **named)

    monkeypatch.setattr(conduct, "finish", late)
    with pytest.raises(KeyboardInterrupt):
        run_suite(suite)

    assert open_run().state == "complete"
    assert open_run().report_path.is_file()


async def test_a_cancelled_task_leaves_a_run_that_goes_on(slow: Simulator, suite: Path) -> None:
    """Cancelling `arun_suite` waits for what is in flight, puts the run on the disk, and cancels."""
    task = asyncio.create_task(arun_suite(suite, concurrency=4))
    await asyncio.to_thread(wait_for, slow, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    run = open_run()

    assert (run.state, run.running) == ("interrupted", False)
    assert sum(figures.answered for figures in run.comparison.columns) == len(slow.requests())


async def test_a_run_under_way_can_be_looked_at(slow: Simulator, suite: Path) -> None:
    """While one runs, `open_run` shows how far it is, and nobody else may write it."""
    task = asyncio.create_task(arun_suite(suite, concurrency=4))
    await asyncio.to_thread(wait_for, slow, 9)
    seen = open_run()
    with pytest.raises(RunInUse):
        seen.score()
    task.cancel()

    assert seen.state == "running"
    assert 1 <= sum(figures.answered for figures in seen.comparison.columns) < 40
    with pytest.raises(asyncio.CancelledError):
        await task


# ── progress ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_function_is_told_how_far_it_is(suite: Path, silent: pytest.CaptureFixture[str]) -> None:
    """A function as *progress* hears of each model until all is done; nothing is printed."""
    told: list[tuple[LaneProgress, ...]] = []
    run_suite(suite, progress=told.append)

    assert [(lane.label, lane.done, lane.total) for lane in told[-1]] == [("large", 6, 6), ("tiny", 6, 6)]
    assert nothing_said(silent)


def test_what_progress_raises_stops_the_run(slow: Simulator, suite: Path) -> None:
    """A fault of that function is raised when what is in flight has come back and the run is on the disk."""

    def fault(lanes: tuple[LaneProgress, ...]) -> None:
        if lanes[0].done >= 4:
            raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        run_suite(suite, concurrency=4, progress=fault)

    assert open_run().state == "interrupted"
    assert len(slow.requests()) < 40


class Terminal:
    """Standard error as a terminal that remembers what was written."""

    def __init__(self) -> None:
        self.said = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.said += text
        return len(text)

    def flush(self) -> None:
        pass


def test_bars_are_shown_when_asked_for(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``progress=True`` a terminal gets a bar a model."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    run: Run = run_suite(suite, progress=True)

    assert run.state == "complete"
    assert "large" in terminal.said
    assert "6/6" in terminal.said
