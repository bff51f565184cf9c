from __future__ import annotations

from dataclasses import replace

import pytest

from evalrun.records.baseline import NO_BASELINE, Baseline, BaselineCell
from evalrun.records.comparison import Regressed
from evalrun.records.plan import Column
from evalrun.records.score import Mark
from evalrun.records.suite import Gate
from evalrun.stats.gates import NOTHING, gate_tallies
from tests.stats.build import plan, rows

GATE = Gate(text="no_regression", metric="no_regression")


def _baseline(columns, samples=1, note="", key=None):
    """The baseline of these letters, in the manner of tests.stats.build; keys as the run has them, or all *key*."""
    made = plan(columns, samples=samples)
    cells = [
        BaselineCell(
            case=row.case.id,
            column=row.column.label,
            sample=row.cell.sample,
            verdict=row.mark.verdict,
            score=row.mark.score,
            key=key or row.cell.key,
        )
        for row in rows(made, columns)
        if row.scored
    ]
    return Baseline(
        suite="s", run="r1", date="2026-11-20T10:00:00Z", evalrun_version="1", suite_sha256="", columns=made.columns,
        cells=tuple(cells), note=note,
    )  # fmt: skip


def _answer(before, now, *, gate=GATE, samples=1, complete=True, edit=lambda row: row, left_out=NOTHING, **said):
    """The gate's result on the run *now* against the baseline *before*."""
    made = plan(now, samples=samples)
    baseline = before if isinstance(before, str | Baseline) else _baseline(before, samples, **said)
    (tally,) = gate_tallies([gate], made.columns, baseline, left_out=left_out)
    for row in map(edit, rows(made, now)):
        tally.add(row, scored=row.scored)
    return tally.result(complete=complete)


def test_a_sure_drop_fails_and_names_the_cases():
    """Ten more failures among forty are no chance; the reason names some of them, the result all."""
    found = _answer({"a": "p" * 40}, {"a": "f" * 10 + "p" * 30})

    assert found.verdict == "fail"
    assert found.reason == (
        "a: pass rate 0.750 after 1.000, 25.0 points worse on 40 cases (10 newly fail, 0 newly pass; p = 0.00098), "
        "now failing: c0, c1, c2, c3, c4 and 5 more; baseline r1 of 2026-11-20"
    )
    assert found.regressed == tuple(Regressed(column="a", case=f"c{n}", sample=0) for n in range(10))


@pytest.mark.parametrize(
    ("before", "now", "verdict", "says"),
    [
        ("p" * 40, "p" * 40, "pass", "pass rate 1.000 after 1.000 on 40 cases, where drops from"),
        ("p" * 40, "p" * 38 + "ff", "pass", "(2 newly fail, 0 newly pass; p = 0.25)"),
        ("f" * 40, "p" * 40, "pass", "(0 newly fail, 40 newly pass)"),
        ("f" * 3, "f" * 3, "pass", "pass rate 0.000 after 0.000 on 3 cases"),
        ("pppp", "pppp", "not enough evidence", "too few to show any drop"),
        ("pppp", "ffff", "not enough evidence", "too few to show any drop"),
        ("ppppp", "fffff", "fail", "100.0 points worse"),
        ("p" * 20, "e" * 20, "not enough evidence", "no case has a verdict both then and now; 20 have no verdict now"),
        ("p" * 20, "s" * 20, "not enough evidence", "a: no cell that it is for was needed (stop_when)"),
        ("p" * 20, "f" * 9 + "s" * 11, "fail", "100.0 points worse on 9 cases"),
    ],
)
def test_a_gate_that_counts_any_drop(before, now, verdict, says):
    """Without min_effect any drop counts; what even the worst outcome could not show is not enough evidence."""
    found = _answer({"a": before}, {"a": now})

    assert found.verdict == verdict
    assert says in found.reason


@pytest.mark.parametrize(
    ("letters", "min_effect", "verdict", "says"),
    [
        ("f" * 10 + "p" * 390, 0.02, "fail", "2.5 points worse on 400 cases"),
        ("f" * 10 + "p" * 390, 0.03, "not enough evidence", "it is worse, and by 3.0 points is not excluded"),
        ("f" * 10 + "p" * 390, 0.10, "pass", "pass rate 0.975 after 1.000 on 400 cases (10 newly fail"),
        ("f" * 2 + "p" * 398, 0.001, "not enough evidence", "a drop of 0.1 points takes about"),
        ("p" * 400, 0.05, "pass", "pass rate 1.000 after 1.000 on 400 cases"),
    ],
)
def test_a_smallest_drop_that_counts(letters, min_effect, verdict, says):
    """A sure drop below it passes where one of that size is excluded; where it could not be seen, nobody knows."""
    found = _answer({"a": "p" * 400}, {"a": letters}, gate=replace(GATE, min_effect=min_effect))

    assert (found.verdict, says in found.reason) == (verdict, True), found.reason


