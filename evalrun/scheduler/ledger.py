"""What was spent this minute and this day, and who may spend more: in memory, or in a file that processes share.

Both decide with a `Book`. The shared one keeps it the same in all processes: in one transaction it reads what changed,
decides, and writes the reservation, before anything is sent. So a crash leaves it spent, and nobody is over together.
"""

from __future__ import annotations

import math
import os
import sqlite3
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from evalrun.errors import StorageError
from evalrun.records.quota import RateFacts, Scope
from evalrun.scheduler import ledger_rows as rows
from evalrun.scheduler.ledger_file import LedgerFile
from evalrun.scheduler.ledger_lease import Lease, sweep
from evalrun.scheduler.ledger_sums import sum_up
from evalrun.scheduler.quota import Book, Manner
from evalrun.scheduler.rooms import Booking, Busy, Charge, Go, Lesson, Never, ScopeView, Wait

_LOOK_AGAIN_S = 0.1  # how often to ask whether another process's request is back
_BEAT_S = 30.0  # how often a process says how far it has read, and tidies up
_BURY_S = 1.0  # how often to look for dead processes while something of theirs is in the way
_STALE_S = 1.0
_NOBODY = Manner()


class MemoryLedger:
    """A ledger of this process alone.

    *scopes* are those that `views` tells of; *manners* says, by the scope that it is about (a model's), how a vendor
    counts the limits that its replies name.
    """

    def __init__(
        self,
        book: Book,
        scopes: Mapping[str, Scope] | None = None,
        manners: Mapping[str, Manner] | None = None,
    ) -> None:
        self._book, self._scopes, self._manners = book, scopes or {}, manners or {}
        # Mutable state: how long answers took, by scope.
        self._samples: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=rows.LATENCIES_KEPT))

    def try_book(self, scopes: tuple[str, ...], charge: Charge, now: float) -> Booking | Wait | Busy | Never:
        """See jobs.Ledger."""
        room = self._book.room(scopes, charge, now)
        return self._book.book(scopes, charge, now) if isinstance(room, Go) else room

    def never(self, scopes: tuple[str, ...], charge: Charge) -> str | None:
        """See jobs.Ledger."""
        return self._book.never(scopes, charge)

    def settle(self, booking: Booking, took: Charge | None, now: float) -> None:
        """See jobs.Ledger."""
        self._book.settle(booking, took, now)
        if took is not None and took.output_tokens > 0:
            for scope in booking.scopes:
                self._samples[scope].append(max(0.0, now - booking.booked_at))

    def cancel(self, booking: Booking, now: float) -> None:
        """See jobs.Ledger."""
        self._book.cancel(booking)

    def observe(
        self, scopes: tuple[str, ...], rate: RateFacts, *, sent_at: float, received_at: float, refused: bool
    ) -> Sequence[Lesson]:
        """See jobs.Ledger."""
        manner = next((self._manners[scope] for scope in scopes if scope in self._manners), _NOBODY)
        return self._book.observe(
            scopes, rate, sent_at=sent_at, received_at=received_at, refused=refused, believe=manner
        )

    def views(self, now: float) -> tuple[ScopeView, ...]:
        """How every scope stands."""
        return tuple(self._book.view(scope, now) for scope in self._scopes)

    def latencies(self, scope: str) -> list[float]:
        """How many seconds the last 200 answers took, sorted."""
        return sorted(self._samples[scope])

    def close(self) -> None:
        """Nothing more will be asked."""


