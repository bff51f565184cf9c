"""Rows of one question brought together: the same case, prompt and parameters, one model beside the other. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from evalrun.records.plan import Column, Plan
from evalrun.records.row import Row
from evalrun.report.fields import params_text

Key = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class Group:
    """All rows of a case × prompt × parameters, in plan order."""

    rows: tuple[Row, ...]

    @property
    def samples(self) -> tuple[int, ...]:
        """The samples that occur, in order."""
        return tuple(sorted({row.cell.sample for row in self.rows}))

    def of_model(self, label: str) -> tuple[Row, ...]:
        """One model's rows, sample by sample."""
        return tuple(sorted((r for r in self.rows if r.column.model == label), key=lambda r: r.cell.sample))


@dataclass(slots=True)
class Grouping:
    """Takes rows one by one and gives groups as they fill, in the order in which they began.

    *open* is the one thing that changes: the rows of groups that are not full, a case or two of them in plan order.
    """

    due: Counter[Key]
    open: dict[Key, list[Row]] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: Plan) -> Grouping:
        """A grouping that knows how many rows each group has in this plan."""
        return cls(Counter(_key(cell.case, plan.columns[cell.column]) for cell in plan.cells))

    def add(self, row: Row) -> Iterator[Group]:
        """Take a row; give the groups that are complete now."""
        self.open.setdefault(_key(row.cell.case, row.column), []).append(row)
        while self.open:
            key, rows = next(iter(self.open.items()))
            if len(rows) < self.due[key]:
                return
            del self.open[key]
            yield Group(tuple(rows))

    def rest(self) -> Iterator[Group]:
        """The groups that never filled, at the end of the rows."""
        for rows in self.open.values():
            yield Group(tuple(rows))
        self.open.clear()


def _key(case: int, column: Column) -> Key:
    return case, column.prompt, params_text(column)
