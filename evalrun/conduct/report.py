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
        return finish(
            store, store.plan(), last_ending(store), options=options, changes=(), clock=clock or SystemClock()
        )
    finally:
        store.close()
