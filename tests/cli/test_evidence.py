from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pandas as pd
import pytest

from tests.cli.harness import Said, newest_run, program

SUITE = """\
name: sums
models:
  - {id: simulator/large, quota: {rpd: 3000}}
  - {id: simulator/medium, quota: {rpd: 150}}
  - {id: simulator/small}
params: {temperature: 1, seed: 7}
samples: 3
prompts: {plain: "What is {{ a }} + {{ b }}?"}
cases:
  - {file: sums.csv, expected: sum}
scorers: [numeric, {regex: {value: "[0-9]", weight: 0.5, name: digit}}]
"""
CASES = 24


@dataclass(frozen=True)
class Run:
    """A run and everything that it wrote."""

    said: Said
    rows: pd.DataFrame
    summary: pd.DataFrame
    manifest: dict
    page: str


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Three simulated models, 24 cases, three samples of each."""
    folder = tmp_path_factory.mktemp("evidence")
    sums = [(index, 17 * index % 40) for index in range(1, CASES + 1)]
    lines = ["a,b,sum", *(f"{100 * one},{other},{100 * one + other}" for one, other in sums)]
    (folder / "sums.csv").write_text("\n".join(lines) + "\n")
    (folder / "sums.yaml").write_text(SUITE)
    said = program("sums.yaml", cwd=folder)
    assert said.code == 0, said.err + said.out
    found = newest_run(folder / "results")
    page = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", (found / "report.html").read_text("utf-8"), flags=re.DOTALL)
    return Run(
        said,
        pd.read_csv(found / "results.csv"),
        pd.read_csv(found / "summary.csv", dtype={"rank": str}).set_index("label"),
        json.loads((found / "run.json").read_text("utf-8")),
        " ".join(page.split()),
    )


@pytest.mark.slow
def test_variance_is_the_same_wherever_it_is_told(run: Run) -> None:
    """pass@k, pass^k and unsteady cases, worked out from results.csv, in summary.csv, run.json, page and terminal."""
    out = " ".join(run.said.out.split())
    for figures in run.manifest["figures"]:
        label = figures["column"]
        cells = run.rows[run.rows["model"] == label]
        passed = (cells["verdict"] == "pass").groupby(cells["case"]).sum()
        line = run.summary.loc[label]

        assert line["pass@3"] == pytest.approx((passed > 0).mean(), abs=1e-6)
        assert line["pass^3"] == pytest.approx((passed == 3).mean(), abs=1e-6)
        assert line["pass^2"] == pytest.approx((passed * (passed - 1) / 6).mean(), abs=1e-6)
        assert line["unsteady"] == pytest.approx(passed.between(1, 2).mean(), abs=1e-6)
        assert figures["pass_at"]["3"] == pytest.approx(line["pass@3"], abs=1e-6)
        assert f"{label}: pass@3 {line['pass@3']:.3f}, pass^3 {line['pass^3']:.3f}" in out
        assert f"{100 * line['unsteady']:.1f} %" in run.page


def test_pairs_and_ranks_are_the_same_wherever_they_are_told(run: Run) -> None:
    """Each pair's call, difference and p in run.json stand in page and terminal; ranks in summary.csv and both."""
    out = " ".join(run.said.out.split())
    pairs = run.manifest["pairs"]

    assert len(pairs) == run.manifest["pairs_possible"] == 3
    for pair in pairs:
        by = f"{100 * pair['difference']['mean']:+.1f}".replace("-", "−").replace("+0.0", "0.0")
        assert f"{pair['first']} – {pair['second']}: {by} points" in out
        assert f", {pair['call']}, p" in out
        assert f"{pair['first']} and {pair['second']} {CASES} cases, {3 * CASES} answers {pair['call']}" in run.page
        assert (pair["p_adjusted"] < 0.05) >= (pair["call"] != "not distinguishable")
    for label, rank in run.summary["rank"].items():
        assert re.search(rf"\b{label}( simulated)? rank {rank}\b", run.page)
        assert re.search(rf"^{label}\s+{rank}\s", run.said.out, re.MULTILINE)


def test_what_is_needed_is_told_in_days_of_the_tightest_limit(run: Run) -> None:
    """150 requests a day are 50 cases of three samples, 3,000 are 1,000; of two columns the slower one binds."""
    open_pairs = [pair for pair in run.manifest["pairs"] if pair["call"] == "not distinguishable"]

    assert open_pairs
    for pair in open_pairs:
        pace = "50" if "medium" in (pair["first"], pair["second"]) else "1,000"
        assert re.fullmatch(rf"needs about [\d,]+ more cases?: \d+ days? at {pace} a day", pair["needs"])
        assert pair["needs"] in run.page
        assert pair["needs"] in " ".join(run.said.out.split())


def test_every_scorer_has_its_mean_and_interval(run: Run) -> None:
    """The mean of each scorer, from results.csv, lies within its bounds in summary.csv."""
    for label, line in run.summary.iterrows():
        cells = run.rows[run.rows["model"] == label]
        for scorer in ("numeric", "digit"):
            mean = cells[f"scorer.{scorer}"].mean()

            assert line[f"scorer.{scorer}"] == pytest.approx(mean, abs=1e-6)
            assert line[f"scorer.{scorer}_low"] <= mean + 1e-6
            assert mean <= line[f"scorer.{scorer}_high"] + 1e-6
        assert line["score_low"] <= line["score"] <= line["score_high"]
        assert line["latency_p50_s_low"] <= line["latency_p50_s"] <= line["latency_p50_s_high"]
