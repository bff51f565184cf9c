"""Files that hold one value, YAML or JSON, with a place for all that is in it."""

from __future__ import annotations

from pathlib import PurePath

from evalrun.errors import Code
from evalrun.suite.complaints import Complaints, Spot, printable
from evalrun.suite.datasets import parse_json
from evalrun.suite.document import Document, read_yaml
from evalrun.suite.sources import Sources

VALUE_FILES = (".yaml", ".yml", ".json")
MAX_VALUE_BYTES = 1 << 20


def read_value_file(name: str, spot: Spot, sources: Sources, complaints: Complaints) -> Document | None:
    """The file of this name as a Document; None with complaints, at *spot* or in the file, where it cannot be read."""
    if PurePath(name).suffix.lower() not in VALUE_FILES:
        words = f"`{printable(name)}` is not a kind of file that is read here (allowed: {', '.join(VALUE_FILES)})"
        complaints.add(spot, Code.FILE_KIND, words)
        return None
    found = sources.find(name, spot)
    text = sources.read(found, spot, MAX_VALUE_BYTES) if found else None
    return parse_value_file(found.shown, text, complaints) if found and text is not None else None


def parse_value_file(file: str, text: str, complaints: Complaints) -> Document | None:
    """The text of such a file as a Document, None with complaints in it."""
    if PurePath(file).suffix.lower() != ".json":
        return read_yaml(file, text, complaints)
    value, fault = parse_json(text)
    if fault is not None:
        complaints.add(Spot(file, fault.line, fault.column), fault.code, fault.message)
        return None
    # Places are known where YAML can read the same text.
    places = read_yaml(file, text, Complaints())
    return Document(file, value, places.node if places else None)
