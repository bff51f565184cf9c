"""A plan in its tables: suite, columns, cases and cells, and the plan again from them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from evalrun.collector import without_collector
from evalrun.errors import StorageError
from evalrun.records.plan import Cell, Column, Plan
from evalrun.records.suite import Case, Suite
from evalrun.store.codec import CASE, COLUMN, SUITE, Codec, Kept, T, checksum, text_checksum

CELL_FIELDS = "position, cell_key, request_key, case_id, column_id, sample, input_tokens, output_tokens, turn, crc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What going on with another plan changed: cells kept (some asked already), new, dropped; the suite's text."""

    kept: int
    kept_asked: int
    new: int
    dropped: int
    text_changed: bool


def check_plan(plan: Plan) -> None:
    """Raise ValueError where a plan contradicts itself, which is a bug in whoever made it."""
    if any(cell.position != position for position, cell in enumerate(plan.cells)):
        raise ValueError("a plan's cells come in the order of their positions")
    if sorted(plan.order) != list(range(len(plan.cells))):
        raise ValueError("a plan's order names each cell once")
    if len({cell.key for cell in plan.cells}) != len(plan.cells):
        raise ValueError("a plan's cells have keys of their own")


def write_plan(connection: sqlite3.Connection, plan: Plan) -> None:
    """Put *plan* in place of whatever plan is there. Raises StorageError where a value cannot be kept."""
    for table in ("suite", '"columns"', "cases", "cells"):
        connection.execute(f"DELETE FROM {table}")  # noqa: S608  a constant
    write_meta(connection, "plan.sizes", [len(plan.columns), len(plan.suite.cases), len(plan.cells)])
    suite = SUITE.encode_exactly(replace(plan.suite, cases=()))
    connection.execute("INSERT INTO suite VALUES (1, ?, ?)", (suite, text_checksum(suite)))
    connection.executemany('INSERT INTO "columns" VALUES (?, ?, ?)', _numbered(COLUMN, plan.columns))
    connection.executemany("INSERT INTO cases VALUES (?, ?, ?)", _numbered(CASE, plan.suite.cases))
    connection.executemany("INSERT INTO cells VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _cells(plan))
    write_meta(connection, "plan.merged", plan.merged)
    write_meta(connection, "plan.tokens_method", plan.tokens_method)
    write_meta(
        connection, "plan.suite", {"name": plan.suite.name, "file": plan.suite.file, "digest": plan.suite.digest}
    )


@without_collector()
def read_plan(connection: sqlite3.Connection) -> Plan:
    """The plan again. Raises ValueError where a row is not what was written."""
    sizes = read_meta(connection, "plan.sizes")
    suite = replace(read_suite(connection), cases=tuple(read_cases(connection)))
    columns = read_columns(connection)
    cells: list[Cell] = []
    order = [-1] * sizes[2]
    for row in connection.execute(f"SELECT {CELL_FIELDS} FROM cells ORDER BY position"):  # noqa: S608  a constant
        cell = read_cell(row)
        if cell.position != len(cells) or row[8] >= len(order):
            raise ValueError("a cell is missing")
        order[row[8]] = cell.position
        cells.append(cell)
    if [len(columns), len(suite.cases), len(cells)] != sizes:
        raise ValueError("a part of the plan is missing")
    return Plan(
        suite=suite,
        columns=columns,
        cells=tuple(cells),
        order=tuple(order),
        merged=read_meta(connection, "plan.merged"),
        tokens_method=read_meta(connection, "plan.tokens_method"),
    )


def replace_plan(connection: sqlite3.Connection, plan: Plan) -> Changes:
    """Go on with *plan*; answers are kept by cell key, and those of dropped cells leave the rows but not the file."""
    before = {key for (key,) in connection.execute("SELECT cell_key FROM cells")}
    answered = {key for (key,) in connection.execute("SELECT DISTINCT cell_key FROM exchanges")}
    digest = read_meta(connection, "plan.suite")["digest"]
    write_plan(connection, plan)
    kept = [cell.key for cell in plan.cells if cell.key in before]
    return Changes(
        kept=len(kept),
        kept_asked=sum(cell.key in answered for cell in plan.cells),
        new=len(plan.cells) - len(kept),
        dropped=len(before) - len(kept),
        text_changed=digest != plan.suite.digest,
    )


def read_suite(connection: sqlite3.Connection) -> Suite:
    """The suite, without its cases."""
    row = connection.execute("SELECT kept, crc FROM suite").fetchone()
    if row is None:
        raise ValueError("the suite is missing")
    return _decode(SUITE, *row)


def read_columns(connection: sqlite3.Connection) -> tuple[Column, ...]:
    """The columns, in plan order."""
    return tuple(_all(connection, COLUMN, '"columns"'))


def read_cases(connection: sqlite3.Connection) -> Iterator[Case]:
    """Every case, in order."""
    return _all(connection, CASE, "cases")


def read_case(connection: sqlite3.Connection, number: int) -> Case:
    """The case of that index."""
    row = connection.execute("SELECT kept, crc FROM cases WHERE id = ?", (number,)).fetchone()
    if row is None:
        raise ValueError("a case is missing")
    return _decode(CASE, *row)


def read_cell(row: tuple[Any, ...]) -> Cell:
    """A cell from a row that begins with CELL_FIELDS."""
    if checksum(row[:9]) != row[9]:
        raise ValueError("a cell is not what was written")
    position, key, request_key = row[:3]
    return Cell(position, key, request_key or key, *row[3:8])


def write_meta(connection: sqlite3.Connection, key: str, value: Any) -> None:
    """Keep a JSON value under *key*."""
    try:
        text = json.dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise StorageError(f"{key}: a value of type {type(value).__name__} cannot be kept") from error
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?, ?)", (key, text, checksum(key, text)))


def read_meta(connection: sqlite3.Connection, key: str) -> Any:
    """The value under *key*. Raises ValueError where there is none."""
    row = connection.execute("SELECT value, crc FROM meta WHERE key = ?", (key,)).fetchone()
    if row is None or checksum(key, row[0]) != row[1]:
        raise ValueError(f"{key} is missing")
    return json.loads(row[0])


def _numbered(codec: Codec[T], records: tuple[T, ...]) -> Iterator[tuple[int, Kept, int]]:
    for number, record in enumerate(records):
        kept = codec.encode_exactly(record)
        yield number, kept, text_checksum(kept)


def _all(connection: sqlite3.Connection, codec: Codec[T], table: str) -> Iterator[T]:
    query = f"SELECT id, kept, crc FROM {table} ORDER BY id"  # noqa: S608  a constant
    for expected, (number, kept, crc) in enumerate(connection.execute(query)):
        if number != expected:
            raise ValueError("a row is missing")
        yield _decode(codec, kept, crc)


def _decode(codec: Codec[T], kept: Kept, crc: int) -> T:
    if not isinstance(kept, str | bytes) or text_checksum(kept) != crc:
        raise ValueError("a row is not what was written")
    return codec.decode(kept)


def _cells(plan: Plan) -> Iterator[tuple[Any, ...]]:
    turns = [0] * len(plan.order)
    for turn, position in enumerate(plan.order):
        turns[position] = turn
    for cell in plan.cells:
        other = None if cell.request_key == cell.key else cell.request_key
        row = (
            cell.position,
            cell.key,
            other,
            cell.case,
            cell.column,
            cell.sample,
            cell.input_tokens,
            cell.output_tokens,
        )
        yield (*row, turns[cell.position], checksum((*row, turns[cell.position])))
