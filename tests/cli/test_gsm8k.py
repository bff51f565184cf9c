from __future__ import annotations

import json
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.harness import Said, newest_run, program
from tests.conftest import SHARED

SUITE = """\
models:
  - {id: recorded/6b_finetuning, file: model_solutions_6b.jsonl, match: question, answer: 6b_finetuning.solution}
  - {id: recorded/6b_verification, file: model_solutions_6b.jsonl, match: question, answer: 6b_verification.solution}
cases:
  - {file: test.jsonl, expected: answer, vars: {question: question}}
scorers:
  - numeric: {value: "{{ expected.split('#### ')[-1] }}", extract: 'A: (-?[0-9.,]+)'}
"""


@dataclass(frozen=True)
class Run:
    """The run of both recorded models: what it said, where it is, and how long it took."""

    said: Said
    folder: Path
    took_s: float


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """1,319 problems, run once as a program."""
    folder = tmp_path_factory.mktemp("gsm8k")
    for name in ("test.jsonl", "model_solutions_6b.jsonl"):
        shutil.copy(SHARED / "data" / "gsm8k" / name, folder / name)
    (folder / "gsm8k.yaml").write_text(SUITE)
    start = time.monotonic()
    said = program("gsm8k.yaml", cwd=folder)
    took_s = time.monotonic() - start
    assert said.code == 0, said.err
    return Run(said, newest_run(folder / "results"), took_s)


@pytest.mark.slow
@pytest.mark.shared
def test_recorded_answers_give_the_published_labels(run: Run) -> None:
    """Two recorded models: 286 and 515 passes, answers without a number fail, in under 15 s."""
    summary = pd.read_csv(run.folder / "summary.csv").set_index("model")
    rows = pd.read_csv(run.folder / "results.csv", dtype=str, keep_default_na=False)

    assert summary["passed"].to_dict() == {"6b_finetuning": 286, "6b_verification": 515}
    assert (summary["scored"] == 1319).all()
    without = rows[~rows["output"].str.contains(r"A: -?[0-9.,]+", regex=True)]
    assert without["model"].value_counts().to_dict() == {"6b_finetuning": 4, "6b_verification": 1}
    assert (without["verdict"] == "fail").all()
    assert run.took_s < 15


@pytest.mark.shared
def test_intervals_and_ranks_are_the_published_ones(run: Run) -> None:
    """The README's Wilson intervals to four decimals and more, and a winner without a tie."""
    summary = pd.read_csv(run.folder / "summary.csv", dtype={"rank": str}).set_index("model")
    bounds = summary[["pass_rate_low", "pass_rate_high"]].round(5)

    assert list(bounds.loc["6b_finetuning"]) == [0.19543, 0.23988]
    assert list(bounds.loc["6b_verification"]) == [0.36447, 0.41706]
    assert summary["rank"].to_dict() == {"6b_finetuning": "2", "6b_verification": "1"}


@pytest.mark.shared
def test_the_pair_is_the_published_one_in_every_artefact(run: Run) -> None:
    """64 and 293 flips, p = 3.93e-36, in run.json, comparison.csv, the page and the terminal alike."""
    (pair,) = json.loads((run.folder / "run.json").read_text(encoding="utf-8"))["pairs"]
    compared = pd.read_csv(run.folder / "comparison.csv")
    verdicts = compared[["6b_finetuning.verdict", "6b_verification.verdict"]].apply(tuple, axis=1)
    page = " ".join(re.sub(r"<[^>]+>", " ", (run.folder / "report.html").read_text(encoding="utf-8")).split())
    passed = [flip["passed"] for flip in pair["flips"]]

    assert (pair["first"], pair["only_first"], pair["only_second"]) == ("6b_verification", 293, 64)
    assert f"{pair['p_value']:.2e}" == f"{pair['p_adjusted']:.2e}" == "3.93e-36"
    assert (pair["call"], passed.count("6b_verification"), passed.count("6b_finetuning")) == ("better", 293, 64)
    assert verdicts.value_counts()[[("pass", "fail"), ("fail", "pass")]].to_list() == [64, 293]
    assert compared["flip"].sum() == 357
    assert "293 only 6b_verification, 64 only 6b_finetuning" in page
    assert "6b_verification beats 6b_finetuning on pass rate by 17.4 points [14.7, 20.0]" in page
    assert "6b_verification beats 6b_finetuning on pass rate by 17.4 points [14.7, 20.0]" in " ".join(
        run.said.out.split()
    )
