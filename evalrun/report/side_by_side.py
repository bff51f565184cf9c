"""Rows of one question brought together: the same case, prompt and parameters, one model beside the other. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from evalrun.records.plan import Cell, Column, Plan
from evalrun.records.row import Row
from evalrun.report.fields import params_text


@dataclass(frozen=True, slots=True)
class Group:
    """All rows of a case × prompt × parameters, in plan order."""

    rows: tuple[Row, ...]


class Grouping:
    """Takes rows one by one and gives groups as they fill, in the order in which they began.

    What changes: the rows of groups that are not full, a case or two of them in plan order.
    """

    def __init__(self, columns: Sequence[Column], cells: Iterable[Cell]) -> None:
        kinds = [(column.prompt, params_text(column)) for column in columns]
        self._count = len(kinds)
        self._kinds = [kinds.index(kind) for kind in kinds]  # of each column the first that shares its groups
        self._columns = {column.id: place for place, column in enumerate(columns)}
        self._due = self._counted(cells)
        self._open: dict[int, list[Row]] = {}

    def _counted(self, cells: Iterable[Cell]) -> array[int]:
        """How many rows each group has: four bytes a group, where a dict of many cases would take a hundred."""
        due = array("I")
        for cell in cells:
            key = cell.case * self._count + self._kinds[cell.column]
            if key >= len(due):
                due.frombytes(bytes(due.itemsize * (key + 1 - len(due))))
            due[key] += 1
        return due

    @classmethod
    def of(cls, plan: Plan) -> Grouping:
        """A grouping that knows how many rows each group has in this plan."""
        return cls(plan.columns, plan.cells)

    def add(self, row: Row) -> Iterator[Group]:
        """Take a row; give the groups that are complete now."""
        key = row.cell.case * self._count + self._kinds[self._columns[row.column.id]]
        self._open.setdefault(key, []).append(row)
        while self._open:
            key, rows = next(iter(self._open.items()))
            if len(rows) < self._due[key]:
                return
            del self._open[key]
            yield Group(tuple(rows))

    def rest(self) -> Iterator[Group]:
        """The groups that never filled, at the end of the rows."""
        for rows in self._open.values():
            yield Group(tuple(rows))
        self._open.clear()


def groups_of(plan: Plan, rows: Iterable[Row]) -> Iterator[Group]:
    """The groups of all *rows* of a plan."""
    grouping = Grouping.of(plan)
    for row in rows:
        yield from grouping.add(row)
    yield from grouping.rest()
