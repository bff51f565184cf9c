"""Everything evalrun raises on purpose, and the exit code of each.

EvalrunError
├── UsageError              2   the command line, the environment or a folder is not as it must be; nothing was sent
│   ├── SuiteInvalid        2   a suite, or a file that it names, has complaints
│   └── RunInUse            2   another process holds the run's folder
├── NothingSelected         5   the selection leaves no cell
└── StorageError            4   the disk or the database refused, or a run's file is damaged
    └── RunTooNew           2   the run was written by a newer evalrun

How a run that was carried out ends (complete, gate failed, incomplete, paused, interrupted) is not an exception but an
ExitCode: cli turns both into the process's exit code, and nothing else does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class ExitCode(IntEnum):
    """The one table of exit codes."""

    COMPLETE = 0
    GATE_FAILED = 1
    USAGE = 2
    INCOMPLETE = 3
    STORAGE = 4
    NOTHING_SELECTED = 5
    PAUSED = 75
    INTERRUPTED = 130
    TERMINATED = 143


EXIT_CODES: dict[ExitCode, str] = {
    ExitCode.COMPLETE: "complete, all gates passed",
    ExitCode.GATE_FAILED: "complete, a gate failed",
    ExitCode.USAGE: "wrong usage or an invalid suite; nothing was sent",
    ExitCode.INCOMPLETE: "incomplete: cells without a verdict above max_error_rate",
    ExitCode.STORAGE: "storage or internal failure",
    ExitCode.NOTHING_SELECTED: "nothing selected",
    ExitCode.PAUSED: "paused and resumable: quota, budget or deadline",
    ExitCode.INTERRUPTED: "interrupted (Ctrl-C), resumable",
    ExitCode.TERMINATED: "terminated (SIGTERM), resumable",
}


class Code(StrEnum):
    """Each kind of complaint about a suite."""


@dataclass(frozen=True, slots=True, order=True)
class Complaint:
    """One thing that is wrong, and where. *line* and *column* count from 1; 0 is the whole file."""

    file: str
    line: int
    column: int
    path: str
    message: str
    code: Code

    def __str__(self) -> str:
        place = self.file
        if self.line:
            place += f":{self.line}:{self.column}" if self.column else f":{self.line}"
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class EvalrunError(Exception):
    """The root. The message is for people; *exit_code* is what the process ends with."""

    exit_code = ExitCode.STORAGE


class UsageError(EvalrunError):
    """The command line, the environment or a folder is not as it must be."""

    exit_code = ExitCode.USAGE


class SuiteInvalid(UsageError):
    """A suite has complaints: all of them, in the order of their places."""

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        self.complaints = tuple(sorted(set(complaints), key=lambda c: (c.file, c.line, c.column, c.path, c.message)))
        super().__init__("\n".join(map(str, self.complaints)))


class RunInUse(UsageError):
    """Another process holds the run's folder."""


class NothingSelected(EvalrunError):
    """The selection leaves no cell."""

    exit_code = ExitCode.NOTHING_SELECTED


class StorageError(EvalrunError):
    """The disk or the database refused, or a run's file is damaged."""


class RunTooNew(StorageError):
    """The run was written by a newer evalrun."""

    exit_code = ExitCode.USAGE
