"""A run carried out for a caller in Python, watched as it asks, and what an interruption comes to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from evalrun.api.threads import carry, carry_async
from evalrun.api.watching import Progress, Watch, watch_of
from evalrun.conduct.finish import Finished
from evalrun.conduct.interrupts import Interrupter
from evalrun.conduct.options import Observer, RunOptions

Work = Callable[[RunOptions, Observer], Finished]


def carried_out(work: Work, options: RunOptions, progress: Progress) -> Finished:
    """The run after *work*.

    Raises what *progress* raised, once the run is on the disk; and KeyboardInterrupt where one came too late for the
    run to end by it.
    """
    job, interrupter, watch = _prepared(work, options, progress)
    finished, came = carry(job, interrupter)
    if watch.fault is not None:
        raise watch.fault
    if came and finished.facts.state != "interrupted":
        raise KeyboardInterrupt
    return finished


async def carried_out_async(work: Work, options: RunOptions, progress: Progress) -> Finished:
    """Likewise, for a task; where that is cancelled, CancelledError is raised once the run is on the disk."""
    job, interrupter, watch = _prepared(work, options, progress)
    finished = await carry_async(job, interrupter)
    if watch.fault is not None:
        raise watch.fault
    return finished


def _prepared(work: Work, options: RunOptions, progress: Progress) -> tuple[Callable[[], Finished], Interrupter, Watch]:
    interrupter = Interrupter()
    watch = watch_of(progress, interrupter)
    return partial(work, replace(options, interrupts=interrupter), watch), interrupter, watch
