"""What will be asked: columns, and cells in plan order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
