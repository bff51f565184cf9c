from __future__ import annotations

import json
import time

import pytest

from evalrun.stats.compare import compare
from tests.stats.build import compared, mark, plan, rows


@pytest.mark.parametrize(
    ("letters", "ended", "max_error_rate", "complete"),
    [
        ("pf", True, 0.0, True),
        ("pf", False, 0.0, False),
        ("pe", True, 0.0, False),
        ("pe", True, 0.5, True),
        ("pee", True, 0.5, False),
        ("pu", True, 0.0, False),
        ("pc", True, 0.0, False),
        ("p.", True, 1.0, False),
        ("pnr", True, 0.0, True),
    ],
)
def test_a_comparison_is_complete_up_to_the_error_rate(letters, ended, max_error_rate, complete):
    """Errors, filtered and unscored cells may be max_error_rate of all; a pending cell never fits."""
    assert compared({"a": letters}, complete=ended, max_error_rate=max_error_rate).complete is complete


def test_every_two_columns_that_compete_are_a_pair():
    """The better column comes first in each pair; a simulated one is no rival of real ones."""
    found = compared({"sim": "pppp", "low": "pfff", "top": "pppf", "mid": "ppff"})

    assert [(pair.first, pair.second) for pair in found.pairs] == [("top", "mid"), ("top", "low"), ("mid", "low")]
    assert found.pairs_possible == 3


def test_simulated_columns_compete_where_all_are_simulated():
    """Where nothing real is there, the best simulated column leads."""
    pairs = compared({"sim1": "pfff", "sim2": "ppff"}).pairs

    assert [(pair.first, pair.second) for pair in pairs] == [("sim2", "sim1")]


@pytest.mark.parametrize(
    "columns", [{"a": "pp"}, {"a": "ee", "b": "ee"}, {"a": "ee", "sim": "pp"}, {"a": "p.", "b": ".p"}]
)
def test_no_pair_without_common_scored_cells(columns):
    """A pair needs a leader and cells that both have scored."""
    assert compared(columns).pairs == ()


def test_the_order_of_rows_does_not_matter():
    """Rows may come in any order."""
    columns = {"a": "ppfefp", "b": "pfpppf"}
    made = plan(columns)
    found = rows(made, columns)

    assert compare(made, iter(found), complete=True) == compare(made, reversed(found), complete=True)


def test_many_rows_are_compared_quickly():
    """Forty thousand rows in four columns take seconds at most."""
    columns = dict.fromkeys("abcd", "ppfpe" * 2000)
    made = plan(columns)
    found = rows(made, columns)
    started = time.process_time()
    comparison = compare(made, found, complete=True)

    assert time.process_time() - started < 5
    assert comparison.columns[0].scored == 8000


def test_the_recorded_answers_of_gsm8k_give_the_published_figures(shared_data):
    """286 and 515 of 1,319, 64 and 293 right alone, p = 3.93e-36, and the intervals of the data's README."""
    lines = (shared_data / "gsm8k" / "model_solutions_6b.jsonl").read_text(encoding="utf-8").splitlines()
    answers = [json.loads(line) for line in lines]
    columns = {
        name: "".join("p" if answer[name]["is_correct"] else "f" for answer in answers)
        for name in ("6b_finetuning", "6b_verification")
    }
    comparison = compared(columns)
    (pair,) = comparison.pairs

    assert [one.passed for one in comparison.columns] == [286, 515]
    assert (pair.first, pair.only_first, pair.only_second) == ("6b_verification", 293, 64)
    assert pair.p_value == pytest.approx(3.93e-36, rel=1e-3)
    bounds = [(round(one.pass_rate.low, 5), round(one.pass_rate.high, 5)) for one in comparison.columns]
    assert bounds == [(0.19543, 0.23988), (0.36447, 0.41706)]
    assert comparison.conclusion == (
        "6b_verification beats 6b_finetuning on pass rate by 17.4 points [14.7, 20.0] (paired, 1,319 cases).",
    )


def test_letters_mean_what_they_say():
    """The builder's letters carry the marks that the tests rely on."""
    assert [mark(letter) is None for letter in "pfuec."] == [False, False, False, True, True, True]
