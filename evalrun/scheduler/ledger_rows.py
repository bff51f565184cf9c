"""The ledger's rows: what is written of a request, a scope and a lesson, and how it is read again.

Every function works inside a transaction of `ledger_file`. What cannot have been written by these functions raises
sqlite3.DataError, which the file turns into words.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, get_args, get_type_hints

from evalrun.records.quota import DAY_S, Axis, Limit, Quota, Scope
from evalrun.scheduler.rooms import Charge, Lesson

LATENCIES_KEPT = 200
LESSON_KEPT_S = 7 * DAY_S
_SCOPE_KEPT_S = 60 * DAY_S
# How long a request of a dead process may have been under way: it counted within that time, if it counted at all.
_UNDER_WAY_S = 3600.0
_KINDS = get_args(get_type_hints(Lesson)["kind"])
_NOTHING = Charge(0, 0)
_COLUMNS = """id, scopes, suite, requests, input_tokens, output_tokens, booked_at, settled_at, took_input,
    took_output, lease"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An entry: *requests* of them in *scopes*, what they reserved together and what they *took*; None: nobody knows.

    *settled_at* is None while it is in flight.
    """

    id: int
    scopes: tuple[str, ...]
    suite: str
    requests: int
    charge: Charge
    booked_at: float
    settled_at: float | None
    took: Charge | None
    lease: str = ""

    def singles(self) -> Iterator[tuple[str, Charge, Charge | None]]:
        """The requests it stands for, one by one: a key, the charge, what was taken. The first has all the tokens."""
        charge, took = self.charge, self.took
        for key in keys_of(self.id, self.requests):
            yield key, charge, took
            charge = took = _NOTHING


def keys_of(entry: int, requests: int) -> Iterator[str]:
    """What the requests of an entry are called in a book."""
    yield str(entry)
    for number in range(1, requests):
        yield f"{entry}.{number}"


class Sets:
    """The numbers that stand for several scopes at once. Mutable: what was looked up before; only for one file."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, ...], int] = {}
        self._scopes: dict[int, tuple[str, ...]] = {}

    def number(self, connection: sqlite3.Connection, scopes: tuple[str, ...]) -> int:
        """The number of these scopes, a new one if need be."""
        found = self._numbers.get(scopes)
        if found is None:
            text = json.dumps(scopes)
            connection.execute("INSERT OR IGNORE INTO sets (scopes) VALUES (?)", (text,))
            found = int(connection.execute("SELECT number FROM sets WHERE scopes = ?", (text,)).fetchone()[0])
            self._numbers[scopes] = found
        return found

    def scopes(self, connection: sqlite3.Connection, number: int) -> tuple[str, ...]:
        """The scopes of a number."""
        found = self._scopes.get(number)
        if found is None:
            row = connection.execute("SELECT scopes FROM sets WHERE number = ?", (number,)).fetchone()
            said = _json(row[0]) if row else None
            if not isinstance(said, list) or not all(isinstance(one, str) for one in said):
                raise sqlite3.DataError("a set of scopes")
            found = self._scopes[number] = tuple(said)
        return found


# -- entries ----------------------------------------------------------------------------------------------------------


def standing(connection: sqlite3.Connection) -> tuple[int, int]:
    """The version, which counts changes, and the epoch, which changes when everything has to be read anew."""
    row = connection.execute("SELECT version, epoch FROM state").fetchone()
    if row is None:
        raise sqlite3.DataError("no state")
    return row[0], row[1]


def advance(connection: sqlite3.Connection, version: int) -> None:
    """Note the version of the last change."""
    connection.execute("UPDATE state SET version = ?", (version,))


def new_epoch(connection: sqlite3.Connection) -> None:
    """Have everybody read anew."""
    connection.execute("UPDATE state SET version = version + 1, epoch = epoch + 1")


def insert(
    connection: sqlite3.Connection, version: int, scopes: int, lease: str, suite: str, charge: Charge, now: float
) -> None:
    """A request that is about to be sent: *version* is its id and the change that it is."""
    connection.execute(
        "INSERT INTO entries VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, NULL, NULL, NULL)",
        (version, version, scopes, lease, suite, charge.input_tokens, charge.output_tokens, now),
    )


def settle(connection: sqlite3.Connection, version: int, entry: int, took: Charge | None, now: float) -> None:
    """A request came back. One that somebody has forgotten meanwhile stays forgotten."""
    figures = (None, None) if took is None else (took.input_tokens, took.output_tokens)
    connection.execute(
        "UPDATE entries SET changed = ?, settled_at = ?, took_input = ?, took_output = ? WHERE id = ?",
        (version, now, *figures, entry),
    )


