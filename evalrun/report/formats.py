"""The files of a report, by the format that brings them: a table, to which a new kind of file is one more line.

What a file takes is opened with the file and what is known of the run, and says what it wants while the rows go by: the
rows themselves, the groups that they make (one case, the models side by side), and a word when all have gone by. By
then the run has been compared, on the same rows: what describes the whole of it is told at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import IO, Any

from evalrun.errors import UsageError
from evalrun.records.comparison import Comparison
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.records.run import RunFacts
from evalrun.records.trend import TrendPoint
from evalrun.report.cell_detail import WireOf
from evalrun.report.csv_files import ComparisonCsv, ResultsCsv, write_summary
from evalrun.report.island import Island
from evalrun.report.json_files import JsonLines, manifest
from evalrun.report.junit import JunitXml, TestCases
from evalrun.report.page import write_page
from evalrun.report.parquet_file import ResultsParquet, check_parquet
from evalrun.report.side_by_side import Group, groups_of
from evalrun.report.summary_md import FirstFails, SummaryMd

Place = tuple[str, str, int]
"""A cell by its column's label, its case's id and its sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What every file of a report is told of its *run* before the first row. *wire_of* gives the requests of rows."""

    plan: Plan
    run: str
    wire_of: WireOf | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What every file is told behind the last row. *rows_at* reads a few rows again, *rows* all of them."""

    plan: Plan
    comparison: Comparison
    facts: RunFacts
    rows_at: Callable[[Collection[Place]], Iterable[Row]]
    rows: Callable[[], Iterable[Row]]
    trend: tuple[TrendPoint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """A file under way: what it does with each row, with each group, behind the last of them, and when it is told of
    the whole run. None: nothing."""

    row: Callable[[Row], None] | None = None
    group: Callable[[Group], None] | None = None
    close: Callable[[], None] | None = None
    finish: Callable[[Told], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFile:
    """A file by its *name*, the *format* that asks for it, and how it is begun.

    *always*: it is written where nobody says which formats. *binary*: it takes bytes. *check* raises UsageError where
    something that it needs is not installed. *table*: it is made of single rows and of the suite alone, so that
    another process can write it.
    """

    name: str
    format: str
    begin: Callable[[IO[Any], Begun], Writing]
    always: bool = True
    binary: bool = False
    check: Callable[[], None] | None = None
    table: bool = False


def _results_csv(file: IO[Any], begun: Begun) -> Writing:
    return Writing(row=ResultsCsv(file, begun.plan, begun.run).add)


def _comparison_csv(file: IO[Any], begun: Begun) -> Writing:
    return Writing(group=ComparisonCsv(file, begun.plan).add)


def _summary_csv(file: IO[Any], begun: Begun) -> Writing:
    return Writing(finish=lambda told: write_summary(file, told.comparison))


def _results_jsonl(file: IO[Any], begun: Begun) -> Writing:
    lines = JsonLines(begun.run)

    def add(row: Row) -> None:
        file.write(lines.results(row) + "\n")

    return Writing(row=add)


def _requests_jsonl(file: IO[Any], begun: Begun) -> Writing:
    lines = JsonLines(begun.run)

    def add(row: Row) -> None:
        for line in lines.requests(row):
            file.write(line + "\n")

    return Writing(row=add)


def _manifest(file: IO[Any], begun: Begun) -> Writing:
    def finish(told: Told) -> None:
        file.write(manifest(told.plan, told.comparison, told.facts))

    return Writing(finish=finish)


def _results_parquet(file: IO[Any], begun: Begun) -> Writing:
    table = ResultsParquet(file, begun.plan, begun.run)
    return Writing(row=table.add, close=table.finish)


def _page(file: IO[Any], begun: Begun) -> Writing:
    island = Island(begun.plan, wire_of=begun.wire_of)

    def finish(told: Told) -> None:
        filled = island
        if island.has_room:
            island.close()
            filled = Island(begun.plan, wire_of=begun.wire_of, sifts=False)
            for group in groups_of(begun.plan, told.rows()):
                filled.add(group)
        write_page(file, told.plan, told.comparison, told.facts, filled, told.trend)
        filled.close()

    return Writing(group=island.add, finish=finish)


def _junit(file: IO[Any], begun: Begun) -> Writing:
    cases = TestCases(begun.plan)

    def finish(told: Told) -> None:
        junit = JunitXml(file, told.plan, told.comparison, told.facts)
        for result, text in cases.read():
            junit.put(result, text)
        junit.finish()

    return Writing(row=cases.add, finish=finish)


def _summary_md(file: IO[Any], begun: Begun) -> Writing:
    fails = FirstFails()

    def finish(told: Told) -> None:
        summary = SummaryMd(file, told.plan, told.comparison, told.facts)
        rows = {row.cell.position: row for row in (*fails.rows, *told.rows_at(summary.worse))}
        for position in sorted(rows):
            summary.add(rows[position])
        summary.finish(fails.count)

    return Writing(row=fails.add, finish=finish)


REPORT_FILES = (
    ReportFile(name="results.csv", format="csv", begin=_results_csv, table=True),
    ReportFile(name="comparison.csv", format="csv", begin=_comparison_csv),
    ReportFile(name="summary.csv", format="csv", begin=_summary_csv),
    ReportFile(
        name="results.parquet",
        format="parquet",
        begin=_results_parquet,
        always=False,
        binary=True,
        check=check_parquet,
        table=True,
    ),
    ReportFile(name="results.jsonl", format="json", begin=_results_jsonl, table=True),
    ReportFile(name="requests.jsonl", format="json", begin=_requests_jsonl, table=True),
    ReportFile(name="junit.xml", format="junit", begin=_junit),
    ReportFile(name="summary.md", format="md", begin=_summary_md),
    ReportFile(name="run.json", format="json", begin=_manifest),
    ReportFile(name="report.html", format="html", begin=_page),
)
"""Every file, in the order in which they are renamed: what describes the others comes last."""

FORMATS = tuple(dict.fromkeys(file.format for file in REPORT_FILES))
"""What ``--format`` takes."""


def standing(folder: Path, more: Collection[str] = ()) -> tuple[frozenset[str], tuple[Path, ...]]:
    """What a run's folder is to hold where nobody chooses: what is always written, *more*, and what is there already.

    Beside these formats: files of before that cannot be written here, and would tell of another time if they stayed.
    """
    formats = {file.format for file in REPORT_FILES if file.always} | set(more)
    stale = []
    for file in REPORT_FILES:
        if file.format not in formats and (folder / file.name).exists():
            try:
                files_of((file.format,))
            except UsageError:
                stale.append(folder / file.name)
            else:
                formats.add(file.format)
    return frozenset(formats), tuple(stale)


def files_of(formats: Collection[str] | None = None) -> tuple[ReportFile, ...]:
    """The files of these formats; None: those that are always written.

    Raises UsageError for a format that does not exist, or that needs what is not installed.
    """
    if formats is None:
        return tuple(file for file in REPORT_FILES if file.always)
    for name in formats:
        if name not in FORMATS:
            near = get_close_matches(name, FORMATS, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UsageError(f"{name}: no such format (allowed: {', '.join(FORMATS)}{hint})")
    chosen = tuple(file for file in REPORT_FILES if file.format in formats)
    for check in {file.check for file in chosen if file.check}:
        check()
    return chosen
