"""Rows of a run, streamed in plan order: what is in memory at a time does not grow with the run."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from evalrun.batches import batches
from evalrun.prices import repriced
from evalrun.records.outcome import Exchange
from evalrun.records.plan import Cell, Column, Plan
from evalrun.records.row import Row
from evalrun.records.score import Mark
from evalrun.records.suite import Case, Model, Price
from evalrun.store.codec import MARK, checksum
from evalrun.store.ledger import read_exchange, read_messages
from evalrun.store.plan_tables import read_case, read_cell, read_meta

_CASES_KEPT = 1024
_MESSAGES_KEPT = 16
_GAP = 32
"""Cells between two that are looked for, up to which one query reads all of them."""

# Fields 0-9 are the cell, 10-19 the exchange, 20-23 its texts, 24-26 the mark.
_TEXTS = (20, 22, 25)
_QUERY = """SELECT c.position, c.cell_key, c.request_key, c.case_id, c.column_id, c.sample,
        c.input_tokens, c.output_tokens, c.turn, c.crc,
        e.cell_key, e.ordinal, e.status, e.attempts, e.prompt_tokens, e.completion_tokens, e.cost_usd, e.from_cache,
        e.text, e.crc, t.exchange, t.exchange_crc, {messages}, m.digest, m.kept, m.crc
    FROM cells c LEFT JOIN exchanges e ON e.cell_key = c.cell_key
        LEFT JOIN texts t ON t.id = e.text LEFT JOIN marks m ON m.cell_key = c.cell_key
    {where} ORDER BY c.position, e.ordinal"""


@dataclass(frozen=True, slots=True)
class Columns:
    """A plan's columns, the models by label, and the prices that hold for some of these instead of what was paid."""

    columns: tuple[Column, ...]
    models: Mapping[str, Model]
    prices: Mapping[str, Price] = field(default_factory=dict)


def stream(
    connection: sqlite3.Connection,
    columns: Columns,
    *,
    with_messages: bool = False,
    span: tuple[int, int] | None = None,
    plan: Plan | None = None,
) -> Iterator[tuple[Row, str | None]]:
    """Each row with the digest of its mark, in plan order; only those of the positions in *span* where that is given.

    *plan* is the run's own, where it was read already: rows then have its cells and cases. Raises ValueError where the
    file does not hold what was written.
    """
    query = _QUERY.format(
        messages="t.messages, t.messages_crc" if with_messages else "NULL, NULL",
        where="" if span is None else "WHERE c.position >= :start AND c.position < :stop",
    )
    case_of: Callable[[int], Case] = lru_cache(_CASES_KEPT)(lambda number: read_case(connection, number))
    cell_of: Callable[[tuple[Any, ...]], Cell] = read_cell
    if plan is not None:
        cases, cells = plan.suite.cases, plan.cells
        case_of, cell_of = lambda number: cases[number], lambda part: _known_cell(cells, part)
    messages_of = lru_cache(_MESSAGES_KEPT)(read_messages)  # the columns of a case are often asked the same
    expected, stop = span or (0, None)
    cursor = connection.execute(query, {"start": expected, "stop": stop})
    for found, group in groupby(chain.from_iterable(batches(cursor, _characters)), key=itemgetter(0)):
        if found != expected:
            raise ValueError("a cell is missing")
        expected += 1
        parts = list(group)
        first = parts[0]
        cell = cell_of(first)
        column = columns.columns[cell.column]
        exchanges = () if first[10] is None else tuple(_exchange(part) for part in parts)
        if price := columns.prices.get(column.model):
            exchanges = tuple(repriced(exchange, price) for exchange in exchanges)
        yield (
            Row(
                cell=cell,
                case=case_of(cell.case),
                column=column,
                model=columns.models[column.model],
                exchanges=exchanges,
                mark=_mark(first),
                messages=() if parts[-1][22] is None else messages_of(*parts[-1][22:24]),
            ),
            first[24],
        )
    if span is None and expected != read_meta(connection, "plan.sizes")[2]:
        raise ValueError("a cell is missing")


