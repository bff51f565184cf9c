"""run.db -> every report, built again, at other prices if wanted; what has no score yet is scored, nothing is sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from evalrun.clock import Clock, SystemClock
from evalrun.conduct.finish import Finished, finish, last_ending
from evalrun.conduct.options import RunOptions
from evalrun.errors import UsageError
from evalrun.records.plan import Plan
from evalrun.records.suite import Price
from evalrun.report.formats import files_of
from evalrun.store.run import RunStore
from evalrun.store.runs import find_run
from evalrun.suite.prices import read_price_file


def rebuild(
    name: str,
    options: RunOptions,
    *,
    prices: str | Path | None = None,
    as_paid: bool = False,
    formats: Collection[str] | None = None,
    clock: Clock | None = None,
) -> Finished:
    """Write a run's reports again, as its last sitting left it: those of *formats*, or all that a run has.

    Other prices change every report, so that all are written then, and *formats* besides.

    With a file of *prices* those hold from now on for the models that it names, in place of earlier ones; *as_paid*
    brings back the prices at which the run was paid. Raises UsageError where there is no such run, no model of it in
    the file, or no such format, and SuiteInvalid for what is wrong in the file.
    """
    files_of(formats)
    given = None if prices is None else read_price_file(prices)
    info = find_run(options.results, name)
    store = RunStore.open(info.folder, write=True, now=SystemClock().time())
    try:
        if given is not None:
            store.reprice(_of_run(store.plan(), given, str(prices)))
        elif as_paid:
            store.reprice({})
        ending = last_ending(store)
        if given is not None or as_paid:
            options, formats = replace(options, formats=tuple(formats or ())), None
        clock = clock or SystemClock()
        return finish(store, store.plan(), ending, options=options, clock=clock, sat=False, formats=formats)
    finally:
        store.close()


def _of_run(plan: Plan, prices: Mapping[str, Price], file: str) -> dict[str, Price]:
    """The prices that are for models of the run: one file may serve many runs."""
    own = dict.fromkeys(f"{m.provider}/{m.name}" for m in plan.suite.models if m.recorded is None)
    found = {name: price for name, price in prices.items() if name in own}
    if not found:
        has = f"it has {', '.join(own)}" if own else "all its answers are recorded"
        raise UsageError(f"{file}: no price is for a model of this run; {has}")
    return found
