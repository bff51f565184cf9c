"""Numbers, spans and moments as servers write them, read without trust: never negative, never without end.  (pure)"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_NUMBER = re.compile(r"\d{1,300}(\.\d{0,30})?([eE][+-]?\d{1,3})?|\.\d{1,30}", re.ASCII)
_GO = re.compile(r"(?:\d{1,15}(?:\.\d{0,15})?(?:ns|us|µs|μs|ms|s|m|h|d))+", re.ASCII)
_GO_PART = re.compile(r"(\d+(?:\.\d*)?)(ns|us|µs|μs|ms|s|m|h|d)", re.ASCII)
_UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_LONGEST_DATE = 64
_EPOCH_S, _EPOCH_MS = 1e9, 1e11  # a plain number from here on is a moment, in seconds or in milliseconds


def number(text: str) -> float | None:
    """A plain number that is not negative and not without end."""
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def go_duration(text: str) -> float | None:
    """Seconds of a Go duration: ``21h26m17.041s``, ``40ms``, ``15µs``; a number without a unit is none."""
    text = text.strip()
    if len(text) > _LONGEST_DATE or not _GO.fullmatch(text):
        return None
    return sum(float(part[1]) * _UNITS_S[part[2]] for part in _GO_PART.finditer(text))


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


def rfc_3339(text: str) -> float | None:
    """Unix time of a timestamp such as ``2025-08-21T12:40:59Z``; None for anything else."""
    text = text.strip()
    if not _RFC_3339.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).timestamp()
    except (ValueError, OverflowError):
        return None


def span_or_moment(text: str, now: float) -> float | None:
    """Seconds from *now* (Unix time) to what a header of any vendor says; what is past is 0, what is no time is None.

    A Go duration, plain seconds, Unix time in seconds or milliseconds, RFC 3339, or an HTTP date.
    """
    span = go_duration(text)
    if span is not None:
        return span
    plain = number(text)
    if plain is not None and plain < _EPOCH_S:
        return plain
    if plain is not None:
        moment: float | None = plain / 1000 if plain >= _EPOCH_MS else plain
    else:
        moment = rfc_3339(text)
        moment = http_date(text) if moment is None else moment
    return None if moment is None else max(0.0, moment - now)
