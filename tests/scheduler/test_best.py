"""The quota engine against the best schedule there is: the part of `make bench-quota` that is quick."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.bench.cells import SHORT_S, Blind, Cell, table, unknown
from tests.bench.quota import measure, measure_blind

CELLS = [
    cell
    for cell in table()
    if cell.bound and (cell.window == "fixed" or not cell.quota.startswith(("concurrency", "rpm 15 + rpd")))
]
BLIND = [blind for blind in unknown() if blind.style in ("github", "silent")]


@pytest.mark.parametrize(
    "cell",
    [pytest.param(cell, marks=[pytest.mark.slow] if number % 3 else []) for number, cell in enumerate(CELLS)],
    ids=lambda cell: f"{cell.quota}, {cell.window}",
)
def test_known_limits_are_used_to_the_brim(cell: Cell) -> None:
    """Where the kind of window is known, nothing is refused and the run ends within 3 % of the clairvoyant's time."""
    figure = measure(replace(cell, scenarios=cell.scenarios[:1]))

    assert cell.latency_s == SHORT_S
    assert figure.refused == 0
    assert figure.over == 0
    assert figure.ratio <= 1.03


@pytest.mark.parametrize("blind", BLIND, ids=lambda blind: f"{blind.style}, {blind.window}")
def test_unknown_limits_are_found(blind: Blind) -> None:
    """After a minute, few requests are refused and the pace is near the limit's, whether refusals name it or not."""
    figure = measure_blind(blind)

    assert figure.refused <= blind.most_refused
    assert figure.ratio <= 1 + blind.most_later
