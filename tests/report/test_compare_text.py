from __future__ import annotations

import re
from dataclasses import replace

import pytest

from evalrun.records.comparison import Interval
from evalrun.records.history import Changed, Drifted, History, HistoryRun
from evalrun.records.run_comparison import ComparedColumn, Measure
from evalrun.report.compare_text import comparison_text, difference, share
from evalrun.report.compare_words import change_words, conclusion, listed, needed, p_value
from evalrun.report.history_text import history_text, sparkline
from evalrun.report.history_words import conclusion as history_conclusion
from evalrun.safe_text import cells_wide
from tests.report.compared import AT, column_of, comparison_of, flip_of, history_of
from tests.report.hostile import HOSTILE

ACTIVE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
COMMAND = re.compile(r"^\s*(::|##)|##(vso)?\[", re.MULTILINE)


@pytest.mark.parametrize("one_run", [False, True], ids=["two runs", "one run"])
@pytest.mark.parametrize("width", [40, 80, 110])
def test_a_hostile_comparison_is_inert(one_run: bool, width: int) -> None:
    """Whatever the texts, a terminal obeys none of them, and no line but a path is wider than it may be."""
    plain = [text for text in HOSTILE if len(text) < 500]
    text = comparison_text(comparison_of(tuple(plain), one_run=one_run), width=width, color=False)
    wide = [line for line in text.split("\n") if cells_wide(line) > max(80, width) and not line.startswith("page")]

    assert not ACTIVE.search(text)
    assert not COMMAND.search(text)
    assert wide == []


def test_a_hostile_history_is_inert() -> None:
    """Whatever the texts, a terminal obeys none of them, and no line is over 80 cells."""
    plain = tuple(text for text in HOSTILE if len(text) < 500)
    found = history_of(plain)
    text = history_text(replace(found, conclusion=history_conclusion(found)), width=80, color=False)

    assert not ACTIVE.search(text)
    assert not COMMAND.search(text)
    assert [line for line in text.split("\n") if cells_wide(line) > 80] == []


def test_the_worst_ten_flips() -> None:
    """Ten flips are shown in their order, and how many more there are is said."""
    found = replace(comparison_of(("x",)), flips=tuple(flip_of(f"case{n:02d}") for n in range(25)))
    text = comparison_text(found, width=80, color=False)
    shown = re.findall(r"^  pass → fail    (case\d\d)", text, re.MULTILINE)

    assert shown == [f"case{n:02d}" for n in range(10)]
    assert "… 15 more in comparison.csv" in text
    assert "flips: 25 pass → fail" in text


def test_colour_says_nothing_alone() -> None:
    """With colour the words are the same."""
    found = comparison_of(("x", "y"))
    coloured = comparison_text(found, width=80, color=True)

    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == comparison_text(found, width=80, color=False)


def measure(**figures: object) -> Measure:
    """A pass rate's measure with these figures."""
    return Measure(**{"name": "pass_rate", "cells": 9, "cases": 9, "a": 0.0, "b": 0.0, "difference": 0.0, **figures})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("figures", "text"),
    [
        (
            {"difference": 0.125, "difference_interval": Interval(mean=0.125, low=0.061, high=0.189)},
            "+12.5 [6.1, 18.9]",
        ),
        ({"difference": -1.0, "difference_interval": Interval(mean=-1, low=-1.0, high=-0.987)}, "−100 [−100, −99]"),
        ({"difference": 0.5}, "+50.0"),
        ({"difference": 0.0}, "0.0"),
        ({"name": "score", "difference": -0.25}, "−0.250"),
    ],
)
def test_differences(figures: dict[str, object], text: str) -> None:
    """Pass rates differ in points, scores as they are; where a line has no room for decimals they go."""
    assert difference(measure(**figures)) == text


@pytest.mark.parametrize(
    ("a", "b", "text"),
    [(100.0, 112.0, "+12.0 %"), (1.0, 31.0, "31 times"), (100.0, 100.0, "0.0 %"), (0.0, 0.0, "same"), (0.0, 5.0, "–")],
)
def test_shares(a: float, b: float, text: str) -> None:
    """A figure's difference is told as a part of the first side's mean, which may be nothing."""
    assert share(measure(name="tokens", a=a, b=b, difference=b - a)) == text


@pytest.mark.parametrize(
    ("figures", "text"),
    [
        ({"call": "better", "difference": 0.1}, ""),
        ({"call": "not distinguishable"}, "the same on 9 cases"),
        ({"call": "not distinguishable", "difference": 0.1, "more_cases": 873}, "needs about 880 more cases"),
        ({"call": "not distinguishable", "difference": 0.1, "more_cases": 1}, "needs about 1 more case"),
        ({"call": "not distinguishable", "difference": 0.1, "more_cases": 9**9}, "needs over 1,000,000 more cases"),
        ({"call": "not distinguishable", "difference": 0.1}, ""),
    ],
)
def test_what_it_needs(figures: dict[str, object], text: str) -> None:
    """How many cases more would tell is rounded up to what an estimate knows."""
    assert needed(measure(**figures)) == text


