"""One run as a whole: what run.json tells, besides the figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from evalrun.records.regression import Regressions

RunState = Literal["complete", "incomplete", "paused", "interrupted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """Who ran what, when, and how it ended. Times are Unix seconds.

    *state* is how the run stands; *reason* says why it is not complete; *go_on* is the command that goes on, or empty.
    *changes* lists what differed from the suite the run began with; *notes* is what a reader must know. *stopping* is
    what came of the suite's ``stop_when``, as JSON; None without one. *digests* are those of the columns, by label: the
    same where another run asked the same of the same cases and judged it alike. *regressions* are what got worse, where
    there is a baseline or a run before to tell. *quota_left* says, a line a limit, what the machine's ledger had left
    of it when the last sitting ended.
    """

    run: str
    suite: str
    folder: str
    state: RunState
    exit_code: int
    started_at: float
    finished_at: float
    evalrun_version: str
    python_version: str = ""
    git_commit: str | None = None
    reason: str = ""
    go_on: str = ""
    resume_after: str | None = None
    changes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    limits: Mapping[str, Any] = field(default_factory=dict)
    forecast: Mapping[str, Any] = field(default_factory=dict)
    price_dates: tuple[str, ...] = ()
    stopping: Mapping[str, Any] | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    regressions: Regressions | None = None
    quota_left: tuple[str, ...] = ()
