"""The ledger looked at before a run: how the run's own scopes stand in it. Nothing is written, nobody is registered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evalrun.records.quota import Scope
from evalrun.scheduler import ledger_rows as rows
from evalrun.scheduler.ledger_file import LedgerFile
from evalrun.scheduler.quota import Book
from evalrun.scheduler.rooms import ScopeView


@dataclass(frozen=True, slots=True, kw_only=True)
class Peek:
    """How scopes stand, and how many seconds their last answers took, sorted: both by the scope's id."""

    views: Mapping[str, ScopeView]
    latencies: Mapping[str, Sequence[float]] = field(default_factory=dict)


def peek(path: Path, scopes: Mapping[str, Scope], now: float) -> Peek:
    """How *scopes* stand in the ledger *path*, with the limits that they have here. Raises StorageError."""
    book = Book(scopes)
    shared = {key for key, scope in scopes.items() if scope.shared}
    file = LedgerFile(path)
    try:
        with file.transaction() as connection:
            for row in rows.changed_since(connection, rows.Sets(), -1):
                if shared.isdisjoint(row.scopes):
                    continue
                settled_at = None if row.settled_at is None else min(row.settled_at, now)
                for key, charge, took in row.singles():
                    book.put(key, row.scopes, charge, min(row.booked_at, now), settled_at, took)
            for _, lesson in rows.lessons_since(connection, -1, now):
                if lesson.scope in shared:
                    book.learn(lesson, now)
            latencies = {key: rows.read_latencies(connection, key) for key in shared}
    finally:
        file.close()
    return Peek(views={key: book.view(key, now) for key in scopes}, latencies=latencies)


def empty(scopes: Mapping[str, Scope], now: float) -> Peek:
    """How *scopes* stand where nothing is known of them."""
    book = Book(scopes)
    return Peek(views={key: book.view(key, now) for key in scopes})