def test_alpha_is_the_chance_of_a_false_alarm():
    """Four lost of four fail at a tenth and not at a twentieth."""
    before, now = {"a": "p" * 40}, {"a": "ffff" + "p" * 36}

    assert _answer(before, now, gate=replace(GATE, alpha=0.1)).verdict == "fail"
    assert _answer(before, now).verdict == "pass"


def test_several_columns_share_alpha():
    """A drop that is sure alone is not among ten columns (Holm)."""
    lost = "f" * 5 + "p" * 35
    alone = _answer({"a": "p" * 40}, {"a": lost})
    others = {f"b{n}": "p" * 40 for n in range(9)}
    among = _answer({"a": "p" * 40, **others}, {"a": lost, **others})

    assert (alone.verdict, among.verdict) == ("fail", "pass")
    assert len(among.regressed) == 5


def test_samples_of_a_case_are_compared_together():
    """A case that lost all its samples is one case."""
    found = _answer({"a": "ppp" * 6}, {"a": "fff" * 2 + "ppp" * 4}, samples=3)

    assert "(6 newly fail, 0 newly pass; p = 0.25)" in found.reason
    assert [one.sample for one in found.regressed] == [0, 1, 2] * 2
    assert "on 6 cases" in found.reason


def test_scores_are_compared_where_they_say_more():
    """Verdicts that stay do not hide a score that falls."""

    def lower(row):
        return replace(row, mark=Mark(score=0.8 - 0.01 * (row.cell.case % 3), verdict="pass"))

    baseline = _baseline({"a": "p" * 40})
    baseline = replace(baseline, cells=tuple(replace(cell, score=0.9) for cell in baseline.cells))
    found = _answer(baseline, {"a": "p" * 40}, edit=lower)

    assert found.verdict == "fail"
    assert found.reason.startswith("a: score 0.790 after 0.900, 0.110 worse on 40 cases (p = ")
    assert found.regressed == ()


def test_columns_are_matched_by_what_they_are():
    """The same prompt, model and parameters are the same column under another label; else the label tells."""
    baseline = _baseline({"a": "p" * 20, "b": "f" * 20})
    renamed = replace(
        baseline,
        columns=(
            Column(id="id-a", label="a · old", prompt="p", model="a"),
            Column(id="other", label="b", prompt="q", model="b"),
        ),
        cells=tuple(replace(cell, column="a · old") if cell.column == "a" else cell for cell in baseline.cells),
    )
    found = _answer(renamed, {"b": "p" * 20, "a": "f" * 20})

    assert "b: pass rate 1.000 after 0.000" in _answer(renamed, {"b": "p" * 20}).reason
    assert found.verdict == "fail"
    assert "a: pass rate 0.000 after 1.000" in found.reason


def test_a_column_that_the_baseline_lacks_is_not_judged():
    """A new column is no evidence of anything, and the others are still judged."""
    found = _answer({"a": "p" * 20}, {"a": "p" * 20, "new": "f" * 20})

    assert found.verdict == "not enough evidence"
    assert "new is not in the baseline" in found.reason
    assert "a: pass rate 1.000 after 1.000" in found.reason
    assert _answer({"a": "p" * 20}, {"a": "f" * 20, "new": "f" * 20}).verdict == "fail"


def test_cells_on_one_side_are_counted():
    """Cases are matched by id, and what only one of the two has is said; so are answers without a verdict."""
    found = _answer({"a": "p" * 12}, {"a": "ep" + "p" * 8})
    more = _answer({"a": "p" * 12}, {"a": "p" * 15})

    assert "on 9 cases" in found.reason
    assert "2 cells are in the baseline only; 1 have no verdict now" in found.reason
    assert "3 cells are not in the baseline" in more.reason


def test_changed_requests_are_compared_and_counted():
    """Another prompt or model behind the same column is what a regression gate is for."""
    found = _answer({"a": "p" * 20}, {"a": "f" * 20}, key="another", note="before the move")

    assert found.verdict == "fail"
    assert "20 of 20 requests are others than then; baseline r1 of 2026-11-20 (before the move)" in found.reason