class SqliteLedger(MemoryLedger):
    """A ledger in the file *path*, shared by all processes of the machine; *suite* is whose run this is.

    Scopes that are not shared stay in memory, and so do those without any limit. Everything raises StorageError where
    the file is out of reach: then nothing may be sent. *now* is ledger time.
    """

    def __init__(
        self,
        path: Path,
        book: Book,
        scopes: Mapping[str, Scope],
        *,
        suite: str,
        now: float,
        manners: Mapping[str, Manner] | None = None,
    ) -> None:
        super().__init__(book, scopes, manners)
        self._suite = suite
        self._shared = {key: scope for key, scope in scopes.items() if scope.shared}
        # Mutable state: the scopes whose entries are written, and the part of each request's scopes that they are.
        self._kept = {key for key, scope in self._shared.items() if scope.quota.limits or scope.quota.concurrency}
        self._parts: dict[tuple[str, ...], tuple[str, ...]] = {}
        # Mutable state: how far the file was read, what of it the book holds, and own requests in flight by key.
        self._sets = rows.Sets()
        self._version, self._epoch = -1, -1
        self._held: dict[int, tuple[int, float]] = {}
        self._others: dict[int, tuple[str, ...]] = {}
        self._flying: dict[str, int] = {}
        self._horizon_s = rows.horizon_s(limit for scope in self._shared.values() for limit in scope.quota.limits)
        self._read_at = self._beat_at = self._buried_at = now
        self._summed_until = 0.0
        self._lease: Lease | None = None
        self._file = LedgerFile(path)
        try:
            self._arrive(now)
        except BaseException:
            self.close()
            raise

    def try_book(self, scopes: tuple[str, ...], charge: Charge, now: float) -> Booking | Wait | Busy | Never:
        """See jobs.Ledger. What waits for another process's request is told to look again."""
        if not self._part(scopes) and now - self._read_at >= _STALE_S and not self._shared.keys().isdisjoint(scopes):
            with self._turn(now):
                pass  # others may have learned of a limit
        kept = self._part(scopes)
        if not kept:
            return super().try_book(scopes, charge, now)
        entry = 0
        with self._turn(now) as connection:
            room = self._book.room(scopes, charge, now)
            if isinstance(room, Busy) and self._others and now - self._buried_at >= _BURY_S:
                self._bury(connection, now)
                room = self._book.room(scopes, charge, now)
            if isinstance(room, Go):
                entry = self._version = self._version + 1
                number = self._sets.number(connection, kept)
                rows.insert(connection, entry, number, self._name, self._suite, charge, now)
                rows.advance(connection, entry)
        if isinstance(room, Go):
            booking = self._book.book(scopes, charge, now, str(entry))
            self._flying[booking.key] = entry
            return booking
        if isinstance(room, Busy) and any(room.scope in others for others in self._others.values()):
            return Wait(now + _LOOK_AGAIN_S, room.why, room.scope)
        return room

    def settle(self, booking: Booking, took: Charge | None, now: float) -> None:
        """See jobs.Ledger."""
        super().settle(booking, took, now)
        entry = self._flying.get(booking.key)
        if entry is None:
            return
        with self._turn(now) as connection:
            self._version += 1
            rows.settle(connection, self._version, entry, took, now)
            rows.advance(connection, self._version)
            # Not before: whoever reads anew in this turn would take it for another process's request in flight.
            del self._flying[booking.key]
            self._held[entry] = (1, now)

    def cancel(self, booking: Booking, now: float) -> None:
        """See jobs.Ledger. Everybody reads anew, for nobody else can tell that an entry is gone."""
        super().cancel(booking, now)
        entry = self._flying.pop(booking.key, None)
        if entry is None:
            return
        with self._turn(now) as connection:
            rows.remove(connection, entry)
            rows.new_epoch(connection)

    def observe(
        self, scopes: tuple[str, ...], rate: RateFacts, *, sent_at: float, received_at: float, refused: bool
    ) -> Sequence[Lesson]:
        """See jobs.Ledger."""
        found = super().observe(scopes, rate, sent_at=sent_at, received_at=received_at, refused=refused)
        news = [lesson for lesson in found if lesson.scope in self._shared]
        if news:
            with self._turn(received_at) as connection:
                self._version += 1
                rows.advance(connection, self._version)
                for lesson in news:
                    rows.write_lesson(connection, lesson, self._version, received_at)
                    self._widen(lesson)
        return found

    def views(self, now: float) -> tuple[ScopeView, ...]:
        """How every scope stands, as of a second ago at most."""
        if now - self._read_at >= _STALE_S:
            with self._turn(now):
                pass
        return super().views(now)

    def latencies(self, scope: str) -> list[float]:
        """How many seconds the last 200 answers took, of whatever run of this machine, sorted."""
        with self._file.transaction() as connection:
            known = rows.read_latencies(connection, scope)
        return sorted([*known, *self._samples[scope]])

    def close(self) -> None:
        """Leave the file. What is in flight stays booked, and counts as spent. Doing it twice does nothing."""
        with suppress(StorageError), self._file.transaction() as connection:
            self._keep_samples(connection)
            if self._lease:
                connection.execute("DELETE FROM leases WHERE name = ?", (self._name,))
                self._lease.release()
        if self._lease:
            self._lease.let_go()
        self._file.close()

    # -- the file -------------------------------------------------------------------------------------------------

    @property
    def _name(self) -> str:
        return self._lease.name if self._lease else ""

    def _arrive(self, now: float) -> None:
        with self._file.transaction() as connection:
            self._lease = Lease(self._file.leases)
            version, _ = rows.standing(connection)
            person = (self._name, os.getpid(), self._suite, now, version)
            connection.execute("INSERT INTO leases VALUES (?, ?, ?, ?, ?)", person)
            for scope in self._shared.values():
                rows.write_scope(connection, scope, now)
            self._version = version
            self._bury(connection, now)
            self._read_anew(connection, now)
            self._tidy(connection, now)

    @contextmanager
    def _turn(self, now: float) -> Iterator[sqlite3.Connection]:
        """A transaction that begins with what the others did. One that fails is followed by reading everything anew."""
        try:
            with self._file.transaction() as connection:
                self._read(connection, now)
                yield connection
                if now - self._beat_at >= _BEAT_S:
                    self._bury(connection, now)
                    self._tidy(connection, now)
        except BaseException:
            self._epoch, self._sets = -1, rows.Sets()
            raise

    def _read(self, connection: sqlite3.Connection, now: float) -> None:
        version, epoch = rows.standing(connection)
        self._read_at = now
        if epoch != self._epoch:
            self._read_anew(connection, now)
        elif version != self._version:
            self._take_over(connection, now, self._version, now - self._horizon_s)
            self._version = version

    def _read_anew(self, connection: sqlite3.Connection, now: float) -> None:
        """Read everything: at the start, and when somebody took something away."""
        for entry, (requests, _) in self._held.items():
            for key in rows.keys_of(entry, requests):
                self._book.drop(key)
        self._held.clear()
        self._others.clear()
        for scope in self._shared:
            self._book.forget(scope)
        for _, lesson in rows.lessons_since(connection, -1, now):
            self._widen(lesson)
        self._version, self._epoch = rows.standing(connection)
        self._take_over(connection, now, -1, now - self._horizon_s)

    def _take_over(self, connection: sqlite3.Connection, now: float, since: int, oldest: float) -> None:
        """Bring the book up to date with what changed after version *since*. What is of the future is of now."""
        for row in rows.changed_since(connection, self._sets, since, oldest=oldest):
            if str(row.id) in self._flying or self._shared.keys().isdisjoint(row.scopes):
                continue
            settled_at = None if row.settled_at is None else min(row.settled_at, now)
            for key, charge, took in row.singles():
                self._book.put(key, row.scopes, charge, min(row.booked_at, now), settled_at, took)
            self._held[row.id] = (row.requests, math.inf if settled_at is None else settled_at)
            if settled_at is None:
                self._others[row.id] = row.scopes
            else:
                self._others.pop(row.id, None)
        for _, lesson in rows.lessons_since(connection, since, now):
            if lesson.scope in self._shared:
                self._book.learn(lesson, now)
                self._widen(lesson)

    def _bury(self, connection: sqlite3.Connection, now: float) -> None:
        """See who has died."""
        self._buried_at = now
        if rows.bury(connection, self._version + 1, sweep(self._file.leases), now):
            rows.advance(connection, self._version + 1)
            self._take_over(connection, now, self._version, now - self._horizon_s)
            self._version += 1

    def _tidy(self, connection: sqlite3.Connection, now: float) -> None:
        self._beat_at = now
        connection.execute("UPDATE leases SET seen = ? WHERE name = ?", (self._version, self._name))
        self._keep_samples(connection)
        rows.prune(connection, now)
        self._summed_until = sum_up(connection, self._sets, self._summed_until, now)
        oldest = now - self._horizon_s
        self._held = {entry: held for entry, held in self._held.items() if held[1] >= oldest}

    def _keep_samples(self, connection: sqlite3.Connection) -> None:
        for scope in self._samples.keys() & self._shared.keys():
            rows.write_latencies(connection, scope, self._samples.pop(scope))

    def _part(self, scopes: tuple[str, ...]) -> tuple[str, ...]:
        """Which of a request's scopes are written."""
        found = self._parts.get(scopes)
        if found is None:
            found = self._parts[scopes] = tuple(scope for scope in scopes if scope in self._kept)
        return found

    def _widen(self, lesson: Lesson) -> None:
        """A scope that was taught a limit is written from now on, and a longer window is read further back."""
        if lesson.scope not in self._shared or lesson.limit is None:
            return
        if lesson.scope not in self._kept:
            self._kept.add(lesson.scope)
            self._parts.clear()
        longer_s = rows.horizon_s([lesson.limit])
        if longer_s > self._horizon_s:
            self._horizon_s, self._epoch = longer_s, -1
