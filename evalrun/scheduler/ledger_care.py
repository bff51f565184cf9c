"""The ledger looked at and put right by people: how every scope stands, who used it, and corrections."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from evalrun.errors import LedgerDamaged
from evalrun.records.quota import Limit, Scope
from evalrun.scheduler import ledger_rows as rows
from evalrun.scheduler.ledger_file import LedgerFile, remove
from evalrun.scheduler.ledger_lease import sweep
from evalrun.scheduler.quota import Book
from evalrun.scheduler.rooms import Charge, Lesson, ScopeView, words

BY_HAND = "set by hand"
ELSEWHERE = "as the vendor counts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a scope stands: its limits, how many requests of which suites still count, what was learned and when."""

    view: ScopeView
    suites: tuple[tuple[str, int], ...]
    learned: tuple[tuple[float, Lesson], ...]


def standings(path: Path, now: float) -> tuple[Standing, ...]:
    """Every scope that the ledger knows, by name; none where there is no ledger. Raises StorageError."""
    if not path.exists():
        return ()
    file = LedgerFile(path)
    try:
        with file.transaction() as connection:
            return _standings(file, connection, now)
    finally:
        file.close()


def set_limit(path: Path, scope: Scope, limit: Limit, used: float | None, now: float) -> None:
    """Have *limit* hold in *scope*, in place of what was learned; *used* is what is used of it, if somebody says.

    Raises StorageError.
    """
    file = LedgerFile(path)
    try:
        with file.transaction() as connection:
            version, _ = rows.standing(connection)
            rows.unlearn(connection, scope.id, limit)
            lesson = Lesson(scope.id, "limit", limit, None, f"{words(limit)}, {BY_HAND}")
            rows.write_lesson(connection, lesson, version + 1, now, by_hand=True)
            rows.advance(connection, version + 1)
            if used is not None:
                _set_used(connection, scope, limit, used, now)
            rows.new_epoch(connection)
    finally:
        file.close()


def set_used(path: Path, scope: Scope, limit: Limit, used: float, now: float, *, at: float) -> None:
    """Have *used* be what is used of *limit*, as if *at* that time, elsewhere; what was learned stays.

    Raises StorageError.
    """
    file = LedgerFile(path)
    try:
        with file.transaction() as connection:
            _set_used(connection, scope, limit, used, min(at, now), whose=ELSEWHERE)
            rows.new_epoch(connection)
    finally:
        file.close()


def forget(path: Path, scope: str | None, now: float) -> None:
    """Forget what was learned and used of a scope, or of all (None): what is in flight stays. Raises StorageError.

    All of a ledger that is damaged can be forgotten too: it is removed.
    """
    if not path.exists():
        return
    try:
        _forget_in(path, scope, now)
    except LedgerDamaged:
        if scope is not None:
            raise
        remove(path)


def _forget_in(path: Path, scope: str | None, now: float) -> None:
    file = LedgerFile(path)
    try:
        with file.transaction() as connection:
            rows.bury(connection, rows.standing(connection)[0] + 1, sweep(file.leases), now)
            if scope is None:
                _forget_all(connection)
            else:
                _forget(connection, scope)
            rows.new_epoch(connection)
    finally:
        file.close()


def _forget(connection: sqlite3.Connection, scope: str) -> None:
    _take_out(connection, scope)
    connection.execute("DELETE FROM lessons WHERE scope = ?", (scope,))
    connection.execute("DELETE FROM latencies WHERE scope = ?", (scope,))
    if not _in_use(connection):
        connection.execute("DELETE FROM scopes WHERE id = ?", (scope,))


