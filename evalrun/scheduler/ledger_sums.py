"""Old entries made few: those that were settled within ten seconds of each other become one, and count no less.

A sum counts exactly what its entries counted, on every axis and under every charge rule, and leaves its windows with
the last of them. For the rule ``max`` that is true because only entries of one kind are added up: those whose input is
at least their reserved output, or those where it is less.
"""

from __future__ import annotations

import math
import sqlite3
from collections import defaultdict
from collections.abc import Iterable

from evalrun.scheduler.ledger_rows import Row, Sets, settled_between, write
from evalrun.scheduler.rooms import Charge

OLD_S = 120.0
_STEP_S = 10.0
_NOTHING = Charge(0, 0)


def sum_up(connection: sqlite3.Connection, sets: Sets, since: float, now: float) -> float:
    """Add up what was settled from *since* on and is older than two minutes; from when on to go on next time.

    Only what every living process has read: so nobody reads a sum who has its parts.
    """
    seen = connection.execute("SELECT min(seen) FROM leases").fetchone()[0]
    until = math.floor((now - OLD_S) / _STEP_S) * _STEP_S
    if seen is None or until <= since:
        return since
    groups = defaultdict(list)
    for changed, row in settled_between(connection, sets, since, until, seen=seen):
        groups[_group(row)].append((changed, row))
    for members in groups.values():
        if len(members) > 1:
            connection.executemany("DELETE FROM entries WHERE id = ?", [(row.id,) for _, row in members])
            total = added([row for _, row in members])
            write(connection, total, sets.number(connection, total.scopes), max(changed for changed, _ in members))
    unread = connection.execute(
        "SELECT min(settled_at) FROM entries WHERE settled_at < ? AND changed > ?", (until, seen)
    ).fetchone()[0]
    return until if unread is None else min(until, math.floor(unread / _STEP_S) * _STEP_S)


def added(rows: Iterable[Row]) -> Row:
    """The sum of settled entries of one kind. It bears the number of its last one."""
    members = list(rows)
    pairs = [_real(row) for row in members]
    return Row(
        id=max(row.id for row in members),
        scopes=members[0].scopes,
        suite=members[0].suite,
        requests=sum(row.requests for row in members),
        charge=Charge(sum(real.input_tokens for real, _ in pairs), sum(reserved for _, reserved in pairs)),
        booked_at=min(row.booked_at for row in members),
        settled_at=max(row.settled_at or 0.0 for row in members),
        took=Charge(sum(real.input_tokens for real, _ in pairs), sum(real.output_tokens for real, _ in pairs)),
    )


def input_leads(row: Row) -> bool:
    """Of which kind an entry is: whether its input is at least the output that was reserved."""
    real, reserved = _real(row)
    return real.input_tokens >= reserved


def _group(row: Row) -> tuple[tuple[str, ...], str, float, bool]:
    return row.scopes, row.suite, math.floor((row.settled_at or 0.0) / _STEP_S), input_leads(row)


def _real(row: Row) -> tuple[Charge, int]:
    """What counts of an entry: what it really took and what was reserved as output; nothing where it was refused."""
    if row.took is None:
        return row.charge, row.charge.output_tokens
    if not row.took.tokens:
        return _NOTHING, 0
    return row.took, row.charge.output_tokens
