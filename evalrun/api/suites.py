"""A suite as a value: what would be asked, and what that takes. Nothing here sends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evalrun.api.options import Words, environment, options_of, selection_of
from evalrun.clock import SystemClock
from evalrun.conduct.foresight import foresee
from evalrun.conduct.notes import model_notes, warnings_of
from evalrun.conduct.options import Selection
from evalrun.conduct.plan import ColumnForecast, prepare, shown_requests
from evalrun.conduct.plan import forecast as column_forecasts
from evalrun.errors import Complaint, SuiteInvalid
from evalrun.records.plan import Column, Plan
from evalrun.records.request import Request
from evalrun.records.suite import Case, Model, Prompt, Suite
from evalrun.report.numbers import money, plural
from evalrun.safe_text import safe_line
from evalrun.scheduler.forecast import Forecast

_ARGUMENTS = {"--model": "models", "--set": "params", "--var": "variables"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class LoadedSuite:
    """A suite, read and planned: every cell that a run of it has. Make one with `load_suite`."""

    plan: Plan
    selection: Selection = field(default_factory=Selection)

    def __repr__(self) -> str:
        factors = f"{plural(len(self.columns), 'column')} × {plural(len(self.cases), 'case')}"
        return safe_line(f"<LoadedSuite {self.name}: {factors} = {plural(len(self.plan.cells), 'cell')}>")

    @property
    def name(self) -> str:
        """What the suite is called."""
        return self.suite.name

    @property
    def suite(self) -> Suite:
        """All that it says, but for what was not selected."""
        return self.plan.suite

    @property
    def columns(self) -> tuple[Column, ...]:
        """What is compared: prompts × models × parameters."""
        return self.plan.columns

    @property
    def cases(self) -> tuple[Case, ...]:
        """What every column is asked."""
        return self.suite.cases

    @property
    def models(self) -> tuple[Model, ...]:
        """Who is asked."""
        return self.suite.models

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """How they are asked."""
        return self.suite.prompts

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known before anything is sent: endpoints that are trusted blindly, models nobody knows."""
        return (*warnings_of(self.plan), *model_notes(self.plan))

    def preview(self, count: int = 3) -> tuple[Request, ...]:
        """The first *count* requests, in the order in which they would go."""
        return tuple(request for _, request in shown_requests(self.plan, count))

    def forecast(
        self,
        *,
        results: str | Path = "results",
        concurrency: int = 16,
        max_requests: int | None = None,
        max_tokens: int | None = None,
        max_cost_usd: float | None = None,
        deadline_s: float | None = None,
        new: bool = False,
        environ: Mapping[str, str] | None = None,
    ) -> SuiteForecast:
        """What `run_suite` would do now with the same arguments: what it would send, spend and wait for.

        It takes into account what an unfinished run in *results* has answered and what the machine's ledger says is
        used. Raises UsageError for arguments that make no sense, StorageError where that run cannot be read.
        """
        options = options_of(
            results, environ, selection=self.selection, concurrency=concurrency, max_requests=max_requests,
            max_tokens=max_tokens, max_cost_usd=max_cost_usd, deadline_s=deadline_s, new=new,
        )  # fmt: skip
        foreseen = foresee(self.plan, options, SystemClock().time())
        return SuiteForecast(
            forecast=foreseen.forecast,
            columns=tuple(column_forecasts(self.plan)),
            run=foreseen.run,
            notes=foreseen.notes,
        )


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SuiteForecast:
    """What is left of a suite to send, spend and wait for, as an estimate.

    *run* is the unfinished run that would be gone on with (empty: a new one). *columns* says what each column takes
    from its beginning, *forecast* what is left, model by model, with limits and times. *notes* tell what is not
    counted in.
    """

    forecast: Forecast
    columns: tuple[ColumnForecast, ...]
    run: str = ""
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        cost = money(self.cost_usd_at_most)
        tokens = f"{self.input_tokens} + at most {self.output_tokens_at_most} tokens"
        return f"<SuiteForecast: {plural(self.requests, 'request')}, {tokens}, at most {cost}>"

    @property
    def requests(self) -> int:
        """Requests that are left to send."""
        return self.forecast.amounts.requests

    @property
    def input_tokens(self) -> int:
        """Tokens that they send."""
        return self.forecast.amounts.input_tokens

    @property
    def output_tokens_at_most(self) -> int:
        """Tokens that may come back."""
        return self.forecast.amounts.output_tokens_at_most

    @property
    def cost_usd_at_most(self) -> float | None:
        """What that may cost; None where a price is unknown."""
        return self.forecast.amounts.cost_usd_at_most

    @property
    def cost_usd(self) -> float | None:
        """What it is likely to cost; None where no earlier answer says how long answers are, or a price is unknown."""
        return self.forecast.amounts.cost_usd

    @property
    def days(self) -> int:
        """On how many days something is sent, if the run is gone on with whenever its quota is back."""
        return self.forecast.timing.days

    @property
    def finishes_at(self) -> datetime | None:
        """When all of it would be done; None where nobody knows, or nothing is left."""
        at = self.forecast.timing.finishes_at
        return None if at is None else datetime.fromtimestamp(at, UTC)


def load_suite(
    path: str | Path,
    *,
    models: Words = (),
    only: Mapping[str, Words] | None = None,
    limit: int | None = None,
    sample: int | None = None,
    params: Mapping[str, Any] | None = None,
    variables: Mapping[str, Any] | None = None,
    allow_origins: Iterable[tuple[str, str]] = (),
    allow_code: bool = False,
    max_planned: int = 100_000,
    environ: Mapping[str, str] | None = None,
) -> LoadedSuite:
    """Read a suite, check all of it, and plan its cells. Nothing is sent.

    *models* take the place of the suite's. *only* has the keys model, prompt, case and tag, each with a name or
    several; *sample* draws so many cases, always the same, *limit* takes the first so many. *params* hold in every
    request and *variables* in every case. *allow_origins* are pairs of a key's variable and an origin that it may go
    to; *allow_code* lets Python functions run that the suite names. *environ* (default: the process's) may hold
    endpoints. *max_planned* is how many cells there may be.

    Raises SuiteInvalid with every complaint (those about arguments have the argument for a file), UsageError for other
    arguments that make no sense, NothingSelected where no cell is left.
    """
    selection = selection_of(
        environ=environment(environ), models=models, only=only, limit=limit, sample=sample, params=params,
        variables=variables, allow_origins=allow_origins, allow_code=allow_code, max_planned=max_planned,
    )  # fmt: skip
    try:
        return LoadedSuite(plan=prepare(path, selection), selection=selection)
    except SuiteInvalid as error:
        raise SuiteInvalid(list(map(_of_argument, error.complaints))) from None


def _of_argument(complaint: Complaint) -> Complaint:
    """A complaint about an option of the command line as one about the argument of the same use."""
    argument = _ARGUMENTS.get(complaint.file)
    return complaint if argument is None else replace(complaint, file=argument, line=0, column=0)
