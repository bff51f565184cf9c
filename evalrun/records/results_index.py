"""What a results folder holds, as its index shows it."""

from __future__ import annotations

from dataclasses import dataclass

from evalrun.records.run_summary import RunSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteRuns:
    """The runs of one suite in its folder *place*, the newest first. *older* ones are not listed."""

    suite: str
    place: str
    runs: tuple[RunSummary, ...]
    older: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsIndex:
    """The suites of a results folder, that with the newest run first, and its comparisons, as names of folders.

    *suites_left_out* and *comparisons_left_out* count what there is no room for.
    """

    suites: tuple[SuiteRuns, ...]
    comparisons: tuple[str, ...] = ()
    suites_left_out: int = 0
    comparisons_left_out: int = 0
