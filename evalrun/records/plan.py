"""What will be asked: columns, and cells in plan order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from evalrun.records.suite import Suite


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What people compare: prompt × model × parameters.

    *params* holds the matrix values that tell this column from its neighbours; *label* is unique in the plan.
    """

    id: str
    label: str
    prompt: str
    model: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cell:
    """One answer to be scored: case × column × sample, by index.

    *key* is the cell's identity in a run: the request key, and ``#n`` for the n-th cell with the same request.
    Token figures are estimates of its first request.
    """

    position: int
    key: str
    request_key: str
    case: int
    column: int
    sample: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A suite's cells in plan order, which is the order of every output, and the seeded *order* in which they are asked
    (positions).

    *merged* counts the cells left out because another one is the same case, prompt, model, parameters and sample.
    """

    suite: Suite
    columns: tuple[Column, ...]
    cells: tuple[Cell, ...]
    order: tuple[int, ...]
    merged: int = 0
    tokens_method: str = "estimate"


def pairs_of(names: Sequence[str], columns: Sequence[Column]) -> tuple[tuple[int, int], ...]:
    """Every two columns that *names* ask to compare, by index.

    Names of models stand for their columns, and those of one prompt with the same parameters are compared; other names
    are labels of columns. Names that nothing has are passed over.
    """
    models = {column.model for column in columns}

    def named(name: str) -> list[int]:
        return [at for at, column in enumerate(columns) if name == (column.model if name in models else column.label)]

    def alike(one: int, other: int) -> bool:
        return (columns[one].prompt, columns[one].params) == (columns[other].prompt, columns[other].params)

    return tuple(
        (one, other)
        for first, second in combinations(names, 2)
        for one in named(first)
        for other in named(second)
        if one != other and (alike(one, other) or not models.issuperset((first, second)))
    )
