from __future__ import annotations

import pytest

from tests.stats.build import compared

GOOD, POOR = "p" * 90 + "f" * 10, "p" * 70 + "f" * 30
LESS = "f" * 8 + "p" * 62 + "f" * 30


@pytest.mark.parametrize(
    ("columns", "ended", "sentences"),
    [
        (
            {"large": GOOD, "mini": POOR},
            True,
            ["large beats mini on pass rate by 20.0 points [12.0, 28.4] (paired, 100 cases)."],
        ),
        (
            {"mini": POOR, "large": GOOD},
            True,
            ["large beats mini on pass rate by 20.0 points [12.0, 28.4] (paired, 100 cases)."],
        ),
        (
            {"large": GOOD, "mini": POOR},
            False,
            ["So far, large is ahead of mini on pass rate by 20.0 points [12.0, 28.4] (paired, 100 cases)."],
        ),
        ({"a": "pppppf", "b": "ppppff"}, True, ["a and b are not distinguishable (needs about 39 more cases)."]),
        (
            {"a": "pppppf", "b": "ppppff"},
            False,
            ["So far, a and b are not distinguishable (needs about 39 more cases)."],
        ),
        ({"a": "pf", "b": "fp"}, True, ["a and b are not distinguishable (the same pass rate on 2 cases)."]),
        ({"a": "p", "b": "f"}, True, ["a and b are not distinguishable (needs about 3 more cases)."]),
        ({"mini": "p" * 81 + "f" * 17}, True, ["mini passes 82.7 % [74, 89] of 98 cases."]),
        ({"mini": "p" * 81 + "f" * 17}, False, ["So far, mini passes 82.7 % [74, 89] of 98 cases."]),
        ({"mini": "p"}, True, ["mini passes 100.0 % [21, 100] of 1 case."]),
        ({"a": "p.", "b": ".f"}, False, ["So far, a and b have no scored case in common."]),
    ],
)
def test_the_conclusion_says_who_is_ahead_and_how_sure_that_is(columns, ended, sentences):
    """Decided, undecided, a single column, and each of them so far."""
    assert list(compared(columns, complete=ended).conclusion) == sentences


@pytest.mark.parametrize(
    ("columns", "sentences"),
    [
        (
            {"large": GOOD, "mini": POOR, "sim": GOOD},
            [
                "large beats mini on pass rate by 20.0 points [12.0, 28.4] (paired, 100 cases).",
                "sim is simulated and stays out of the comparison.",
            ],
        ),
        (
            {"mini": POOR, "sim1": GOOD, "sim2": GOOD},
            [
                "mini passes 70.0 % [60, 78] of 100 cases.",
                "sim1 and sim2 are simulated and stay out of the comparison.",
            ],
        ),
        (
            {"sim1": GOOD, "sim2": POOR},
            ["Among simulated models, sim1 beats sim2 on pass rate by 20.0 points [12.0, 28.4] (paired, 100 cases)."],
        ),
        ({"sim": POOR}, ["sim (simulated) passes 70.0 % [60, 78] of 100 cases."]),
        (
            {"sim1": "pf", "sim2": "fp"},
            ["Among simulated models, sim1 and sim2 are not distinguishable (the same pass rate on 2 cases)."],
        ),
    ],
)
def test_simulated_columns_are_named_and_never_beat_a_real_one(columns, sentences):
    """A real column is not held against a simulated one, and a run of simulated ones says so first."""
    assert list(compared(columns).conclusion) == sentences


def test_three_columns_get_two_sentences():
    """The leader against the runner-up, then the runner-up against the third."""
    assert list(compared({"large": GOOD, "mini": POOR, "small": LESS}).conclusion) == [
        "large beats mini on pass rate by 20.0 points [12.0, 28.4] (paired, 100 cases).",
        "mini beats small on pass rate by 8.0 points [2.3, 13.7] (paired, 100 cases).",
    ]


@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        ([POOR, POOR, POOR], "large beats all 3 other columns (paired)."),
        ([GOOD, POOR, LESS], "large beats 2 of the 3 other columns (paired)."),
        ([GOOD, GOOD, GOOD], "large beats none of the 3 other columns (paired)."),
    ],
)
def test_more_columns_are_counted(others, sentence):
    """Beyond three the second sentence counts the columns that the leader beats."""
    columns = {"large": GOOD, **{f"m{index}": letters for index, letters in enumerate(others)}}

    assert compared(columns).conclusion[1] == sentence


@pytest.mark.parametrize(
    ("columns", "ended", "sentence"),
    [
        ({"a": "eee", "b": "eee"}, True, "Nothing was answered: 401 from lab."),
        ({"a": "eee", "sim": "ppp"}, True, "Nothing was answered: 401 from lab."),
        ({"sim": "eee"}, True, "Nothing was answered by the simulated models: 401 from lab."),
        ({"a": "uuu"}, True, "Nothing was scored: numeric: broken."),
        ({"a": "..."}, False, "Nothing was answered yet."),
    ],
)
def test_a_run_without_scores_says_why(columns, ended, sentence):
    """Where nothing can be compared, the most frequent error is the conclusion."""
    assert compared(columns, complete=ended).conclusion == (sentence,)


def test_a_column_without_scores_is_not_passed_over():
    """Beside columns with scores, one without is named with its error."""
    assert list(compared({"a": "ppf", "b": "eee"}).conclusion) == [
        "So far, a passes 66.7 % [21, 94] of 3 cases.",
        "b has nothing scored: 401 from lab.",
    ]


def test_samples_are_told_from_cases():
    """With several samples the sentence says how many cases and answers it stands on."""
    several = compared({"a": "p" * 100 + "f" * 20, "b": "f" * 120}, samples=2).conclusion

    assert several[0].endswith("(paired, 60 cases, 120 answers).")
    assert compared({"a": "pppf"}, samples=2).conclusion[0].endswith("of 4 answers.")


def test_a_leader_that_loses_the_paired_cells_is_not_said_to_win():
    """The better column overall may lose on the cells that both have; the sentence follows the paired cells."""
    leader, other = "f" * 10 + "p" * 90, "p" * 10 + "." * 90
    found = compared({"leader": leader, "other": other}, complete=False)

    assert found.conclusion[0].startswith("So far, leader is ahead of other") is False


def test_never_more_than_three_sentences():
    """However much there is to say."""
    columns = {"a": GOOD, "b": POOR, "c": LESS, "d": "e" * 100, "sim": GOOD}

    assert len(compared(columns).conclusion) == 3
