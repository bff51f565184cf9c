"""`make bench-stopping`: how many requests it saves to look after every case, and that looking finds no false winners.

Prints a table and writes it as JSON to results/bench/. Everything is drawn from a seed.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evalrun.stats.design import cases_needed_for_scores, connor
from evalrun.stats.stopping_times import BETTER, OPEN, SAME, WORSE, stopping_times, verdict_differences

ALPHA = 0.05
RUNS = 2_000
LEAST_SAVED = 0.35
MOST_OVER_FIXED = 2
POWERS = (0.8, 0.9, 0.95)
DIFFERENCES, DISCORDANCES = (0.05, 0.10, 0.20), (0.1, 0.2, 0.3, 0.4)
LARGE_SUITE = 4_000
RESULTS = Path(__file__).resolve().parents[2] / "results" / "bench"
METHOD = (
    "Each line is so many runs. A case's difference is drawn, the confidence sequence is looked at after every case, "
    "and the run ends when it has a winner, or finds no difference of min_effect, or at the cap: twice the cases of "
    "the fixed design with 95 % power for the true difference (Connor's formula for verdicts, Guenther's for scores), "
    "or the suite's size. saved: 1 - median cases / cases of the fixed design with that power. Without a difference "
    "every winner is a false alarm. Only the cap and min_effect choose the stakes; the truth is not known to them."
)

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is true, how the suite looks, and what must hold. *fixed* are the cases of fixed designs, by POWERS."""

    name: str
    difference: float
    min_effect: float
    draw: Draw
    fixed: tuple[int, ...]
    cap: int
    bound: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What one line of the table came to. *ok* is None where there is no bound."""

    name: str
    difference: float
    min_effect: float
    cap: int
    fixed: tuple[int, ...]
    saved: tuple[float, ...]
    median: float
    tenth: float
    ninetieth: float
    better: float
    worse: float
    no_difference: float
    open_at_cap: float
    ok: bool | None


def verdicts(difference: float, discordance: float) -> Draw:
    """Differences of verdicts: 1, -1 or 0."""

    def draw(chance: np.random.Generator, runs: int) -> Floats:
        return verdict_differences(chance.random(runs), difference, discordance)

    return draw


def scores(difference: float, deviation: float) -> Draw:
    """Differences of scores that any value in [-1, 1] may be: a beta distribution stretched."""
    mean = (1 + difference) / 2
    total = mean * (1 - mean) / (deviation / 2) ** 2 - 1

    def draw(chance: np.random.Generator, runs: int) -> Floats:
        return 2 * chance.beta(mean * total, (1 - mean) * total, runs) - 1

    return draw


def scenarios() -> Iterator[Scenario]:
    """With a difference and without; in a suite of twice the fixed design, and in one larger than it need be."""
    for difference in DIFFERENCES:
        for discordance in DISCORDANCES:
            if discordance >= difference:
                fixed = tuple(math.ceil(connor(difference, discordance, power=power)) for power in POWERS)
                name, draw = f"verdicts, {discordance:.0%} differ", verdicts(difference, discordance)
                for cap, bound in ((MOST_OVER_FIXED * fixed[-1], True), (LARGE_SUITE, False)):
                    yield Scenario(
                        name=name, difference=difference, min_effect=0.02, draw=draw, fixed=fixed, cap=cap, bound=bound
                    )
        for deviation in (0.2, 0.4):
            fixed = tuple(cases_needed_for_scores(difference, deviation, power=power) or 0 for power in POWERS)
            name, draw = f"scores, deviation {deviation:g}", scores(difference, deviation)
            yield Scenario(
                name=name,
                difference=difference,
                min_effect=0.02,
                draw=draw,
                fixed=fixed,
                cap=2 * fixed[-1],
                bound=False,
            )
    for min_effect in (0.0, 0.05, 0.1):
        for discordance in DISCORDANCES:
            name, draw = f"verdicts, {discordance:.0%} differ", verdicts(0.0, discordance)
            yield Scenario(
                name=name, difference=0.0, min_effect=min_effect, draw=draw, fixed=(), cap=LARGE_SUITE, bound=True
            )
        draw = scores(0.0, 0.4)
        yield Scenario(
            name="scores, deviation 0.4",
            difference=0.0,
            min_effect=min_effect,
            draw=draw,
            fixed=(),
            cap=LARGE_SUITE,
            bound=True,
        )


def play(scenario: Scenario, runs: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """When each run ended, and how."""
    chance = np.random.default_rng(seed)
    return stopping_times(
        lambda going: scenario.draw(chance, going),
        runs=runs,
        cap=scenario.cap,
        alpha=ALPHA,
        min_effect=scenario.min_effect,
    )


def measure(scenario: Scenario, runs: int, seed: int) -> Figure:
    """Play a scenario and see whether it keeps its bounds."""
    ended, how = play(scenario, runs, seed)
    median = float(np.median(ended))
    saved = tuple(1 - median / cases for cases in scenario.fixed)
    better, worse = float(np.mean(how == BETTER)), float(np.mean(how == WORSE))
    false_alarms = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / runs)
    if not scenario.difference:
        ok = better + worse <= false_alarms
    else:
        ok = saved[-1] >= LEAST_SAVED and ended.max() <= MOST_OVER_FIXED * scenario.fixed[-1] and worse <= ALPHA / 2
    return Figure(
        name=scenario.name,
        difference=scenario.difference,
        min_effect=scenario.min_effect,
        cap=scenario.cap,
        fixed=scenario.fixed,
        saved=saved,
        median=median,
        tenth=float(np.quantile(ended, 0.1)),
        ninetieth=float(np.quantile(ended, 0.9)),
        better=better,
        worse=worse,
        no_difference=float(np.mean(how == SAME)),
        open_at_cap=float(np.mean(how == OPEN)),
        ok=bool(ok) if scenario.bound else None,
    )


def _head() -> str:
    return (
        f"{'difference':>10} {'of':<22} {'min_effect':>10} {'cap':>5} {'fixed 80/90/95 %':>17} {'10 %':>5} "
        f"{'median':>6} {'90 %':>5} {'saved 80/90/95 %':>17} {'better':>7} {'worse':>7} {'same':>7} {'open':>7}"
    )


def _line(figure: Figure) -> str:
    fixed = "/".join(map(str, figure.fixed))
    saved = "/".join(f"{share:.0%}" for share in figure.saved)
    verdict = {True: "ok", False: "MISSED", None: ""}[figure.ok]
    return (
        f"{figure.difference:>10.2f} {figure.name:<22} {figure.min_effect:>10.2f} {figure.cap:>5} {fixed:>17} "
        f"{figure.tenth:>5.0f} {figure.median:>6.0f} {figure.ninetieth:>5.0f} {saved:>17} {figure.better:>7.1%} "
        f"{figure.worse:>7.1%} {figure.no_difference:>7.1%} {figure.open_at_cap:>7.1%}  {verdict}"
    )


def main(words: list[str]) -> int:
    """Run it; 1 where a bound was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.stopping", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help=f"runs a line (default {RUNS:,})")
    parser.add_argument("--seed", type=int, default=0)
    said = parser.parse_args(words)
    sys.stdout.write(_head() + "\n")
    found = []
    for place, scenario in enumerate(scenarios()):
        found.append(measure(scenario, said.runs, said.seed + place))
        sys.stdout.write(_line(found[-1]) + "\n")
        sys.stdout.flush()
    written = {
        "method": METHOD,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "alpha": ALPHA,
        "runs": said.runs,
        "seed": said.seed,
        "figures": [asdict(figure) for figure in found],
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    file = RESULTS / "stopping.json"
    file.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
    missed = sum(figure.ok is False for figure in found)
    sys.stdout.write(f"{missed} of {sum(figure.ok is not None for figure in found)} missed; written: {file}\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
