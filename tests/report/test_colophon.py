from __future__ import annotations

import pytest

from evalrun.report.colophon import _price


@pytest.mark.parametrize(
    ("sent", "received", "words"),
    [
        (2.5, 10.0, "$2.50 / $10.00"),
        (0.003, 0.6, "$0.003 / $0.600"),
        (0.02, 0.0, "$0.020 / free"),
        (0.0, 0.0, "free"),
    ],
)
def test_a_small_price_is_not_zero(sent: float, received: float, words: str) -> None:
    """A price is shown with as many digits as it takes to be something."""
    assert _price(sent, received) == words
