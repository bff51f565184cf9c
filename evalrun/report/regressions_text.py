"""What got worse, for a terminal and the page: how many answers, and the worst of them with what they say. Pure."""

from __future__ import annotations

from typing import Any

from evalrun.records.regression import Regression, Regressions
from evalrun.report import numbers
from evalrun.report.lines import wrapped
from evalrun.safe_text import cells_wide, safe_line

_LEAST = 12  # cells of a text that is cut
_SAID = 8  # the least that is worth a place on the same line


def regression_lines(found: Regressions, width: int) -> list[str]:
    """A sentence, then a line or two for each of the worst; nothing where nothing got worse."""
    if not found.failing:
        return []
    more = ", the worst:" if found.failing > len(found.worst) else ":"
    return [
        *wrapped(f"{failing_of(found)}{more}", width),
        *(short for one in found.worst for line in _lines(one, width) for short in _fitting(line, width)),
    ]


def worse_view(found: Regressions | None) -> dict[str, Any] | None:
    """The same for the page, each with a filter that finds its case; None where nothing got worse."""
    if found is None or not found.failing:
        return None
    return {
        "heading": failing_of(found) + (", the worst:" if found.failing > len(found.worst) else ""),
        "items": [
            {
                "filter": f"q={_escaped(one.case)}",
                "case": one.case,
                "column": one.column + ("" if one.sample is None else f" #{one.sample}"),
                "why": f"expected “{one.expected}”, " if one.expected else f"{one.reason}; " if one.reason else "",
                "said": f"said “{one.said}”" if one.said else "said nothing",
            }
            for one in found.worst
        ],
    }


def _escaped(text: str) -> str:
    """The text as the value of a query: everything but ASCII letters and digits as %XX of its UTF-8."""
    escaped = (
        chr(byte) if chr(byte).isalnum() and byte < 128 else f"%{byte:02X}" for byte in text.encode(errors="replace")
    )
    return "".join(escaped)


def failing_of(found: Regressions) -> str:
    """How many answers got worse, as a sentence without its full stop."""
    verb = "now fails" if found.failing == 1 else "now fail"
    answers = numbers.plural(found.compared, "answer")
    return f"{numbers.count(found.failing)} of {answers} that passed in {found.against} {verb}"


def _fitting(line: str, width: int) -> list[str]:
    """The line; where the terminal is very narrow, two of it."""
    return [line] if cells_wide(line) <= width else wrapped(line, width)


def _lines(one: Regression, width: int) -> list[str]:
    """``fr · mini: expected “Paris”, said “Sydney”``, on two lines where it does not fit on one."""
    sample = "" if one.sample is None else f" #{one.sample}"
    column = safe_line(one.column, max(_LEAST, width // 4))
    case = safe_line(one.case, max(_LEAST, width // 2 - cells_wide(column) - cells_wide(sample)))
    head = f"{case} · {column}{sample}: "
    room = width - cells_wide(head)
    wanted = (
        f"expected {_quoted(one.expected, room - len('expected '))}" if one.expected else safe_line(one.reason, room)
    )
    said = f"said {_quoted(one.said, width)}" if one.said else "said nothing"
    if not wanted:
        return [head + safe_line(said, room)]
    whole = f"{head}{wanted}, {said}"
    if cells_wide(whole) <= width:
        return [whole]
    left = width - cells_wide(f"{head}{wanted}, said ")
    if left >= max(_SAID, width // 3):
        return [f"{head}{wanted}, said {_quoted(one.said, left)}"]
    return [f"{head}{wanted}", f"  said {_quoted(one.said, width - len('  said '))}" if one.said else "  said nothing"]


def _quoted(text: str, width: int) -> str:
    return f"“{safe_line(text, max(2, width - 2))}”"