def test_small_words() -> None:
    """P-values, lists of names and changed cases as a person would write them."""
    changed = comparison_of(("x",)).cases_changed[0]

    assert [p_value(p) for p in (None, 0.0, 0.0312, 0.412, 1.0)] == ["–", "<0.001", "0.031", "0.41", "1.00"]
    assert [listed(names) for names in (["a"], ["a", "b"], ["a", "b", "c"], list("abcde"))] == [
        "a", "a and b", "a, b and c", "a, b and 3 others",
    ]  # fmt: skip
    assert change_words(replace(changed, b="y")) == "x → y: variables, expected"


def column(label: str, call: str, by: float, more: int | None = None) -> ComparedColumn:
    """A column that was called so, without intervals."""
    rate = measure(call=call, difference=by, more_cases=more)
    return replace(column_of(label), label=label, measures=(rate,))


def test_the_sentences_of_a_comparison() -> None:
    """What is decided comes first, the largest difference before the others; what is not is told together."""
    sides = comparison_of(("a", "b"))
    some = [
        column("one", "better", 0.1),
        column("two", "worse", -0.3),
        column("three", "not distinguishable", 0.1, 910),
        column("four", "not distinguishable", 0.05, 4000),
        replace(column("five", "worse", 0.0), measures=()),
    ]
    several = [column(str(n), "worse", -0.1 * n) for n in range(1, 6)]

    assert conclusion(some, sides.a, sides.b) == (
        "two is worse in B on pass rate by 30.0 points (paired, 9 cases).",
        "one is better in B on pass rate by 10.0 points (paired, 9 cases).",
        "three and four are not distinguishable between A and B (the nearest needs about 910 more cases).",
        "five: nothing was scored on both sides.",
    )
    assert conclusion(several, sides.a, sides.b)[3:] == ("In all, 0 of 5 are better and 5 worse.",)
    assert conclusion(some[4:], sides.a, sides.b) == ("Nothing was scored on both sides.",)


def test_one_runs_simulated_columns_are_called_so() -> None:
    """As in the run's own conclusion; where one pair has a real model, and of two runs, nothing is said of it."""
    a, b = comparison_of(("a", "b")).a, comparison_of(("a", "b")).b
    pairs = [
        replace(column(str(n), "better", 0.1 * n), label_a="small", label_b="large", simulated=True) for n in (1, 2)
    ]
    real = replace(pairs[1], simulated=False)
    beats = "large beats small on pass rate by 20.0 points (paired, 9 cases)."

    assert conclusion(pairs, a, a)[0] == f"Among simulated models, {beats}"
    assert conclusion([pairs[0], real], a, a)[0] == beats
    assert not any("simulated" in sentence for sentence in conclusion(pairs, a, b))


@pytest.mark.parametrize(
    ("values", "bars"),
    [
        ([], ""),
        ([None], "·"),
        ([0.5], "▄"),
        ([0.9, 0.9, 0.9], "▅▅▅"),
        ([0.0, None, 1.0], "▁·█"),
        ([0.90, 0.91], "▄▅"),
        ([0.2, 0.4, 0.6, 0.8], "▁▃▆█"),
    ],
)
def test_sparklines(values: list[float | None], bars: str) -> None:
    """Bars span the range of the values, but a point up or down does not look like a landslide."""
    assert sparkline(values) == bars


def test_many_sentences_are_counted() -> None:
    """A history with much to say says the first dozen and how many more there are."""
    drift = Drifted(
        column="x", figure="tokens", since="r", since_at=AT, against="q", against_at=AT, against_first=False,
        before=1.0, after=2.0, p_value=0.0, p_adjusted=0.0, cases=9,
    )  # fmt: skip
    run = HistoryRun(run="r", folder="f", started_at=AT, state="complete", compared=True)
    same = Changed(column="x", what="scorers", since="r", since_at=AT, same=3, cells=9)
    found = History(
        suite="s", runs=(run, run), columns=(), drifts=(drift,) * 20, changes=(same, replace(same, column="y")), tests=9
    )
    said = history_conclusion(found)
    few = history_conclusion(replace(found, drifts=()))

    assert (len(said), said[-1]) == (13, "9 more: see --json.")
    assert few == (
        "No drift in what was asked the same.",
        "x and y: judged by other scorers since 2026-11-20 10:31 in 6/9 cells, whose verdicts are not compared.",
    )
