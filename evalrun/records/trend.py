"""Earlier runs of a suite as a report's page shows them: a point for each column and run."""

from __future__ import annotations

from dataclasses import dataclass

from evalrun.records.comparison import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPoint:
    """A column in one finished run of the suite, the one of the page or an earlier one.

    *started_at* is Unix seconds; *column* is the column's label. None: there is nothing to say. *same_requests* says
    whether the column was asked what it is asked in the page's own run: where it was not, a change says nothing of the
    model.
    """

    run: str
    started_at: float
    column: str
    pass_rate: Interval | None = None
    same_requests: bool = True
