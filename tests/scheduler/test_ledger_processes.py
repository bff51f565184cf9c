"""The ledger between real processes: in turn, at once, and killed."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from evalrun.records.quota import Quota
from evalrun.scheduler.ledger_care import standings
from evalrun.scheduler.rooms import Booking, Wait
from tests.scheduler.ledgers import IDS, MODEL, SMALL, booked, opened, scopes_with, worker
from tests.virtual import START

PLACES = ("reserving", "reserved", "sent", "settling", "settled")


def run_to_end(processes: list[subprocess.Popen[str]]) -> list[str]:
    """Let them end, without a complaint; what they printed."""
    said = [process.communicate(timeout=60) for process in processes]
    assert [err for _, err in said] == [""] * len(said)
    return [out for out, _ in said]


def most_in(times: list[float], per_s: float) -> int:
    """The most that any half-open window of that length holds."""
    most, first = 0, 0
    for last, at in enumerate(times):
        while times[first] <= at - per_s:
            first += 1
        most = max(most, last - first + 1)
    return most


def race(folder: Path, *, processes: int, limit: int, per_s: float, windows: int) -> list[float]:
    """Have processes send as much as they may for so many windows; when the server counted each request, in order."""
    until = time.time() + 1 + per_s * windows
    started = [
        worker("race", str(folder / "quota.db"), str(folder / "server.log"), limit, per_s, until, seed)
        for seed in range(processes)
    ]
    run_to_end(started)
    return sorted(float(line) for line in (folder / "server.log").read_text().split())


@pytest.mark.slow
def test_processes_never_exceed_a_window_together(tmp_path: Path) -> None:
    """Three processes that book in one file send no more than the limit in any window, and most of what it allows."""
    times = race(tmp_path, processes=3, limit=20, per_s=0.5, windows=4)

    assert most_in(times, 0.5) <= 20
    assert len(times) >= 20 * 4 * 0.5


@pytest.mark.slow
def test_processes_never_exceed_long_windows_together(tmp_path: Path) -> None:
    """Four processes share windows of two seconds, five of them."""
    times = race(tmp_path, processes=4, limit=60, per_s=2.0, windows=5)

    assert most_in(times, 2.0) <= 60
    assert len(times) >= 60 * 5 * 0.7


def kill_at(folder: Path, places: list[tuple[int, str]]) -> None:
    """Have one process after the other killed at a place; then let one send whatever there is room for."""
    ledger, log = folder / "quota.db", folder / "server.log"
    log.touch()
    limits = [100, 12_000]

    def sent() -> tuple[int, int]:
        tokens = [int(line) for line in log.read_text().split()]
        return len(tokens), sum(tokens)

    for number, place in places:
        process = worker("die", str(ledger), str(log), limits, number, place)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        (model,) = [one for one in standings(ledger, START + 2) if one.view.scope.id == MODEL]
        requests, tokens = sent()
        assert model.view.in_flight == 0
        assert model.view.limits[0].used >= requests, (number, place)
        assert model.view.limits[1].used >= tokens, (number, place)
    assert run_to_end([worker("die", str(ledger), str(log), limits, 0, "")]) == ["full\n"]
    assert sent()[0] <= 100
    assert sent()[1] <= 12_000
    assert sent()[0] >= 80 - len(places)


@pytest.mark.slow
def test_a_kill_at_every_place_leaves_no_request_uncounted(tmp_path: Path) -> None:
    """Killed while it reserves, before it sends, after that, while it settles: the ledger counts what was sent."""
    kill_at(tmp_path, [(1 + index, place) for index, place in enumerate(PLACES)])


@pytest.mark.slow
def test_kills_at_twenty_seeded_places_leave_no_request_uncounted(tmp_path: Path) -> None:
    """Twenty kills, one after the other on one ledger: its sum is never below what the server saw."""
    draw = random.Random(20261120)
    kill_at(tmp_path, [(draw.randint(1, 3), draw.choice(PLACES)) for _ in range(20)])


def test_a_dead_process_gives_back_what_it_held_at_once(tmp_path: Path) -> None:
    """A place among the requests at once is free again when the process that had it is dead, not before."""
    process = worker("hold", str(tmp_path / "quota.db"), 1)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    ledger = opened(tmp_path / "quota.db", scopes_with(model=Quota(concurrency=1)))

    waits = [ledger.try_book(IDS, SMALL, START + second) for second in (0, 1, 5)]
    process.kill()
    process.communicate()
    after = ledger.try_book(IDS, SMALL, START + 10)
    ledger.close()

    assert all(isinstance(found, Wait) and found.scope == MODEL and not found.day for found in waits)
    assert [found.until - second for found, second in zip(waits, (0, 1, 5), strict=True)] == pytest.approx(
        [START + 0.1] * 3
    )
    assert isinstance(after, Booking)


def test_a_killed_process_can_be_followed_at_once(tmp_path: Path) -> None:
    """A new process opens the ledger of a killed one, and finds what it had in flight spent and no longer in flight."""
    process = worker("die", str(tmp_path / "quota.db"), str(tmp_path / "log"), [3, 10_000], 2, "sent")
    process.communicate()
    quota = Quota(limits=(standings(tmp_path / "quota.db", START)[1].view.limits[0].limit,))
    ledger = opened(tmp_path / "quota.db", scopes_with(model=quota), now=START + 5)

    booked(ledger, START + 5)
    refused = ledger.try_book(IDS, SMALL, START + 5)
    view = ledger.views(START + 5)[2]
    ledger.close()

    assert isinstance(refused, Wait)
    assert view.in_flight == 1
    assert view.limits[0].used == 3
