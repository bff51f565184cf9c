"""Every sink with every field hostile: nothing that models, data, servers and people say acts in any of them."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from evalrun.cli.github import Actions
from evalrun.conduct.finish import Finished
from evalrun.conduct.log import LOGGER, run_log
from evalrun.records.outcome import Failure, Status
from evalrun.records.row import Row
from evalrun.records.run_comparison import CellNumbers
from evalrun.records.wire import Wire
from evalrun.redact import Redactor
from evalrun.report.answer_text import chat_text, raw_text
from evalrun.report.compare_csv import PairsCsv
from evalrun.report.compare_text import comparison_text
from evalrun.report.formats import REPORT_FILES
from evalrun.report.history_text import history_text
from evalrun.report.snippets import LANGUAGES, filled, snippet
from evalrun.report.terminal import summary
from tests.conftest import require
from tests.report import inert
from tests.report.compared import comparison_of, history_of
from tests.report.hostile import HOSTILE
from tests.report.hostile_run import Run, run_of
from tests.report.pages import chromium
from tests.report.test_compare_page import page as comparison_page
from tests.report.test_index_page import hostile_index
from tests.report.test_snippets import asking
from tests.report.written import write_reports

pytestmark = pytest.mark.slow


def wire_of(row: Row) -> Wire | str:
    """A request with the row's texts, or why there is none."""
    return row.case.id if row.cell.position % 7 == 6 else asking(row.case.id, row.output)


def step_log(run: Run, folder: Path) -> None:
    """What a job's step is told: annotations in its log, its summary and its outputs."""
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": "/"}
    environ |= {f"GITHUB_{name}": str(folder / file) for name, file in STEP_FILES.items()}
    step = Actions(environ)
    step.finished(Finished(plan=run.plan, comparison=run.comparison, facts=run.facts, folder=folder))
    step.close(3)
    step.failed(ValueError(" ".join(HOSTILE)), 4)


def show_text(run: Run) -> str:
    """What ``evalrun show`` prints of every answer, in each of its forms."""
    said = []
    for row in run.rows():
        wire = wire_of(row)
        said += [chat_text(run.plan, row, width=80, color=True), raw_text(row, wire)]
        if isinstance(wire, Wire):
            said += [filled(snippet(wire.request, language), wire) for language in LANGUAGES]
    return "\n".join(said)


def pairs_csv(run: Run) -> str:
    """comparison.csv of two runs."""
    file = io.StringIO(newline="")
    table = PairsCsv(file)
    for row in run.rows():
        table.add(row.case.id, row, row, (CellNumbers("pass", 1.0, 2.0, 0.1, 0.1),) * 2, "expected")
    return file.getvalue()


STEP_FILES = {"STEP_SUMMARY": "step-summary.md", "OUTPUT": "outputs.txt"}

SAID: dict[str, Callable[[Run], str]] = {
    "terminal.txt": lambda run: summary(run.plan, run.comparison, run.facts, width=80, color=True),
    "show.txt": show_text,
    "compare.txt": lambda run: comparison_text(comparison_of(HOSTILE), width=80, color=True),
    "history.txt": lambda run: history_text(history_of(HOSTILE), width=80, color=True),
    "compare/comparison.html": lambda run: comparison_page(HOSTILE),
    "compare/comparison.csv": pairs_csv,
    "index.html": lambda run: hostile_index(),
}
"""What is printed, and the files beside those of a run's report."""

REPORTS = [file.name for file in REPORT_FILES if not file.binary]
SINKS = [*REPORTS, *SAID, *STEP_FILES.values(), "step-log.txt", "run.log"]


@pytest.fixture(scope="module")
def run() -> Run:
    """A run whose every text is hostile."""
    return run_of(HOSTILE)


@pytest.fixture(scope="module")
def folder(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every file that is written and everything that is printed, each in a file whose name says what reads it."""
    path = tmp_path_factory.mktemp("sinks")
    formats = {file.format for file in REPORT_FILES if not file.binary}
    write_reports(path, run.plan, run.rows, run.comparison, run.facts, formats=formats, wire_of=wire_of)
    for name, said in SAID.items():
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_bytes(said(run).encode("utf-8", "surrogatepass"))
    with run_log(path, Redactor([])):
        for text in HOSTILE:
            LOGGER.log(logging.WARNING, "%s: %s", text, text)
    with pytest.MonkeyPatch.context() as patch:
        lines: list[str] = []
        patch.setattr("click.echo", lambda line="", **_: lines.append(line))
        step_log(run, path)
    (path / "step-log.txt").write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    return path


def test_the_run_has_an_answer_of_every_kind(run: Run) -> None:
    """Answers, refusals, empty ones, errors, filtered and skipped ones, tool calls, several choices, people's notes."""
    rows = list(run.rows())
    kinds = {row.status for row in rows}
    scores = {score.name for row in rows if row.mark for score in row.mark.scores}

    assert kinds >= {Status.ANSWERED, Status.REFUSED, Status.ERROR, Status.FILTERED, Status.SKIPPED}
    assert any(row.mark and row.mark.verdict is None for row in rows)
    assert any(row.tool_calls for row in rows)
    assert any(reply.choices for row in rows for reply in row.replies)
    assert "human" in scores
    assert {row.outcome.body for row in rows if isinstance(row.outcome, Failure)} > {HOSTILE[2]}
    assert {row.case.id for row in rows} == set(HOSTILE)


@pytest.mark.parametrize("name", SINKS)
def test_nothing_acts_in_any_sink(folder: Path, name: str) -> None:
    """Each file parses as what it is, and holds no foreign element, formula, command or character that acts."""
    text = (folder / name).read_bytes().decode("utf-8")

    assert len(text) > 1_000
    assert inert.CHECKS[Path(name).suffix](text) == []


def test_no_file_is_forgotten(folder: Path) -> None:
    """What was written is what is looked at."""
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == set(SINKS)


def test_parquet_reads(run: Run, tmp_path: Path) -> None:
    """The binary table holds the texts as they are, and is read with as many rows as the run has cells."""
    require(find_spec("pyarrow"), "needs pyarrow of the extra parquet (make test-all installs it)")
    import pandas as pd

    write_reports(tmp_path, run.plan, run.rows, run.comparison, run.facts, formats=["parquet"])

    assert len(pd.read_parquet(tmp_path / "results.parquet")) == len(run.plan.cells)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    with chromium() as opened:
        yield opened


@pytest.mark.browser
@pytest.mark.parametrize("name", [name for name in SINKS if name.endswith(".html")])
def test_nothing_runs_in_a_browser(folder: Path, browser: Any, name: str) -> None:
    """Opened and scrolled through, each page keeps its title, asks for nothing and opens no dialog."""
    done: list[str] = []
    url = (folder / name).as_uri()
    page = browser.new_context(offline=True).new_page()
    page.on("console", lambda message: done.append(message.text))
    page.on("pageerror", lambda error: done.append(str(error)))
    page.on("dialog", lambda dialog: (done.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: request.url == url or done.append(request.url))
    page.goto(url)
    title = page.title()
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    for _ in range(10):
        page.mouse.wheel(0, 3_000)
        page.wait_for_timeout(20)
    handlers = page.evaluate(
        "[...document.querySelectorAll('*')].flatMap(e => [...e.attributes])"
        ".filter(a => a.name.startsWith('on')).length"
    )

    assert page.title() == title
    assert handlers == 0
    assert done == []
