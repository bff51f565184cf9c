"""A run as a value: how it stands, its figures, its rows, and tables of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from evalrun.api.carrying import carried_out
from evalrun.api.options import Words, environment, options_of, selection_of
from evalrun.api.watching import Progress, watch_of
from evalrun.conduct.finish import Finished, as_it_stands
from evalrun.conduct.interrupts import Interrupter
from evalrun.conduct.options import CacheMode, Observer, RunOptions
from evalrun.conduct.run import resume
from evalrun.conduct.score import score_again
from evalrun.records.comparison import Comparison
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.records.run import RunFacts, RunState
from evalrun.report.terminal import summary
from evalrun.safe_text import safe_line
from evalrun.store.run import RunStore
from evalrun.store.runs import find_run

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 110
"""How wide what is printed may be, in characters."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Run:
    """A run as it stood when it was opened or had been carried out.

    *comparison* has its figures, column by column, with pairs and gates; *facts* says who ran what, when, and how it
    ended. *folder* is an absolute path. *running*: another process, or another thread, was at work on it.

    Rows are read from the run's file whenever they are asked for, one at a time. `print` says what the command line
    says at a run's end.
    """

    plan: Plan
    comparison: Comparison
    facts: RunFacts
    folder: Path
    running: bool = False

    @classmethod
    def of(cls, finished: Finished, *, running: bool = False) -> Run:
        """The run that somebody carried out or opened."""
        return cls(
            plan=finished.plan, comparison=finished.comparison, facts=finished.facts,
            folder=finished.folder.absolute(), running=running,
        )  # fmt: skip

    def __repr__(self) -> str:
        planned = sum(figures.planned for figures in self.comparison.columns)
        scored = sum(figures.scored for figures in self.comparison.columns)
        why = f" ({self.reason})" if self.reason else ""
        said = f"{self.state}{why}, {scored}/{planned} scored, exit code {self.exit_code}"
        return safe_line(f"<Run {self.facts.suite}/{self.name}: {said}>")

    def __str__(self) -> str:
        return summary(self.plan, self.comparison, self.facts, width=WIDTH, color=False)

    def _repr_html_(self) -> str:
        from evalrun.api.markup import figures_table, paragraphs

        gates = [f"gate {one.gate.text}: {one.verdict} ({one.reason})" for one in self.comparison.gates]
        said = paragraphs((repr(self), *self.comparison.conclusion))
        return f"<div>{said}{figures_table(self.summary())}{paragraphs(gates)}</div>"

    @property
    def name(self) -> str:
        """Its id: what `open_run` takes."""
        return self.facts.run

    @property
    def state(self) -> RunState | Literal["running"]:
        """How it stands."""
        return "running" if self.running else self.facts.state

    @property
    def exit_code(self) -> int:
        """What the command line would have ended with: 0 is complete with every gate passed."""
        return self.facts.exit_code

    @property
    def reason(self) -> str:
        """Why it is not complete; empty where its state says it all."""
        return self.facts.reason

    @property
    def resume_after(self) -> datetime | None:
        """When quota is back, where it is paused for that."""
        said = self.facts.resume_after
        return None if said is None else datetime.fromisoformat(said)

    @property
    def report_path(self) -> Path:
        """The page that compares its columns."""
        return self.folder / "report.html"

    @property
    def results_folder(self) -> Path:
        """Where its suite's runs lie, and those of others."""
        return self.folder.parent.parent

    def rows(self, *, messages: bool = False) -> Iterator[Row]:
        """Every cell's row, in plan order; with the *messages* of its last request if wanted."""
        return self._store().rows(with_messages=messages)

    def row(self, number: int) -> Row:
        """The row of that number, counted from 1 as in results.csv, with the messages of its last request.

        Raises UsageError where there is none.
        """
        return self._store().row(number)

    def results(self) -> pd.DataFrame:
        """results.csv as a table, one row a cell: figures in full and as numbers, texts word for word, else NA."""
        from evalrun.api.frames import results_frame

        return results_frame(self.plan, self.rows(), self.name)

    def summary(self) -> pd.DataFrame:
        """summary.csv as a table, one row a column: figures in full and as numbers, else NA."""
        from evalrun.api.frames import summary_frame

        return summary_frame(self.comparison)

    def requests(self) -> pd.DataFrame:
        """requests.jsonl as a table, one row a request: what it asked, what came back, and every attempt at it."""
        from evalrun.api.frames import requests_frame

        return requests_frame(self.rows(messages=True), self.name)

    def resume(
        self,
        *,
        concurrency: int = 16,
        max_requests: int | None = None,
        max_tokens: int | None = None,
        max_cost_usd: float | None = None,
        deadline_s: float | None = None,
        cache: CacheMode = "off",
        retry_errors: bool = False,
        fail_fast: bool = False,
        max_wait_s: float | None = None,
        allow_origins: Iterable[tuple[str, str]] = (),
        allow_code: bool = False,
        environ: Mapping[str, str] | None = None,
        progress: Progress = None,
    ) -> Run:
        """Go on with it as it was planned; the run as it stands then. For arguments and what it raises see `run_suite`.

        *allow_origins* and *allow_code* are not kept with a run, for its folder may come from anybody: say them again.
        """
        selection = selection_of(
            environ=environment(environ), allow_origins=allow_origins, allow_code=allow_code
        )  # fmt: skip
        options = options_of(
            self.results_folder, environ, selection=selection, concurrency=concurrency, max_requests=max_requests,
            max_tokens=max_tokens, max_cost_usd=max_cost_usd, deadline_s=deadline_s, cache=cache,
            retry_errors=retry_errors, fail_fast=fail_fast, max_wait_s=max_wait_s, command=("Run.resume", self.name),
        )  # fmt: skip

        def work(options: RunOptions, observer: Observer) -> Finished:
            return resume(str(self.folder), options, observer)

        return Run.of(carried_out(work, options, progress))

    def score(
        self,
        suite: str | Path | None = None,
        *,
        human: str | Path | None = None,
        drop_human: bool = False,
        models: Words = (),
        only: Mapping[str, Words] | None = None,
        limit: int | None = None,
        sample: int | None = None,
        params: Mapping[str, Any] | None = None,
        variables: Mapping[str, Any] | None = None,
        allow_origins: Iterable[tuple[str, str]] = (),
        allow_code: bool = False,
        environ: Mapping[str, str] | None = None,
    ) -> Run:
        """Score its stored answers again and write its reports anew; nothing is sent. The run as it stands then.

        With the file of another *suite* by that one's scorers: answers are matched by request, and the other arguments
        are those of `load_suite`. *human* is a file of people's verdicts, as a report exports it: they count as a
        scorer and stay with the run until *drop_human*. Raises RunInUse where it is under way, and what `load_suite`
        does.
        """
        selection = selection_of(
            environ=environment(environ), models=models, only=only, limit=limit, sample=sample, params=params,
            variables=variables, allow_origins=allow_origins, allow_code=allow_code,
        )  # fmt: skip
        options, observer = options_of(self.results_folder, environ, selection=selection), watch_of(None, Interrupter())
        return Run.of(score_again(str(self.folder), suite, options, observer, human=human, drop_human=drop_human))

    def _store(self) -> RunStore:
        return RunStore.open(self.folder)


def open_run(name: str | Path | None = None, results: str | Path = "results") -> Run:
    """A run that exists. Nothing is sent, and nothing is written.

    *name* is a run's folder, its id or the beginning of that, or a suite (its newest run); None is the newest of all.
    Raises UsageError where there is none or more than one, StorageError where it cannot be read.
    """
    info = find_run(Path(results), None if name is None else str(name))
    with RunStore.open(info.folder) as store:
        return Run.of(as_it_stands(store), running=info.state == "running")
