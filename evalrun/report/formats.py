"""The files of a report, by the format that brings them: a table, to which a new kind of file is one more line.

What a file takes is opened with the file and what is known of the run, and says what it wants while the rows go by: the
rows themselves, the groups that they make (one case, the models side by side), and a word when all have gone by.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
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
from evalrun.report.json_files import manifest, request_lines, results_line
from evalrun.report.junit import JunitXml
from evalrun.report.page import write_page
from evalrun.report.parquet_file import ResultsParquet, check_parquet
from evalrun.report.side_by_side import Group
from evalrun.report.summary_md import SummaryMd


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What every file of a report is told of its run before the first row. *wire_of* gives the requests of rows."""

    plan: Plan
    comparison: Comparison
    facts: RunFacts
    trend: tuple[TrendPoint, ...] = ()
    wire_of: WireOf | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """A file under way: what it does with each row, with each group, and at the end. None: nothing."""

    row: Callable[[Row], None] | None = None
    group: Callable[[Group], None] | None = None
    finish: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFile:
    """A file by its *name*, the *format* that asks for it, and how it is begun.

    *always*: it is written where nobody says which formats. *binary*: it takes bytes. *check* raises UsageError where
    something that it needs is not installed.
    """

    name: str
    format: str
    begin: Callable[[IO[Any], Told], Writing]
    always: bool = True
    binary: bool = False
    check: Callable[[], None] | None = None


def _results_csv(file: IO[Any], told: Told) -> Writing:
    return Writing(row=ResultsCsv(file, told.plan, told.facts.run).add)


def _comparison_csv(file: IO[Any], told: Told) -> Writing:
    return Writing(group=ComparisonCsv(file, told.plan).add)


def _summary_csv(file: IO[Any], told: Told) -> Writing:
    return Writing(finish=lambda: write_summary(file, told.comparison))


def _results_jsonl(file: IO[Any], told: Told) -> Writing:
    def add(row: Row) -> None:
        file.write(results_line(row, told.facts.run) + "\n")

    return Writing(row=add)


def _requests_jsonl(file: IO[Any], told: Told) -> Writing:
    def add(row: Row) -> None:
        for line in request_lines(row, told.facts.run):
            file.write(line + "\n")

    return Writing(row=add)


def _manifest(file: IO[Any], told: Told) -> Writing:
    def finish() -> None:
        file.write(manifest(told.plan, told.comparison, told.facts))

    return Writing(finish=finish)


def _results_parquet(file: IO[Any], told: Told) -> Writing:
    table = ResultsParquet(file, told.plan, told.facts.run)
    return Writing(row=table.add, finish=table.finish)


def _page(file: IO[Any], told: Told) -> Writing:
    island = Island(told.plan, wire_of=told.wire_of)

    def finish() -> None:
        write_page(file, told.plan, told.comparison, told.facts, island, told.trend)
        island.close()

    return Writing(group=island.add, finish=finish)


def _junit(file: IO[Any], told: Told) -> Writing:
    junit = JunitXml(file, told.plan, told.comparison, told.facts)
    return Writing(row=junit.add, finish=junit.finish)


def _summary_md(file: IO[Any], told: Told) -> Writing:
    summary = SummaryMd(file, told.plan, told.comparison, told.facts)
    return Writing(row=summary.add, finish=summary.finish)


REPORT_FILES = (
    ReportFile(name="results.csv", format="csv", begin=_results_csv),
    ReportFile(name="comparison.csv", format="csv", begin=_comparison_csv),
    ReportFile(name="summary.csv", format="csv", begin=_summary_csv),
    ReportFile(
        name="results.parquet",
        format="parquet",
        begin=_results_parquet,
        always=False,
        binary=True,
        check=check_parquet,
    ),
    ReportFile(name="results.jsonl", format="json", begin=_results_jsonl),
    ReportFile(name="requests.jsonl", format="json", begin=_requests_jsonl),
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
