from __future__ import annotations

import gc

import pytest

from evalrun.collector import without_collector


@pytest.mark.parametrize("on", [True, False])
def test_the_collector_is_as_it_was(on: bool) -> None:
    """Nothing is collected meanwhile, whatever happens; behind it the collector is on or off as before."""
    before = gc.isenabled()
    (gc.enable if on else gc.disable)()
    try:
        with pytest.raises(ZeroDivisionError), without_collector():
            1 // gc.isenabled()
        assert gc.isenabled() == on
    finally:
        (gc.enable if before else gc.disable)()
