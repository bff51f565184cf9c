"""What is wrong with a suite, gathered with its place, and the words for it."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from evalrun.errors import Code, Complaint
from evalrun.keys import looks_like_key

# Of one kind in one file; what is over is counted.
_MAX_ALIKE = 20
_MAX_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Spot:
    """A place to point at. *line* and *column* count from 1; 0 is the whole file."""

    file: str
    line: int = 0
    column: int = 0
    path: str = ""


class Complaints:
    """The complaints so far. Mutable state: the list and its counts, changed by `add` only."""

    def __init__(self) -> None:
        self._found: list[Complaint] = []
        self._alike: dict[tuple[str, Code], int] = {}

    def __len__(self) -> int:
        return sum(self._alike.values())

    def add(self, spot: Spot, code: Code, message: str) -> None:
        """Note one thing that is wrong."""
        alike = self._alike[spot.file, code] = self._alike.get((spot.file, code), 0) + 1
        if alike <= _MAX_ALIKE:
            self._found.append(
                Complaint(
                    file=printable(spot.file),
                    line=spot.line,
                    column=spot.column,
                    path=spot.path,
                    message=message,
                    code=code,
                )
            )

    def all(self) -> list[Complaint]:
        """Every complaint; of very many alike the last says how many more there are."""
        found = list(self._found)
        for (file, code), count in self._alike.items():
            if count > _MAX_ALIKE:
                last = max(i for i, c in enumerate(found) if c.code is code and c.file == printable(file))
                more = f" (and {count - _MAX_ALIKE:,} more like this)"
                found[last] = replace(found[last], message=found[last].message + more)
        return found


def near(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    pool = list(dict.fromkeys(known))[:2000]
    lowered = {name.lower(): name for name in reversed(pool)}
    found = difflib.get_close_matches(word.lower()[:100], lowered, n=1, cutoff=0.7)
    return lowered[found[0]] if found else None


def hint(word: str, known: Collection[str]) -> str:
    """`` (did you mean x?)`` where a known word is near, else `` (allowed: a, b)``; nothing where nothing is known."""
    meant = near(word, known)
    if meant is not None:
        return f" (did you mean {printable(meant)}?)"
    if not known:
        return ""
    names = [printable(name) for name in list(known)[:20]]
    return f" (allowed: {', '.join(names)}{', …' if len(known) > len(names) else ''})"


def listed(names: Collection[str], limit: int = 3) -> str:
    """A few names out of many: ``a, b, c and 17 more``."""
    shown = [printable(name) for name in list(names)[:limit]]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest:,} more" if rest else "")


def shown(value: object) -> str:
    """A value as a complaint may quote it: one short line in backticks, and never an API key."""
    if isinstance(value, str):
        return "a text that looks like an API key" if looks_like_key(value) else f"`{printable(value)}`"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    if isinstance(value, int | float):
        return f"`{printable(str(value))}`"
    return "a mapping" if isinstance(value, dict) else "a list"


def printable(text: str) -> str:
    """One line without control characters, cut where it is long."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text[:200])
    return text if len(text) <= _MAX_SHOWN * 2 else text[: _MAX_SHOWN * 2 - 1] + "…"
