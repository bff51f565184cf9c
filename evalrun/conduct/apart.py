"""The tables of a large run, written by a process of its own while this one compares the columns and builds the page.

It reads run.db itself, every row checked there too, and fills files that this process has staged: only this one renames
them, when all are whole. It is begun by its interpreter and these modules alone, never by fork: a fork would hold
SQLite's locks and the writer's thread half. Both processes do the same to the same rows, so that the bytes are those
that one process writes.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalrun.collector import without_collector
from evalrun.conduct.dialogues import with_tools
from evalrun.conduct.human import verdicts_of, with_human
from evalrun.errors import EvalrunError, StorageError
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.records.suite import Case
from evalrun.report.write import write_tables
from evalrun.store.run import RunStore

_BEGIN = (
    "import json, sys; said = json.loads(sys.stdin.readline()); sys.path[:] = said['path'];"
    " from evalrun.conduct.apart import main; main(said)"
)
_LOOK_UP_EVERY = 1024
"""Rows between two looks at whether the process that asked is still there."""


class TablesApart:
    """The process under way. See report.write.Apart. Mutable state: whether it was told to go."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._gone = False

    def go(self) -> None:
        """Let it read the rows, which change no more. Doing it twice does nothing."""
        if not self._gone:
            self._gone = True
            with suppress(OSError):  # where it has ended already join tells why
                _say(self._process, "go")

    def join(self) -> None:
        """Wait until the tables are whole. Raises OSError or StorageError where they cannot be."""
        self.go()
        answer, _ = self._process.communicate()
        try:
            said = json.loads(answer)
        except ValueError:
            said = {"said": f"{self._folder}: the process that wrote its tables ended before their end"}
        if "errno" in said:
            raise OSError(said["errno"], said["said"])
        if "said" in said:
            raise StorageError(said["said"])

    def stop(self) -> None:
        """End the process, if it is still there, and wait until it is gone."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


def begin_tables(folder: Path, files: Mapping[str, Path]) -> TablesApart | None:
    """Have the tables of the run in *folder* written into *files*, by name; None where no process can be begun."""
    said = {
        "path": [os.fspath(Path(place or ".").absolute()) for place in sys.path],
        "folder": os.fspath(folder.absolute()),
        "files": {name: os.fspath(path.absolute()) for name, path in files.items()},
        "parent": os.getpid(),
    }
    try:
        process = subprocess.Popen(  # noqa: S603  this interpreter, our own words, no shell
            [sys.executable, "-I", "-c", _BEGIN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the process that asked, which then ends this one
        )
        _say(process, said)
    except OSError:
        return None
    return TablesApart(process, folder)


def _say(process: subprocess.Popen[bytes], what: Any) -> None:
    assert process.stdin is not None  # noqa: S101  it is a pipe
    process.stdin.write(json.dumps(what).encode() + b"\n")
    process.stdin.flush()


def main(said: Mapping[str, Any]) -> None:
    """Be that process: write the tables, and say on standard output what came of it."""
    try:
        folder, files = Path(said["folder"]), {name: Path(path) for name, path in said["files"].items()}
        store = RunStore.reader(folder)
        plan = tables_plan(store)
        with without_collector():
            write_tables(plan, folder.name, _rows(store, plan, said["parent"]), files)
    except OSError as error:
        print(json.dumps({"errno": error.errno or errno.EIO, "said": error.strerror or str(error)}))
    except EvalrunError as error:
        print(json.dumps({"said": str(error)}))
    else:
        print("{}")


def tables_plan(store: RunStore) -> Plan:
    """A run's plan as far as tables are made of it: no cells, and of cases that set the same variables and have the
    same scorers the first. The whole of a large plan takes more memory than everything else here."""
    kinds: dict[tuple[tuple[str, ...], tuple[str, ...]], Case] = {}
    for case in store.cases():
        kinds.setdefault((tuple(case.vars), tuple(scorer.name for scorer in case.scorers)), case)
    suite = replace(store.suite(), cases=tuple(kinds.values()))
    plan = Plan(suite=suite, columns=store.columns(), cells=(), order=())
    return with_human(plan, verdicts_of(store))


def _rows(store: RunStore, plan: Plan, parent: int) -> Iterator[Row]:
    """The rows, as soon as they are final: until then their marks may be missing."""
    if not sys.stdin.readline():
        raise OSError(errno.EPIPE, "nobody waits for the tables any more")
    for number, row in enumerate(store.rows(with_messages=True)):
        if number % _LOOK_UP_EVERY == 0 and os.getppid() != parent:
            raise OSError(errno.EPIPE, "nobody waits for the tables any more")
        yield with_tools(row, plan)
