from __future__ import annotations

import csv
import json
import re
import tracemalloc
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from evalrun.conduct.compare import compare_runs
from evalrun.errors import NothingSelected, StorageError, UsageError
from evalrun.records.run_comparison import RunComparison
from evalrun.records.suite import Case
from evalrun.report.compare_text import comparison_text
from evalrun.stats.intervals import wilson
from evalrun.stats.pairs import mcnemar, newcombe
from tests.conduct.stored import Made, Said, cases, stored


def two(tmp_path: Path, a: Made, b: Made, **how: Any) -> RunComparison:
    """Both runs written and compared."""
    stored(tmp_path, "run-a", a)
    stored(tmp_path, "run-b", b, day=1)
    return compare_runs(tmp_path, "run-a", "run-b", **how)


def bounds(both: int, only_first: int, only_second: int, neither: int) -> str:
    """Newcombe's interval in points."""
    interval = newcombe(both, only_first, only_second, neither)
    return f"[{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def wrong_on(*ids: str, **more: Any) -> Any:
    """Answers that are right but for these cases."""
    return lambda case, column, sample: Said(passed=case not in ids, **more)


def test_the_same_suite_twice(tmp_path: Path) -> None:
    """Pass rates, difference, exact test, flips and further figures of what both have, column by column."""
    a = Made(cases(10), wrong_on("land1", "land2", tokens=30))
    b = Made(cases(10), lambda c, column, s: Said(passed=column == "large" or c != "land9", tokens=33))
    found = two(tmp_path, a, b)
    large, small = found.columns
    rate, tokens = large.measure("pass_rate"), large.measure("tokens")
    assert rate is not None
    assert tokens is not None

    assert (found.matched, found.cases_matched, found.cells_added, found.cells_removed) == (20, 10, 0, 0)
    assert (large.both, large.only_a, large.only_b, large.neither) == (8, 0, 2, 0)
    assert (small.both, small.only_a, small.only_b, small.neither) == (7, 1, 2, 0)
    assert (rate.a_interval, rate.b_interval) == (wilson(8, 10), wilson(10, 10))
    assert rate.difference == pytest.approx(0.2)
    assert rate.p_value == mcnemar(0, 2) == 0.5
    assert (rate.call, rate.p_adjusted) == ("not distinguishable", 1.0)
    assert (tokens.a, tokens.b, tokens.difference, tokens.p_value) == (30, 33, 3, None)
    assert [(f.case, f.column, f.kind) for f in found.flips] == [
        ("land9", "small", "pass -> fail"),
        ("land1", "large", "fail -> pass"),
        ("land1", "small", "fail -> pass"),
        ("land2", "large", "fail -> pass"),
        ("land2", "small", "fail -> pass"),
    ]


def test_a_difference_that_is_real(tmp_path: Path) -> None:
    """A column that flips often in one direction is called so, and the sentence says by how much."""
    a = Made(cases(60), lambda c, column, s: Said(passed=column == "small" or int(c[4:]) % 2 == 0))
    found = two(tmp_path, a, Made(cases(60)))

    assert [column.measure("pass_rate").call for column in found.columns] == ["better", "not distinguishable"]
    assert found.conclusion == (
        f"large is better in B on pass rate by 50.0 points {bounds(30, 30, 0, 0)} (paired, 60 cases).",
        "small is not distinguishable between A and B (the same on 60 cases).",
    )


