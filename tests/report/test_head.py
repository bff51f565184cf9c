from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evalrun.records.comparison import Interval
from evalrun.records.regression import Regression, Regressions
from evalrun.report.charts_view import charts_view, series
from evalrun.report.fields import moment
from evalrun.report.standings import leading
from evalrun.report.view import view
from tests.report.factory import Words
from tests.report.hostile_run import Run
from tests.report.states import STATES
from tests.report.test_page import made


def shown(run: Run, **comparison: Any) -> dict[str, Any]:
    """What the template of a run prints."""
    return view(run.plan, replace(run.comparison, **comparison), run.facts)


def test_of_many_gates_those_that_fail_come_first() -> None:
    """Up to six stand as the suite has them; of more the failing ones come first, else in their order."""
    run = made()
    (gate,) = run.comparison.gates
    verdicts = ["pass", "not enough evidence", "fail", "pass", "fail", "pass", "pass"]
    gates = tuple(replace(gate, verdict=verdict, reason=str(at)) for at, verdict in enumerate(verdicts))

    assert [one["why"] for one in shown(run, gates=gates)["gates"]["items"]] == ["2", "4", "0", "1", "3", "5", "6"]
    assert [one["why"] for one in shown(run, gates=gates[:6])["gates"]["items"]] == ["0", "1", "2", "3", "4", "5"]


def test_the_legend_of_pairs_says_which_cases_it_counts() -> None:
    """Each part of the bar of pairs names the verdicts of both columns as the address does."""
    run = made(Words(labels=("Large Model!", "mini", "sim")), pending=6)
    strip = shown(run)["strip"]

    assert [part["filter"] for part in strip["segments"]] == [
        "v=large-model:pass,mini:pass",
        "v=large-model:pass,mini:fail",
        "v=large-model:fail,mini:pass",
        "v=large-model:fail,mini:fail",
    ]


def test_a_headline_that_leaves_the_first_place_open_says_so() -> None:
    """Where the leader ties with the runner-up and beats a later one, headline and table name the runner-up."""
    run = STATES["twelve"]().run
    said = shown(run)
    first = said["summary"][0]

    assert said["headline"]["claim"].startswith("vendor-3/model-11-instructinstruct beats vendor-0/model-8")
    assert said["headline"]["rest"] == ", but is not distinguishable from vendor-2/model-10-instruct"
    assert said["title"].endswith(said["headline"]["rest"])
    assert (first["against"]["word"], first["against"]["note"]) == (
        "ahead, not decided",
        "over vendor-2/model-10-instruct",
    )
    assert first["against"]["by"] == said["summary"][1]["against"]["by"].replace("−", "+")


def test_requests_are_told_once() -> None:
    """The last row of the summary tells requests, attempts only where there were more, nothing where none was sent."""
    run = made()

    def told(requests: int, attempts: int) -> str:
        first, *rest = run.comparison.columns
        zero = [replace(one, requests=0, attempts=0) for one in rest]
        columns = (replace(first, requests=requests, attempts=attempts), *zero)
        return str(shown(run, columns=columns)["totals"]["sent"])

    assert [told(0, 0), told(5, 5), told(5, 7)] == ["", "5 requests", "5 requests, 7 attempts"]


def test_names_in_the_headline_are_not_torn() -> None:
    """Labels of columns are parts of their own, the longer one first where one holds the other; a word is no label."""
    run = made(Words(labels=("mini", "mini-2", "sim"), conclusion=("mini-2 beats mini by minimal 3 points [1, 5].",)))

    assert shown(run)["headline"]["claim_parts"] == [
        ("mini-2", True),
        (" beats ", False),
        ("mini", True),
        (" by minimal 3 points", False),
    ]


def test_a_tie_has_no_accent() -> None:
    """Only the column that the conclusion names as the better one stands out; where none is, none does."""
    run = made()
    (pair,) = run.comparison.pairs
    tie = replace(run.comparison, pairs=(replace(pair, decided=False),))
    alone = made(Words(labels=("only",)))

    assert [one.label for one in series(run.plan, run.comparison) if one.accent] == ["large"]
    assert [one.label for one in series(run.plan, tie) if one.accent] == []
    assert leading(alone.comparison) is alone.comparison.columns[0]


def test_simulated_columns_are_hollow_in_every_chart() -> None:
    """The legend says so, and so do the marks."""
    run = made()
    charts = charts_view(run.plan, run.comparison, ())

    assert charts["hollow"]
    assert [(one["label"], one["simulated"], one["best"]) for one in charts["legend"]] == [
        ("large", False, True),
        ("mini", False, False),
        ("sim", True, False),
    ]


def test_bars_of_pass_rates_share_a_scale_that_fits() -> None:
    """Low rates have a scale that ends at a round share above them, the same in every row, and said."""
    run = made()
    low = Interval(mean=0.03, low=0.01, high=0.09)
    columns = tuple(replace(one, pass_rate=low) for one in run.comparison.columns)
    said = shown(run, columns=columns)

    assert said["scale"] == "10 %"
    assert {row["bar"]["mean"] for row in said["summary"]} == {"60.0"}
    assert shown(run)["scale"] == "100 %"


def test_what_winning_costs_stands_out() -> None:
    """The ratio of money is a part of its own, to be seen."""
    run = made()
    first, second, *rest = run.comparison.columns
    columns = (replace(first, cost_usd=0.78), replace(second, cost_usd=0.2), *rest)
    parts = shown(run, columns=columns)["price"]

    assert ("3.9 times", True) in parts
    assert "".join(text for text, _ in parts).startswith(
        "Compared with mini, large costs 3.9 times as much for the run ($0.780 against $0.200)"
    )


@pytest.mark.parametrize(
    ("iso", "said"),
    [
        ("2026-11-21T00:00:00Z", "21 Nov 2026, 00:00 UTC"),
        ("2026-11-21T02:30:00+02:00", "21 Nov 2026, 00:30 UTC"),
        ("<b>soon</b>", "<b>soon</b>"),
        ("2026-11-21", "2026-11-21"),
    ],
)
def test_times_are_told_as_people_read_them(iso: str, said: str) -> None:
    """A moment in UTC; what is no moment stays as it is."""
    assert moment(iso) == said


def test_what_got_worse_stands_below_the_gates() -> None:
    """A sentence, then each of the worst with a filter that finds its case; nothing where nothing got worse."""
    worst = Regression(case="a b/c", column="large", sample=1, expected="Paris", said="Sydney", reason="")
    found = Regressions(against="run r1", compared=40, failing=2, worst=(worst, replace(worst, expected="", said="")))
    run = made()
    told = shown(replace(run, facts=replace(run.facts, regressions=found)))["worse"]

    assert told["heading"] == "2 of 40 answers that passed in run r1 now fail"
    assert told["items"][0] == {
        "filter": "q=a%20b%2Fc",
        "case": "a b/c",
        "column": "large #1",
        "why": "expected “Paris”, ",
        "said": "said “Sydney”",
    }
    assert told["items"][1]["why"] + told["items"][1]["said"] == "said nothing"
    kept = replace(found, failing=0, worst=())
    assert shown(replace(run, facts=replace(run.facts, regressions=kept)))["worse"] is None
