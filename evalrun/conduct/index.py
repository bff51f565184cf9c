"""a results folder -> its index.html: suites, runs and trends, by what each run's run.json says of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from evalrun.files import staged
from evalrun.records.results_index import ResultsIndex, SuiteRuns
from evalrun.records.run_summary import RunSummary
from evalrun.report.index_page import GENERATOR, LINKS, write_index_page
from evalrun.store.summaries import MOST_BYTES, changed_at, files_in, places, read_summary, run_names

NAME = "index.html"
COMPARED = "compare"
MOST_RUNS, MOST_SUITES, MOST_READ, MOST_COMPARISONS = 50, 100, 64 << 20, 50
"""What is listed of each suite, how many suites, how many bytes of run.json are read for all, and of comparisons."""

_TRIES = 5
_OF_A_RUN = ("run.json", "run.db")


def refresh_index(results: Path, run: Path | None = None) -> str:
    """Write the index of a results folder anew; why it could not be, in words, or nothing. Never raises OSError.

    Where a *run*'s folder is given that does not lie in ``<results>/<suite>/``, nothing is written. A page that is not
    evalrun's is left alone. Several may do this at once: whoever finds at the end that another run has written its
    reports meanwhile does it again, so that the last page holds every run.
    """
    page = results / NAME
    try:
        if run is not None and run.parent.parent.resolve() != results.resolve():
            return ""
        if not _is_ours(page):
            return f"{page}: another page, which stays as it is; the index of the results is not written"
        for _ in range(_TRIES):
            before = _standing(results)
            with staged(page) as file:
                write_index_page(file, _index(results))
            if _standing(results) == before:
                break
    except OSError as error:
        return f"{page}: cannot be written ({error.strerror or error}); the runs are not affected"
    return ""


def _is_ours(page: Path) -> bool:
    """Whether there is no page, or one of evalrun's."""
    if page.is_symlink():
        return False
    if not page.exists():
        return True
    if not page.is_file():
        return False
    with page.open("rb") as file:
        return GENERATOR.encode() in file.read(1_000)


def _standing(results: Path) -> tuple[object, ...]:
    """What the page depends on: it differs as soon as a run is added, removed or reported anew."""
    return tuple(
        (place, name, changed_at(results / place / name))
        for place in places(results)
        for name in run_names(results / place)
    )


def _index(results: Path) -> ResultsIndex:
    found: list[SuiteRuns] = []
    names = {place: run_names(results / place) for place in places(results)}
    newest_first = sorted((place for place in names if names[place]), key=lambda place: names[place][0], reverse=True)
    left = _Allowance(MOST_READ)
    for place in newest_first[:MOST_SUITES]:
        runs = [left.read(results / place / name) for name in names[place][:MOST_RUNS]]
        suites = dict.fromkeys(run.suite for run in runs if run.suite) or {"": None}
        first = next(iter(suites))
        found += [
            SuiteRuns(
                suite=suite,
                place=place,
                runs=tuple(run for run in runs if run.suite == suite or (suite == first and not run.suite)),
                older=max(0, len(names[place]) - MOST_RUNS) if suite == first else 0,
            )
            for suite in suites
        ]
    comparisons = list(_comparisons(results))
    return ResultsIndex(
        suites=tuple(found),
        comparisons=tuple(comparisons[:MOST_COMPARISONS]),
        suites_left_out=max(0, len(newest_first) - MOST_SUITES),
        comparisons_left_out=max(0, len(comparisons) - MOST_COMPARISONS),
    )


def _comparisons(results: Path) -> Iterator[str]:
    """The comparisons of runs, those of the newest runs first."""
    if COMPARED in places(results):
        for name in reversed(places(results / COMPARED)):
            if files_in(results / COMPARED / name, (*_OF_A_RUN, "comparison.html")) == ("comparison.html",):
                yield name


@dataclass(slots=True)
class _Allowance:
    """How many bytes of run.json may still be read. What changes is that."""

    left: int

    def read(self, folder: Path) -> RunSummary:
        """A run's summary; where there is too much to read, its name and files alone."""
        size = changed_at(folder)[1]
        summary = read_summary(folder, LINKS, most_bytes=min(MOST_BYTES, self.left) if size <= self.left else 0)
        if MOST_BYTES >= size > self.left:
            summary = replace(summary, problem="not read: there are too many runs here")
        self.left = max(0, self.left - size)
        return summary
