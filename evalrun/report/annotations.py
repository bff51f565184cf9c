"""What a run says at lines of its suite, as GitHub Actions reads it in a log: ``::error file=…,line=…::…``. Pure.

GitHub shows ten annotations of each level a step; the tenth says how many more there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from evalrun.errors import SuiteInvalid
from evalrun.records.comparison import Comparison, GateResult
from evalrun.records.run import RunFacts
from evalrun.report.fields import narrowed
from evalrun.report.numbers import plural
from evalrun.safe_text import safe_line, safe_text

MOST = 10
"""Of each level; GitHub shows no more of one step."""

_MOST_TITLE, _MOST_MESSAGE = 200, 2_000

Level = Literal["error", "warning", "notice"]
_LEVELS: tuple[Level, ...] = ("error", "warning", "notice")


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """One remark: at a *line* and *column* of a *file* (from 1; 0: nowhere in it), or at none."""

    level: Level
    title: str
    message: str
    file: str = ""
    line: int = 0
    column: int = 0


def of_run(comparison: Comparison, facts: RunFacts, suite: str, file: str) -> list[Annotation]:
    """What a run that ended has to say: gates that fail, gates without enough evidence, and why it is not complete.

    *suite* is its name, *file* the suite's path as the annotations shall have it.
    """
    found = [_of_gate(gate, file) for gate in comparison.gates if gate.failed]
    found += [
        _of_gate(gate, file)
        for gate in comparison.gates
        if gate.verdict == "not enough evidence" and not gate.failed and comparison.complete
    ]
    if facts.state != "complete" or not comparison.complete:
        state = "incomplete" if facts.state == "complete" else facts.state
        level: Level = {"paused": "notice", "interrupted": "warning"}.get(state, "error")  # type: ignore[assignment]
        after = f"it goes on after {facts.resume_after}" if facts.resume_after else ""
        command = f"go on with: {facts.go_on}" if facts.go_on else ""
        said = "\n".join(filter(None, [facts.reason or state, after, command]))
        found.append(Annotation(level=level, title=f"{suite}: {state}", message=said, file=file))
    return found


def of_complaints(error: SuiteInvalid, places: Sequence[str]) -> list[Annotation]:
    """Every complaint about suites at its line and column; *places* are their files' paths, in the same order."""
    return [
        Annotation(
            level="error",
            title=f"{one.path or 'suite'}: {one.code}",
            message=one.message,
            file=place,
            line=one.line,
            column=one.column,
        )
        for one, place in zip(error.complaints, places, strict=True)
    ]


def commands(annotations: Iterable[Annotation]) -> list[str]:
    """The lines to print, at most MOST of each level."""
    found = list(annotations)
    lines: list[str] = []
    for level in _LEVELS:
        alike = [one for one in found if one.level == level]
        if len(alike) > MOST:
            last, more = alike[MOST - 1], plural(len(alike) - MOST, f"more {level}")
            alike = [*alike[: MOST - 1], replace(last, message=f"{last.message}\n(and {more}: the log has them)")]
        lines += map(_command, alike)
    return lines


def _of_gate(result: GateResult, file: str) -> Annotation:
    gate = result.gate
    only = narrowed(gate)
    return Annotation(
        level="error" if result.failed else "warning",
        title=f"gate: {result.verdict}: {gate.text}{f' for {only}' if only else ''}",
        message=result.reason,
        file=file,
        line=gate.line,
        column=gate.column,
    )


def _command(one: Annotation) -> str:
    """A workflow command. No foreign text can end it, or begin another one."""
    said = {"file": one.file, "line": one.line or "", "col": one.column if one.line and one.column else ""}
    said["title"] = safe_line(one.title)[:_MOST_TITLE]
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in said.items() if value)
    message = safe_text(one.message)
    if len(message) > _MOST_MESSAGE:
        message = message[:_MOST_MESSAGE] + "…"
    return f"::{one.level} {properties}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(safe_text(text)).replace(":", "%3A").replace(",", "%2C")
