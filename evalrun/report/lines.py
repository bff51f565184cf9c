"""Foreign and own text on lines of a terminal. Pure."""

from __future__ import annotations

from evalrun.safe_text import cells_wide, cut, safe_line, safe_text


def wrapped(text: str, width: int) -> list[str]:
    """Foreign or own text on lines of at most *width* cells, broken at spaces; a longer word is broken anywhere."""
    lines: list[str] = []
    current, line = "", safe_line(text)
    if "::" in line or "##" in line:
        width -= 2  # room for the mark that safe_text may put in front
    for word in line.split(" "):
        while cells_wide(word) > width:
            if current:
                lines, current = [*lines, current], ""
            head = cut(word, width)[:-1] or word[:1]
            lines.append(head)
            word = word[len(head) :]
        joined = f"{current} {word}" if current else word
        if current and cells_wide(joined) > width:
            lines.append(current)
            joined = word
        current = joined
    return [safe_text(line) for line in [*lines, current] if line]


def folded(text: str, width: int) -> list[str]:
    """Foreign text of several lines on lines of at most *width* cells; what stands at a line's beginning stays there.

    A line that is too long is broken at a space, or anywhere where there is none.
    """
    lines = safe_text(text).expandtabs(4).split("\n")
    return [safe_text(part) for line in lines for part in _folded(line, max(8, width - 2))]


def _folded(line: str, width: int) -> list[str]:
    parts = []
    while cells_wide(line) > width:
        if not line[:width].strip():
            line = line.lstrip()
            continue
        head = cut(line, width + 1)[:-1] or line[:1]
        at = len(head) if line[len(head)] == " " else head.rfind(" ")
        if at > len(head) // 2 and line[:at].strip():
            head = line[:at]
        parts.append(head)
        line = line[len(head) :].removeprefix(" ")
    return [*parts, line]
