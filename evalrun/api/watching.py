"""Whoever watches a run from Python: nobody, a function, or bars."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import IO

from evalrun.conduct.interrupts import Interrupter
from evalrun.conduct.options import LaneProgress
from evalrun.errors import UsageError
from evalrun.progress import Bars, Lines, progress_on
from evalrun.records.plan import Plan
from evalrun.scheduler.forecast import Forecast

Progress = bool | Callable[[tuple[LaneProgress, ...]], object] | None
"""None and False: nothing is shown. True: bars, or lines now and then where no bars can be drawn. A function is called
with how far each model is, several times a second, in the run's own thread; what it raises stops the run."""


def watch_of(progress: Progress, interrupter: Interrupter) -> Watch:
    """Who watches. Raises UsageError for what is neither yes, no nor a function."""
    if progress is None or isinstance(progress, bool):
        return Watch(interrupter, None, sys.stderr if progress else None)
    if not callable(progress):
        raise UsageError(f"progress={progress!r}: True, False, or a function of how far each model is")
    return Watch(interrupter, progress, None)


class Watch:
    """See conduct.options.Observer: draws on *stream*, if any, and tells *tell*, if any; otherwise it is silent.

    Mutable state: what is drawn while the run asks, and what *tell* raised, which is the caller's at the end.
    """

    def __init__(
        self,
        interrupter: Interrupter,
        tell: Callable[[tuple[LaneProgress, ...]], object] | None,
        stream: IO[str] | None,
    ) -> None:
        self._interrupter, self._tell, self._stream = interrupter, tell, stream
        self._drawn: Bars | Lines | None = None
        self.fault: Exception | None = None

    def say(self, line: str) -> None:
        """See conduct.options.Observer. It is in run.log too."""

    def warn(self, line: str) -> None:
        """See conduct.options.Observer. It is in run.log too, and among `LoadedSuite.notes`."""

    def start(self, plan: Plan, done: Mapping[str, int], forecast: Forecast) -> None:
        """See conduct.options.Observer."""
        if self._stream is not None:
            self._drawn = progress_on(self._stream, plan, done)

    def tick(self, lanes: tuple[LaneProgress, ...]) -> None:
        """See conduct.options.Observer."""
        if self._drawn is not None:
            self._drawn.tick(lanes)
        if self._tell is None or self.fault is not None:
            return
        try:
            self._tell(lanes)
        except Exception as error:  # noqa: BLE001  # a stranger's function: the answers come first, then its fault
            self.fault = error
            self._interrupter.interrupt()

    def stop(self) -> None:
        """See conduct.options.Observer."""
        if self._drawn is not None:
            self._drawn.close()
