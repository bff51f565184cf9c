"""All files of a report at once: each is staged beside its place, and all are renamed when every one is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from evalrun.errors import StorageError
from evalrun.files import staged
from evalrun.records.comparison import Comparison
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.records.run import RunFacts
from evalrun.report.csv_files import ComparisonCsv, ResultsCsv, write_summary
from evalrun.report.island import Island
from evalrun.report.json_files import manifest, request_lines, results_line
from evalrun.report.page import write_page
from evalrun.report.side_by_side import Grouping

FILES = ("results.csv", "comparison.csv", "summary.csv", "results.jsonl", "requests.jsonl", "run.json", "report.html")


def write_reports(
    folder: Path, plan: Plan, rows: Callable[[], Iterator[Row]], comparison: Comparison, facts: RunFacts
) -> None:
    """Write FILES into *folder*. *rows* is called once; it gives the rows in plan order and they are not kept.

    Raises StorageError when the disk refuses; the files that were there before then stay as they were.
    """
    try:
        with ExitStack() as stack:
            files = {name: stack.enter_context(staged(folder / name)) for name in FILES}
            results, compared = (
                ResultsCsv(files["results.csv"], plan, facts.run),
                ComparisonCsv(files["comparison.csv"], plan),
            )
            grouping, island = Grouping.of(plan), Island(plan)
            for row in rows():
                results.add(row)
                files["results.jsonl"].write(results_line(row, facts.run) + "\n")
                for line in request_lines(row, facts.run):
                    files["requests.jsonl"].write(line + "\n")
                for group in grouping.add(row):
                    compared.add(group)
                    island.add(group)
            for group in grouping.rest():
                compared.add(group)
                island.add(group)
            write_summary(files["summary.csv"], comparison)
            files["run.json"].write(manifest(plan, comparison, facts))
            write_page(files["report.html"], plan, comparison, facts, island)
    except OSError as error:
        raise StorageError(f"the reports in {folder} cannot be written: {error.strerror or error}") from error