def test_a_changed_suite(tmp_path: Path) -> None:
    """Renamed, removed, added and changed cases and columns are matched or listed for what they are."""
    before = [*cases(4), Case(id="gone", vars={"country": "Atlantis"}, expected="Poseidonis")]
    after = cases(4)
    after[0] = replace(after[0], id="renamed")
    after[1] = replace(after[1], expected="Another town")
    after[2] = replace(after[2], vars={"country": "Landau"})
    after.append(Case(id="new", vars={"country": "Utopia"}, expected="Amaurot"))
    a = Made(before, labels=("large", "small"))
    b = Made(after, wrong_on("land1"), labels=("large", "huge"), prompt="{{ country }}?", ask={"large": "another"})
    found = two(tmp_path, a, b)
    (large,) = found.columns

    assert (found.cases_added, found.cases_removed) == (("new",), ("gone",))
    assert [(c.a, c.b, c.what) for c in found.cases_changed] == [
        ("land0", "renamed", ("id",)),
        ("land1", "land1", ("expected",)),
        ("land2", "land2", ("variables",)),
    ]
    assert (found.columns_added, found.columns_removed) == (("huge",), ("small",))
    assert (found.matched, found.cells_added, found.cells_removed) == (4, 6, 6)
    assert (large.case_changed, large.request_changed, large.request_changes) == (2, 2, ("prompt",))
    assert [(f.case, f.changed) for f in found.flips] == [("land1", True)]
    assert any("matched by variables and expected value" in note for note in found.notes)


def test_changed_cases_can_stay_out(tmp_path: Path) -> None:
    """With *unchanged* a case that is another question now counts no more, and that is said."""
    after = cases(4)
    after[1] = replace(after[1], expected="Another town")
    found = two(tmp_path, Made(cases(4)), Made(after, wrong_on("land1")), unchanged=True)

    assert (found.matched, found.flips, found.cases_matched) == (6, (), 3)
    assert "2 cells of changed cases left out (--unchanged)" in found.notes


def test_cases_without_ids(tmp_path: Path) -> None:
    """A new case above all others does not shift numbered cases against each other."""
    numbered = cases(3, numbered=True)
    later = [Case(id=f"case-{n + 2}", vars=c.vars, expected=c.expected) for n, c in enumerate(numbered)]
    first = Case(id="case-1", vars={"country": "Utopia"}, expected="Amaurot")
    found = two(tmp_path, Made(numbered), Made([first, *later], wrong_on("case-1")))

    assert (found.cases_added, found.cases_removed, found.flips) == (("case-1",), (), ())
    assert all(column.compared == 3 and column.case_changed == 0 for column in found.columns)


def test_a_new_model_is_paired_by_a_map(tmp_path: Path) -> None:
    """Columns with other labels are compared where the user says so, and until then there is nothing in common."""
    a, b = Made(cases(3), labels=("old",)), Made(cases(3), wrong_on("land2"), labels=("new",))
    with pytest.raises(NothingSelected, match="A has old; B has new\nsay which belong together with --map OLD=NEW"):
        two(tmp_path, a, b)
    found = compare_runs(tmp_path, "run-a", "run-b", mapping=["old=new"])

    assert [(c.label, c.only_a, c.request_changes) for c in found.columns] == [("old → new", 1, ("model",))]


def test_samples_are_one_piece_of_evidence(tmp_path: Path) -> None:
    """Answers to one case are matched sample by sample and tested together; further samples on one side are added."""
    a = Made(cases(12), lambda c, column, s: Said(passed=False), labels=("large",), samples=2)
    b = Made(cases(12), labels=("large",), samples=3)
    found = two(tmp_path, a, b)
    rate = found.columns[0].measure("pass_rate")
    assert rate is not None

    assert (found.matched, found.cells_added, rate.cells, rate.cases) == (24, 12, 24, 12)
    assert rate.p_value == mcnemar(0, 12)  # 12 cases, not 24 answers


def test_errors_on_one_side(tmp_path: Path) -> None:
    """A cell without a verdict on a side is compared no more, counted, and listed apart from flips."""

    def broken(case: str, column: str, sample: int) -> Said:
        return {"land0": Said(error="500: it broke"), "land1": Said(passed=None)}.get(case, Said())

    found = two(tmp_path, Made(cases(5), labels=("large",)), Made(cases(5), broken, labels=("large",)))
    (large,) = found.columns

    assert (large.matched, large.compared, large.no_verdict_b) == (5, 3, {"error": 1, "unscored": 1})
    assert [(f.case, f.kind, f.score_after) for f in found.one_sided] == [
        ("land0", "pass -> error", None),
        ("land1", "pass -> unscored", None),
    ]
    assert found.flips == ()
    assert "without a verdict in B, and not compared: 1 error, 1 unscored" in found.notes


