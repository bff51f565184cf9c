"""A run's file, open: what was planned, asked, answered and scored. Only one process writes it; any may read it."""

from __future__ import annotations

import atexit
import os
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Self

from evalrun.errors import StorageError, UsageError
from evalrun.records.message import Message
from evalrun.records.outcome import SCORED, Exchange, Status
from evalrun.records.plan import Cell, Column, Plan
from evalrun.records.row import Row
from evalrun.records.run import RunState
from evalrun.records.score import Mark
from evalrun.records.suite import Case, Price, Suite
from evalrun.store import ledger, sittings
from evalrun.store.lock import RunLock, acknowledged
from evalrun.store.opening import (
    CommitCounter,
    check,
    fold_into_one_file,
    make_folder,
    open_for_writing,
    reading,
    write_new,
)
from evalrun.store.plan_tables import (
    CELL_FIELDS,
    Changes,
    check_plan,
    read_cases,
    read_cell,
    read_columns,
    read_meta,
    read_plan,
    read_suite,
    replace_plan,
    write_meta,
)
from evalrun.store.prices import META_KEY, as_meta, override_of, read_overrides, with_overrides
from evalrun.store.rows import Columns, marked_cells, marked_otherwise, replace_marks, spans, stream
from evalrun.store.schema import FILE
from evalrun.store.writer import Writer

_CHUNK = 1000


