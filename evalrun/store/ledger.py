"""The exchanges of a run: put once, counted, forgotten to be asked again."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from evalrun.records.message import Message
from evalrun.records.outcome import Exchange, Failure, FailureKind, Outcome, Response, Status, status_of
from evalrun.records.plan import Cell
from evalrun.store.codec import EXCHANGE, MESSAGES, Kept, checksum, text_checksum
from evalrun.store.plan_tables import read_meta

_FIELDS = "cell_key, ordinal, status, attempts, prompt_tokens, completion_tokens, cost_usd, from_cache, text, crc"
_PUT_TEXT = "INSERT INTO texts (exchange, exchange_crc, messages, messages_crc) VALUES (?, ?, ?, ?)"
_PUT = f"INSERT INTO exchanges ({_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608  constants
_LAST = "NOT EXISTS (SELECT 1 FROM exchanges l WHERE l.cell_key = e.cell_key AND l.ordinal > e.ordinal)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a run has sent so far in all its sittings, forgotten exchanges included, answers from the cache not.

    *requests* counts attempts; *unpriced* replies whose price is unknown, which *cost_usd* leaves out.
    """

    requests: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    unpriced: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A dialogue under way: its newest exchange's number (from 0), the messages of its request, and what came back."""

    ordinal: int
    messages: tuple[Message, ...]
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange on its way into the file, encoded."""

    cell_key: str
    ordinal: int
    figures: tuple[Any, ...]
    exchange: Kept
    messages: Kept


def entry(cell_key: str, ordinal: int, exchange: Exchange, messages: tuple[Message, ...]) -> Entry:
    """Encode an exchange and the messages that it answers."""
    outcome = exchange.outcome
    usage = outcome.usage if isinstance(outcome, Response) else None
    cost = exchange.cost_usd
    figures = (
        str(Status.PENDING if exchange.goes_on else status_of(outcome)),
        len(exchange.attempts),
        usage.prompt_tokens if usage else None,
        usage.completion_tokens if usage else None,
        None if cost is None or math.isnan(cost) else float(cost),  # SQLite has no NaN
        int(exchange.from_cache),
    )
    return Entry(cell_key, ordinal, figures, EXCHANGE.encode(exchange), MESSAGES.encode(messages))


def put(connection: sqlite3.Connection, new: Entry) -> bool:
    """Store an exchange unless its place is taken: the first final result wins. False: it was taken."""
    place = (new.cell_key, new.ordinal)
    if connection.execute("SELECT 1 FROM exchanges WHERE cell_key = ? AND ordinal = ?", place).fetchone():
        return False
    kept = (new.exchange, text_checksum(new.exchange), new.messages, text_checksum(new.messages))
    row = (*place, *new.figures, connection.execute(_PUT_TEXT, kept).lastrowid)
    connection.execute(_PUT, (*row, checksum(row)))
    if new.ordinal:
        connection.execute("DELETE FROM marks WHERE cell_key = ?", (new.cell_key,))  # it was for a shorter dialogue
    return True


def forget(connection: sqlite3.Connection, keys: Iterable[str]) -> int:
    """Move these cells' last exchange to the history, so that they are pending again. How many cells had one.

    The replies before it, in a dialogue, were paid for and stay: it is the last request that is asked again.
    """
    forgotten = 0
    for key in keys:
        which = "WHERE cell_key = ? AND ordinal = (SELECT max(ordinal) FROM exchanges WHERE cell_key = ?)"
        moved = f"INSERT INTO history ({_FIELDS}) SELECT {_FIELDS} FROM exchanges {which}"  # noqa: S608
        connection.execute(moved, (key, key))
        forgotten += connection.execute(f"DELETE FROM exchanges {which}", (key, key)).rowcount > 0  # noqa: S608
        connection.execute("DELETE FROM marks WHERE cell_key = ?", (key,))
    return forgotten


def held(connection: sqlite3.Connection) -> int:
    """How many exchanges the file holds, history included."""
    query = "SELECT (SELECT count(*) FROM exchanges) + (SELECT count(*) FROM history)"
    return int(connection.execute(query).fetchone()[0])


def stored(connection: sqlite3.Connection) -> int:
    """How many exchanges were ever put: each put one text, and no text is ever removed."""
    return int(connection.execute("SELECT coalesce(max(id), 0) FROM texts").fetchone()[0])


def verify(connection: sqlite3.Connection) -> None:
    """Read the whole ledger, rows of dropped cells too. Raises ValueError where one is not what was written."""
    for table in ("exchanges", "history"):
        for row in connection.execute(f"SELECT {_FIELDS} FROM {table}"):  # noqa: S608  constants
            _check(row)


def counts(connection: sqlite3.Connection) -> dict[Status, int]:
    """The plan's cells by status: every status is there, and the sum is what is planned."""
    query = f"""SELECT e.status, count(*) FROM exchanges e JOIN cells c ON c.cell_key = e.cell_key
        WHERE {_LAST} GROUP BY e.status"""  # noqa: S608  a constant
    found = dict.fromkeys(Status, 0)
    found.update({Status(status): number for status, number in connection.execute(query)})
    found[Status.PENDING] = 0
    found[Status.PENDING] = int(read_meta(connection, "plan.sizes")[2]) - sum(found.values())
    return found