def test_scores_are_tested_where_they_say_more(tmp_path: Path) -> None:
    """Graded scores are compared by a paired test of their own; scores of 0 and 1 are the verdicts again."""
    graded = Made(cases(20), lambda c, k, s: Said(score=0.6 + 0.01 * (int(c[4:]) % 3)), labels=("large",))
    better = Made(cases(20), lambda c, k, s: Said(score=0.8 + 0.01 * (int(c[4:]) % 2)), labels=("large",))
    found = two(tmp_path, graded, better)
    score = found.columns[0].measure("score")
    plain = two(tmp_path / "plain", Made(cases(3)), Made(cases(3))).columns[0].measure("score")
    assert score is not None
    assert plain is not None

    assert (score.call, score.p_value is not None and score.p_value < 1e-6) == ("better", True)
    assert any(said.startswith("By mean score large in B is better: +0.19") for said in found.conclusion)
    assert (plain.call, plain.p_value) == (None, None)


def test_other_scorers_are_told(tmp_path: Path) -> None:
    """Where other scorers gave the verdicts the comparison says so, and how to have the same ones judge both."""
    found = two(tmp_path, Made(cases(3)), Made(cases(3), judge="another"))

    assert [column.scorers_differ for column in found.columns] == [3, 3]
    assert any(
        note.startswith("verdicts of 6 cells were given by different scorers")
        and "evalrun score run-a --suite suites/capitals.yaml" in note
        for note in found.notes
    )


def test_a_run_that_goes_on(tmp_path: Path) -> None:
    """A run that was interrupted is compared as far as it came, and its state is told."""
    found = two(tmp_path, Made(cases(4)), Made(cases(4), state="interrupted", asked=3))

    assert [column.compared for column in found.columns] == [2, 1]
    assert found.notes[0] == "B is interrupted: what it has so far is compared"


def test_one_runs_columns(tmp_path: Path) -> None:
    """Without a second run the columns are compared with each other, all pairs of them."""
    made = Made(cases(30), lambda c, k, s: Said(passed=k != "small" or int(c[4:]) % 2 == 0), labels=("x", "small", "y"))
    stored(tmp_path, "run-a", made)
    found = compare_runs(tmp_path, "run-a", write=True)

    assert [c.label for c in found.columns] == ["x | small", "x | y", "small | y"]
    assert [c.measure("pass_rate").call for c in found.columns] == ["worse", "not distinguishable", "better"]
    assert (
        found.conclusion[0] == f"x beats small on pass rate by 50.0 points {bounds(15, 15, 0, 0)} (paired, 30 cases)."
    )
    assert (found.notes, found.cells_added, found.cells_removed) == ((), 0, 0)
    assert found.folder == str(tmp_path / "compare" / "run-a--run-a")


def test_one_column_alone(tmp_path: Path) -> None:
    """A run of one column has nothing to be compared with."""
    stored(tmp_path, "run-a", Made(cases(2), labels=("large",)))

    with pytest.raises(NothingSelected, match="name another run"):
        compare_runs(tmp_path, "run-a")


def test_nothing_in_common(tmp_path: Path) -> None:
    """Runs of other cases have nothing to compare."""
    with pytest.raises(NothingSelected, match="have no case in common"):
        two(tmp_path, Made(cases(2)), Made([Case(id="x", vars={"country": "y"}, expected="z")]))


def test_unknown_and_damaged_runs(tmp_path: Path) -> None:
    """A run that there is not is a mistake of use; one that cannot be read is the disk's."""
    folder = stored(tmp_path, "run-a", Made(cases(2)))
    with pytest.raises(UsageError, match="no such run"):
        compare_runs(tmp_path, "run-a", "nothing")
    (folder / "run.db").write_bytes(b"SQLite format 3\x00" + b"x" * 5000)

    with pytest.raises(StorageError):
        compare_runs(tmp_path, "run-a")


