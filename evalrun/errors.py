"""Everything evalrun raises on purpose, and the exit code of each.

EvalrunError
├── UsageError              2   the command line, the environment or a folder is not as it must be; nothing was sent
│   ├── SuiteInvalid        2   a suite, or a file that it names, has complaints
│   └── RunInUse            2   another process holds the run's folder
├── NothingSelected         5   the selection leaves no cell
└── StorageError            4   the disk or the database refused, or a run's file is damaged
    ├── LedgerOutOfReach   75   the machine's quota ledger is out of reach
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
    ExitCode.COMPLETE: "complete, no gate failed",
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

    # files
    FILE_MISSING = "file-missing"
    FILE_NOT_REGULAR = "file-not-regular"
    FILE_UNREADABLE = "file-unreadable"
    FILE_EMPTY = "file-empty"
    FILE_BINARY = "file-binary"
    FILE_ENCODING = "file-encoding"
    FILE_TOO_LARGE = "file-too-large"
    FILE_OUTSIDE = "file-outside"
    FILE_KIND = "file-kind"
    GLOB_EMPTY = "glob-empty"
    # YAML, JSON, CSV
    YAML_SYNTAX = "yaml-syntax"
    YAML_TAG = "yaml-tag"
    YAML_ALIAS = "yaml-alias"
    TOO_DEEP = "too-deep"
    DUPLICATE_KEY = "duplicate-key"
    BAD_KEY = "bad-key"
    AMBIGUOUS_NUMBER = "ambiguous-number"
    NOT_FINITE = "not-finite"
    JSON_SYNTAX = "json-syntax"
    CSV_SYNTAX = "csv-syntax"
    CSV_HEADER = "csv-header"
    CSV_FIELDS = "csv-fields"
    BAD_ROW = "bad-row"
    BAD_FIELD = "bad-field"
    UNKNOWN_COLUMN = "unknown-column"
    # what a suite may say
    UNKNOWN_KEY = "unknown-key"
    MISSING_KEY = "missing-key"
    WRONG_TYPE = "wrong-type"
    OUT_OF_RANGE = "out-of-range"
    NOT_ALLOWED = "not-allowed"
    EMPTY = "empty"
    TOO_LONG = "too-long"
    INVALID = "invalid"
    BAD_NAME = "bad-name"
    BAD_DURATION = "bad-duration"
    DUPLICATE_NAME = "duplicate-name"
    DUPLICATE_CASE = "duplicate-case"
    DUPLICATE_ANSWER = "duplicate-answer"
    # models and providers
    BAD_MODEL = "bad-model"
    UNKNOWN_MODEL = "unknown-model"
    UNKNOWN_PROVIDER = "unknown-provider"
    RESERVED_PROVIDER = "reserved-provider"
    RETIRED_PROVIDER = "retired-provider"
    NO_ADDRESS = "no-address"
    BAD_CERTIFICATE = "bad-certificate"
    BAD_URL = "bad-url"
    BAD_HEADER = "bad-header"
    LITERAL_KEY = "literal-key"
    KEY_ORIGIN = "key-origin"
    # quotas
    BAD_QUOTA = "bad-quota"
    DUPLICATE_LIMIT = "duplicate-limit"
    UNKNOWN_QUOTA = "unknown-quota"
    UNKNOWN_PROFILE = "unknown-profile"
    UNKNOWN_ZONE = "unknown-zone"
    # what prompts are made of
    BAD_SCHEMA = "bad-schema"
    BAD_IMAGE = "bad-image"
    BAD_CALL = "bad-call"
    BAD_TOOLS = "bad-tools"
    UNKNOWN_TOOL = "unknown-tool"
    BAD_FUNCTION = "bad-function"
    CODE_NOT_ALLOWED = "code-not-allowed"
    # templates, cases, scorers, gates
    BAD_TEMPLATE = "bad-template"
    UNKNOWN_VARIABLE = "unknown-variable"
    RESERVED_VARIABLE = "reserved-variable"
    NO_SCORERS = "no-scorers"
    MISSING_EXPECTED = "missing-expected"
    BAD_SCORER = "bad-scorer"
    UNKNOWN_SCORER = "unknown-scorer"
    BAD_PATTERN = "bad-pattern"
    BAD_GATE = "bad-gate"
    UNKNOWN_TARGET = "unknown-target"


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


class LedgerOutOfReach(StorageError):
    """The machine's quota ledger cannot be read or written: nothing may be sent, and the run can go on later."""

    exit_code = ExitCode.PAUSED


class LedgerDamaged(StorageError):
    """The machine's quota ledger is damaged: what was used today is not known."""


class RunTooNew(StorageError):
    """The run was written by a newer evalrun."""

    exit_code = ExitCode.USAGE
