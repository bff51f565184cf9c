"""A model's cells as they become worth asking: the queue that a dispatcher takes jobs from under ``stop_when``."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator

from evalrun.records.plan import Cell
from evalrun.scheduler.jobs import Job


class Feed:
    """Jobs for *cells*, in their order within each column.

    A cell that is not needed (any more) is passed over. One that *must_wait* is kept back, and the cells of other
    columns go before it: an iterator that has nothing now may have something when it is asked again. Mutable state: the
    cells kept back, by column.
    """

    def __init__(
        self,
        cells: Iterator[Cell],
        *,
        is_needed: Callable[[Cell], bool],
        must_wait: Callable[[Cell], bool],
        job: Callable[[Cell], Job],
    ) -> None:
        self._cells = cells
        self._is_needed, self._must_wait, self._job = is_needed, must_wait, job
        self._kept: dict[int, deque[Cell]] = defaultdict(deque)

    def __iter__(self) -> Iterator[Job]:
        return self

    def __next__(self) -> Job:
        for kept in self._kept.values():
            while kept and not self._is_needed(kept[0]):
                kept.popleft()
            if kept and not self._must_wait(kept[0]):
                return self._job(kept.popleft())
        for cell in self._cells:
            if not self._is_needed(cell):
                continue
            if self._must_wait(cell):
                self._kept[cell.column].append(cell)
            else:
                return self._job(cell)
        raise StopIteration

    @property
    def keeps_back(self) -> bool:
        """Whether there are cells that wait for other columns."""
        return any(self._kept.values())
