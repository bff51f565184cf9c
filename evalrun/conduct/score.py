"""stored answers -> scores again, and the reports anew; no request is sent."""

from __future__ import annotations

from pathlib import Path

from evalrun.clock import Clock, SystemClock
from evalrun.conduct.finish import Finished, finish, last_ending
from evalrun.conduct.human import drop_verdicts, take_verdicts
from evalrun.conduct.options import Observer, RunOptions
from evalrun.conduct.plan import prepare
from evalrun.store.run import RunStore
from evalrun.store.runs import find_run


def score_again(
    name: str,
    suite: str | Path | None,
    options: RunOptions,
    observer: Observer,
    clock: Clock | None = None,
    *,
    human: str | Path | None = None,
    drop_human: bool = False,
) -> Finished:
    """Score a run's stored answers, with another suite's scorers where one is named.

    Answers are matched by request, so cells of the new suite that were never asked stay pending. *human* is a file of
    people's verdicts, which stay with the run; *drop_human* forgets those that it had before. Raises UsageError where
    there is no such run, SuiteInvalid for what is wrong in a file.
    """
    info = find_run(options.results, name)
    clock = clock or SystemClock()
    store = RunStore.open(info.folder, write=True, now=SystemClock().time())
    try:
        changes: tuple[str, ...] = ()
        if suite is not None:
            plan = prepare(suite, options.selection)
            dropped = store.replan(plan).dropped
            kept = len(store.answered_keys())
            changes = (f"scored with {plan.suite.file}",)
            observer.say(f"{kept} answers kept, {len(plan.cells) - kept} cells have none, {dropped} left out")
        plan = store.plan()
        if drop_human:
            observer.say(drop_verdicts(store))
        if human is not None:
            observer.say(take_verdicts(store, plan, Path(human)))
        return finish(store, plan, last_ending(store), options=options, changes=changes, clock=clock, sat=False)
    finally:
        store.close()
