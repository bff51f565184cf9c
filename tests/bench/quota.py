"""`make bench-quota`: how near the quota engine comes to the best schedule there is, and that it is never refused.

Prints a table and writes it as JSON to results/bench/. Everything but the processes part runs in virtual time.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from evalrun.simulator.audit import audit
from tests.bench.cells import LEAST_WINDOWS, Blind, Cell, table, unknown
from tests.bench.clairvoyant import schedule
from tests.bench.harness import Scenario, play
from tests.bench.processes import Together, run_together

MOST_LATER = 0.03
FIRST_MINUTE_S = 60.0
RESULTS = Path(__file__).resolve().parents[2] / "results" / "bench"
METHOD = (
    "ratio = seconds until the last answer / seconds of the clairvoyant, who has the same requests in the same lanes, "
    "the server's own windows and clock, every latency and every charge in advance, sends each request at the first "
    "moment at which the server admits it, and whose requests count at once. The client's requests count at a moment "
    "drawn from their latency. The worst of several starts within the server's minute is told. over: by how much the "
    "fullest window of the server's log is beyond its limit. Unknown limits: from the 60th second on, the share of "
    "requests refused, and the time against as many answers at the limit's own pace."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What one line of the table came to. *ok* is None where there is no bound."""

    quota: str
    window: str
    latency: str
    requests: int
    refused: float
    over: float
    best_s: float
    took_s: float
    ratio: float
    ok: bool | None
    real_s: float


def measure(cell: Cell) -> Figure:
    """Play a cell from each of its starts; the worst is told."""
    begun = time.perf_counter()
    found = [_once(scenario) for scenario in cell.scenarios]
    took_s, best_s = max(((took, best) for _, _, took, best in found), key=lambda pair: pair[0] / pair[1])
    refused = sum(each[0] for each in found)
    over = max(each[1] for each in found)
    ok = not refused and not over and took_s <= (1 + MOST_LATER) * best_s
    return Figure(
        quota=cell.quota,
        window=cell.window,
        latency=_latency(cell.latency_s),
        requests=sum(map(len, cell.scenarios[0].lanes.values())),
        refused=refused,
        over=over,
        best_s=best_s,
        took_s=took_s,
        ratio=took_s / best_s,
        ok=ok if cell.bound else (not refused and not over),
        real_s=time.perf_counter() - begun,
    )


def _once(scenario: Scenario) -> tuple[int, float, float, float]:
    played = play(scenario)
    asked = sum(map(len, scenario.lanes.values()))
    if len(played.exchanges) != asked:
        raise RuntimeError(f"{len(played.exchanges)} of {asked} requests came to an end")
    best = schedule(scenario.rules, scenario.lanes, scenario.start)
    return played.refused, audit(played.log, scenario.rules), played.took_s, best.took_s


def measure_blind(blind: Blind) -> Figure:
    """Play against a server of unknown limits; what counts begins after the first minute."""
    begun = time.perf_counter()
    scenario = blind.scenario
    played = play(scenario)
    settled_at = scenario.start + scenario.rules.clock_offset_s + FIRST_MINUTE_S
    later = [received for received in played.log if received.at >= settled_at]
    refused = sum(received.refused for received in later) / len(later)
    limit = scenario.rules.account_quota.limits[0]
    best_s = (len(later) - sum(received.refused for received in later)) * limit.per_s / limit.amount
    took_s = played.took_s - FIRST_MINUTE_S
    return Figure(
        quota=f"unknown, {blind.style}",
        window=blind.window,
        latency=_latency(scenario.rules.latency_s),
        requests=len(played.exchanges),
        refused=refused,
        over=audit(later, scenario.rules),
        best_s=best_s,
        took_s=took_s,
        ratio=took_s / best_s,
        ok=refused <= blind.most_refused and took_s <= (1 + blind.most_later) * best_s,
        real_s=time.perf_counter() - begun,
    )


def _latency(latency_s: float | tuple[float, float] | None) -> str:
    assert isinstance(latency_s, tuple)
    return f"{latency_s[0]:g}-{latency_s[1]:g} s"


def figures(only: str) -> Iterator[Figure]:
    """Every line whose name holds *only*."""
    for cell in table():
        if only in f"{cell.quota} {cell.window} {_latency(cell.latency_s)}":
            yield measure(cell)
    for blind in unknown():
        if only in f"unknown, {blind.style} {blind.window}":
            yield measure_blind(blind)


def _line(figure: Figure) -> str:
    refused = f"{figure.refused:.1%}" if figure.quota.startswith("unknown") else f"{figure.refused:g}"
    verdict = {True: "ok", False: "MISSED", None: ""}[figure.ok]
    return (
        f"{figure.quota:<30} {figure.window:<8} {figure.latency:<11} {figure.requests:>5} {refused:>6} "
        f"{figure.over:>6g} {figure.best_s:>9.0f} {figure.took_s:>9.0f} {figure.ratio:>7.4f}  {verdict}"
    )


def _head() -> str:
    return (
        f"{'limits':<30} {'window':<8} {'latency':<11} {'sent':>5} {'429':>6} {'over':>6} {'best s':>9} {'took s':>9} "
        f"{'ratio':>7}"
    )


def _line_together(together: Together) -> str:
    verdict = "ok" if together.ok else "MISSED"
    return (
        f"{together.processes} processes, one ledger, {together.limit} a {together.per_s:g} s ({together.window}): "
        f"{together.sent} sent, {together.refused} answered 429, fullest window {together.fullest:g}, "
        f"{together.took_s:.0f} s of at best {together.best_s:.0f}  {verdict}"
    )


def main(words: list[str]) -> int:
    """Run it; 1 where a bound was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.quota", description=__doc__)
    parser.add_argument("--only", default="", help="lines whose name holds this")
    parser.add_argument("--no-processes", action="store_true", help="leave out the part in real time")
    said = parser.parse_args(words)
    sys.stdout.write(_head() + "\n")
    found, together = [], []
    for figure in figures(said.only):
        sys.stdout.write(_line(figure) + "\n")
        sys.stdout.flush()
        found.append(figure)
    if not said.no_processes and not said.only:
        together.append(run_together(limit=600, per_s=60.0, requests=1300))
        sys.stdout.write(_line_together(together[0]) + "\n")
    written = {
        "method": METHOD,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "least_windows": LEAST_WINDOWS,
        "figures": [asdict(figure) for figure in found],
        "processes": [asdict(each) for each in together],
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    file = RESULTS / "quota.json"
    file.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    missed = sum(figure.ok is False for figure in found) + sum(not each.ok for each in together)
    sys.stdout.write(f"{missed} of {len(found) + len(together)} missed; written: {file}\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