class RunStore:
    """A run's file. ``create`` begins a run, ``open`` goes on with one or reads it.

    Whatever goes wrong with the file or the disk is a StorageError that names it. Writing is done by one thread;
    methods may be called from any thread. Mutable state: the columns read last, forgotten when the plan changes.
    """

    def __init__(self, folder: Path, *, lock: RunLock | None, writer: Writer | None) -> None:
        self.folder = folder
        self._path = folder / FILE
        self._lock = lock
        self._writer = writer
        self._columns: Columns | None = None
        self._process = os.getpid()
        if writer is not None:
            atexit.register(self._close_at_exit)

    @classmethod
    def create(cls, folder: Path, plan: Plan, *, evalrun_version: str, now: float) -> Self:
        """Begin a run in *folder*, which must not hold one, and keep it locked. *now* is Unix time.

        Raises UsageError where the folder cannot be made or written, StorageError where the disk refuses.
        """
        check_plan(plan)
        make_folder(folder)
        lock = RunLock(folder, now=now)
        try:
            if (folder / FILE).exists():
                raise UsageError(f"{folder}: holds a run already")
            write_new(folder / FILE, plan, {"evalrun_version": evalrun_version, "created_at": now})
            lock.acknowledge(0)  # an earlier run's figure, where its file was deleted by hand
        except BaseException:
            lock.release()
            raise
        return cls._writing(folder, lock)

    @classmethod
    def open(cls, folder: Path, *, write: bool = False, now: float = 0.0) -> Self:
        """Open the run in *folder*, checked from end to end; with *write* keep it locked since *now* (Unix time).

        Raises UsageError where there is none, RunInUse where another process writes it, RunTooNew and StorageError
        where it cannot be read.
        """
        if write:
            if not (folder / FILE).exists():
                raise UsageError(f"{folder}: no run here ({FILE} is missing)")
            return cls._writing(folder, RunLock(folder, now=now))
        told = acknowledged(folder)
        with reading(folder / FILE) as connection:
            check(connection, folder / FILE, told)
        return cls(folder, lock=None, writer=None)

    @classmethod
    def reader(cls, folder: Path) -> Self:
        """The run in *folder* for a process whose parent has it open: only each row that is read is checked."""
        return cls(folder, lock=None, writer=None)

    @classmethod
    def _writing(cls, folder: Path, lock: RunLock) -> Self:
        try:
            connection = open_for_writing(folder / FILE, lock.acknowledged)
        except BaseException:
            lock.release()
            raise

        counter = CommitCounter(connection, lock)
        writer = Writer(
            connection,
            folder / FILE,
            before_commit=counter.count,
            after_commit=counter.acknowledge,
            at_end=fold_into_one_file,
        )
        return cls(folder, lock=lock, writer=writer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Commit what is waiting and give the folder back. Doing it twice does nothing."""
        if self._writer is None:
            return
        self._writer.close()
        atexit.unregister(self._close_at_exit)
        if self._lock is not None and self._writer.ended:
            self._lock.release()

    def _close_at_exit(self) -> None:
        if os.getpid() == self._process:
            self.close()

    # What was planned

    def plan(self) -> Plan:
        """The plan, as it was written, at the prices that hold now."""
        with reading(self._path) as connection:
            return with_overrides(read_plan(connection), read_overrides(connection))

    def suite(self) -> Suite:
        """The suite without its cases, however many these are."""
        with reading(self._path) as connection:
            return read_suite(connection)

    def columns(self) -> tuple[Column, ...]:
        """The plan's columns, in order."""
        with reading(self._path) as connection:
            return read_columns(connection)

    def cases(self) -> Iterator[Case]:
        """The suite's cases, one at a time."""
        with reading(self._path) as connection:
            yield from read_cases(connection)

    def cells(self) -> Iterator[Cell]:
        """The plan's cells in plan order, one at a time."""
        with reading(self._path) as connection:
            for row in connection.execute(f"SELECT {CELL_FIELDS} FROM cells ORDER BY position"):  # noqa: S608  constant
                yield read_cell(row)

    def replan(self, plan: Plan) -> Changes:
        """Go on with another plan, all at once or not at all; answers are kept by cell key, and see Changes."""
        check_plan(plan)
        changes = self._writer_or_raise().run(lambda connection: replace_plan(connection, plan))
        self._columns = None
        return changes

    def pending(self) -> Iterator[Cell]:
        """Cells without a final outcome, in the order in which they are to be asked."""
        query = f"""SELECT {CELL_FIELDS} FROM cells c
            WHERE NOT EXISTS (SELECT 1 FROM exchanges e WHERE e.cell_key = c.cell_key AND e.status <> 'pending')
            ORDER BY turn"""  # noqa: S608  a constant
        with reading(self._path) as connection:
            for row in connection.execute(query):
                yield read_cell(row)

    def begun(self) -> dict[str, ledger.Begun]:
        """Cells whose dialogue has begun and goes on, by key, each as it stands."""
        with reading(self._path) as connection:
            return ledger.begun(connection)

    # What it costs

    def prices(self) -> dict[str, Price]:
        """The prices that hold instead of those that were paid, by provider/model."""
        with reading(self._path) as connection:
            return read_overrides(connection)

    def reprice(self, prices: Mapping[str, Price]) -> None:
        """Have these prices, by provider/model, hold in every row from now on; none bring back what was paid.

        What was spent stays as it was: see `spent`.
        """
        self.set_meta(**{META_KEY: as_meta(prices)})
        self._columns = None

    # What was asked and answered

    async def put(self, cell_key: str, ordinal: int, exchange: Exchange, messages: tuple[Message, ...] = ()) -> bool:
        """Store a cell's *ordinal*-th exchange (from 0), with the messages that were sent; it is on the disk on return.

        False where that place is taken: the first final result wins, the late one is ignored. Raises StorageError.
        """
        new = ledger.entry(cell_key, ordinal, exchange, messages)
        stored: bool = await self._writer_or_raise().write(lambda connection: ledger.put(connection, new))
        return stored

    async def put_together(self, entries: Iterable[tuple[str, int, Exchange, tuple[Message, ...]]]) -> None:
        """Store exchanges as `put` does (cell key, ordinal, exchange, messages), all of them or none."""
        new = [ledger.entry(*entry) for entry in entries]
        await self._writer_or_raise().write(lambda connection: [ledger.put(connection, one) for one in new])

    def messages(self, cell_key: str) -> tuple[tuple[Message, ...], ...]:
        """The messages of each of a cell's requests, in order."""
        with reading(self._path) as connection:
            return ledger.messages_of(connection, cell_key)

    def exchanges(self, cell_key: str) -> tuple[Exchange, ...]:
        """A cell's exchanges, in order."""
        with reading(self._path) as connection:
            return ledger.exchanges_of(connection, cell_key)

    def forget(self, keys: Iterable[str]) -> int:
        """Make these cells pending again, so that their last request is asked again; how many had an exchange.

        That exchange moves to the history, where its attempts and cost still count.
        """
        wanted = list(keys)
        return self._writer_or_raise().run(lambda connection: ledger.forget(connection, wanted))

    def history(self) -> Iterator[tuple[str, int, Exchange]]:
        """Forgotten exchanges, oldest first: cell key, ordinal, exchange."""
        with reading(self._path) as connection:
            yield from ledger.history(connection)

    def spare(self, cells: Iterable[tuple[Cell, str]]) -> None:
        """Note of cells why nobody needs their outcome, or needs none; `forget` takes the note back."""
        chosen = list(cells)

        def write(connection: sqlite3.Connection) -> None:
            for cell, why in chosen:
                ledger.spare(connection, cell, why)

        self._writer_or_raise().run(write)

    def answered_keys(self) -> set[str]:
        """Keys of the plan's cells that have a final outcome which is no error, the spared ones left out."""
        return self._keys_with(frozenset(Status) - {Status.ERROR, Status.PENDING, Status.SPARED})

    def failed_keys(self) -> set[str]:
        """Keys of the plan's cells that are in error. They are final until they are forgotten."""
        return self._keys_with({Status.ERROR})

    def spared_keys(self) -> set[str]:
        """Keys of the plan's cells that need no answer any more. They are final until they are forgotten."""
        return self._keys_with({Status.SPARED})

    def counts(self) -> dict[Status, int]:
        """The plan's cells by status, from the ledger alone."""
        with reading(self._path) as connection:
            return ledger.counts(connection)

    def spent(self) -> ledger.Spent:
        """What the run has sent so far, in all its sittings."""
        with reading(self._path) as connection:
            return ledger.spent(connection)

    # What was scored

    def put_marks(self, marks: Iterable[tuple[str, str, Mark]]) -> int:
        """Store marks: cell key, scorers' digest, mark; each in place of the one before. How many."""
        writer, waiting, number = self._writer_or_raise(), iter(marks), 0
        while chunk := list(islice(waiting, _CHUNK)):
            writer.run(partial(replace_marks, marks=chunk))
            number += len(chunk)
        return number

    def marks_missing(
        self,
        digest_of: Callable[[Cell, Case], str],
        *,
        with_messages: bool = False,
        by_position: Sequence[str] | None = None,
    ) -> Iterator[tuple[Row, str]]:
        """Rows to be scored whose mark is missing or has another digest, each with the digest it should have.

        *by_position*: what *digest_of* says of every cell, by position, where that is known: it is quicker to look up.
        """
        others = (cell.position for cell, case, digest in self._marked() if digest_of(cell, case) != digest)
        wanting = others if by_position is None else self._marked_otherwise(by_position)
        for span in spans(wanting):
            for row, digest in self._stream(with_messages=with_messages, span=span):
                if row.status in SCORED and (wanted := digest_of(row.cell, row.case)) != digest:
                    yield row, wanted

    def rows(self, *, with_messages: bool = False, plan: Plan | None = None) -> Iterator[Row]:
        """Every cell's row, in plan order, with the last request's messages if wanted; *plan* spares reading it."""
        return (row for row, _ in self._stream(with_messages=with_messages, plan=plan))

    def rows_of(
        self, spans: Iterable[tuple[int, int]], *, with_messages: bool = False
    ) -> Iterator[list[tuple[Row, str | None]]]:
        """For each span of positions, in whatever order they come, its rows, each with the digest of its mark."""
        with reading(self._path) as connection:
            columns = self._columns_of(connection)
            for span in spans:
                yield list(stream(connection, columns, with_messages=with_messages, span=span))

    def row(self, number: int, *, with_messages: bool = True) -> Row:
        """The row of that number, counted from 1 as in results.csv. Raises UsageError where there is none."""
        with reading(self._path) as connection:
            columns = self._columns_of(connection)
            for row, _ in stream(connection, columns, with_messages=with_messages, span=(number - 1, number)):
                return row
            last = read_meta(connection, "plan.sizes")[2]
        raise UsageError(f"{self.folder}: no row {number} (1 to {last})")

    # What is to be known of the run

    def meta(self) -> dict[str, Any]:
        """The run's notes: ``evalrun_version``, ``created_at`` and what set_meta kept."""
        with reading(self._path) as connection:
            keys = connection.execute("SELECT key FROM meta WHERE key LIKE 'run.%' ORDER BY key").fetchall()
            return {key.removeprefix("run."): read_meta(connection, key) for (key,) in keys}

    def set_meta(self, **values: Any) -> None:
        """Keep JSON values with the run, such as its state, the reason and when it may go on."""

        def write(connection: sqlite3.Connection) -> None:
            for key, value in values.items():
                write_meta(connection, f"run.{key}", value)

        self._writer_or_raise().run(write)

    def begin_sitting(self, *, now: float, how: str, argv: tuple[str, ...]) -> None:
        """Note that this process works on the run: since when, by which verb, and as it was called."""
        self._writer_or_raise().run(lambda connection: sittings.begin(connection, now, how, argv))

    def end_sitting(self, *, now: float, ended: RunState) -> None:
        """Note that the sitting begun last is over, and how it ended."""
        self._writer_or_raise().run(lambda connection: sittings.end(connection, now, ended))

    def sittings(self) -> tuple[sittings.Sitting, ...]:
        """Every sitting, in order."""
        with reading(self._path) as connection:
            return sittings.read(connection)

    def _keys_with(self, statuses: Collection[Status]) -> set[str]:
        with reading(self._path) as connection:
            return ledger.keys_with(connection, statuses)

    def _stream(
        self, *, with_messages: bool = False, span: tuple[int, int] | None = None, plan: Plan | None = None
    ) -> Iterator[tuple[Row, str | None]]:
        with reading(self._path) as connection:
            columns = self._columns_of(connection)
            yield from stream(connection, columns, with_messages=with_messages, span=span, plan=plan)

    def _marked(self) -> Iterator[tuple[Cell, Case, str | None]]:
        with reading(self._path) as connection:
            yield from marked_cells(connection)

    def _marked_otherwise(self, digests: Sequence[str]) -> list[int]:
        with reading(self._path) as connection:
            return marked_otherwise(connection, digests)

    def _writer_or_raise(self) -> Writer:
        if self._writer is None:
            raise StorageError(f"{self._path}: opened for reading only")
        return self._writer

    def _columns_of(self, connection: sqlite3.Connection) -> Columns:
        if self._columns is not None:
            return self._columns
        prices = read_overrides(connection)
        models = {model.label: model for model in read_suite(connection).models}
        instead = {label: price for label, model in models.items() if (price := override_of(model, prices))}
        models |= {label: replace(models[label], price=price) for label, price in instead.items()}
        found = Columns(read_columns(connection), models, instead)
        if self._writer is not None:  # nobody else changes the plan
            self._columns = found
        return found
