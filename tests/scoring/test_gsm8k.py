"""Real answers with labels: the numeric scorer must agree with every one of them."""

from __future__ import annotations

import json
import time

import pytest

from evalrun.scoring import score
from tests.scoring.build import row, spec

NUMERIC = spec("numeric", "{{ expected.split('#### ')[-1] }}", extract=r"A: (-?[0-9.,]+)")


@pytest.mark.parametrize(
    ("model", "passes", "without_number"), [("6b_finetuning", 286, 4), ("6b_verification", 515, 1)]
)
def test_numeric_agrees_with_every_label(shared_data, model, passes, without_number):
    """286 and 515 of 1,319 pass, each as its label says; an answer without a number is a fail, never an error."""
    folder = shared_data / "gsm8k"
    cases = [json.loads(line) for line in (folder / "test.jsonl").read_text(encoding="utf-8").splitlines()]
    solutions = (folder / "model_solutions_6b.jsonl").read_text(encoding="utf-8").splitlines()
    answers = [json.loads(line)[model] for line in solutions]
    rows = [
        row(answer["solution"], vars={"question": case["question"]}, expected=case["answer"])
        for case, answer in zip(cases, answers, strict=True)
    ]

    started = time.perf_counter()
    marks = [score(one, (NUMERIC,), None) for one in rows]
    took_s = time.perf_counter() - started

    assert [mark.verdict == "pass" for mark in marks] == [answer["is_correct"] for answer in answers]
    assert sum(mark.verdict == "pass" for mark in marks) == passes
    assert sum(mark.reason == "numeric: nothing matched extract" for mark in marks) == without_number
    assert all(mark.verdict for mark in marks)
    assert took_s < 1
