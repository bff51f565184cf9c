"""A run as its run.json tells of it: enough for a list of runs and for a trend, without its database."""

from __future__ import annotations

from dataclasses import dataclass

from evalrun.records.comparison import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSummary:
    """A column's figures. *digest* is the same where another run asked and judged the same; empty: nobody says."""

    id: str
    label: str
    scored: int
    planned: int
    pass_rate: Interval | None = None
    cost_usd: float | None = None
    latency_p50_s: float | None = None
    simulated: bool = False
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A run's folder, as far as it can be told: *place* and *run* are the names of the suite's folder and its own.

    *suite* is what the suite calls itself. Times are Unix seconds, None where nobody says. *files* are those of its
    reports that are there; *problem* says why there is no more to tell.
    """

    place: str
    run: str
    suite: str = ""
    state: str = ""
    started_at: float | None = None
    conclusion: tuple[str, ...] = ()
    columns: tuple[ColumnSummary, ...] = ()
    gates: int = 0
    gates_failed: int = 0
    files: tuple[str, ...] = ()
    problem: str = ""

    @property
    def complete(self) -> bool:
        """Whether its figures are a result."""
        return self.state == "complete"
