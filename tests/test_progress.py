from __future__ import annotations

import io
import time
from typing import Any

import pytest

from evalrun.conduct.options import LaneProgress
from evalrun.progress import Lines


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ({"waiting": "mini: 15 requests a minute", "wait_s": 4.2}, "43/50 today · next in 4 s (15 requests a minute)"),
        ({"waiting": "team: 9 requests a day", "wait_s": 9.0}, "43/50 today · next in 9 s (team: 9 requests a day)"),
        ({"halted": "mini: 50 requests a day"}, "43/50 today · stopped: 50 requests a day"),
    ],
)
def test_what_it_waits_for_comes_first(said: dict[str, Any], line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal cuts the end off: the day and the wait stand before tokens, and the label is not said twice."""
    usual: dict[str, Any] = {"waiting": "", "wait_s": None, "halted": ""}
    lane = LaneProgress(
        label="mini", done=43, total=90, in_flight=0, errors=0, retries=0, tokens=900, cost_usd=0.0,
        today="43/50 today", **{**usual, **said},
    )  # fmt: skip
    stream = io.StringIO()
    shown = Lines(stream)
    later = time.monotonic() + 60
    monkeypatch.setattr(time, "monotonic", lambda: later)
    shown.tick((lane,))

    assert stream.getvalue() == f"mini: 43/90, {line} · 900 tok\n"


@pytest.mark.parametrize(("cost_usd", "words"), [(None, "price ?"), (0.0, ""), (0.25, "$0.250")])
def test_an_unknown_price_is_said(cost_usd: float | None, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has been spent is shown; where no price is known that is said, and what is free says nothing."""
    lane = LaneProgress(
        label="mini", done=1, total=2, in_flight=0, errors=0, retries=0, tokens=900, cost_usd=cost_usd, waiting="",
        wait_s=None, today="", halted="",
    )  # fmt: skip
    stream = io.StringIO()
    shown = Lines(stream)
    later = time.monotonic() + 60
    monkeypatch.setattr(time, "monotonic", lambda: later)
    shown.tick((lane,))

    assert stream.getvalue() == " · ".join(filter(None, ["mini: 1/2, 900 tok", words])) + "\n"
