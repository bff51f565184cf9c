"""comparison.csv of two runs: one row a matched cell, A beside B.

The form is that of the other tables: UTF-8, RFC 4180, what is unknown is empty, text cells pass safe_text.csv_cell.
"""

from __future__ import annotations

import csv
import math
from typing import IO

from evalrun.records.outcome import Failure
from evalrun.records.row import Row
from evalrun.records.run_comparison import CellNumbers
from evalrun.safe_text import csv_cell

HEADER = (
    "case", "case.b", "column", "sample", "changed", "verdict.a", "verdict.b", "score.a", "score.b", "flip",
    "output.a", "output.b", "reason.a", "reason.b", "tokens.a", "tokens.b", "cost_usd.a", "cost_usd.b",
    "latency_s.a", "latency_s.b", "request_key.a", "request_key.b",
)  # fmt: skip


class PairsCsv:
    """The table under way: a header, then a record for each matched cell."""

    def __init__(self, file: IO[str]) -> None:
        self._writer = csv.writer(file, lineterminator="\r\n")
        self._writer.writerow(HEADER)

    def add(self, label: str, a: Row, b: Row, numbers: tuple[CellNumbers, CellNumbers], changed: str) -> None:
        """Write one matched cell with its *numbers*; *changed* says what of the case differs."""
        one, other = numbers
        self._writer.writerow(
            [
                csv_cell(a.case.id),
                csv_cell(b.case.id),
                csv_cell(label),
                str(a.cell.sample),
                changed,
                one.word,
                other.word,
                _number(one.score, 6),
                _number(other.score, 6),
                f"{one.word} -> {other.word}" if one.word != other.word else "",
                csv_cell(a.output),
                csv_cell(b.output),
                csv_cell(_reason(a)),
                csv_cell(_reason(b)),
                _number(one.tokens, 0),
                _number(other.tokens, 0),
                _number(one.cost_usd, 9),
                _number(other.cost_usd, 9),
                _number(one.latency_s, 3),
                _number(other.latency_s, 3),
                csv_cell(a.cell.request_key),
                csv_cell(b.cell.request_key),
            ]
        )


def _reason(row: Row) -> str:
    if isinstance(row.outcome, Failure):
        return row.outcome.message or str(row.outcome.kind)
    return row.mark.reason if row.mark else ""


def _number(value: float, digits: int) -> str:
    return "" if math.isnan(value) else f"{value:.{digits}f}"
