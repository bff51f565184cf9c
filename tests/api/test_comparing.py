from __future__ import annotations

import csv
from pathlib import Path

import pytest

from evalrun import Run, compare_runs, load_suite, run_suite
from evalrun.errors import NothingSelected, UsageError
from tests.api.conftest import nothing_said


@pytest.fixture
def runs(suite: Path) -> tuple[Run, Run]:
    """The same suite twice, the second time of other cases too, one of them otherwise expected."""
    first = run_suite(suite)
    changed = suite.read_text().replace("expected: 42", "expected: 43").replace("{id: one,", "{id: eins,")
    suite.write_text(
        changed.replace("vars: {a: 1, b: 2}", "vars: {a: 4, b: 4}").replace("expected: 3}", "expected: 8}")
    )
    return first, run_suite(suite)


def test_two_runs_are_compared(runs: tuple[Run, Run], silent: pytest.CaptureFixture[str]) -> None:
    """Values and names mean the same two runs; what changed between them is told, and nothing is printed or written."""
    first, second = runs
    found = compare_runs(first, second)

    assert found.comparison.columns == compare_runs(first.name, second.folder).comparison.columns
    assert [column.label for column in found.columns] == [figures.column.label for figures in first.comparison.columns]
    assert found.comparison.cases_added == ("eins",)
    assert found.comparison.cases_removed == ("one",)
    assert [change.what for change in found.comparison.cases_changed] == [("expected",)]
    assert found.conclusion == found.comparison.conclusion
    assert found.report_path is None
    assert not (first.results_folder / "compare").exists()
    assert nothing_said(silent)


def test_flips_are_a_table(runs: tuple[Run, Run]) -> None:
    """Each cell whose verdict differs is a row, the worst first, with scores before and after."""
    large = ["large · plain", "large · terse"]
    flips = compare_runs(*runs, columns=large).flips()

    assert set(flips["case"]) == {"two"}
    assert set(flips["column"]) == set(large)
    assert flips["before"].tolist() == ["pass", "pass"]
    assert flips["score_before"].tolist() == [1.0, 1.0]
    assert flips["changed"].all()
    assert flips["case_b"].isna().all()
    assert {name: str(flips[name].dtype) for name in ("sample", "score_after", "changed")} == {
        "sample": "Int64", "score_after": "Float64", "changed": "boolean"
    }  # fmt: skip
    assert compare_runs(*runs, unchanged=True).flips().empty
    assert list(compare_runs(*runs, unchanged=True).flips().columns) == list(flips.columns)


def test_figures_are_a_table(runs: tuple[Run, Run]) -> None:
    """Each figure of each column is a row with both sides, the difference, its interval and the call."""
    found = compare_runs(*runs, columns="large · plain")
    (column,) = found.columns
    table = found.table()
    rate, measure = table[table["measure"] == "pass_rate"].iloc[0], column.measure("pass_rate")

    assert measure is not None
    assert set(table["column"]) == {"large · plain"}
    assert table["measure"].tolist() == [one.name for one in column.measures]
    assert (rate["a"], rate["b"], rate["cells"], rate["call"]) == (measure.a, measure.b, measure.cells, measure.call)
    assert measure.difference_interval is not None
    assert rate["difference_low"] == measure.difference_interval.low
    assert table.loc[table["measure"] == "tokens", ["p_value", "call"]].isna().all(axis=None)


def test_the_files_are_written_when_asked_for(runs: tuple[Run, Run]) -> None:
    """With *write* the page and the table lie where the command line puts them."""
    found = compare_runs(*runs, write=True)

    assert found.report_path is not None
    assert found.report_path.is_file()
    assert found.report_path.parent == runs[0].results_folder / "compare" / f"{runs[0].name}--{runs[1].name}"
    with found.report_path.with_name("comparison.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == found.comparison.matched == 8


def test_one_runs_columns_are_compared(runs: tuple[Run, Run]) -> None:
    """Without a second run the columns of the first stand beside each other; a mapping chooses pairs."""
    found = compare_runs(runs[0])
    chosen = compare_runs(runs[0], mapping={"large · plain": "tiny · plain"})

    assert len(found.columns) == 6
    assert [(column.label_a, column.label_b) for column in chosen.columns] == [("large · plain", "tiny · plain")]


@pytest.mark.parametrize(
    ("asked", "kind", "words"),
    [
        ({"columns": "larg · plain"}, UsageError, "did you mean large · plain"),
        ({"mapping": {"large · plain": "x"}}, UsageError, "x: no such column"),
    ],
)
def test_a_label_that_is_not_there(
    runs: tuple[Run, Run], asked: dict[str, str], kind: type[Exception], words: str
) -> None:
    """A column that neither run has is refused with the nearest one."""
    with pytest.raises(kind, match=words):
        compare_runs(*runs, **asked)  # type: ignore[arg-type]


def test_runs_without_a_common_case(suite: Path) -> None:
    """Two runs that have nothing in common cannot be compared, and that is said."""
    one = run_suite(load_suite(suite, only={"case": "one"}))
    two = run_suite(load_suite(suite, only={"case": "two"}))
    with pytest.raises(NothingSelected, match="no case in common"):
        compare_runs(one, two)


def test_a_comparison_reads_well(runs: tuple[Run, Run]) -> None:
    """`repr` is a line, `print` says what `evalrun compare` says, and a notebook shows an inert table."""
    found = compare_runs(*runs)
    shown = found._repr_html_()

    assert repr(found).startswith(f"<ComparedRuns {runs[0].name} and {runs[1].name}: 8 cells of 2 cases matched, ")
    assert " ".join(found.conclusion[0].split()) in " ".join(str(found).split())
    assert "<th>large · plain</th><td>pass rate</td><td>1.000</td><td>0.500</td>" in shown
    assert "&lt;ComparedRuns" in shown
