from __future__ import annotations

import pytest

from evalrun.records.suite import Gate
from evalrun.stats.compare import compare
from evalrun.stats.gate_figures import METRICS
from evalrun.suite.gates import METRICS as WRITTEN
from tests.stats.build import plan, rows


def _gate(text, **only):
    written, operator, value = text.split()
    return Gate(text=text, metric=WRITTEN[written], operator=operator, value=float(value), only=only)


def _judged(gate, columns, *, complete=True, max_error_rate=1.0, **facts):
    made = plan(columns, gates=(gate,), max_error_rate=max_error_rate)
    (result,) = compare(made, rows(made, columns, **facts), complete=complete).gates
    return result.verdict, result.reason


LARGE, SMALL = "p" * 39 + "f", "p" * 28 + "f" * 12


@pytest.mark.parametrize(
    ("text", "verdict", "reason"),
    [
        ("pass_rate >= 0.9", "fail", "large 0.975 >= 0.9; small 0.700 is below 0.9"),
        ("pass_rate >= 0.7", "pass", "large 0.975 >= 0.7; small 0.700 >= 0.7"),
        ("pass_rate > 0.7", "fail", "large 0.975 > 0.7; small 0.700 is not above 0.7"),
        ("pass_rate <= 0.7", "fail", "large 0.975 is above 0.7; small 0.700 <= 0.7"),
        ("pass_rate < 0.7", "fail", "large 0.975 is not below 0.7; small 0.700 is not below 0.7"),
        ("pass_rate == 0.7", "fail", "large 0.975 is not 0.7; small 0.700 == 0.7"),
        ("score >= 0.8", "fail", "large 0.975 >= 0.8; small 0.700 is below 0.8"),
        ("cost_usd <= 0.04", "pass", "large $0.040 <= 0.04; small $0.040 <= 0.04"),
        ("cost_usd < 0.03", "fail", "large $0.040 is not below 0.03; small $0.040 is not below 0.03"),
        ("latency_s <= 1", "pass", "large 0.500 s <= 1; small 0.500 s <= 1"),
        ("p50(latency_s) < 0.5", "fail", "large 0.500 s is not below 0.5; small 0.500 s is not below 0.5"),
        ("p95(latency_s) <= 0.4", "fail", "large 0.500 s is above 0.4; small 0.500 s is above 0.4"),
    ],
)
def test_every_column_must_meet_a_gate(text, verdict, reason):
    """A gate passes where each column meets it, and the reason names every figure."""
    assert _judged(_gate(text), {"large": LARGE, "small": SMALL}) == (verdict, reason)


@pytest.mark.parametrize(
    ("only", "verdict", "reason"),
    [
        ({"model": ("large",)}, "pass", "large 1.000 >= 0.9"),
        ({"model": ("small",)}, "fail", "small 0.500 is below 0.9"),
        ({"model": ("large", "small")}, "fail", "large 1.000 >= 0.9; small 0.500 is below 0.9"),
        ({"tag": ("even",)}, "pass", "large 1.000 >= 0.9; small 1.000 >= 0.9"),
        ({"tag": ("odd",)}, "fail", "large 1.000 >= 0.9; small 0.000 is below 0.9"),
        ({"tag": ("none", "even")}, "pass", "large 1.000 >= 0.9; small 1.000 >= 0.9"),
        ({"case": ("c0",)}, "pass", "large 1.000 >= 0.9; small 1.000 >= 0.9"),
        ({"case": ("c1",), "model": ("small",)}, "fail", "small 0.000 is below 0.9"),
        ({"prompt": ("p",), "case": ("c0",)}, "pass", "large 1.000 >= 0.9; small 1.000 >= 0.9"),
        ({"prompt": ("other",)}, "fail", "no column and case that it is for"),
        ({"tag": ("nowhere",)}, "fail", "no column and case that it is for"),
    ],
)
def test_a_gate_may_be_for_some_columns_and_cases(only, verdict, reason):
    """A gate looks at the rows that it is for alone; one that is for nothing fails."""
    assert _judged(_gate("pass_rate >= 0.9", **only), {"large": "pppp", "small": "pfpf"}) == (verdict, reason)


@pytest.mark.parametrize(
    ("text", "letters", "facts", "reason"),
    [
        ("pass_rate >= 0", "ee", {}, "a: nothing scored"),
        ("score >= 0", "uu", {}, "a: nothing scored"),
        ("cost_usd <= 1", "pp", {"cost_usd": None}, "a: cost unknown"),
        ("cost_usd <= 1", "ee", {}, "a: cost unknown"),
        ("p95(latency_s) <= 1", "pp", {"latency_s": None}, "a: latency unknown"),
    ],
)
def test_a_gate_on_a_figure_that_is_not_there_fails(text, letters, facts, reason):
    """What is unknown meets no condition."""
    assert _judged(_gate(text), {"a": letters}, **facts) == ("fail", reason)


def test_every_figure_that_a_suite_may_name_can_be_judged():
    """What the suite's border lets through as a gate's figure is one that the statistics know."""
    assert set(WRITTEN.values()) <= set(METRICS)


def test_no_gate_is_decided_on_an_incomplete_run():
    """While cells are missing, a gate neither passes nor fails, and tells how it stands."""
    assert _judged(_gate("pass_rate >= 0.5"), {"a": "pp."}) == (
        "not decided",
        "the run is not complete; a 1.000 (2 of 3 scored) >= 0.5",
    )
    assert _judged(_gate("pass_rate >= 0.5"), {"a": "p.", "b": ".."}) == (
        "not decided",
        "the run is not complete; a 1.000 (1 of 2 scored) >= 0.5",
    )
    assert _judged(_gate("pass_rate >= 0.5"), {"a": "pp"}, complete=False)[0] == "not decided"
    assert _judged(_gate("pass_rate >= 0.5"), {"a": "pe"}, max_error_rate=0.0)[0] == "not decided"


@pytest.mark.parametrize(
    ("failing", "reason"),
    [
        (0, "all 9 columns meet it"),
        (1, "c0 0.000 is below 0.9; 8 of 9 columns meet it"),
        (9, "; ".join(f"c{n} 0.000 is below 0.9" for n in range(6)) + "; 3 more do not meet it"),
    ],
)
def test_of_many_columns_a_gate_names_those_that_fail(failing, reason):
    """With more columns than can be read at a glance, those that meet the gate are counted."""
    columns = {f"c{n}": "f" if n < failing else "p" for n in range(9)}

    assert _judged(_gate("pass_rate >= 0.9"), columns) == ("fail" if failing else "pass", reason)


def test_a_gate_says_what_its_figure_left_out():
    """A pass rate over fewer cells than planned says so."""
    assert _judged(_gate("pass_rate >= 0.9"), {"a": "pppe"}) == ("pass", "a 1.000 (3 of 4 scored) >= 0.9")


def test_a_figure_just_below_its_limit_does_not_look_like_it():
    """Decimals are added until the figure and the limit differ."""
    assert _judged(_gate("pass_rate >= 0.9"), {"a": "p" * 8999 + "f" * 1001}) == ("fail", "a 0.8999 is below 0.9")


def test_a_gate_is_met_in_spite_of_rounding():
    """Three tenths of a cent three times are nine tenths."""
    assert _judged(_gate("cost_usd <= 0.9"), {"a": "ppp"}, cost_usd=0.3)[0] == "pass"
