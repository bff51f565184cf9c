"""Time as an argument: nothing else in evalrun asks the machine what time it is, or sleeps."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Two clocks and a sleep. Durations are taken on the monotonic one, dates on the wall's."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""

    def time(self) -> float:
        """Unix time, seconds."""

    async def sleep(self, seconds: float) -> None:
        """Wait; negative is no wait."""


# Where the system has one, the clock that goes on while the machine sleeps: a minute of quota passes then too.
_BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class SystemClock:
    """This machine's time."""

    def monotonic(self) -> float:
        """See Clock."""
        return time.monotonic() if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)

    def time(self) -> float:
        """See Clock."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """See Clock."""
        await asyncio.sleep(max(0.0, seconds))