def keys_with(connection: sqlite3.Connection, statuses: Collection[Status]) -> set[str]:
    """Keys of the plan's cells whose last outcome has one of these statuses."""
    query = f"""SELECT e.cell_key FROM exchanges e JOIN cells c ON c.cell_key = e.cell_key
        WHERE {_LAST} AND e.status IN ({", ".join("?" * len(statuses))})"""  # noqa: S608  constants
    return {key for (key,) in connection.execute(query, [str(status) for status in statuses])}


def spare(connection: sqlite3.Connection, cell: Cell, why: str) -> None:
    """Note that a cell needs no further request, or that its outcome does not count. `forget` takes it back."""
    before = messages_of(connection, cell.key)
    spared = Exchange(request_key=cell.request_key, outcome=Failure(kind=FailureKind.SPARED, message=why))
    put(connection, entry(cell.key, len(before), spared, before[-1] if before else ()))


def spent(connection: sqlite3.Connection) -> Spent:
    """See Spent."""
    query = """SELECT total(attempts), total(prompt_tokens), total(completion_tokens), total(cost_usd),
            total(cost_usd IS NULL AND status <> 'error')
        FROM (SELECT status, attempts, prompt_tokens, completion_tokens, cost_usd, from_cache FROM exchanges
            UNION ALL SELECT status, attempts, prompt_tokens, completion_tokens, cost_usd, from_cache FROM history)
        WHERE NOT from_cache"""
    requests, prompt, completion, cost, unpriced = connection.execute(query).fetchone()
    return Spent(
        requests=int(requests),
        prompt_tokens=int(prompt),
        completion_tokens=int(completion),
        cost_usd=cost,
        unpriced=int(unpriced),
    )


def exchanges_of(connection: sqlite3.Connection, cell_key: str) -> tuple[Exchange, ...]:
    """A cell's exchanges in order. Raises ValueError where one is not what was written."""
    query = f"SELECT {_FIELDS} FROM exchanges WHERE cell_key = ? ORDER BY ordinal"  # noqa: S608  constants
    return tuple(_read(connection, row) for row in connection.execute(query, (cell_key,)).fetchall())


def begun(connection: sqlite3.Connection) -> dict[str, Begun]:
    """The plan's cells whose dialogue has begun and goes on, by key. Raises ValueError where one is damaged."""
    query = f"""SELECT {", ".join(f"e.{field}" for field in _FIELDS.split(", "))}, t.messages, t.messages_crc
        FROM exchanges e JOIN cells c ON c.cell_key = e.cell_key JOIN texts t ON t.id = e.text
        WHERE {_LAST} AND e.status = ?"""  # noqa: S608  constants
    found = {}
    for *row, messages, crc in connection.execute(query, (str(Status.PENDING),)).fetchall():
        outcome = _read(connection, tuple(row)).outcome
        found[row[0]] = Begun(ordinal=row[1], messages=read_messages(messages, crc), outcome=outcome)
    return found


def messages_of(connection: sqlite3.Connection, cell_key: str) -> tuple[tuple[Message, ...], ...]:
    """The messages of each of a cell's requests, in order. Raises ValueError where one is not what was written."""
    query = """SELECT t.messages, t.messages_crc FROM exchanges e JOIN texts t ON t.id = e.text
        WHERE e.cell_key = ? ORDER BY e.ordinal"""
    return tuple(read_messages(*row) for row in connection.execute(query, (cell_key,)))


def read_messages(kept: Kept | None, crc: int | None) -> tuple[Message, ...]:
    """Messages from their text. Raises ValueError where they are not what was written."""
    if not isinstance(kept, str | bytes) or text_checksum(kept) != crc:
        raise ValueError("messages are not what was written")
    return MESSAGES.decode(kept)


def history(connection: sqlite3.Connection) -> Iterator[tuple[str, int, Exchange]]:
    """Forgotten exchanges, oldest first: cell key, ordinal, exchange."""
    for row in connection.execute(f"SELECT {_FIELDS} FROM history ORDER BY id"):  # noqa: S608  constants
        yield row[0], row[1], _read(connection, row)


def _read(connection: sqlite3.Connection, row: tuple[Any, ...]) -> Exchange:
    query = "SELECT exchange, exchange_crc FROM texts WHERE id = ?"
    kept, crc = connection.execute(query, (row[8],)).fetchone() or (None, None)
    _check(row)
    return read_exchange(kept, crc)


def _check(row: tuple[Any, ...]) -> None:
    if checksum(row[:9]) != row[9]:
        raise ValueError("an exchange is not what was written")


def read_exchange(kept: Kept | None, crc: int | None) -> Exchange:
    """An exchange from its text. Raises ValueError where it is not what was written."""
    if not isinstance(kept, str | bytes) or text_checksum(kept) != crc:
        raise ValueError("an exchange is not what was written")
    return EXCHANGE.decode(kept)
