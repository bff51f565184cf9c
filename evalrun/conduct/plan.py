"""suite.load -> suite.select -> suite.plan: what would be sent, having sent nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evalrun.conduct.baselines import check_baseline
from evalrun.conduct.options import Selection
from evalrun.errors import NothingSelected, SuiteInvalid
from evalrun.records.plan import Column, Plan
from evalrun.records.request import Request
from evalrun.records.suite import Gate, Suite
from evalrun.scoring import OPTIONS
from evalrun.suite.load import Overrides, load_suite
from evalrun.suite.plan import first_request, make_plan, requests_of
from evalrun.suite.select import select

_SAMPLE_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnForecast:
    """What one column is reckoned to send. Token figures are estimates; *output_tokens* is an upper bound."""

    column: Column
    requests: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    simulated: bool
    recorded: bool


def prepare(path: str | Path, selection: Selection) -> Plan:
    """Read one suite and lay out its cells.

    Raises SuiteInvalid with every complaint, UsageError for a plan that is too large or a baseline that is damaged,
    NothingSelected for no cell.
    """
    plan = _plan(_load(path, selection), selection)
    check_baseline(plan.suite)
    return plan


def prepare_all(paths: Sequence[str | Path], selection: Selection) -> list[Plan]:
    """Read and plan all suites before anything is sent; the complaints of all of them come at once."""
    plans: list[Plan] = []
    complaints: list[SuiteInvalid] = []
    for path in paths:
        try:
            plans.append(prepare(path, selection))
        except SuiteInvalid as error:
            complaints.append(error)
    if complaints:
        raise SuiteInvalid([complaint for error in complaints for complaint in error.complaints])
    return plans


def forecast(plan: Plan) -> list[ColumnForecast]:
    """Every column's requests, tokens and cost, before anything is sent or taken from an earlier sitting.

    What is left to send, and when that can be, is `conduct.foresight`'s to say.
    """
    models = {model.label: model for model in plan.suite.models}
    found = []
    for column, requests in zip(plan.columns, requests_of(plan), strict=True):
        model = models[column.model]
        provider = plan.suite.providers[model.provider]
        tokens_in = sum(sent for sent, _ in requests)
        tokens_out = sum(written for _, written in requests)
        price = model.price
        cost = None if price is None else (tokens_in * price.input_usd + tokens_out * price.output_usd) / 1e6
        found.append(
            ColumnForecast(
                column=column,
                requests=0 if model.recorded else len(requests),
                input_tokens=tokens_in,
                output_tokens=tokens_out,
                cost_usd=cost,
                simulated=provider.simulated,
                recorded=model.recorded is not None,
            )
        )
    return found


def shown_requests(plan: Plan, count: int) -> Iterator[tuple[str, Request]]:
    """The first *count* requests in the order in which they would go, each with its case and column."""
    for position in plan.order[:count]:
        cell = plan.cells[position]
        place = f"{plan.suite.cases[cell.case].id} · {plan.columns[cell.column].label}"
        yield place, first_request(plan, cell)


def _load(path: str | Path, selection: Selection) -> Suite:
    overrides = Overrides(
        models=selection.models,
        params=selection.params,
        variables=selection.variables,
        allow_origins=selection.allowed,
        endpoints=selection.endpoints,
        allow_code=selection.allow_code,
    )
    suite = load_suite(path, scorers=OPTIONS, overrides=overrides)
    if selection.fail_under is not None:
        gate = Gate(
            text=f"pass_rate >= {selection.fail_under:g}",
            metric="pass_rate",
            operator=">=",
            value=selection.fail_under,
        )
        suite = replace(suite, gates=(*suite.gates, gate))
    return suite


def _plan(suite: Suite, selection: Selection) -> Plan:
    try:
        chosen = select(suite, only=selection.only, limit=selection.limit, sample=selection.sample, seed=_SAMPLE_SEED)
        return make_plan(chosen, max_planned=selection.max_planned)
    except NothingSelected as error:
        raise NothingSelected(f"{suite.file}: {error}") from error
