"""Names as the address of a page writes them: short, readable, and each one's own. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_BETWEEN = re.compile(r"[\W_]+")
_LONGEST = 60


def slugs(names: Iterable[str]) -> tuple[str, ...]:
    """A slug for each name, unique among them: letters and digits in lower case, hyphens between.

    A name without any letter or digit is ``column``; what would be said twice is numbered: ``mini``, ``mini-2``.
    """
    return tuple(_numbered(_BETWEEN.sub("-", name.lower()).strip("-")[:_LONGEST].strip("-") for name in names))


def _numbered(wanted: Iterable[str]) -> Iterator[str]:
    taken: set[str] = set()
    for name in wanted:
        slug, number = name or "column", 2
        while slug in taken:
            slug, number = f"{name or 'column'}-{number}", number + 1
        taken.add(slug)
        yield slug
