"""Rows out of data files: CSV, JSONL, JSON and YAML lists, each row with its place in the file."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from evalrun.errors import Code
from evalrun.suite.complaints import Complaints, Spot, hint, printable, shown
from evalrun.suite.document import read_yaml
from evalrun.suite.sources import MAX_DATA_BYTES, Found, Sources

MAX_FIELD = 16 << 20
"""Characters of one CSV field."""

_HALF_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its fields, and where it begins."""

    fields: dict[str, Any]
    spot: Spot


@dataclass(frozen=True, slots=True)
class Table:
    """A file's rows. *columns* are every field that a row has, in the order in which they first come."""

    file: str
    columns: tuple[str, ...]
    rows: list[Row]


class Tables:
    """The data files of a suite, each read once. Mutable state: what was read, changed by `read` only."""

    def __init__(self, sources: Sources, complaints: Complaints) -> None:
        self._sources = sources
        self._complaints = complaints
        self._read: dict[str, Table | None] = {}

    def find(self, name: str, spot: Spot) -> list[Found]:
        """The files that a name or a pattern stands for; a complaint at *spot* where there is none."""
        return self._sources.find_all(name, spot)

    def read(self, found: Found, spot: Spot) -> Table | None:
        """A file's rows; None with complaints where it cannot be read. *spot* is the place that names the file."""
        if found.shown not in self._read:
            self._read[found.shown] = _read_table(self._sources, found, spot, self._complaints)
        return self._read[found.shown]


def _read_table(sources: Sources, found: Found, spot: Spot, complaints: Complaints) -> Table | None:
    read = _READERS.get(PurePath(found.shown).suffix.lower())
    if read is None:
        kinds = ", ".join(_READERS)
        words = f"`{printable(found.shown)}` is not a kind of data file that is read (allowed: {kinds})"
        complaints.add(spot, Code.FILE_KIND, words)
        return None
    text = sources.read(found, spot, MAX_DATA_BYTES)
    if text is None:
        return None
    rows = read(found.shown, text, complaints)
    if not rows:
        return None
    columns = dict.fromkeys(name for row in rows for name in row.fields)
    return Table(found.shown, tuple(columns), rows)


def field_of(fields: dict[str, Any], name: str) -> tuple[bool, Any]:
    """Whether a row has a field, and its value: ``a.b`` is the key of that name, else b inside a."""
    if name in fields:
        return True, fields[name]
    value: Any = fields
    for part in name.split("."):
        if not isinstance(value, dict) or part not in value:
            return False, None
        value = value[part]
    return True, value


def knows_column(table: Table, name: str, spot: Spot, complaints: Complaints) -> bool:
    """Whether any row has the field; else a complaint at *spot*, the place that names it."""
    if name in table.columns or any(field_of(row.fields, name)[0] for row in table.rows):
        return True
    words = f"`{printable(table.file)}` has no column `{printable(name)}`{hint(name, table.columns)}"
    complaints.add(spot, Code.UNKNOWN_COLUMN, words)
    return False


def _read_csv(file: str, text: str, complaints: Complaints, delimiter: str = ",") -> list[Row] | None:
    csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    rows: list[Row] = []
    line, whole = 1, True
    try:
        for cells in reader:
            start, line = line, reader.line_num + 1
            if not cells:
                continue
            if header is None:
                header = [name.strip() for name in cells]
                if not _header_is_good(file, header, start, complaints):
                    return None
            elif len(cells) != len(header):
                words = f"{len(cells)} fields where the header has {len(header)}"
                complaints.add(Spot(file, start), Code.CSV_FIELDS, words)
                whole = False
            else:
                rows.append(Row(dict(zip(header, cells, strict=True)), Spot(file, start)))
    except csv.Error as error:
        words = "a quote that is not closed" if "unexpected end" in str(error) else printable(str(error))
        complaints.add(Spot(file, line), Code.CSV_SYNTAX, f"not valid CSV: {words}")
        return None
    return _some_rows(file, rows, complaints, whole=whole)


def _read_tsv(file: str, text: str, complaints: Complaints) -> list[Row] | None:
    return _read_csv(file, text, complaints, "\t")


def _header_is_good(file: str, header: list[str], line: int, complaints: Complaints) -> bool:
    good = True
    for index, name in enumerate(header):
        if not name:
            complaints.add(Spot(file, line), Code.CSV_HEADER, f"column {index + 1} of the header has no name")
            good = False
        elif name in header[:index]:
            words = f"the header has the column `{printable(name)}` twice"
            complaints.add(Spot(file, line), Code.CSV_HEADER, words)
            good = False
    return good


