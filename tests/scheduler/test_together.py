from __future__ import annotations

import pytest

from evalrun.records.quota import WindowKind
from tests.bench.processes import run_together


@pytest.mark.slow
@pytest.mark.parametrize(("window", "requests"), [("rolling", 400), ("fixed", 100), ("bucket", 100)])
def test_four_processes_are_never_over_together(window: WindowKind, requests: int) -> None:
    """Four processes with one ledger fill 20 windows of 2 s of one server, and no window is ever over its limit."""
    together = run_together(limit=20, per_s=2.0, requests=requests, window=window)

    assert together.fullest <= 20
    assert together.refused == 0
    assert together.answered == requests
    assert together.took_s < 1.5 * together.best_s + 3
