"""comparison.csv of two runs: one row a matched cell, A beside B.

The form is that of the other tables: UTF-8, RFC 4180, what is unknown is empty, text cells pass safe_text.csv_cell.
"""

from __future__ import annotations

import csv
from typing import IO

from evalrun.records.outcome import Failure
from evalrun.records.row import Row
from evalrun.report.csv_files import total_tokens
from evalrun.report.fields import verdict_of
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

    def add(self, label: str, a: Row, b: Row, changed: str) -> None:
        """Write one matched cell; *changed* says what of the case differs."""
        words = verdict_of(a), verdict_of(b)
        self._writer.writerow(
            [
                csv_cell(a.case.id),
                csv_cell(b.case.id),
                csv_cell(label),
                str(a.cell.sample),
                changed,
                *words,
                *(_number(row.mark.score if row.mark else None, 6) for row in (a, b)),
                f"{words[0]} -> {words[1]}" if words[0] != words[1] else "",
                *(csv_cell(row.output) for row in (a, b)),
                *(csv_cell(_reason(row)) for row in (a, b)),
                *(_whole(total_tokens(row)) for row in (a, b)),
                *(_number(row.cost_usd, 9) for row in (a, b)),
                *(_number(row.latency_s, 3) for row in (a, b)),
                *(csv_cell(row.cell.request_key) for row in (a, b)),
            ]
        )


def _reason(row: Row) -> str:
    if isinstance(row.outcome, Failure):
        return row.outcome.message or str(row.outcome.kind)
    return row.mark.reason if row.mark else ""


def _number(value: float | None, digits: int) -> str:
    return "" if value is None or value != value else f"{value:.{digits}f}"


def _whole(value: int | None) -> str:
    return "" if value is None else str(value)