def _read_jsonl(file: str, text: str, complaints: Complaints) -> list[Row] | None:
    rows: list[Row] = []
    good = True
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        value, fault = parse_json(line.rstrip("\r"))
        if fault is not None:
            complaints.add(Spot(file, number, fault.column), fault.code, fault.message)
            good = False
        elif isinstance(value, dict):
            rows.append(Row(value, Spot(file, number)))
        else:
            complaints.add(Spot(file, number), Code.BAD_ROW, f"a row is a mapping {{…}}, not {shown(value)}")
            good = False
    return _some_rows(file, rows, complaints, whole=True) if good else None


def _read_json(file: str, text: str, complaints: Complaints) -> list[Row] | None:
    value, fault = parse_json(text)
    if fault is not None:
        complaints.add(Spot(file, fault.line, fault.column), fault.code, fault.message)
        return None
    if not isinstance(value, list):
        complaints.add(Spot(file, 1, 1), Code.BAD_ROW, f"a data file is a list of rows, not {shown(value)}")
        return None
    rows = []
    for item, (line, column) in zip(value, _item_places(text), strict=False):
        if isinstance(item, dict):
            rows.append(Row(item, Spot(file, line, column)))
        else:
            complaints.add(Spot(file, line, column), Code.BAD_ROW, f"a row is a mapping {{…}}, not {shown(item)}")
    return _some_rows(file, rows, complaints, whole=len(rows) == len(value))


def _item_places(text: str) -> Iterator[tuple[int, int]]:
    """Where each item of a JSON list begins. The text is known to be good."""
    decoder = json.JSONDecoder()
    at, line, line_start, seen = text.index("[") + 1, 1, 0, 0
    while True:
        at = _after_space(text, at)
        if text[at] == ",":
            at = _after_space(text, at + 1)
        if text[at] == "]":
            return
        breaks = text.count("\n", seen, at)
        if breaks:
            line, line_start = line + breaks, text.rindex("\n", seen, at) + 1
        seen = at
        yield line, at - line_start + 1
        _, at = decoder.raw_decode(text, at)


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _read_yaml(file: str, text: str, complaints: Complaints) -> list[Row] | None:
    document = read_yaml(file, text, complaints)
    if document is None or document.broken:
        return None
    if not isinstance(document.value, list):
        words = f"a data file is a list of rows, not {shown(document.value)}"
        complaints.add(document.spot(), Code.BAD_ROW, words)
        return None
    rows = []
    for index, item in enumerate(document.value):
        spot = document.spot((index,))
        if isinstance(item, dict):
            rows.append(Row(item, Spot(file, spot.line, spot.column)))
        else:
            complaints.add(spot, Code.BAD_ROW, f"a row is a mapping, not {shown(item)}")
    return _some_rows(file, rows, complaints, whole=len(rows) == len(document.value))


def _some_rows(file: str, rows: list[Row], complaints: Complaints, *, whole: bool) -> list[Row]:
    if not rows and whole:
        complaints.add(Spot(file), Code.FILE_EMPTY, "the file has no rows")
    return rows


@dataclass(frozen=True, slots=True)
class JsonFault:
    """What is wrong with a JSON text, and where."""

    code: Code
    message: str
    line: int = 1
    column: int = 1


class _BadJson(ValueError):
    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


def parse_json(text: str) -> tuple[Any, JsonFault | None]:
    """JSON as its standard has it: no NaN, no key twice, no half of a character."""
    try:
        value = _DECODER.decode(text)
        if _HALF_SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except _BadJson as error:
        return None, JsonFault(error.code, str(error))
    except json.JSONDecodeError as error:
        words = printable(error.msg[:1].lower() + error.msg[1:])
        return None, JsonFault(Code.JSON_SYNTAX, f"not valid JSON: {words}", error.lineno, error.colno)
    except RecursionError:
        return None, JsonFault(Code.TOO_DEEP, "nested too deeply")
    except UnicodeEncodeError:
        return None, JsonFault(Code.FILE_ENCODING, r"half of a surrogate pair (\ud800 to \udfff) is not a character")
    except ValueError:
        return None, JsonFault(Code.NOT_FINITE, "a number with too many digits")
    return value, None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise _BadJson(Code.DUPLICATE_KEY, f"duplicate key `{printable(twice)}`")
    return made


def _no_constant(name: str) -> Any:
    raise _BadJson(Code.NOT_FINITE, f"{name} is not a number to work with")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _BadJson(Code.NOT_FINITE, f"`{printable(text)}` is too large for a number")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)

_READERS: dict[str, Callable[[str, str, Complaints], list[Row] | None]] = {
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".json": _read_json,
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
}
