"""All files of a report at once: each is staged beside its place, and all are renamed when every one is whole."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from evalrun.batches import batches
from evalrun.errors import StorageError
from evalrun.files import form_of, staged
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.report.cell_detail import WireOf
from evalrun.report.formats import REPORT_FILES, Begun, Told, Writing, files_of
from evalrun.report.side_by_side import Group, Grouping

FILES = tuple(file.name for file in files_of())
"""What is always written."""


class Apart(Protocol):
    """Tables that another process is writing meanwhile."""

    def go(self) -> None:
        """Let it read the rows, which change no more. Doing it twice does nothing."""

    def join(self) -> None:
        """Wait until they are whole. Raises OSError or StorageError where they cannot be."""

    def stop(self) -> None:
        """Let go of them. Doing it twice, or after join, does nothing."""


BeginApart = Callable[[Mapping[str, Path]], Apart | None]
"""Begins to write tables, by their names, into these files, which are there; it reads no row before it is told to go.

None where it cannot."""


class Reports:
    """A report under way: ``over`` while rows go by, then ``finish``; leaving before that leaves no trace.

    A disk that refuses is told at the end, so that rows can still be counted. Mutable state: what it refused first.
    """

    def __init__(
        self,
        folder: Path,
        plan: Plan,
        run: str,
        *,
        formats: Collection[str] | None = None,
        wire_of: WireOf | None = None,
        begin_apart: BeginApart | None = None,
    ) -> None:
        """Stage the files of *formats* in *folder*, FILES where none are named. *run* is the run's name.

        *wire_of* gives a row's last request, for the code that the page shows. *begin_apart* may begin to write the
        tables in another process; those files are then not written here.
        """
        self._folder, self._plan = folder, plan
        self._files = files_of(formats)
        self._stack = ExitStack()
        self._walk = Walk(plan, ())
        self._apart: Apart | None = None
        self._writings: list[Writing] = []
        self._refused: OSError | None = None
        try:
            self._begin(Begun(plan=plan, run=run, wire_of=wire_of), begin_apart)
        except OSError as error:
            self._refused = error

    def _begin(self, begun: Begun, begin_apart: BeginApart | None) -> None:
        opened = {
            one.name: self._stack.enter_context(staged(self._folder / one.name, "wb" if one.binary else "w"))
            for one in self._files
        }
        tables = [one.name for one in self._files if one.table]
        if begin_apart is not None and tables:
            self._apart = begin_apart({name: Path(opened[name].name) for name in tables})
        if self._apart is not None:
            self._stack.callback(self._apart.stop)
        self._writings = [
            one.begin(opened[one.name], begun) for one in self._files if not (one.table and self._apart is not None)
        ]
        self._walk = Walk(self._plan, self._writings)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop(error)

    @property
    def wants_rows(self) -> bool:
        """Whether any file that is written here is made of rows."""
        return self._walk.wants_rows

    def over(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows, in plan order, each taken on its way; they are not kept."""
        if self._apart is not None:
            self._apart.go()
        for some in batches(rows, _characters):
            if self._refused is None:
                try:
                    self._walk.rows(some)
                except OSError as error:
                    self._refused = error
            yield from some

    def finish(self, told: Told) -> tuple[str, ...]:
        """End and rename the files; their names. Raises StorageError when the disk refuses.

        The files that were there before then stay as they were.
        """
        try:
            if self._refused is not None:
                raise self._refused
            self._walk.end()
            for one in self._writings:
                if one.finish:
                    one.finish(told)
            if self._apart is not None:
                self._apart.join()
            self._stack.close()
        except OSError as error:
            self._drop(error)
            raise StorageError(f"the reports in {self._folder} cannot be written: {error.strerror or error}") from error
        return tuple(one.name for one in self._files)

    def _drop(self, error: BaseException | None) -> None:
        """Remove what is staged; nothing is, once it was renamed."""
        reason = error or RuntimeError("left before its end")
        self._stack.__exit__(type(reason), reason, reason.__traceback__)


class Walk:
    """Hands every row, every group and the end of both to the files that want them."""

    def __init__(self, plan: Plan, writings: Sequence[Writing]) -> None:
        self._by_row = [one.row for one in writings if one.row]
        self._by_group = [one.group for one in writings if one.group]
        self._closes = [one.close for one in writings if one.close]
        self._grouping = Grouping.of(plan) if self._by_group else None

    @property
    def wants_rows(self) -> bool:
        """Whether there is any use in rows."""
        return bool(self._by_row or self._by_group)

    def rows(self, rows: Sequence[Row]) -> None:
        """Hand on some rows."""
        for add in self._by_row:
            for row in rows:
                add(row)
        if self._grouping is not None:
            groups = [group for row in rows for group in self._grouping.add(row)]
            self._hand_on(groups)

    def end(self) -> None:
        """Say that there are no more."""
        if self._grouping is not None:
            self._hand_on(list(self._grouping.rest()))
        for close in self._closes:
            close()

    def _hand_on(self, groups: Sequence[Group]) -> None:
        for take in self._by_group:
            for group in groups:
                take(group)


def _characters(row: Row) -> int:
    return sum([len(exchange.outcome.body or "") for exchange in row.exchanges], len(row.output))


def write_tables(plan: Plan, run: str, rows: Iterable[Row], files: Mapping[str, Path]) -> None:
    """Write tables, by their names, into *files*, which are there and staged by another process. Raises OSError.

    The plan need not hold cells.
    """
    chosen = [one for one in REPORT_FILES if one.name in files]
    with ExitStack() as stack:
        writings = []
        for one in chosen:
            mode = "wb" if one.binary else "w"
            file: Any = stack.enter_context(files[one.name].open(**form_of(mode)))
            writings.append(one.begin(file, Begun(plan=plan, run=run)))
        walk = Walk(plan, writings)
        for some in batches(rows, _characters):
            walk.rows(some)
        walk.end()
