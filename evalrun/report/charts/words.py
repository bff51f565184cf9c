"""How wide a text will be, and what of it fits: told by an upper bound, since the reader's font is not known here."""

from __future__ import annotations

import unicodedata

from evalrun.safe_text import visible

SIZE = 12.0
"""The size of a chart's texts, in its units."""

SMALL = 11.0
"""The size of the texts at its axes."""

_NARROW = frozenset("ijl.,:;'|! ")
_SLIM = frozenset('ftrI()[]{}-/\\"')
_BROAD = frozenset("mwMW@%—…")


def width(text: str, size: float = SIZE) -> float:
    """At most how wide *text* is in a sans-serif font of *size*: the widest common one, DejaVu Sans, sets the bound."""
    return size * sum(map(_share, text))


def fitted(text: str, room: float, size: float = SIZE) -> str:
    """*text* on one line and safe to show, shortened in the middle with ``…`` where it is wider than *room*.

    Names often begin alike and differ at their ends, so that both ends stay.
    """
    line = " ".join(visible(text).split())
    if width(line, size) <= room:
        return line
    kept = len(line)
    while kept > 1:
        kept -= max(1, kept // 16)
        head = (kept + 1) // 2
        short = f"{line[:head].rstrip()}…{line[len(line) - (kept - head) :].lstrip()}"
        if width(short, size) <= room:
            return short
    return "…"


def _share(character: str) -> float:
    if character in _NARROW:
        return 0.4
    if character in _SLIM:
        return 0.47
    if character in _BROAD:
        return 1.02
    if unicodedata.east_asian_width(character) in "WF":
        return 1.1
    if unicodedata.combining(character):
        return 0.0
    return 0.8 if character.isupper() or not character.isascii() else 0.66
