"""What a notebook shows of runs: plain HTML in which no text of a model, a suite or a server can act."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import pandas as pd

from evalrun.records.comparison import Interval
from evalrun.report import numbers
from evalrun.safe_text import visible


def paragraphs(lines: Iterable[str]) -> str:
    """A paragraph a line."""
    return "".join(f"<p>{text(line)}</p>" for line in lines)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table: the first cell of each row names it, the others are figures."""
    head = "".join(f"<th>{text(name)}</th>" for name in header)
    body = "".join(
        f"<tr><th>{text(name)}</th>{''.join(f'<td>{text(cell)}</td>' for cell in cells)}</tr>" for name, *cells in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def text(said: str) -> str:
    """Foreign text in HTML: escaped, and with no control or bidi character in it."""
    return escape(visible(said))


def figures_table(summary: pd.DataFrame) -> str:
    """A run's summary as a table of the figures that matter most."""
    header = ["column", "pass rate", "scored", "score", "tokens in / out", "cost", "latency"]
    return table(header, [_cells(record) for record in summary.to_dict("records")])


def _cells(record: dict[Any, Any]) -> list[str]:
    found: dict[str, Any] = {name: None if value is pd.NA else value for name, value in record.items()}
    rate = numbers.UNKNOWN
    if found["pass_rate"] is not None:
        bounds = Interval(mean=found["pass_rate"], low=found["pass_rate_low"], high=found["pass_rate_high"])
        rate = f"{numbers.rate(bounds.mean)} {numbers.bounds(bounds)}"
    return [
        found["label"],
        rate,
        numbers.of(found["scored"], found["planned"]),
        numbers.rate(found["score"]),
        f"{numbers.tokens(found['prompt_tokens'])} / {numbers.tokens(found['completion_tokens'])}",
        numbers.money(found["cost_usd"]),
        numbers.seconds(found["latency_p50_s"]),
    ]
