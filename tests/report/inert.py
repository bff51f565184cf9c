"""What foreign text must not do in each kind of file: become markup, a formula, an escape sequence, a command."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable

from evalrun.safe_text import csv_cell
from tests.report.test_index_page import MORE, SVG
from tests.report.test_page import GOLDEN, elements

_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff"
_BIDI = r"\u061c\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069"
_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_COMMAND = re.compile(r"^\s*::|##(?:vso|teamcity)?\[", re.MULTILINE | re.IGNORECASE)
_ANNOTATION = re.compile(r"::(?:error|warning|notice) (?:\w+=[^:,\n]*,?)*::[^\n]*")
_ADDRESS = re.compile(r"#[\w-]*|data:,|(?:\./)?(?:[\w.%~!$&'()*+,;=@-]+/)*[\w.-]+\.(?:html|csv|jsonl|json|xml|md)")

_ALLOWED: dict[str, set[str]] = {}
for _table in (GOLDEN, SVG, MORE):
    for _tag, _names in _table.items():
        _ALLOWED.setdefault(_tag, set()).update(_names.lower().split())


def page(text: str) -> list[str]:
    """What a page has besides its own elements, attributes and addresses, and what a browser would obey or hide."""
    found = list(elements(text))
    wrong = [f"<{tag}>" for tag, _, _ in found if tag not in _ALLOWED]
    wrong += [f"<{t} {name}>" for t, said, _ in found for name in said if name.lower() not in _ALLOWED.get(t, ())]
    addresses = [(name, said[name]) for _, said, _ in found for name in ("href", "src") if name in said]
    wrong += [f"{name}={address}" for name, address in addresses if not _ADDRESS.fullmatch(address)]
    scripts = sum(tag == "script" and not said for tag, said, _ in found)
    wrong += [f"{scripts} scripts"] if scripts > 1 else []
    return wrong + _acting(text, bidi=True)


def table(text: str) -> list[str]:
    """What is wrong with a CSV file: rows of several lengths, cells that begin a formula, control characters."""
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    wrong = [f"{len({len(row) for row in rows})} widths"] if len({len(row) for row in rows}) != 1 else []
    wrong += [cell for row in rows for cell in row if csv_cell(cell) != cell and not cell.startswith("'")]
    return wrong + _acting(text, bidi=False)


def xml(text: str) -> list[str]:
    """What is wrong with a JUnit file: foreign elements, characters that act. Raises where it is no XML."""
    own = {"testsuites", "testsuite", "testcase", "failure", "error", "skipped", "properties", "property"}
    own |= {"system-out", "system-err"}
    strange = {element.tag for element in ET.fromstring(text.encode()).iter()} - own
    return [*strange, *_acting(text, bidi=True)]


def json_text(text: str) -> list[str]:
    """What acts in a JSON file. Raises where it is no JSON."""
    json.loads(text)
    return _acting(text, bidi=True)


def json_lines(text: str) -> list[str]:
    """What acts in a file of JSON lines. Raises where one is none."""
    for line in text.removesuffix("\n").split("\n"):
        json.loads(line)
    return _acting(text, bidi=True)


def printed(text: str) -> list[str]:
    """What a terminal or a CI system would obey in what is printed; colours and our own annotations apart."""
    plain = _COLOR.sub("", text)
    lines = [line for line in plain.split("\n") if not _ANNOTATION.fullmatch(line)]
    return [found.group() for found in _COMMAND.finditer("\n".join(lines))] + _acting(plain, bidi=True)


CHECKS: dict[str, Callable[[str], list[str]]] = {
    ".html": page,
    ".csv": table,
    ".xml": xml,
    ".json": json_text,
    ".jsonl": json_lines,
    ".md": printed,
    ".log": printed,
    ".txt": printed,
}
"""What looks at a file, by how its name ends."""


def _acting(text: str, *, bidi: bool) -> list[str]:
    """Control characters, and those that turn text round, each with what stands before it."""
    acting = re.compile(f".{{0,20}}[{_CONTROLS}{_BIDI if bidi else ''}]")
    return [found.group().encode("unicode_escape").decode() for found in acting.finditer(text)]