def _characters(part: tuple[Any, ...]) -> int:
    return sum([len(part[at]) for at in _TEXTS if part[at] is not None])


def marked_cells(connection: sqlite3.Connection) -> Iterator[tuple[Cell, Case, str | None]]:
    """Every cell with its case and the digest of its mark, in plan order; nothing that was said is read for it."""
    query = """SELECT c.position, c.cell_key, c.request_key, c.case_id, c.column_id, c.sample,
            c.input_tokens, c.output_tokens, c.turn, c.crc, m.digest
        FROM cells c LEFT JOIN marks m ON m.cell_key = c.cell_key ORDER BY c.position"""
    case_of = lru_cache(_CASES_KEPT)(lambda number: read_case(connection, number))
    for found in connection.execute(query):
        cell = read_cell(found)
        yield cell, case_of(cell.case), found[10]


def marked_otherwise(connection: sqlite3.Connection, digests: Sequence[str]) -> list[int]:
    """Positions, going up, of the cells whose mark is missing or has another digest than *digests* say, by position.

    This only tells which rows are worth reading: nothing is checked here that is checked when a row is, no record made.
    A position that *digests* do not reach is among them, so that its row is read, and refused. It goes by the keys, in
    whose order marks lie on the disk: in that of the plan it would take five times as long.
    """
    known = len(digests)
    query = """SELECT c.position, m.digest
        FROM cells c LEFT JOIN marks m ON m.cell_key = c.cell_key ORDER BY c.cell_key"""
    found = connection.execute(query)
    return sorted(at for at, digest in found if not 0 <= at < known or digest != digests[at])


def spans(positions: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Spans that hold all of these *positions*, which go up, and few others."""
    start = stop = 0
    for position in positions:
        if start < stop and position > stop + _GAP:
            yield start, stop
            start = position
        elif start == stop:
            start = position
        stop = position + 1
    if start < stop:
        yield start, stop


def replace_marks(connection: sqlite3.Connection, marks: Iterable[tuple[str, str, Mark]]) -> None:
    """Store marks (cell key, scorers' digest, mark), each in place of the one before."""
    for cell_key, digest, mark in marks:
        kept = MARK.encode(mark)
        row = (cell_key, digest, kept, checksum(cell_key, digest, kept))
        connection.execute("INSERT OR REPLACE INTO marks VALUES (?, ?, ?, ?)", row)


def verify_marks(connection: sqlite3.Connection) -> None:
    """Read the marks that belong to no cell. Raises ValueError where one is not what was written.

    A mark whose key was damaged is among them; it would be missed by nobody else.
    """
    query = """SELECT cell_key, digest, kept, crc FROM marks m
        WHERE NOT EXISTS (SELECT 1 FROM cells c WHERE c.cell_key = m.cell_key)"""
    for *row, crc in connection.execute(query):
        if checksum(*row) != crc:
            raise ValueError("a mark is not what was written")


def _known_cell(cells: Sequence[Cell], part: tuple[Any, ...]) -> Cell:
    """The cell of a plan that stands where the row *part* does, which must say the same of it."""
    if part[0] >= len(cells):
        raise ValueError("a cell is not of this plan")
    cell: Cell = cells[part[0]]
    if (cell.key, cell.case, cell.column, cell.sample) != (part[1], *part[3:6]):
        raise ValueError("a cell is not what was written")
    return cell


def _exchange(part: tuple[Any, ...]) -> Exchange:
    if checksum(part[10:19]) != part[19]:
        raise ValueError("an exchange is not what was written")
    return read_exchange(part[20], part[21])


def _mark(part: tuple[Any, ...]) -> Mark | None:
    if part[24] is None:
        return None
    if checksum(part[1], part[24], part[25]) != part[26]:
        raise ValueError("a mark is not what was written")
    return MARK.decode(part[25])
