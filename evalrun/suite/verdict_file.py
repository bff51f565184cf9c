"""A file of people's verdicts, as a report exports it: JSON lines of case, column, sample, verdict and note."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalrun.errors import Code
from evalrun.suite.complaints import Complaints, Spot, hint, shown
from evalrun.suite.datasets import parse_json
from evalrun.suite.sources import MAX_DATA_BYTES, Found, read_text

_KEYS = ("run", "case", "column", "sample", "key", "verdict", "note")
_VERDICTS: Mapping[str | None, bool | None] = {"pass": True, "fail": False, None: None}


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictLine:
    """One line. *passed* None takes an earlier verdict back; *column* and *key* (of the request) may be left out."""

    spot: Spot
    case: str
    column: str
    sample: int
    passed: bool | None
    note: str
    key: str
    run: str


def read_verdict_file(file: Path, complaints: Complaints) -> list[VerdictLine]:
    """The lines of a file that are right; of each other one there is a complaint."""
    text = read_text(Found(file, str(file)), Spot(str(file)), MAX_DATA_BYTES, complaints)
    found = []
    for number, line in enumerate((text or "").split("\n"), 1):
        if not line.strip():
            continue
        spot = Spot(str(file), number)
        value, fault = parse_json(line.rstrip("\r"))
        if fault is not None:
            complaints.add(Spot(str(file), number, fault.column), fault.code, fault.message)
        elif not isinstance(value, dict):
            complaints.add(spot, Code.BAD_ROW, f"a verdict is a mapping {{…}}, not {shown(value)}")
        elif (read := _line(value, spot, complaints)) is not None:
            found.append(read)
    return found


def _line(said: dict[str, Any], spot: Spot, complaints: Complaints) -> VerdictLine | None:
    before = len(complaints)
    for name in said:
        if name not in _KEYS:
            complaints.add(spot, Code.UNKNOWN_KEY, f"unknown key {shown(name)}{hint(name, _KEYS)}")
    for name in ("case", "verdict"):
        if name not in said:
            complaints.add(spot, Code.MISSING_KEY, f"`{name}` is missing")
    for name in ("run", "case", "column", "key", "note"):
        if not isinstance(said.get(name, ""), str):
            complaints.add(spot, Code.WRONG_TYPE, f"`{name}` is a text, not {shown(said[name])}")
    sample, verdict = said.get("sample", 0), said.get("verdict")
    if isinstance(sample, bool) or not isinstance(sample, int) or sample < 0:
        complaints.add(spot, Code.WRONG_TYPE, f"`sample` is a whole number from 0, not {shown(sample)}")
    if not isinstance(verdict, str | None) or verdict not in _VERDICTS:
        words = f"`verdict` is pass, fail or null, not {shown(verdict)}"
        complaints.add(spot, Code.NOT_ALLOWED, words)
    if len(complaints) > before:
        return None
    texts = {name: said.get(name, "") for name in ("run", "case", "column", "key", "note")}
    return VerdictLine(spot=spot, sample=sample, passed=_VERDICTS[verdict], **texts)
