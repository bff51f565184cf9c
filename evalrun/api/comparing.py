"""Two runs beside each other, or one run's columns, as a value. Nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evalrun.api.options import Words, words_of
from evalrun.api.runs import WIDTH, Run
from evalrun.conduct import compare
from evalrun.records.run_comparison import ComparedColumn, RunComparison
from evalrun.report import numbers
from evalrun.report.compare_text import FORMS, TITLES, comparison_text, difference, share
from evalrun.report.compare_words import needed, p_value
from evalrun.safe_text import safe_line

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ComparedRuns:
    """Run B beside run A on the cells that both have; of one run, its columns beside each other.

    *comparison* has the figures, the flips, and what was added, removed and changed between the two. `print` says what
    `evalrun compare` says.
    """

    comparison: RunComparison

    def __repr__(self) -> str:
        found = self.comparison
        names = found.a.run if found.one_run else f"{found.a.run} and {found.b.run}"
        matched = f"{numbers.plural(found.matched, 'cell')} of {numbers.plural(found.cases_matched, 'case')} matched"
        return safe_line(f"<ComparedRuns {names}: {matched}, {numbers.plural(len(found.flips), 'flip')}>")

    def __str__(self) -> str:
        return comparison_text(self.comparison, width=WIDTH, color=False)

    def _repr_html_(self) -> str:
        from evalrun.api.markup import paragraphs, table

        one_run = self.comparison.one_run
        header = ["columns" if one_run else "column", "figure", "A", "B", "B − A", "p", "cells", "B beside A"]
        rows = [row for column in self.columns for row in _rows(column)]
        said = paragraphs((repr(self), *self.conclusion, *(f"note: {note}" for note in self.comparison.notes)))
        return f"<div>{said}{table(header, rows)}</div>"

    @property
    def columns(self) -> tuple[ComparedColumn, ...]:
        """Each column of A with the one of B that it is compared with."""
        return self.comparison.columns

    @property
    def conclusion(self) -> tuple[str, ...]:
        """What the comparison showed, in sentences."""
        return self.comparison.conclusion

    @property
    def report_path(self) -> Path | None:
        """The page that shows it, where it was written."""
        folder = self.comparison.folder
        return Path(folder).absolute() / "comparison.html" if folder else None

    def table(self) -> pd.DataFrame:
        """A row for each column and figure: both means, the difference with its interval, the test, and the call."""
        from evalrun.api.frames import measures_frame

        return measures_frame(self.columns)

    def flips(self, *, one_sided: bool = False) -> pd.DataFrame:
        """A row for each cell whose verdict differs, the worst first; with *one_sided* those too that have one in one
        run only.
        """
        from evalrun.api.frames import flips_frame

        found = self.comparison
        return flips_frame((*found.flips, *found.one_sided) if one_sided else found.flips)


def compare_runs(
    a: Run | str | Path,
    b: Run | str | Path | None = None,
    *,
    results: str | Path | None = None,
    columns: Words = (),
    mapping: Mapping[str, str] | None = None,
    unchanged: bool = False,
    write: bool = False,
) -> ComparedRuns:
    """Compare run *b* with run *a*, of changed suites too; without *b* the columns of run *a* with each other.

    Runs are values or names as `open_run` takes them, looked for in *results* (default: where the first is, or
    ``results``). *columns* keeps those with these labels. *mapping* names columns that belong together, old to new.
    *unchanged* leaves out cases whose variables or expected value changed. With *write* comparison.csv and
    comparison.html are written to ``<results>/compare/<A>--<B>/``.

    Raises UsageError for a run or label that there is not, NothingSelected where the two have no cell in common,
    StorageError for what cannot be read or written.
    """
    found = compare.compare_runs(
        _results(a, b) if results is None else Path(results),
        _name(a),
        None if b is None else _name(b),
        columns=words_of(columns),
        mapping=[f"{old}={new}" for old, new in (mapping or {}).items()],
        unchanged=unchanged,
        write=write,
    )
    return ComparedRuns(comparison=found)


def _name(run: Run | str | Path) -> str:
    return str(run.folder if isinstance(run, Run) else run)


def _results(*runs: Run | str | Path | None) -> Path:
    return next((run.results_folder for run in runs if isinstance(run, Run)), Path("results"))


def _rows(column: ComparedColumn) -> Iterator[list[str]]:
    """A column's figures in words, as the page and the terminal have them."""
    for measure in column.measures:
        tested = measure.name in ("pass_rate", "score")
        form = numbers.rate if tested else FORMS[measure.name]
        why = needed(measure)
        yield [
            column.label,
            TITLES[measure.name],
            form(measure.a),
            form(measure.b),
            difference(measure) if tested else share(measure),
            p_value(measure.p_adjusted) if tested else "",
            numbers.count(measure.cells),
            f"{measure.call or ''}{f' ({why})' if why else ''}",
        ]