def test_the_table_of_cells(tmp_path: Path) -> None:
    """comparison.csv has a row for each matched cell, in plan order, with both sides' words and figures."""
    a = Made(cases(3), wrong_on("land1"), labels=("large",))
    b = Made(cases(3), lambda c, k, s: Said(error="=cmd()") if c == "land2" else Said(text="=1+1"), labels=("large",))
    found = two(tmp_path, a, b, write=True)
    with (Path(found.folder) / "comparison.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    assert [(r["case"], r["column"], r["verdict.a"], r["verdict.b"], r["flip"]) for r in rows] == [
        ("land0", "large", "pass", "pass", ""),
        ("land1", "large", "fail", "pass", "fail -> pass"),
        ("land2", "large", "pass", "error", "pass -> error"),
    ]
    assert [r["output.b"] for r in rows] == ["'=1+1", "'=1+1", ""]
    assert rows[2]["reason.b"] == "'=cmd()"
    assert (rows[0]["tokens.a"], rows[0]["cost_usd.a"], rows[0]["latency_s.a"]) == ("30", "0.001000000", "0.500")
    assert (rows[2]["tokens.b"], rows[2]["cost_usd.b"], rows[2]["score.b"]) == ("", "", "")
    assert sorted(path.name for path in Path(found.folder).iterdir()) == ["comparison.csv", "comparison.html"]


def test_nothing_is_left_of_files_that_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a file cannot be written the ones from before stay, whole, and no half of one."""
    found = two(tmp_path, Made(cases(2)), Made(cases(2)), write=True)
    before = {path: path.read_bytes() for path in Path(found.folder).iterdir()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("evalrun.conduct.compare.write_compare_page", full)
    with pytest.raises(StorageError, match="No space left on device"):
        compare_runs(tmp_path, "run-a", "run-b", write=True)

    assert {path: path.read_bytes() for path in Path(found.folder).iterdir()} == before


DEGENERATE = {
    "one case": Made(cases(1)),
    "all errors": Made(cases(3), lambda c, k, s: Said(error="500")),
    "all unscored": Made(cases(3), lambda c, k, s: Said(passed=None)),
    "nothing asked": Made(cases(3), asked=0, state="interrupted"),
    "all equal": Made(cases(3), samples=2),
    "no price": Made(cases(3), lambda c, k, s: Said(cost_usd=None)),
    "free and at once": Made(cases(3), lambda c, k, s: Said(cost_usd=0.0, latency_s=0.0)),
}


@pytest.mark.parametrize("odd", DEGENERATE.values(), ids=DEGENERATE)
def test_there_is_never_a_nan(odd: Made, tmp_path: Path) -> None:
    """Whatever is missing or equal on a side or both, every figure is a number or none, and every text comes about."""
    for number, (a, b) in enumerate([(odd, odd), (odd, Made(cases(3))), (Made(cases(3)), odd)]):
        found = two(tmp_path / str(number), a, b, write=True)
        table = (Path(found.folder) / "comparison.csv").read_text("utf-8")
        texts = [json.dumps(asdict(found), allow_nan=False), comparison_text(found, width=80, color=False), table]

        assert not any(re.search(r"\b(nan|inf)\b", text, re.I) for text in texts)


@pytest.mark.slow
def test_only_numbers_are_kept(tmp_path: Path) -> None:
    """What is in memory does not grow with the answers: thirty megabytes of them pass through in two."""
    long = Made(cases(300), lambda c, k, s: Said(text=c * 10_000), labels=("large",))
    stored(tmp_path, "run-a", long)
    stored(tmp_path, "run-b", long, day=1)
    compare_runs(tmp_path, "run-a", "run-b")  # what is imported on the way does not count
    tracemalloc.start()
    try:
        compare_runs(tmp_path, "run-a", "run-b")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 2_000_000