def remove(connection: sqlite3.Connection, entry: int) -> None:
    """A request was not sent after all."""
    connection.execute("DELETE FROM entries WHERE id = ?", (entry,))


def write(connection: sqlite3.Connection, row: Row, scopes: int, changed: int) -> None:
    """An entry as it is: a sum, or a correction."""
    took = (None, None) if row.took is None else (row.took.input_tokens, row.took.output_tokens)
    charge = (row.charge.input_tokens, row.charge.output_tokens)
    connection.execute(
        "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (row.id, changed, scopes, row.lease, row.suite, row.requests, *charge, row.booked_at, row.settled_at, *took),
    )


def changed_since(connection: sqlite3.Connection, sets: Sets, version: int, *, oldest: float = 0.0) -> list[Row]:
    """The entries that changed after *version*, oldest first, without those that were settled before *oldest*."""
    query = (
        f"SELECT {_COLUMNS} FROM entries WHERE changed > ? AND (settled_at IS NULL OR settled_at >= ?) "  # noqa: S608
        "ORDER BY settled_at, id"
    )
    return [_row(connection, sets, found) for found in connection.execute(query, (version, oldest)).fetchall()]


def settled_between(
    connection: sqlite3.Connection, sets: Sets, since: float, until: float, *, seen: int
) -> list[tuple[int, Row]]:
    """Entries that were settled in that time, with the version of their last change, which *seen* is not before."""
    query = (
        f"SELECT changed, {_COLUMNS} FROM entries "  # noqa: S608
        "WHERE settled_at >= ? AND settled_at < ? AND changed <= ? ORDER BY settled_at, id"
    )
    found = connection.execute(query, (since, until, seen)).fetchall()
    return [(changed, _row(connection, sets, tuple(rest))) for changed, *rest in found]


def bury(connection: sqlite3.Connection, version: int, alive: Iterable[str], now: float) -> bool:
    """Settle what dead processes had in flight as spent, and forget their leases; whether there was any."""
    dead = {lease for (lease,) in connection.execute("SELECT DISTINCT lease FROM entries WHERE settled_at IS NULL")}
    dead -= set(alive)
    for lease in dead:
        connection.execute(
            "UPDATE entries SET changed = ?, settled_at = min(?, booked_at + ?) WHERE lease = ? AND settled_at IS NULL",
            (version, now, _UNDER_WAY_S, lease),
        )
    for (name,) in connection.execute("SELECT name FROM leases").fetchall():
        if name not in alive:
            connection.execute("DELETE FROM leases WHERE name = ?", (name,))
    return bool(dead)


def _row(connection: sqlite3.Connection, sets: Sets, found: tuple[Any, ...]) -> Row:
    number, scopes, suite, requests, given, reserved, booked_at, settled_at, took_in, took_out, lease = found
    figures = (requests, given, reserved, booked_at, settled_at or 0.0, took_in or 0, took_out or 0)
    if any(not 0 <= figure < math.inf for figure in figures) or (took_in is None) != (took_out is None):
        raise sqlite3.DataError("an entry")
    return Row(
        id=number,
        scopes=sets.scopes(connection, scopes),
        suite=suite,
        requests=requests,
        charge=Charge(given, reserved),
        booked_at=booked_at,
        settled_at=settled_at,
        took=None if took_in is None else Charge(took_in, took_out),
        lease=lease,
    )


# -- scopes -----------------------------------------------------------------------------------------------------------


def write_scope(connection: sqlite3.Connection, scope: Scope, now: float) -> None:
    """What a scope's limits are, for those who only look."""
    quota = json.dumps(asdict(scope.quota))
    connection.execute("INSERT OR REPLACE INTO scopes VALUES (?, ?, ?, ?)", (scope.id, scope.name, quota, now))


def read_scopes(connection: sqlite3.Connection) -> dict[str, Scope]:
    """Every scope that was used on this machine lately, by name."""
    found = connection.execute("SELECT id, name, quota FROM scopes ORDER BY name, id").fetchall()
    return {key: Scope(id=key, name=name, quota=_quota(quota)) for key, name, quota in found}


def horizon_s(limits: Iterable[Limit]) -> float:
    """How long a settled request may count under these limits, generously: a day may have 25 hours."""
    spans = (limit.per_s * max(1.0, (limit.burst or 0.0) / limit.amount) for limit in limits if limit.amount > 0)
    return 1.1 * max(spans, default=0.0) + 60.0


def _quota(text: str) -> Quota:
    said = _json(text)
    try:
        return Quota(**{**said, "limits": tuple(Limit(**limit) for limit in said["limits"])})
    except (TypeError, KeyError) as error:
        raise sqlite3.DataError("a quota") from error


