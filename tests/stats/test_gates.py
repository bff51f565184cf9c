from __future__ import annotations

import re
from dataclasses import replace

import pytest

from evalrun.records.comparison import GateResult
from evalrun.records.suite import Gate
from evalrun.stats.compare import compare
from evalrun.stats.gate_figures import METRICS, share_interval
from evalrun.suite.gates import METRICS as WRITTEN
from tests.stats.build import plan, rows


def _gate(text, *, confidence=None, strict=False, **only):
    written, operator, value = text.split()
    metric = WRITTEN.get(written) or written.removeprefix("mean(").removesuffix(")")
    return Gate(
        text=text,
        metric=metric,
        operator=operator,
        value=float(value),
        only=only,
        confidence=confidence,
        strict=strict,
    )


def _judged(gate, columns, *, complete=True, max_error_rate=1.0, **facts):
    made = plan(columns, gates=(gate,), max_error_rate=max_error_rate)
    (result,) = compare(made, rows(made, columns, **facts), complete=complete).gates
    return result.verdict, result.reason


def _plain(gate, columns, **facts):
    """The answer without what stands behind a figure that is close to its limit."""
    verdict, reason = _judged(gate, columns, **facts)
    return verdict, re.sub(r" \(close: [^)]*\)", "", reason)


LARGE, SMALL = "p" * 39 + "f", "p" * 28 + "f" * 12
CLOSE_LARGE, CLOSE_SMALL = " (close: [0.871, 0.996])", " (close: [0.546, 0.819])"


@pytest.mark.parametrize(
    ("text", "verdict", "reason"),
    [
        ("pass_rate >= 0.9", "fail", f"large 0.975 >= 0.9{CLOSE_LARGE}; small 0.700 is below 0.9"),
        ("pass_rate >= 0.7", "pass", f"large 0.975 >= 0.7; small 0.700 >= 0.7{CLOSE_SMALL}"),
        ("pass_rate > 0.7", "fail", f"large 0.975 > 0.7; small 0.700 is not above 0.7{CLOSE_SMALL}"),
        ("pass_rate <= 0.7", "fail", f"large 0.975 is above 0.7; small 0.700 <= 0.7{CLOSE_SMALL}"),
        ("pass_rate < 0.7", "fail", f"large 0.975 is not below 0.7; small 0.700 is not below 0.7{CLOSE_SMALL}"),
        ("pass_rate == 0.7", "fail", "large 0.975 is not 0.7; small 0.700 == 0.7"),
        ("score >= 0.8", "fail", f"large 0.975 >= 0.8; small 0.700 is below 0.8{CLOSE_SMALL}"),
        ("cost_usd <= 0.04", "pass", "large $0.040 <= 0.04; small $0.040 <= 0.04"),
        ("cost_usd < 0.03", "fail", "large $0.040 is not below 0.03; small $0.040 is not below 0.03"),
        ("latency_s <= 1", "pass", "large 0.500 s <= 1; small 0.500 s <= 1"),
        ("p50(latency_s) < 0.5", "fail", "large 0.500 s is not below 0.5; small 0.500 s is not below 0.5"),
        ("p95(latency_s) <= 0.4", "fail", "large 0.500 s is above 0.4; small 0.500 s is above 0.4"),
        ("latency_p95_s <= 0.5", "pass", "large 0.500 s <= 0.5; small 0.500 s <= 0.5"),
        ("p95(ttft_s) <= 0.1", "pass", "large 0.100 s <= 0.1; small 0.100 s <= 0.1"),
        ("ttft_s < 0.1", "fail", "large 0.100 s is not below 0.1; small 0.100 s is not below 0.1"),
        ("prompt_tokens <= 400", "pass", "large 400 <= 400; small 400 <= 400"),
        ("completion_tokens < 200", "fail", "large 200 is not below 200; small 200 is not below 200"),
        ("total_tokens > 1000", "fail", "large 600 is not above 1000; small 600 is not above 1000"),
        (
            "mean(scorer.equals) > 0.99",
            "fail",
            f"large 0.975 is not above 0.99{CLOSE_LARGE}; small 0.700 is not above 0.99",
        ),
    ],
)
def test_every_column_must_meet_a_gate(text, verdict, reason):
    """A gate passes where each column meets it, and the reason names every figure."""
    assert _judged(_gate(text), {"large": LARGE, "small": SMALL}, ttft_s=0.1) == (verdict, reason)


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
    assert _plain(_gate("pass_rate >= 0.9", **only), {"large": "pppp", "small": "pfpf"}) == (verdict, reason)


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
    assert _plain(_gate(text), {"a": letters}, **facts) == ("fail", reason)


