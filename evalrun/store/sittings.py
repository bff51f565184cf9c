"""Who worked on a run, when, and how it ended."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Literal

from evalrun.records.run import RunState
from evalrun.store.codec import checksum


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """One process's work on a run. Times are Unix seconds.

    *how* is the verb and *argv* the command line; *ended* says how it ended. None and empty: nobody said (a crash).
    """

    started_at: float
    ended_at: float | None
    how: str
    argv: tuple[str, ...]
    ended: RunState | Literal[""]


def begin(connection: sqlite3.Connection, now: float, how: str, argv: tuple[str, ...]) -> None:
    """Note that a sitting begins."""
    row = (float(now), None, how, json.dumps(argv), "")
    query = "INSERT INTO sittings (started_at, ended_at, how, argv, ended, crc) VALUES (?, ?, ?, ?, ?, ?)"
    connection.execute(query, (*row, checksum(row)))


def end(connection: sqlite3.Connection, now: float, ended: str) -> None:
    """Note that the sitting begun last is over."""
    last = connection.execute("SELECT id, started_at, how, argv FROM sittings ORDER BY id DESC LIMIT 1").fetchone()
    if last is None:
        raise ValueError("no sitting was begun")
    number, started_at, how, argv = last
    crc = checksum((started_at, float(now), how, argv, ended))
    change = "UPDATE sittings SET ended_at = ?, ended = ?, crc = ? WHERE id = ?"
    connection.execute(change, (float(now), ended, crc, number))


def read(connection: sqlite3.Connection) -> tuple[Sitting, ...]:
    """Every sitting, in order. Raises ValueError where one is not what was written."""
    found = []
    for *row, crc in connection.execute("SELECT started_at, ended_at, how, argv, ended, crc FROM sittings ORDER BY id"):
        if checksum(tuple(row)) != crc:
            raise ValueError("a sitting is not what was written")
        started_at, ended_at, how, argv, ended = row
        found.append(
            Sitting(started_at=started_at, ended_at=ended_at, how=how, argv=tuple(json.loads(argv)), ended=ended)
        )
    return tuple(found)
