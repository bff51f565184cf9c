"""What tool calls are expected, and how a call differs from that.

An argument's value may be a list: any of its items will do, as a list of expected values means everywhere in a suite.
An empty text among them says that the argument may be left out. Where the tool itself wants a list, it stands in a
list: ``[[3, 5]]``. The members of a mapping are read the same way, those of a list as they stand. This is the form of
the Berkeley Function Calling Leaderboard's possible answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalrun.scoring.json_values import NotJson, loads
from evalrun.scoring.scorer import NoResult, quote

SHOWN_VALUES = 3
_ABSENT = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPattern:
    """An expected call. *arguments* None: any will do."""

    name: str
    arguments: Mapping[str, Any] | None = None


def plain_name(name: str) -> str:
    """A tool's name as it goes over the wire, where vendors allow no dots."""
    return name.replace(".", "_")


def call_patterns(value: Any) -> list[CallPattern]:
    """Expected calls from a suite: ``{name, arguments}``, a list of these, or either as JSON text. Raises NoResult."""
    if value is None:
        raise NoResult("there is no expected value")
    if isinstance(value, str):
        try:
            value = loads(value)
        except NotJson as error:
            raise NoResult(f"the expected calls are no JSON: {error}") from None
    items = value if isinstance(value, (list, tuple)) else [value]
    return [_pattern(item) for item in items]


def _pattern(item: Any) -> CallPattern:
    if not isinstance(item, Mapping) or not isinstance(item.get("name"), str) or not item["name"]:
        raise NoResult("an expected call is {name: …, arguments: {…}}")
    unknown = [key for key in item if key not in ("name", "arguments")]
    if unknown:
        raise NoResult(f"an expected call has a name and arguments, and no {quote(str(unknown[0]))}")
    arguments = item.get("arguments")
    if arguments is not None and not isinstance(arguments, Mapping):
        raise NoResult(f"the arguments of an expected call are a mapping, not {type(arguments).__name__}")
    return CallPattern(name=item["name"], arguments=arguments)


def difference(pattern: CallPattern, arguments: Any, *, exact: bool) -> str:
    """How a call's arguments differ from what is expected, in words; empty where they do not.

    *exact*: there may be no arguments besides those expected.
    """
    return "" if pattern.arguments is None else _differs(pattern.arguments, arguments, "", exact=exact)


def _differs(wanted: Any, found: Any, place: str, *, exact: bool) -> str:
    """How *found* differs from one wanted value."""
    if isinstance(wanted, Mapping):
        return _mapping_differs(wanted, found, place, exact=exact)
    if isinstance(wanted, (list, tuple)):
        if isinstance(found, list) and len(found) == len(wanted):
            pairs = enumerate(zip(wanted, found, strict=True))
            return next(filter(None, (_differs(w, f, _at(place, n), exact=exact) for n, (w, f) in pairs)), "")
    elif _same(wanted, found):
        return ""
    return _expected([wanted], found, place)


def _mapping_differs(wanted: Mapping[str, Any], found: Any, place: str, *, exact: bool) -> str:
    if not isinstance(found, dict):
        return _expected([wanted], found, place)
    for name, value in wanted.items():
        accepted = list(value) if isinstance(value, (list, tuple)) else [value]
        below, given = _at(place, name), found.get(name, _ABSENT)
        if given is _ABSENT:
            if "" not in accepted:
                return f"{below} is missing"
        elif not accepted:
            return f"{below}: no value is accepted"
        elif all(told := [_differs(one, given, below, exact=exact) for one in accepted]):
            return told[0] if len(told) == 1 else _expected(accepted, given, below)
    extra = next((name for name in found if name not in wanted), None) if exact else None
    return "" if extra is None else f"{_at(place, extra)} is not expected"


def _expected(accepted: Sequence[Any], found: Any, place: str) -> str:
    shown = ", ".join(_shown(one) for one in accepted[:SHOWN_VALUES])
    more = f" and {len(accepted) - SHOWN_VALUES} more" if len(accepted) > SHOWN_VALUES else ""
    words = f"expected {'any of ' if len(accepted) > 1 else ''}{shown}{more}, got {_shown(found)}"
    return f"{place}: {words}" if place else words


def _same(wanted: Any, found: Any) -> bool:
    """Equal as JSON values are: 1 is 1.0, but true is not 1."""
    if isinstance(wanted, bool) or isinstance(found, bool):
        return wanted is found
    return bool(wanted == found)


def _at(place: str, name: str | int) -> str:
    return f"{place}.{name}" if place else str(name)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return quote(value)
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = str(value)
    except RecursionError:
        text = "a value nested too deeply"
    return text if len(text) <= 80 else text[:79] + "…"