@pytest.mark.parametrize(
    ("only", "verdict", "says"),
    [
        ({"model": ("b",)}, "pass", "b: pass rate 1.000 after 1.000 on 20 cases"),
        ({"tag": ("even",)}, "fail", "a: pass rate 0.000 after 1.000, 100.0 points worse on 10 cases"),
        ({"case": ("c1", "c3")}, "not enough evidence", "on 2 cases"),
        ({"prompt": ("other",)}, "fail", "no column and case that it is for"),
    ],
)
def test_it_may_be_for_some_columns_and_cases(only, verdict, says):
    """Cells that it is not for do not count, nor as missing."""
    before = {"a": "p" * 20, "b": "p" * 20}
    found = _answer(before, {"a": "f" * 20, "b": "p" * 20}, gate=replace(GATE, only=only))

    assert found.verdict == verdict
    assert says in found.reason
    assert "baseline only" not in found.reason


def test_without_a_baseline_there_is_not_enough_evidence():
    """It says how to make one, and fails only if it is strict."""
    found = _answer(NO_BASELINE, {"a": "pp"})
    strict = _answer(NO_BASELINE, {"a": "pp"}, gate=replace(GATE, strict=True))

    assert (found.verdict, found.reason, found.failed) == ("not enough evidence", NO_BASELINE, False)
    assert strict.failed


@pytest.mark.parametrize("before", [NO_BASELINE, {"a": "pppppp"}])
def test_an_incomplete_run_is_not_decided(before):
    """Neither with a baseline nor without."""
    assert _answer(before, {"a": "ffffff"}, complete=False).verdict == "not decided"


def test_a_column_that_is_gone_leaves_too_little_evidence():
    """What the baseline has and the suite has not any more is not passed over; another column's drop still fails."""
    before = {"a": "p" * 20, "b": "p" * 20}
    found = _answer(before, {"a": "p" * 20})
    worse = _answer(before, {"a": "f" * 20})
    strict = _answer(before, {"a": "p" * 20}, gate=replace(GATE, strict=True))

    assert (found.verdict, found.failed) == ("not enough evidence", False)
    assert "; b is in the baseline and not in the suite any more; " in found.reason
    assert "a: pass rate 1.000 after 1.000" in found.reason
    assert (worse.verdict, strict.failed) == ("fail", True)


@pytest.mark.parametrize(
    ("only", "verdict"),
    [
        ({"model": ("a",)}, "pass"),
        ({"case": tuple(f"c{n}" for n in range(8))}, "not enough evidence"),
        ({"case": tuple(f"c{n}" for n in range(10, 20))}, "pass"),
    ],
)
def test_a_gate_for_something_else_misses_no_column(only, verdict):
    """A column that is gone counts where the gate is for it, and where it had one of the gate's cases."""
    found = _answer({"a": "p" * 20, "b": "p" * 8 + "e" * 12}, {"a": "p" * 20}, gate=replace(GATE, only=only))

    assert found.verdict == verdict
    assert ("b is in the baseline" in found.reason) == (verdict != "pass")


@pytest.mark.parametrize(
    ("left_out", "verdict"), [({"model": ("b",)}, "pass"), ({"model": ("z",)}, "not enough evidence")]
)
def test_a_run_that_was_narrowed_misses_nothing_that_it_left_out(left_out, verdict):
    """What the command line left out is named and forgiven; what went for another reason is not."""
    found = _answer({"a": "p" * 20, "b": "p" * 20}, {"a": "p" * 20}, left_out=left_out)

    assert found.verdict == verdict
    assert ("b of the baseline left out of this run" in found.reason) == (verdict == "pass")


def test_a_label_that_another_column_took_hides_no_column():
    """The new b is the old a by what it asks: the old b is compared with nothing, and that is said."""
    before = _baseline({"a": "p" * 20, "b": "p" * 20})
    columns = (replace(before.columns[0], id="id-b"), replace(before.columns[1], id="gone"))
    found = _answer(replace(before, columns=columns), {"b": "p" * 20})

    assert (found.verdict, "; b is in the baseline" in found.reason) == ("not enough evidence", True)


def test_one_case_is_not_cases():
    """The reason counts in words that fit."""
    assert "after 1.000 on 1 case, too few to show any drop" in _answer({"a": "p"}, {"a": "p"}).reason


def test_a_baseline_of_answers_that_nothing_scored_says_so():
    """Where no scorer decides there is nothing that could get worse."""
    found = _answer({"a": "p" * 20}, {"a": "p" * 20}, edit=lambda row: replace(row, mark=replace(row.mark, scores=())))

    assert "; nothing scores the answers: each one passes; baseline" in found.reason
    assert "nothing scores" not in _answer({"a": "p" * 20}, {"a": "p" * 20}).reason