def _forget_all(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM entries WHERE settled_at IS NOT NULL")
    connection.execute("DELETE FROM lessons")
    connection.execute("DELETE FROM latencies")
    if not _in_use(connection):
        connection.execute("DELETE FROM sets")
        connection.execute("DELETE FROM scopes")


def _in_use(connection: sqlite3.Connection) -> bool:
    """Whether a process is at work: it will not say again which scopes it has."""
    return bool(connection.execute("SELECT count(*) FROM leases").fetchone()[0])


def _standings(file: LedgerFile, connection: sqlite3.Connection, now: float) -> tuple[Standing, ...]:
    version, _ = rows.standing(connection)
    if rows.bury(connection, version + 1, sweep(file.leases), now):
        rows.advance(connection, version + 1)
    scopes = rows.read_scopes(connection)
    lessons = rows.lessons_since(connection, -1, now)
    book = Book(scopes)
    suites: dict[str, Counter[str]] = {key: Counter() for key in scopes}
    since = {key: now - _counts_s(scope, lessons) for key, scope in scopes.items()}
    for row in rows.changed_since(connection, rows.Sets(), -1):
        settled_at = None if row.settled_at is None else min(row.settled_at, now)
        for key, charge, took in row.singles():
            book.put(key, row.scopes, charge, min(row.booked_at, now), settled_at, took)
        for scope in scopes.keys() & set(row.scopes):
            if settled_at is None or settled_at >= since[scope]:
                suites[scope][row.suite] += row.requests
    for _, lesson in lessons:
        book.learn(lesson, now)
    return tuple(
        Standing(
            view=book.view(key, now),
            suites=tuple(suites[key].most_common()),
            learned=tuple((at, lesson) for at, lesson in lessons if lesson.scope == key),
        )
        for key in scopes
    )


def _counts_s(scope: Scope, lessons: list[tuple[float, Lesson]]) -> float:
    """How long a request may count in a scope."""
    learned = [one.limit for _, one in lessons if one.limit is not None and one.scope == scope.id]
    return max((limit.per_s for limit in (*scope.quota.limits, *learned)), default=60.0)


def _set_used(
    connection: sqlite3.Connection, scope: Scope, limit: Limit, used: float, at: float, *, whose: str = BY_HAND
) -> None:
    """Put one entry in the place of all that this scope has; what is in flight comes on top of it.

    What it used of other axes stays as it was, as if it had been used *at* the same time.
    """
    requests, sent, received = _used_of(connection, scope.id)
    _take_out(connection, scope.id)
    whole = round(used)
    if limit.axis == "requests":
        requests = whole
    elif limit.axis == "output_tokens":
        received = whole
    else:
        sent, received = whole, received if limit.axis == "input_tokens" else 0
    if not (requests or sent or received):
        return
    version, _ = rows.standing(connection)
    charge = Charge(sent, received)
    row = rows.Row(
        id=version + 1,
        scopes=(scope.id,),
        suite=whose,
        requests=max(1, requests),
        charge=charge,
        booked_at=at,
        settled_at=at,
        took=charge,
    )
    rows.write(connection, row, rows.Sets().number(connection, row.scopes), version + 1)
    rows.advance(connection, version + 1)


def _take_out(connection: sqlite3.Connection, scope: str) -> None:
    """Have no settled entry count in a scope any more; in their other scopes they still do."""
    sets = rows.Sets()
    for (number,) in connection.execute("SELECT number FROM sets").fetchall():
        scopes = sets.scopes(connection, number)
        if scope not in scopes:
            continue
        rest = tuple(one for one in scopes if one != scope)
        if rest:
            connection.execute(
                "UPDATE entries SET scopes = ? WHERE scopes = ? AND settled_at IS NOT NULL",
                (sets.number(connection, rest), number),
            )
        else:
            connection.execute("DELETE FROM entries WHERE scopes = ? AND settled_at IS NOT NULL", (number,))


def _used_of(connection: sqlite3.Connection, scope: str) -> tuple[int, int, int]:
    """Requests, input and output tokens of a scope's entries that have come back."""
    requests = sent = received = 0
    for row in rows.changed_since(connection, rows.Sets(), -1):
        if scope in row.scopes and row.settled_at is not None:
            took = row.charge if row.took is None else row.took
            requests += row.requests
            # Of what was reserved and what was taken the larger: some vendors keep the one, some the other.
            sent += max(row.charge.input_tokens, took.input_tokens)
            received += max(row.charge.output_tokens, took.output_tokens)
    return requests, sent, received
