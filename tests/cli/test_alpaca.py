"""AlpacaEval's published comparisons, from the command line: recorded answers with the scores that a judge gave."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from evalrun.stats.student import t_quantile
from tests.cli.harness import call, newest_run
from tests.conftest import SHARED

FIRST, SECOND = "gpt-3.5-turbo-0301", "gpt35_turbo_instruct"
ANNOTATIONS = {"v1": "v1_alpaca_eval_gpt4", "v2": "v2_weighted_alpaca_eval_gpt4_turbo"}
LEADERBOARDS = {"v1": "leaderboard_v1_alpaca_eval_gpt4", "v2": "leaderboard_v2_weighted_alpaca_eval_gpt4_turbo"}
SUITE = f"""\
name: alpaca
models:
  - {{id: recorded/{FIRST}, file: {FIRST}.json, match: instruction, answer: output_2, score: preference}}
  - {{id: recorded/{SECOND}, file: {SECOND}.json, match: instruction, answer: output_2, score: preference}}
cases:
  - {{file: model_outputs.json, vars: {{instruction: instruction}}}}
scorers:
  - recorded-score: {{value: "{{{{ 0.5 if score == 0 else score - 1 }}}}", threshold: 0.5}}   # 0 is a draw
max_error_rate: 0.01                                                                        # the judge failed on a few
"""
ALPACA = SHARED / "data" / "alpaca_eval"

pytestmark = [pytest.mark.shared, pytest.mark.slow]


@pytest.fixture(params=["v1", "v2"])
def version(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The version of the benchmark, its suite and its data in the working folder."""
    monkeypatch.chdir(tmp_path)
    for name in (FIRST, SECOND):
        shutil.copy(ALPACA / name / f"annotations_{ANNOTATIONS[request.param]}.json", tmp_path / f"{name}.json")
    shutil.copy(ALPACA / FIRST / "model_outputs.json", tmp_path)
    (tmp_path / "alpaca.yaml").write_text(SUITE)
    return str(request.param)


def leaderboard(version: str, model: str) -> dict[str, Any]:
    """A model's published row."""
    with (ALPACA / f"{LEADERBOARDS[version]}.csv").open(encoding="utf-8", newline="") as file:
        return next(row for row in csv.DictReader(file) if row[""] == model)


def test_the_published_comparison_comes_out_of_a_suite(capsys: pytest.CaptureFixture[str], version: str) -> None:
    """v1 tells the two apart and v2 does not, with the published difference, standard error and number of cases."""
    published = {
        "v1": ("better", 0.076250, 0.015131, 800),
        "v2": ("not distinguishable", 0.011127, 0.008686, 804),
    }
    said = call(capsys, "alpaca.yaml")
    run = newest_run(Path("results"))
    (pair,) = json.loads((run / "run.json").read_text())["pairs"]
    with (run / "summary.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["label"]: row for row in csv.DictReader(file)}
    call_, mean, error, cases = published[version]

    assert said.code == 0, said.err
    assert (pair["first"], pair["call"], pair["score"]["call"], pair["cases"]) == (FIRST, call_, call_, cases)
    assert pair["score"]["difference"]["mean"] == pytest.approx(mean, abs=5.1e-7)
    assert pair["score"]["standard_error"] == pytest.approx(error, abs=5.1e-7)
    verdict = "are not distinguishable (needs about" if version == "v2" else f"{FIRST} beats {SECOND} on pass rate by"
    assert verdict in " ".join(said.out.split())
    for model in (FIRST, SECOND):
        row, own = leaderboard(version, model), rows[model]
        half = (float(own["score_high"]) - float(own["score_low"])) / 2
        error_of_mean = half / t_quantile(0.975, int(row["n_total"]) - 1)
        assert int(own["scored"]) == int(row["n_total"])
        assert float(own["score"]) == pytest.approx(float(row["win_rate"]) / 100, abs=5.1e-7)
        assert error_of_mean == pytest.approx(float(row["standard_error"]) / 100, abs=1e-6)
