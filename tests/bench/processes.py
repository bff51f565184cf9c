"""Several real processes under one ledger against one simulator process, in real time: never over together."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import math
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evalrun.clock import SystemClock
from evalrun.providers.send import open_send
from evalrun.records.outcome import Exchange, Response
from evalrun.records.quota import Limit, Quota, WindowKind
from evalrun.records.suite import Provider
from evalrun.scheduler.jobs import Job
from evalrun.scheduler.ledger import SqliteLedger
from evalrun.scheduler.quota import Book
from evalrun.simulator.audit import Received, peaks
from evalrun.simulator.rules import Rules
from tests.bench.harness import ENDPOINT, Scenario, dispatcher_of, questions, scopes_of

ROOT = Path(__file__).resolve().parents[2]
LATENCY = "20ms-200ms"
PATIENCE_S = 20.0
_FIELDS = frozenset(each.name for each in dataclasses.fields(Received))


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """What came of it. *best_s* is the least that the limit allows, *took_s* from the first request to the last."""

    processes: int
    limit: int
    per_s: float
    window: str
    sent: int
    answered: int
    refused: int
    fullest: float
    best_s: float
    took_s: float

    @property
    def ok(self) -> bool:
        """Never over, never refused, and everything was answered."""
        return self.fullest <= self.limit and self.refused == 0 and self.answered == self.sent


def run_together(
    *, limit: int, per_s: float, requests: int, window: WindowKind = "rolling", processes: int = 4
) -> Together:
    """Send *requests* from *processes* processes that share a ledger in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "simulator.log"
        port = _free_port()
        asked = f"requests={limit}/{per_s:g}s"
        words = ["--port", str(port), "--limit", asked, "--window", window, "--latency", LATENCY, "--log", str(log)]
        simulator = subprocess.Popen(
            [sys.executable, "-m", "evalrun", "simulate", *words], cwd=ROOT, stdout=subprocess.DEVNULL
        )
        workers: list[subprocess.Popen[bytes]] = []
        try:
            _wait_for(port)
            for number in range(processes):
                share = requests // processes + (number < requests % processes)
                told = [f"http://127.0.0.1:{port}/v1", folder, number, share, limit, per_s, window]
                workers.append(_worker(*map(str, told)))
            codes = [worker.wait(timeout=60 + 3 * per_s * requests / limit) for worker in workers]
        finally:
            for process in (*workers, simulator):
                process.terminate()
                process.wait()
        if any(codes):
            raise RuntimeError(f"the processes ended with {codes}")
        received = read_log(log)
    (peak,) = peaks(received, _rules(limit, per_s, window))
    return Together(
        processes=processes,
        limit=limit,
        per_s=per_s,
        window=window,
        sent=len(received),
        answered=sum(each.status == 200 for each in received),
        refused=sum(each.refused for each in received),
        fullest=peak.most,
        best_s=(math.ceil(requests / limit) - 1) * per_s,
        took_s=received[-1].at - received[0].at,
    )


def read_log(log: Path) -> tuple[Received, ...]:
    """The simulator's log as it would have been in this process."""
    found = []
    for line in log.read_text(encoding="ascii").splitlines():
        said = json.loads(line)
        said["at"] = said["time"]
        found.append(Received(**{name: value for name, value in said.items() if name in _FIELDS}))
    return tuple(found)


def _rules(limit: int, per_s: float, window: WindowKind) -> Rules:
    return Rules(account=Quota(limits=(Limit(axis="requests", amount=limit, per_s=per_s, window=window),)))


def _worker(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.bench.processes", *words], cwd=ROOT)


async def work(url: str, folder: str, number: str, share: str, limit: str, per_s: str, window: WindowKind) -> int:
    """One process's share, through the real transport; how many requests were answered."""
    scenario = Scenario(
        rules=_rules(int(limit), float(per_s), window),
        lanes={"large": questions("large", int(share), seed=int(number))},
    )
    clock = SystemClock()
    answered = 0

    async def keep(_: Job, exchange: Exchange) -> Sequence[Job]:
        nonlocal answered
        answered += isinstance(exchange.outcome, Response)
        return ()

    scopes = scopes_of(scenario)
    ledger = SqliteLedger(Path(folder) / "quota.db", Book(scopes), scopes, suite=f"worker {number}", now=clock.time())
    provider = Provider(id=ENDPOINT, dialect="openai-chat", base_url=url, simulated=True)
    async with open_send({ENDPOINT: provider}, {}, environ={}, clock=clock) as send:
        await dispatcher_of(scenario, ledger, clock, send=send, keep=keep).run()
    ledger.close()
    return answered


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


if __name__ == "__main__":
    url, folder, number, share, limit, per_s, window = sys.argv[1:]
    sys.exit(asyncio.run(work(url, folder, number, share, limit, per_s, window)) != int(share))  # type: ignore[arg-type]
