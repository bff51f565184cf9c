"""Whether to colour what is printed."""

from __future__ import annotations

from collections.abc import Mapping


def wants_color(environ: Mapping[str, str], *, terminal: bool) -> bool:
    """Whether escape sequences are welcome on standard output, which is a *terminal* or not.

    NO_COLOR turns them off and FORCE_COLOR on, whatever else is so, where they are set to something; of both the first
    wins. ``FORCE_COLOR=0`` is off too. Else a terminal is coloured, but for one that calls itself dumb.
    """
    if environ.get("NO_COLOR"):
        return False
    forced = environ.get("FORCE_COLOR", "")
    if forced:
        return forced != "0"
    return terminal and environ.get("TERM") != "dumb"
