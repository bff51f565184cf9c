from __future__ import annotations

import json
import time
import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.score import Mark
from evalrun.stats.compare import _tallies, compare
from evalrun.stats.intervals import wilson
from tests.stats.build import compared, mark, plan, rows
from tests.stats.finite import finite


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


def test_ten_columns_show_fifteen_and_more_of_their_pairs():
    """Beyond eight columns some pairs are shown, and the comparison says of how many."""
    found = compared({f"m{at:02}": "p" * (20 - at) + "f" * at for at in range(10)})

    assert (len(found.pairs), found.pairs_possible) == (17, 45)
    assert all(one.rank is not None for one in found.columns)


@given(st.lists(st.text("pfecu.nr", min_size=6, max_size=6), min_size=1, max_size=3), st.sampled_from([1, 2, 3]))
def test_whatever_became_of_the_cells_no_figure_is_nan(letters, samples):
    """Errors, nothing scored, one case, all alike: every figure is a number or not there, and no sentence says nan."""
    found = compared({f"m{at}": one for at, one in enumerate(letters)}, samples=samples)

    assert finite(found)
    assert found.conclusion
    assert "nan" not in " ".join(found.conclusion)


def test_samples_tell_how_verdicts_vary():
    """Three samples of four cases: pass@k, pass^k, and the share of cases whose verdict differs."""
    (figures,) = compared({"a": "ppp" + "ppf" + "pff" + "fff"}, samples=3).columns

    assert figures.pass_at == pytest.approx({1: 0.5, 2: 2 / 3, 3: 0.75})
    assert figures.pass_all == pytest.approx({1: 0.5, 2: 1 / 3, 3: 0.25})
    assert figures.unsteady.mean == 0.5
    assert {"pass@2", "pass^2", "pass@3", "pass^3"} <= set(figures.intervals)
    assert all(0 <= one.low <= one.mean <= one.high <= 1 for one in figures.intervals.values() if one.mean <= 1)


def test_pass_at_k_that_is_a_share_of_cases_has_wilson_s_interval():
    """Where the samples of a case agree, pass@k and pass^k are 6 of 8 cases, and bounded like that."""
    (figures,) = compared({"a": "ppp" * 6 + "fff" * 2}, samples=3).columns

    assert figures.intervals["pass@2"] == figures.intervals["pass^3"] == wilson(6, 8)
    assert figures.unsteady.mean == 0


def test_one_sample_tells_nothing_of_variance():
    """With one sample a case there is no pass@k, and no share of unsteady cases."""
    (figures,) = compared({"a": "pf"}).columns

    assert (figures.pass_at, figures.pass_all, figures.unsteady) == ({}, {}, None)


@pytest.mark.parametrize(
    ("samples", "ks"), [(2, [1, 2]), (5, [1, 2, 3, 4, 5]), (8, [1, 2, 4, 8]), (10, [1, 2, 4, 8, 10])]
)
def test_of_many_samples_some_k_are_shown(samples, ks):
    """Every k up to five samples; beyond, the powers of two and all of them."""
    (figures,) = compared({"a": "p" * samples + "f" * samples}, samples=samples).columns

    assert list(figures.pass_at) == list(figures.pass_all) == ks


def test_intervals_are_the_same_every_time():
    """What is drawn is drawn from a seed that comes from the column, so that two reports agree to the last digit."""
    columns = {"a": "pf" * 40}
    made = plan(columns)
    found = [replace(row, exchanges=_slower(row.exchanges, row.cell.case)) for row in rows(made, columns)]
    one, other = (compare(made, found, complete=True).columns[0].intervals for _ in range(2))

    assert one == other
    assert {"latency_p50_s", "latency_p95_s", "cost_per_cell_usd", "tokens_per_cell", "score"} <= set(one)


def _slower(exchanges, by):
    """The exchange of one cell, slower, longer and dearer from case to case."""
    (exchange,) = exchanges
    usage = replace(exchange.outcome.usage, prompt_tokens=10 + by)
    return (replace(exchange, outcome=replace(exchange.outcome, latency_s=0.1 + by, usage=usage), cost_usd=0.01 * by),)


def test_rows_leave_little_behind():
    """Ten thousand cells with every figure take less than 150 bytes a cell while they are added up."""
    columns = dict.fromkeys("ab", "pf" * 2_500)
    made = plan(columns)
    found = [replace(row, exchanges=_slower(row.exchanges, row.cell.case)) for row in rows(made, columns)]
    tallies = _tallies(made)
    tracemalloc.start()
    for row in found:
        tallies[row.cell.column].add(row, row.status, scored=row.scored)
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()

    assert taken < 150 * len(found)


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


ALPACA = ("gpt-3.5-turbo-0301", "gpt35_turbo_instruct")


def _alpaca(shared_data, annotations):
    """The comparison of two models of AlpacaEval whose wins are scores: a win passes, a draw too."""
    wins = {}
    for label in ALPACA:
        file = shared_data / "alpaca_eval" / label / f"annotations_{annotations}.json"
        annotated = [one for one in json.loads(file.read_text(encoding="utf-8")) if one["preference"] is not None]
        wins[label] = {one["instruction"]: (one["preference"] or 1.5) - 1 for one in annotated}
    questions = list(dict.fromkeys(question for mine in wins.values() for question in mine))
    letters = dict.fromkeys(ALPACA, "p" * len(questions))
    made, found = plan(letters), []
    for row in rows(made, letters):
        win = wins[row.column.label].get(questions[row.cell.case])
        verdict = None if win is None else "pass" if win >= 0.5 else "fail"
        found.append(replace(row, mark=Mark(score=win, verdict=verdict)))
    return compare(made, found, complete=True)


@pytest.mark.parametrize(
    ("annotations", "mean", "error", "cases", "call", "sentence"),
    [
        (
            "v2_weighted_alpaca_eval_gpt4_turbo",
            0.011127,
            0.008686,
            804,
            "not distinguishable",
            "So far, {} and {} are not distinguishable (needs about 48,000 more cases).",
        ),
        (
            "v1_alpaca_eval_gpt4",
            0.076250,
            0.015131,
            800,
            "better",
            "So far, {} is ahead of {} on pass rate by 6.4 points [3.4, 9.4] (paired, 800 cases).",
        ),
    ],
)
def test_alpaca_eval_s_wins_are_compared_as_scores(shared_data, annotations, mean, error, cases, call, sentence):
    """Of the published differences of two models one is noise, the other is not; verdicts and scores both say so."""
    comparison = _alpaca(shared_data, annotations)
    (pair,) = comparison.pairs

    assert (pair.first, pair.cases) == (ALPACA[0], cases)
    assert pair.score.difference.mean == pytest.approx(mean, abs=5.1e-7)
    assert pair.score.standard_error == pytest.approx(error, abs=5.1e-7)
    assert pair.score.call == pair.call == call
    assert comparison.conclusion == (sentence.format(*ALPACA),)


def test_letters_mean_what_they_say():
    """The builder's letters carry the marks that the tests rely on."""
    assert [mark(letter) is None for letter in "pfuec."] == [False, False, False, True, True, True]
