from __future__ import annotations

import math
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.run_comparison import CellNumbers
from evalrun.stats.calls import holm
from evalrun.stats.intervals import wilson
from evalrun.stats.means import mean_interval
from evalrun.stats.pairs import FAILED, PASSED, UNSCORED
from evalrun.stats.run_pairs import UNKNOWN, PairTally, by_case, called, pass_rate

V = {"p": PASSED, "f": FAILED, ".": UNSCORED}


def cell(word: str, score: float = UNKNOWN, tokens: float = UNKNOWN) -> CellNumbers:
    """A cell of that word, by its first letter."""
    words = {"p": "pass", "f": "fail", "e": "error"}
    return CellNumbers(words[word], score, tokens, UNKNOWN, UNKNOWN)


def tally(a: str, b: str, samples: int = 1) -> PairTally:
    """Cells given by the first letters of their words, a case after the other."""
    found = PairTally(len(a) // samples, samples)
    for place, (one, other) in enumerate(zip(a, b, strict=True)):
        found.add(place // samples, place % samples, cell(one), cell(other))
    return found


@pytest.mark.parametrize(
    ("verdicts", "samples", "expected"),
    [
        ("", 1, None),
        ("..", 1, None),
        ("ppf.", 1, wilson(2, 3)),
        ("pp", 2, wilson(2, 2, effective=1)),
        ("ppff", 2, wilson(2, 4, effective=1)),
        ("pfpf", 2, wilson(2, 4)),
    ],
)
def test_a_pass_rate_of_verdicts(verdicts: str, samples: int, expected: object) -> None:
    """Wilson's interval; answers to a case that agree are worth one."""
    assert (
        pass_rate(bytes(V[word] for word in verdicts), samples) == pytest.approx(expected)
        if expected is None
        else (
            asdict(pass_rate(bytes(V[word] for word in verdicts), samples)) == pytest.approx(asdict(expected))  # type: ignore[arg-type, call-overload]
        )
    )


def test_only_what_both_have_counts() -> None:
    """The rates of both sides are over the cells that have a verdict on both."""
    found = tally("ppfe", "pfep").tested("x", ("x", "x"), simulated=False).column
    rate = found.measure("pass_rate")
    assert rate is not None

    assert (found.matched, found.compared) == (4, 2)
    assert (found.both, found.only_a, found.only_b, found.neither) == (1, 1, 0, 0)
    assert (found.no_verdict_a, found.no_verdict_b) == ({"error": 1}, {"error": 1})
    assert (rate.a_interval, rate.b_interval) == (wilson(2, 2), wilson(1, 2))
    assert rate.difference == -0.5


def test_figures_are_means_of_the_cells_that_both_know() -> None:
    """A figure that one side lacks is left out on the other side too."""
    pair = PairTally(3, 1)
    for case, (a, b) in enumerate([(10.0, 12.0), (20.0, 30.0), (99.0, UNKNOWN)]):
        pair.add(case, 0, cell("p", tokens=a), cell("p", tokens=b))
    found = pair.tested("x", ("x", "x"), simulated=False).column.measure("tokens")
    expected = mean_interval([[2.0], [10.0]])
    assert found is not None
    assert expected is not None

    assert (found.cells, found.a, found.b, found.difference) == (2, 15.0, 21.0, 6.0)
    assert found.difference_interval == expected.interval


def test_sides_do_not_share_figures() -> None:
    """What one figure or side is told does not show in another."""
    pair = PairTally(1, 1)
    pair.add(0, 0, CellNumbers("pass", 1.0, 2.0, 3.0, 4.0), CellNumbers("pass", 5.0, 6.0, 7.0, 8.0))

    assert {name: (a[0], b[0]) for name, (a, b) in pair.figures.items()} == {
        "score": (1.0, 5.0), "tokens": (2.0, 6.0), "cost_usd": (3.0, 7.0), "latency_s": (4.0, 8.0),
    }  # fmt: skip


def test_calls_allow_for_all_columns() -> None:
    """The more columns are shown, the more a difference must be; p-values are Holm's."""
    lone = tally("f" * 7 + "p" * 20, "p" * 27).tested("x", ("x", "x"), simulated=False)
    same = tally("p" * 10, "p" * 10).tested("y", ("y", "y"), simulated=False)
    (alone,) = called([lone])
    first, *rest = called([lone, same, same, same])
    p_values = [one.column.measures[0].p_value or 0.0 for one in (lone, same, same, same)]

    assert alone.measures[0].call == "better"
    assert first.measures[0].call == "not distinguishable"
    assert [one.measures[0].p_adjusted for one in (first, *rest)] == list(holm(p_values))


words = st.text("pfe", min_size=0, max_size=12)


@given(words, st.data(), st.integers(1, 3))
def test_any_words_come_to_numbers(a: str, data: st.DataObject, samples: int) -> None:
    """Whatever the cells, the counts add up and no figure is nan."""
    a = a[: len(a) // samples * samples]
    b = data.draw(st.text("pfe", min_size=len(a), max_size=len(a)))
    (found,) = called([tally(a, b, samples).tested("x", ("x", "x"), simulated=False)])

    assert found.both + found.only_a + found.only_b + found.neither == found.compared <= found.matched == len(a)
    assert all(
        not (isinstance(value, float) and math.isnan(value))
        for measure in found.measures
        for value in asdict(measure).values()
    )


@given(st.lists(st.tuples(st.floats() | st.just(math.nan), st.floats()), max_size=12), st.integers(1, 3))
def test_values_by_case(pairs: list[tuple[float, float]], samples: int) -> None:
    """Cases keep their order and only pairs that both know; differences are the second less the first."""
    pairs = pairs[: len(pairs) // samples * samples]
    first, second, differences = by_case([x for x, _ in pairs], [y for _, y in pairs], samples)
    known = [(x, y) for x, y in pairs if not math.isnan(x) and not math.isnan(y)]

    assert [x for case in first for x in case] == [x for x, _ in known]
    assert [y for case in second for y in case] == [y for _, y in known]
    assert [len(case) for case in differences] == [len(case) for case in first]
    assert all(differences)
