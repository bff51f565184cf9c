"""What is printed on standard output, how wide and in which colours."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from typing import Any

import click

from evalrun.safe_text import log_json

_MOST_WIDTH = 110


def say_json(said: Any, *, indent: int | None = 2) -> None:
    """One JSON value, in ASCII, without anything that JSON lacks, in which no CI system finds a command."""
    click.echo(log_json(json.dumps(said, ensure_ascii=True, allow_nan=False, indent=indent)))


def screen_width() -> int:
    """How wide lines may be: the terminal's width, up to where they are hard to read."""
    return min(_MOST_WIDTH, shutil.get_terminal_size((80, 24)).columns)


def colored() -> bool:
    """Whether colours are wanted on standard output."""
    return wants_color(os.environ, terminal=sys.stdout.isatty())


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
