from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from evalrun import Run, open_run, run_suite
from evalrun.api.markup import paragraphs, table
from evalrun.errors import StorageError, UsageError
from evalrun.records.outcome import Status
from evalrun.store.run import RunStore
from tests.cli.scripted import Scripted, text


def figures(run: Run) -> list[tuple[int, int, int]]:
    """What is compared of two views of one run."""
    return [(one.planned, one.scored, one.passed) for one in run.comparison.columns]


def test_a_run_is_opened_as_it_was_left(suite: Path) -> None:
    """What is opened later, by any of its names, says the same as what was returned; nothing is written."""
    run = run_suite(suite)
    before = {path.name: path.stat().st_mtime_ns for path in run.folder.iterdir()}
    opened = [open_run(name) for name in (None, "sums", run.name, run.name[:-2], run.folder, run.folder / "run.db")]

    assert all(one.comparison == run.comparison for one in opened)
    assert all(one.plan == run.plan for one in opened)
    assert {(one.folder, one.state, one.exit_code) for one in opened} == {(run.folder, "complete", 0)}
    assert {path.name: path.stat().st_mtime_ns for path in run.folder.iterdir()} == before


def test_a_paused_run_is_opened_as_it_was_left(suite: Path) -> None:
    """State, reason, limits and the command that goes on are those of the last sitting."""
    run = run_suite(suite, max_requests=5)
    opened = open_run()

    assert (opened.state, opened.exit_code, opened.reason) == (run.state, run.exit_code, run.reason)
    assert opened.facts.limits == json.loads(json.dumps(run.facts.limits))
    assert opened.facts.finished_at == run.facts.finished_at
    assert opened.facts.go_on == run.facts.go_on == f"evalrun resume {run.name}"


def test_a_crashed_run_is_interrupted(suite: Path) -> None:
    """Of a sitting that never said how it ended the run is interrupted, and can be opened, scored and gone on with."""
    done = run_suite(suite, max_requests=5)
    with RunStore.open(done.folder, write=True) as store:
        store.begin_sitting(now=done.facts.finished_at + 60, how="run", argv=())
    opened = open_run()

    assert (opened.state, opened.exit_code) == ("interrupted", 130)
    assert opened.facts.finished_at == done.facts.finished_at + 60
    assert figures(opened) == figures(done)
    assert opened.resume().state == "complete"


@pytest.mark.parametrize(("name", "words"), [("other", "no such run"), ("2", "2 runs are called so")])
def test_a_run_that_is_not_there(suite: Path, name: str, words: str) -> None:
    """A name that means no run, or more than one, is refused with what there is."""
    for _ in range(2):
        run_suite(suite)
    with pytest.raises(UsageError, match=words):
        open_run(name)


def test_a_damaged_run_says_so(suite: Path) -> None:
    """A file that is no run's is a StorageError, not a traceback of SQLite's."""
    run = run_suite(suite)
    (run.folder / "run.db").write_bytes(b"no database" * 1000)
    with pytest.raises(StorageError, match=r"run\.db"):
        open_run(run.folder)


def test_rows_come_in_plan_order(suite: Path) -> None:
    """`rows` streams every cell, `row` gives one by its number, with what was asked."""
    run = run_suite(suite)
    rows = list(run.rows())

    assert [row.cell for row in rows] == list(run.plan.cells)
    assert {row.status for row in rows} == {Status.ANSWERED}
    assert rows[0].messages == ()
    assert next(run.rows(messages=True)).messages == run.row(1).messages != ()
    with pytest.raises(UsageError, match=r"no row 13 \(1 to 12\)"):
        run.row(13)


def test_a_run_does_not_mind_where_one_goes(suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run's folder is absolute: rows are found after the working folder has changed."""
    run = run_suite(suite, results="here")
    (tmp_path / "elsewhere").mkdir()
    os.chdir(tmp_path / "elsewhere")

    assert len(list(run.rows())) == 12
    assert run.folder.parent.parent == tmp_path / "here"


def test_answers_are_scored_by_another_suite(suite: Path) -> None:
    """`score` gives the run under other scorers; nothing is sent."""
    with Scripted(lambda _: text("The answer is 42.")) as server:
        provider = f"providers: {{lab: {{dialect: openai-chat, base_url: '{server.url}'}}}}\n"
        suite.write_text(provider + suite.read_text().replace("simulator/large", "lab/large"))
        run = run_suite(suite)
        asked = len(server.bodies)
        other = suite.with_name("other.yaml")
        other.write_text(suite.read_text().replace("scorers: [numeric]", "scorers: [contains: answer]"))
        again = run.score(other)

        assert len(server.bodies) == asked == 6
    assert figures(run)[0] == (3, 3, 1)
    assert figures(again)[0] == (3, 3, 3)
    assert (again.name, open_run().comparison) == (run.name, again.comparison)


def test_a_run_reads_well(suite: Path) -> None:
    """`repr` is a line, and `print` says what the command line says at a run's end."""
    run = run_suite(suite)

    assert repr(run) == f"<Run sums/{run.name}: complete, 12/12 scored, exit code 0>"
    assert " ".join(run.comparison.conclusion[0].split()) in " ".join(str(run).split())
    assert f"report  {run.facts.folder}/report.html" in str(run)


HOSTILE = '<img src=x onerror="alert(1)"></table>&'


def test_a_notebook_runs_no_text(suite: Path) -> None:
    """Names and gates that are markup are shown as the text that they are."""
    said = json.dumps(HOSTILE)
    gates = f"gates: [{{check: pass_rate >= 0.5, for: {{model: {said}}}}}]\n"
    suite.write_text(suite.read_text().replace("label: tiny", f"label: {said}") + gates)
    shown = run_suite(suite)._repr_html_()

    assert "<img" not in shown
    assert "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;" in shown
    assert shown.count("<table>") == shown.count("</table>") == 1
    assert shown.count("<tr>") == 5


def test_no_text_turns_a_notebook_round() -> None:
    """Control and bidi characters are shown as escapes, in paragraphs and in tables."""
    assert paragraphs(["a\u202eb\x1b["]) == "<p>a\\u202eb\\x1b[</p>"
    assert "a\\u202eb" in table(["x"], [["a\u202eb"]])


def test_a_notebook_shows_the_figures(suite: Path) -> None:
    """The table has the figures of the report's, as they are written there."""
    shown = run_suite(suite)._repr_html_()

    assert "<th>large · plain</th><td>1.000 [0.44, 1.00]</td><td>3/3</td>" in shown