@pytest.mark.parametrize(
    ("text", "confidence", "letters", "verdict", "reason"),
    [
        ("pass_rate >= 0.9", 0.95, "p" * 100, "pass", "a 1.000 [0.963, 1.000] >= 0.9 at 95 %"),
        ("pass_rate >= 0.9", 0.95, "p" * 20, "not enough evidence",
         "a 1.000: [0.839, 1.000] holds 0.9 at 95 %: needs about 32 more cases"),
        ("pass_rate >= 0.9", 0.8, "p" * 20, "pass", "a 1.000 [0.924, 1.000] >= 0.9 at 80 %"),
        ("pass_rate >= 0.9", 0.95, "p" * 85 + "f" * 15, "not enough evidence",
         "a 0.850: [0.767, 0.907] holds 0.9 at 95 %: needs about 30 more cases"),
        ("pass_rate >= 0.9", 0.95, "p" * 850 + "f" * 150, "fail", "a 0.850 [0.827, 0.871] is below 0.9 at 95 %"),
        ("pass_rate < 0.5", 0.95, "f" * 40, "pass", "a 0.000 [0.000, 0.088] < 0.5 at 95 %"),
        ("score > 0.5", 0.95, "pf" * 50, "not enough evidence", "a 0.500: [0.404, 0.596] holds 0.5 at 95 %"),
        ("p50(latency_s) <= 0.5", 0.95, "p" * 40, "pass", "a 0.500 s [0.500, 0.500] <= 0.5 at 95 %"),
        ("p95(latency_s) <= 1", 0.95, "p" * 40, "not enough evidence", "a 0.500 s: [0.500, unknown] holds 1 at 95 %"),
        ("latency_s <= 1", 0.95, "p", "not enough evidence", "a 0.500 s: a single case does not tell how sure it is"),
        ("pass_rate >= 0.5", 0.95, "ee", "fail", "a: nothing scored"),
    ],
)  # fmt: skip
def test_a_gate_with_a_confidence_is_answered_by_the_whole_interval(text, confidence, letters, verdict, reason):
    """It passes when all of the interval meets it and fails when none does; else there is not enough evidence."""
    assert _judged(_gate(text, confidence=confidence), {"a": letters}) == (verdict, reason)


def test_the_worst_column_answers_for_all():
    """One that fails outweighs one with too little evidence, and that one outweighs those that pass."""
    columns = {"sure": "p" * 100, "unsure": "p" * 20 + "f" * 80, "bad": "f" * 100}
    gate = _gate("pass_rate >= 0.25", confidence=0.95)
    without = {label: letters for label, letters in columns.items() if label != "bad"}

    assert _judged(gate, columns)[0] == "fail"
    assert _judged(gate, without)[0] == "not enough evidence"
    assert _judged(gate, {"sure": columns["sure"]})[0] == "pass"


@pytest.mark.parametrize(
    ("verdict", "strict", "failed"),
    [
        ("pass", False, False),
        ("pass", True, False),
        ("fail", False, True),
        ("fail", True, True),
        ("not enough evidence", False, False),
        ("not enough evidence", True, True),
    ],
)
def test_too_little_evidence_fails_a_strict_gate_alone(verdict, strict, failed):
    """A gate that fails ends the run with 1; one that cannot be answered does only if it is strict."""
    gate = _gate("pass_rate >= 0.5", confidence=0.95, strict=strict)

    assert GateResult(gate=gate, verdict=verdict, reason="").failed is failed


def test_samples_of_one_case_are_no_evidence_of_their_own():
    """Ten answers to each of four cases that always agree say as much as one answer to each."""
    made = plan({"a": "p" * 40}, samples=10, gates=(_gate("pass_rate >= 0.7", confidence=0.95),))
    (result,) = compare(made, rows(made, {"a": "p" * 40}), complete=True).gates

    assert result.verdict == "not enough evidence"
    assert result.reason.startswith("a 1.000: [0.510, 1.000] holds 0.7 at 95 %")


