"""Regular expressions on foreign text, bounded in time and size: the scorer ``regex``, and every scorer's ``extract``.

The ``regex`` package looks at the clock while it matches and lets other threads run meanwhile, so that a pattern with
exponential backtracking ends within LIMIT_S and holds up nobody. Its clock is the processor time of the whole process:
on a machine that is busy elsewhere a search may take longer to watch.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import regex

from evalrun.scoring.options import RegexOptions, flags_of
from evalrun.scoring.scorer import Finding, NoResult, Subject, any_of, quote, texts

LIMIT_S = 1.0
LIMIT_CHARACTERS = 1_000_000


def matches(subject: Subject, options: RegexOptions) -> Finding:
    """The scorer ``regex``: one of the patterns is found anywhere in the answer."""
    patterns = texts(subject.value)
    flags = flags_of(options.flags)
    hit = next((found for pattern in patterns if (found := search(pattern, subject.text, flags, len(patterns)))), None)
    return Finding(
        value=float(hit is not None),
        reason=f"no match for {any_of(patterns)} in {quote(subject.text)}",
        opposite="" if hit is None else f"expected no match for {any_of(patterns)}, got {quote(hit.group())}",
        extracted=None if hit is None else hit.group(),
    )


def extracted(pattern: str, text: str) -> str | None:
    """Of *pattern*'s first match in *text* the first group that took part, else the whole; None: no match."""
    found = search(pattern, text)
    if found is None:
        return None
    groups: Sequence[str | None] = found.groups()
    return next((group for group in groups if group is not None), found.group())


def search(pattern: str, text: str, flags: int = 0, share: int = 1) -> regex.Match[str] | None:
    """The first match, or None. One of *share* searches that have LIMIT_S between them.

    Raises NoResult where the pattern is broken, the time is up, or the text is over LIMIT_CHARACTERS.
    """
    if len(text) > LIMIT_CHARACTERS:
        raise NoResult(f"the answer is over {LIMIT_CHARACTERS:,} characters, too long for a regular expression")
    try:
        return _compiled(pattern, flags).search(text, timeout=LIMIT_S / share, concurrent=True)
    except TimeoutError:
        raise NoResult(f"the regular expression {quote(pattern)} took over {LIMIT_S:g} s of processor time") from None


@lru_cache(maxsize=512)
def _compiled(pattern: str, flags: int) -> regex.Pattern[str]:
    try:
        return regex.compile(pattern, flags)
    except (regex.error, RecursionError, OverflowError, ValueError) as error:
        raise NoResult(f"not a regular expression: {error}") from None
