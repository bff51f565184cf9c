"""How far a run is: a bar a model in a terminal or a notebook, a plain line a model every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from importlib.util import find_spec
from typing import IO, Any

from evalrun.conduct.options import LaneProgress
from evalrun.records.plan import Plan
from evalrun.report.numbers import money, plural, tokens
from evalrun.safe_text import safe_line

_LINE_EVERY_S = 10.0
_LABEL_WIDTH = 18


class Bars:
    """tqdm bars, one a model: of text in a terminal, of ipywidgets in a notebook."""

    def __init__(self, totals: Mapping[str, tuple[int, int]], stream: IO[str]) -> None:
        from tqdm.auto import tqdm

        width = min(_LABEL_WIDTH, max(map(len, totals), default=0))
        self._bars: dict[str, Any] = {
            label: tqdm(
                total=total,
                initial=done,
                desc=safe_line(label, width).ljust(width),
                position=position,
                file=stream,
                leave=True,
                dynamic_ncols=True,
                mininterval=0.1,
                bar_format="{desc} {bar} {n_fmt}/{total_fmt} {remaining}{postfix}",
            )
            for position, (label, (done, total)) in enumerate(totals.items())
        }

    def tick(self, lanes: tuple[LaneProgress, ...]) -> None:
        """Show where they stand."""
        for lane in lanes:
            bar = self._bars[lane.label]
            bar.n = lane.done
            bar.set_postfix_str(_facts(lane), refresh=False)
            bar.refresh()

    def close(self) -> None:
        """Leave the bars as they stand."""
        for bar in self._bars.values():
            bar.close()


class Lines:
    """Plain lines for logs: no carriage returns, one line a model every ten seconds."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._next = time.monotonic() + _LINE_EVERY_S

    def tick(self, lanes: tuple[LaneProgress, ...]) -> None:
        """Say where they stand, now and then."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _LINE_EVERY_S
        for lane in lanes:
            print(f"{safe_line(lane.label)}: {lane.done}/{lane.total}, {_facts(lane)}", file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing is left to say."""


def progress_on(stream: IO[str], plan: Plan, done: Mapping[str, int]) -> Bars | Lines:
    """What suits *stream*, from where the run stands: *done* counts the cells that each model has already."""
    totals = dict.fromkeys(done, 0)
    for cell in plan.cells:
        totals[plan.columns[cell.column].model] += 1
    asked = {label: (done[label], total) for label, total in totals.items()}
    return Bars(asked, stream) if stream.isatty() or _in_notebook() else Lines(stream)


def _in_notebook() -> bool:
    """Whether bars can be drawn where this program's output goes: by ipywidgets, below a cell."""
    return "ipykernel" in sys.modules and find_spec("ipywidgets") is not None


def _facts(lane: LaneProgress) -> str:
    """What a bar says besides its length."""
    said = [safe_line(lane.today)] if lane.today else []
    if lane.halted:
        said.append(f"stopped: {safe_line(_own(lane, lane.halted), 60)}")
    elif lane.wait_s is not None and lane.done < lane.total:
        said.append(f"next in {lane.wait_s:.0f} s ({safe_line(_own(lane, lane.waiting), 40)})")
    elif lane.kept_back and not lane.in_flight and lane.done < lane.total:
        said.append("waits for the others")
    said += [f"{lane.in_flight} in flight"] if lane.in_flight else []
    if lane.done:
        said.append(f"{tokens(lane.tokens)} tok")
        said += ["price ?"] if lane.cost_usd is None else [money(lane.cost_usd)] if lane.cost_usd else []
    said += [plural(lane.errors, "error")] if lane.errors else []
    said += ["1 retry" if lane.retries == 1 else f"{lane.retries} retries"] if lane.retries else []
    return " · ".join(said)


def _own(lane: LaneProgress, words: str) -> str:
    """What concerns the model's own scope, without its label: the line begins with that."""
    return words.removeprefix(f"{lane.label}: ")
