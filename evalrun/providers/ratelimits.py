"""How long a server asks us to wait: the headers in which vendors say it, read without trust.  (pure)"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

LONGEST_WAIT_S = 86_400.0
"""A wait is never read as longer than a day: whoever asks for more means "not today"."""

_NUMBER = re.compile(r"\d{1,300}(\.\d{0,30})?([eE][+-]?\d{1,3})?|\.\d{1,30}", re.ASCII)
_LONGEST_DATE = 64


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait before the next request, 0 to a day; None: the server does not say, or not in words we read.

    The first that can be read of: ``retry-after-ms`` (Azure, OpenAI), ``retry-after`` in seconds or as an HTTP date
    (RFC 9110, section 10.2.3), ``x-ratelimit-timeremaining`` (Azure AI). A date is taken relative to the reply's own
    ``date`` header, so that a clock that is wrong on either side does no harm, else to *now* (Unix time, seconds).
    Header names are in lower case.
    """
    milliseconds = _seconds(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return min(milliseconds / 1000, LONGEST_WAIT_S)
    for name in ("retry-after", "x-ratelimit-timeremaining"):
        seconds = _seconds(headers.get(name, ""))
        if seconds is not None:
            return min(seconds, LONGEST_WAIT_S)
        moment = http_date(headers.get(name, ""))
        if moment is not None:
            sent = http_date(headers.get("date", ""))
            return min(max(0.0, moment - (now if sent is None else sent)), LONGEST_WAIT_S)
    return None


def http_date(text: str) -> float | None:
    """Unix time of an HTTP date in any of its three forms (RFC 9110, section 5.6.7); None for anything else."""
    text = text.strip()
    if not text[:3].isalpha() or len(text) > _LONGEST_DATE:
        return None
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _seconds(text: str) -> float | None:
    """A plain number that is not negative and not without end."""
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None