# -- lessons ----------------------------------------------------------------------------------------------------------


def write_lesson(
    connection: sqlite3.Connection, lesson: Lesson, version: int, now: float, *, by_hand: bool = False
) -> None:
    """What a server taught, in place of what it taught before on the same topic; *by_hand* is said by the user."""
    topic = _topic(lesson)
    if lesson.kind == "closed" and lesson.until is not None:
        found = connection.execute("SELECT content FROM lessons WHERE scope = ? AND topic = ?", (lesson.scope, topic))
        known = found.fetchone()
        if known and (_lesson(known[0]).until or 0.0) > lesson.until:
            return  # it stays closed for longer
    connection.execute(
        "INSERT OR REPLACE INTO lessons VALUES (?, ?, ?, ?, ?, ?)",
        (lesson.scope, topic, version, now, by_hand, json.dumps(asdict(lesson))),
    )


def unlearn(connection: sqlite3.Connection, scope: str, limit: Limit) -> None:
    """Forget what was taught about a limit of that axis and span."""
    found = connection.execute("SELECT topic, content FROM lessons WHERE scope = ?", (scope,)).fetchall()
    for topic, content in found:
        known = _lesson(content).limit
        if known is not None and (known.axis, known.per_s) == (limit.axis, limit.per_s):
            connection.execute("DELETE FROM lessons WHERE scope = ? AND topic = ?", (scope, topic))


def lessons_since(connection: sqlite3.Connection, version: int, now: float) -> list[tuple[float, Lesson]]:
    """When what was learned, after *version*; without what is over or old."""
    query = "SELECT learned_at, content FROM lessons WHERE changed > ? AND (by_hand OR learned_at > ?) ORDER BY changed"
    found = [
        (learned_at, _lesson(content))
        for learned_at, content in connection.execute(query, (version, now - LESSON_KEPT_S)).fetchall()
    ]
    return [(at, lesson) for at, lesson in found if lesson.until is None or lesson.until > now]


def _topic(lesson: Lesson) -> str:
    if lesson.kind == "closed" or lesson.limit is None:
        return lesson.kind
    return f"{lesson.kind}:{lesson.limit.axis}:{lesson.limit.per_s:g}"


def _lesson(text: str) -> Lesson:
    said = _json(text)
    try:
        limit = None if said["limit"] is None else Limit(**said["limit"])
        if said["kind"] not in _KINDS or (limit and (limit.axis not in get_args(Axis) or limit.amount < 0)):
            raise sqlite3.DataError("a lesson")
        return Lesson(said["scope"], said["kind"], limit, said["until"], said["words"])
    except (TypeError, KeyError) as error:
        raise sqlite3.DataError("a lesson") from error


# -- latencies --------------------------------------------------------------------------------------------------------


def write_latencies(connection: sqlite3.Connection, scope: str, seconds: Iterable[float]) -> None:
    """Keep samples of how long answers took; the last 200 of a scope stay."""
    connection.executemany(
        "INSERT INTO latencies (scope, seconds) VALUES (?, ?)", [(scope, second) for second in seconds]
    )
    connection.execute(
        """DELETE FROM latencies WHERE scope = :scope AND id <= (
            SELECT id FROM latencies WHERE scope = :scope ORDER BY id DESC LIMIT 1 OFFSET :kept)""",
        {"scope": scope, "kept": LATENCIES_KEPT},
    )


def read_latencies(connection: sqlite3.Connection, scope: str) -> list[float]:
    """The samples of a scope, sorted."""
    query = "SELECT seconds FROM latencies WHERE scope = ? ORDER BY seconds"
    return [seconds for (seconds,) in connection.execute(query, (scope,)).fetchall()]


# -- growing old ------------------------------------------------------------------------------------------------------


def prune(connection: sqlite3.Connection, now: float) -> None:
    """Remove what no window counts any more and what nobody uses. Nobody has to be told: they have forgotten it too."""
    limits = [limit for scope in read_scopes(connection).values() for limit in scope.quota.limits]
    oldest = now - max(horizon_s(limits), horizon_s([_A_DAY]))
    connection.execute("DELETE FROM entries WHERE settled_at < ?", (oldest,))
    connection.execute("DELETE FROM lessons WHERE learned_at < ? AND NOT by_hand", (now - LESSON_KEPT_S,))
    connection.execute("DELETE FROM scopes WHERE used_at < ?", (now - _SCOPE_KEPT_S,))
    connection.execute("DELETE FROM latencies WHERE scope NOT IN (SELECT id FROM scopes)")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise sqlite3.DataError("JSON") from error


_A_DAY = Limit(axis="requests", amount=1, per_s=DAY_S)
