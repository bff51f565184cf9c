from __future__ import annotations

import shutil
import time
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.harness import newest_run, program

SUITE = """\
models:
  - {id: recorded/6b_finetuning, file: model_solutions_6b.jsonl, match: question, answer: 6b_finetuning.solution}
  - {id: recorded/6b_verification, file: model_solutions_6b.jsonl, match: question, answer: 6b_verification.solution}
cases:
  - {file: test.jsonl, expected: answer, vars: {question: question}}
scorers:
  - numeric: {value: "{{ expected.split('#### ')[-1] }}", extract: 'A: (-?[0-9.,]+)'}
"""


@pytest.mark.shared
def test_recorded_answers_give_the_published_labels(tmp_path: Path, shared_data: Path) -> None:
    """1,319 problems, two recorded models: 286 and 515 passes, answers without a number fail, in under 15 s."""
    for name in ("test.jsonl", "model_solutions_6b.jsonl"):
        shutil.copy(shared_data / "gsm8k" / name, tmp_path / name)
    (tmp_path / "gsm8k.yaml").write_text(SUITE)
    start = time.monotonic()
    said = program("gsm8k.yaml", cwd=tmp_path)
    took = time.monotonic() - start
    folder = newest_run(tmp_path / "results")
    summary = pd.read_csv(folder / "summary.csv").set_index("model")
    rows = pd.read_csv(folder / "results.csv", dtype=str, keep_default_na=False)

    assert said.code == 0, said.err
    assert summary["passed"].to_dict() == {"6b_finetuning": 286, "6b_verification": 515}
    assert (summary["scored"] == 1319).all()
    without = rows[~rows["output"].str.contains(r"A: -?[0-9.,]+", regex=True)]
    assert without["model"].value_counts().to_dict() == {"6b_finetuning": 4, "6b_verification": 1}
    assert (without["verdict"] == "fail").all()
    assert took < 15
