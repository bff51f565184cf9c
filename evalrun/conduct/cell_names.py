"""What people call a cell, ``case``, ``case:column`` or ``case:column#sample``, and which cells that means.  (pure)"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches

from evalrun.errors import UsageError
from evalrun.records.plan import Cell, Column, Plan
from evalrun.report.slugs import slugs
from evalrun.safe_text import visible

_LISTED = 12


def cell_name(plan: Plan, cell: Cell, *, samples: bool = True) -> str:
    """The whole name of a cell; the sample is left out where the suite has one and *samples* is false."""
    name = f"{plan.suite.cases[cell.case].id}:{plan.columns[cell.column].label}"
    return f"{name}#{cell.sample}" if samples else name


def cell_named(plan: Plan, name: str) -> Cell:
    """The one cell that *name* means: a case, with its column and sample where there are several, or a row's number.

    A number is that of a row of results.csv, counted from 1, unless a case is called so. Raises UsageError, with the
    nearest names or those that there are, where it means none or several.
    """
    numbers = {visible(case.id): number for number, case in enumerate(plan.suite.cases)}  # as a page has them
    numbers |= {case.id: number for number, case in enumerate(plan.suite.cases)}
    if name.isdecimal() and name not in numbers:
        if 1 <= int(name) <= len(plan.cells):
            return plan.cells[int(name) - 1]
        raise UsageError(f"{name}: no such row (1 to {len(plan.cells)}), and no case is called so")
    found: dict[int, Cell] = {}
    readings = list(_readings(name, numbers))
    for case, column, sample in readings:
        columns = _columns(plan, column)
        for cell in plan.cells:
            if cell.case == numbers[case] and cell.column in columns and sample in (None, cell.sample):
                found[cell.position] = cell
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise UsageError(_several(plan, name, list(found.values())))
    raise UsageError(_none(plan, name, readings, numbers))


def columns_called(columns: Collection[Column], name: str) -> list[int]:
    """The columns, by index, that a label, a model's label or a label as the page or its address has it stands for."""
    by_label = [index for index, column in enumerate(columns) if column.label == name]
    by_model = [index for index, column in enumerate(columns) if column.model == name]
    by_shown = [index for index, column in enumerate(columns) if visible(column.label) == name]
    by_address = [index for index, slug in enumerate(slugs(column.label for column in columns)) if slug == name.lower()]
    return by_label or by_model or by_shown or by_address


def _columns(plan: Plan, name: str | None) -> Collection[int]:
    return range(len(plan.columns)) if name is None else columns_called(plan.columns, name)


def _readings(name: str, cases: Collection[str]) -> Iterator[tuple[str, str | None, int | None]]:
    """Every way to read a name as case, column and sample: ids and labels may hold ``:`` and ``#`` themselves."""
    head, sharp, tail = name.rpartition("#")
    forms: list[tuple[str, int | None]] = [(name, None)]
    if sharp and tail.isdecimal():
        forms.append((head, int(tail)))
    for form, sample in forms:
        if form in cases:
            yield form, None, sample
        for place, letter in enumerate(form):
            if letter == ":" and form[:place] in cases:
                yield form[:place], form[place + 1 :], sample


def _several(plan: Plan, name: str, cells: list[Cell]) -> str:
    samples = any(cell.sample for cell in cells)
    names = [cell_name(plan, cell, samples=samples) for cell in cells]
    more = f", and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"{name}: {len(names)} answers; say which: {', '.join(names[:_LISTED])}{more}"


def _none(plan: Plan, name: str, readings: list[tuple[str, str | None, int | None]], cases: Collection[str]) -> str:
    for case, column, sample in sorted(readings, key=lambda reading: reading[2] is None):
        if column is not None and not columns_called(plan.columns, column):
            labels = [one.label for one in plan.columns]
            near = get_close_matches(column, labels, n=1)
            hint = f"did you mean {case}:{near[0]}?" if near else f"the columns are {_listed(labels)}"
            return f"{name}: case {case} has no column {column} ({hint})"
        if sample is not None:
            return f"{name}: {case} has no sample {sample} (samples count from 0; there are {plan.suite.samples})"
    if readings:
        return f"{name}: this case has no such answer"
    sought = name.partition(":")[0]
    near = get_close_matches(sought, cases, n=1) or get_close_matches(name, cases, n=1)
    hint = f"did you mean {near[0]}{name[len(sought) :]}?" if near else f"the cases are {_listed(list(cases))}"
    return f"{name}: no such case ({hint})"


def _listed(names: list[str]) -> str:
    more = f", … ({len(names):,} in all)" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
