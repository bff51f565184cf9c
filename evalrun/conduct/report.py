"""run.db -> every report, built again; what has no score yet is scored, nothing is sent."""

from __future__ import annotations

from evalrun.clock import Clock, SystemClock
from evalrun.conduct.finish import Finished, finish, last_ending
from evalrun.conduct.options import RunOptions
from evalrun.store.run import RunStore
from evalrun.store.runs import find_run


def rebuild(name: str, options: RunOptions, clock: Clock | None = None) -> Finished:
    """Write a run's reports again, as its last sitting left it. Raises UsageError where there is no such run."""
    info = find_run(options.results, name)
    store = RunStore.open(info.folder, write=True, now=SystemClock().time())
    try:
        ending = last_ending(store)
        return finish(store, store.plan(), ending, options=options, clock=clock or SystemClock(), sat=False)
    finally:
        store.close()
