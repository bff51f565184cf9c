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