def test_equal_scores_are_no_proof_that_all_are():
    """Where no case differs the interval is still wide, and narrower with more cases."""
    few, many = (share_interval([[0.8]] * n, confidence=0.95) for n in (5, 500))

    assert (few.low, few.high) == pytest.approx((0.376, 0.964), abs=1e-3)
    assert (many.low, many.high) == pytest.approx((0.763, 0.833), abs=1e-3)
    assert share_interval([[0.2], [0.4]], confidence=0.95).low == 0


def test_every_figure_that_a_suite_may_name_can_be_plain():
    """What the suite's border lets through as a gate's figure is one that the statistics know."""
    assert set(WRITTEN.values()) == set(METRICS)


def test_no_gate_is_decided_on_an_incomplete_run():
    """While cells are missing, a gate neither passes nor fails, and tells how it stands."""
    assert _plain(_gate("pass_rate >= 0.5"), {"a": "pp."}) == (
        "not decided",
        "the run is not complete; a 1.000 (2 of 3 scored) >= 0.5",
    )
    assert _plain(_gate("pass_rate >= 0.5"), {"a": "p.", "b": ".."}) == (
        "not decided",
        "the run is not complete; a 1.000 (1 of 2 scored) >= 0.5",
    )
    assert _plain(_gate("pass_rate >= 0.5"), {"a": "pp"}, complete=False)[0] == "not decided"
    assert _plain(_gate("pass_rate >= 0.5"), {"a": "pe"}, max_error_rate=0.0)[0] == "not decided"


@pytest.mark.parametrize(
    ("text", "only", "verdict", "reason"),
    [
        ("pass_rate >= 0.5", {}, "pass", "a 0.750 (stopped early, 4 not needed) >= 0.5"),
        ("pass_rate >= 0.8", {}, "fail", "a 0.750 (stopped early, 4 not needed) is below 0.8"),
        ("cost_usd <= 1", {}, "pass", "a $0.004 <= 1"),
        ("pass_rate >= 0.5", {"case": ("c6", "c7")}, "not enough evidence", "a: no cell that it is for was needed"),
        ("p95(latency_s) <= 9", {"case": ("c6",)}, "not enough evidence", "a: no cell that it is for was needed"),
    ],
)
def test_a_gate_on_a_column_that_stopped_early_says_so(text, only, verdict, reason):
    """What was not needed is no answer that is missing; where nothing was needed, nothing is known."""
    found, said = _plain(_gate(text, **only), {"a": "pppfssss"})

    assert (found, said.startswith(reason)) == (verdict, True), said


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

    assert _plain(_gate("pass_rate >= 0.9"), columns) == ("fail" if failing else "pass", reason)


def test_a_gate_says_what_its_figure_left_out():
    """A pass rate over fewer cells than planned says so."""
    assert _plain(_gate("pass_rate >= 0.9"), {"a": "pppe"}) == ("pass", "a 1.000 (3 of 4 scored) >= 0.9")


def test_a_figure_just_below_its_limit_does_not_look_like_it():
    """Decimals are added until the figure and the limit differ."""
    assert _plain(_gate("pass_rate >= 0.9"), {"a": "p" * 8999 + "f" * 1001}) == ("fail", "a 0.8999 is below 0.9")


def test_a_gate_is_met_in_spite_of_rounding():
    """Three tenths of a cent three times are nine tenths."""
    assert _plain(_gate("cost_usd <= 0.9"), {"a": "ppp"}, cost_usd=0.3)[0] == "pass"


@pytest.mark.parametrize(
    ("text", "said"), [("pass_rate >= 0.5", True), ("score >= 0.5", True), ("cost_usd <= 9", False)]
)
def test_a_gate_on_verdicts_that_nobody_gave_says_so(text, said):
    """Without a scorer that decides each answer passes, and so does the gate: the reason says on what."""
    columns = {"large": "p" * 9 + "e"}
    made = plan(columns, gates=(_gate(text),), max_error_rate=1.0)
    found = rows(made, columns)
    without = [row if row.mark is None else replace(row, mark=replace(row.mark, scores=())) for row in found]
    noted = [
        replace(row, mark=replace(row.mark, scores=(replace(row.mark.scores[0], weight=0.0),)))
        if row.mark is not None
        else row
        for row in found
    ]
    reasons = [compare(made, some, complete=True).gates[0].reason for some in (found, without, noted)]

    assert [reason.endswith("; nothing scores the answers: each one passes") for reason in reasons] == [
        False,
        said,
        said,
    ]
