from __future__ import annotations

import csv
import json

import pytest

from evalrun.stats.calls import Call, Shown, call_pairs
from evalrun.stats.intervals import wilson
from evalrun.stats.means import mean_interval
from evalrun.stats.paired_scores import compare_scores, more_cases_for_scores
from evalrun.stats.pairs import mcnemar

MODELS = ("gpt-3.5-turbo-0301", "gpt35_turbo_instruct")
ANNOTATIONS = {1: "v1_alpaca_eval_gpt4", 2: "v2_weighted_alpaca_eval_gpt4_turbo"}
LEADERBOARDS = {1: "leaderboard_v1_alpaca_eval_gpt4", 2: "leaderboard_v2_weighted_alpaca_eval_gpt4_turbo"}


def _wins(shared_data, model, version):
    """Wins by instruction: the preference less 1, a draw one half; where the judge failed there is none."""
    file = shared_data / "alpaca_eval" / model / f"annotations_{ANNOTATIONS[version]}.json"
    rows = json.loads(file.read_text(encoding="utf-8"))
    return {
        row["instruction"]: 0.5 if row["preference"] == 0 else row["preference"] - 1
        for row in rows
        if row["preference"] is not None
    }


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("model", MODELS)
def test_standard_errors_are_the_leaderboard_s(shared_data, model, version):
    """Mean and standard error of AlpacaEval's wins, to 1e-9 of a percent."""
    with (shared_data / "alpaca_eval" / f"{LEADERBOARDS[version]}.csv").open(encoding="utf-8", newline="") as file:
        (row,) = (row for row in csv.DictReader(file) if row[""] == model)
    found = mean_interval([[win] for win in _wins(shared_data, model, version).values()])

    assert found is not None
    assert found.standard_error is not None
    assert found.cases == int(row["n_total"])
    assert 100 * found.mean == pytest.approx(float(row["win_rate"]), abs=1e-9)
    assert 100 * found.standard_error == pytest.approx(float(row["standard_error"]), abs=1e-9)


@pytest.mark.parametrize(
    ("version", "mean", "error", "t", "cases", "call"),
    [
        (2, 0.011127, 0.008686, 1.281, 804, Call.NOT_DISTINGUISHABLE),
        (1, 0.076250, 0.015131, 5.039, 800, Call.BETTER),
    ],
)
def test_two_models_of_alpaca_eval_are_told_apart_where_they_can_be(shared_data, version, mean, error, t, cases, call):
    """The published differences; one is noise, the other is not."""
    first, second = (_wins(shared_data, model, version) for model in MODELS)
    differences = [[first[name] - second[name]] for name in first if name in second]
    found = compare_scores(differences, seed=1)
    assert found is not None
    more = more_cases_for_scores(found)
    (called,) = call_pairs([Shown(difference=found.difference.mean, p_value=found.p_value, more_cases=more)])

    assert found.difference.cases == cases
    assert (found.difference.mean, found.difference.standard_error) == pytest.approx((mean, error), abs=5.1e-7)
    assert found.t == pytest.approx(t, abs=5.1e-4)
    assert called.call is call
    assert (called.more_cases is None) == (call is Call.BETTER)
    assert found.p_permutation == pytest.approx(found.p_value, abs=0.02)


def test_gsm8k_s_figures_are_the_published_ones(shared_data):
    """64 against 293 flips, p = 3.93e-36, and the README's Wilson intervals to four decimals and more."""
    lines = (shared_data / "gsm8k" / "model_solutions_6b.jsonl").read_text(encoding="utf-8").splitlines()
    right = [
        tuple(answer[name]["is_correct"] for name in ("6b_finetuning", "6b_verification"))
        for answer in map(json.loads, lines)
    ]
    flips = right.count((True, False)), right.count((False, True))
    intervals = [wilson(sum(column), len(column)) for column in zip(*right, strict=True)]

    assert flips == (64, 293)
    assert f"{mcnemar(*flips):.2e}" == "3.93e-36"
    assert [(round(one.low, 5), round(one.high, 5)) for one in intervals] == [(0.19543, 0.23988), (0.36447, 0.41706)]
