"""A tool's arguments out of a question: by the parameters' names, types and options.  (pure)"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from evalrun.simulator.answer import one_of, quoted
from evalrun.simulator.families import extraction
from evalrun.simulator.families.country_table import COUNTRIES
from evalrun.simulator.tools.matching import LONGEST_TEXT, RECKONED, expressions, properties_of, words_of

MOST_CALLS = 8
DEEPEST = 4
_NUMERIC = ("integer", "number", "float")
_NUMBER = re.compile(r"(?<![\w.])-?\d{1,15}(?:,\d{3})*(?:\.\d{1,15})?(?![\d,]*\d)")
_CAPITAL = r"[A-ZÀ-Þ][\w’'-]*"
_PROPER = rf"{_CAPITAL}(?: (?:(?:de|of|la|del|van|do) )?{_CAPITAL})*"
_LISTED = (
    rf"(?:\s*,\s*(?:and\s+)?|\s+(?:and|or|&)\s+)(?:(?:also|then)\s+)?(?:(?:in|for|at|to|from|of)\s+)?(?={_CAPITAL})"
)
_PLACES = re.compile(rf"\b(?:in|at|for|of|near|from|to|between|is|over|around)\s+({_PROPER}(?:{_LISTED}{_PROPER})*)")
_CAPITALS = re.compile(rf"\b({one_of([country.capital.lower() for country in COUNTRIES])})\b")
_CURRENCY = re.compile(r"\b[A-Z]{3}\b")
_NOT_PLACES = frozenset(
    re.findall(
        r"[\w']+",
        "What Which Who When Where How Is Are The A An Please I Celsius Fahrenheit Kelvin Monday Tuesday Wednesday "
        "Thursday Friday Saturday Sunday And Then Also Tell Give Show My",
    )
)
_PLACE_NAMES = re.compile(r"\b(?:city|cities|location|locations|place|places|town|country|countries|region|area)\b")
_SURE_KINDS = ("email", "phone", "url", "date", "time", "price", "identifier")
_FROM = re.compile(r"\b(?:from|origin|source|departure|depart|start)\b")
_TO = re.compile(r"\b(?:to|destination|target|arrival|arrive|end)\b")
_WHOLE = re.compile(r"\b(?:query|question|text|message|content|prompt|input|q|body|topic|subject|term|terms|keyword)\b")
_SEARCHED = re.compile(
    r"\b(?:search(?: the \w+)?(?: for)?|look up|find(?: out)?(?: about)?|about|saying|says|to say|with the text)"
    r"\s+(?:for\s+|about\s+)?(.+?)\s*[?.!]*$",
    re.IGNORECASE,
)


def arguments(parameters: Mapping[str, Any], text: str) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The arguments of each call that *text* asks for, at least of one, and the names of what is missing in them.

    Where *text* names several values of one parameter that takes one, each makes a call: "in Paris and in Rome".
    """
    text = text[:LONGEST_TEXT]
    required = parameters.get("required")
    needed = [str(name) for name in required] if isinstance(required, list) else []
    members = properties_of(parameters)
    found = {name: _values(name, part, text, 0, must=name in needed) for name, part in members.items()}
    _share_numbers(members, found, text)
    several = next((name for name in _by_need(found, needed) if _many(members[name], found[name])), None)
    times = min(MOST_CALLS, len(found[several])) if several else 1
    calls = []
    for at in range(times):
        call = {}
        for name, values in found.items():
            if values:
                call[name] = values[min(at, len(values) - 1)]
            elif name in needed and "default" in members[name]:
                call[name] = members[name]["default"]
        calls.append(call)
    return calls, tuple(name for name in needed if name in members and name not in calls[0])


def least(part: Mapping[str, Any]) -> Any:
    """The least value that a parameter takes, for a call that must be made although nothing was said of it."""
    options = part.get("enum")
    if isinstance(options, list) and options:
        return options[0]
    empty: dict[str, Any] = {"array": [], "object": {}, "boolean": False, "string": "", **dict.fromkeys(_NUMERIC, 0)}
    return part.get("default", empty.get(str(part.get("type")), ""))


def _by_need(found: Mapping[str, list[Any]], needed: list[str]) -> list[str]:
    return sorted(found, key=lambda name: name not in needed)


def _many(part: Mapping[str, Any], values: list[Any]) -> bool:
    return len(values) > 1 and part.get("type") not in ("array", "object", *_NUMERIC)


def _values(name: str, part: Mapping[str, Any], text: str, depth: int, *, must: bool) -> list[Any]:
    """Everything in *text* that may be meant for one parameter, more freely where it *must* have one.

    Numbers come later, by `_share_numbers`.
    """
    kind = part.get("type")
    options = part.get("enum")
    if isinstance(options, list) and options:
        return _options(options, text)
    if kind in _NUMERIC:
        return []
    if kind == "boolean":
        return [True] if words_of(name) & words_of(text) and not re.search(r"\b(?:not|no|without)\b", text) else []
    if kind == "object" and depth < DEEPEST:
        return _objects(part, text, depth)
    if kind == "array":
        items = part.get("items")
        items = items if isinstance(items, Mapping) else {}
        if items.get("type") == "string" and "enum" not in items and (marked := quoted(text)):
            return [list(marked)]
        every = (
            _numbers(text, items) if items.get("type") in _NUMERIC else _values(name, items, text, depth + 1, must=must)
        )
        return [every] if every else []
    return _texts(f"{_plain(name)} {part.get('description', '')}".lower(), _plain(name), text, must=must)


def _objects(part: Mapping[str, Any], text: str, depth: int) -> list[Any]:
    members = properties_of(part)
    found = {name: _values(name, each, text, depth + 1, must=True) for name, each in members.items()}
    _share_numbers(members, found, text)
    made = {name: values[0] for name, values in found.items() if values}
    return [made] if made else []


def _options(options: list[Any], text: str) -> list[Any]:
    """The options that *text* names, in its order: ``celsius`` for "in Celsius" and for "°C"."""
    places = []
    for option in options:
        word = re.escape(str(option).replace("_", " ").lower())
        match = re.search(rf"(?<!\w){word}s?(?!\w)", text.lower().replace("_", " "))
        sign = re.search(rf"°\s?{re.escape(str(option)[:1])}\b", text, re.IGNORECASE) if len(str(option)) > 1 else None
        if match or sign:
            places.append(((match or sign).start(), option))  # type: ignore[union-attr]
    return [option for _, option in sorted(places, key=lambda each: each[0])]


def _texts(about: str, name: str, text: str, *, must: bool) -> list[Any]:
    """Texts for a parameter called *name*, of which *about* tells more."""
    if RECKONED.search(name.replace(" ", "_")):
        return list(expressions(text))
    if "currency" in about:
        codes = _CURRENCY.findall(text)
        return _of_two(name, codes) if codes else []
    ends = re.search(rf"\bfrom ({_PROPER}) to ({_PROPER})", text)
    if ends and (_FROM.search(name) or _TO.search(name)):
        return [ends[1 if _FROM.search(name) else 2]]
    if _PLACE_NAMES.search(name) or (_PLACE_NAMES.search(about) and not quoted(text)):
        return _places(text)
    kind = next((kind for kind in map(extraction.kind_of, (name, about)) if kind in _SURE_KINDS), None)
    if kind and (values := extraction.every(kind, text)):
        return list(values)
    if beside := re.search(
        rf"\b{re.escape(name)}\W+(?:(?:is|of|called|named)\W+)?[\"“']([^\"”'\n]+)", text, re.IGNORECASE
    ):
        return [beside[1]]
    if not must:
        return []
    if marked := quoted(text):
        return list(marked)
    if _WHOLE.search(name):
        searched = _SEARCHED.search(text)
        return [searched[1] if searched else text.strip().rstrip("?.! ")]
    return _named(name, text)


def _of_two(name: str, codes: list[str]) -> list[Any]:
    """The first of two currencies for what is ``from``, the second for what is ``to``."""
    if _TO.search(name):
        return codes[1:2] or codes[:1]
    return codes[:1]


def _places(text: str) -> list[Any]:
    found: list[str] = []
    for match in _PLACES.finditer(text):
        found += re.split(_LISTED, match[1])
    places = [place.strip() for place in found if place and place.split()[0] not in _NOT_PLACES]
    if not places:
        inner = re.findall(rf"(?<!^)(?<![.?!] ){_PROPER}", text)
        places = [place for place in inner if place and place.split()[0] not in _NOT_PLACES]
    if not places:
        places = [match.title() for match in _CAPITALS.findall(text.lower())]
    return list(dict.fromkeys(places))


def _named(name: str, text: str) -> list[Any]:
    """A text after the parameter's own name ("title Faust", "the title is Faust"), or the names in the question."""
    after = re.search(
        rf"\b{re.escape(name)}s?(?: is| of| called| named)?[: ]+((?:{_PROPER})|[\w.-]*\d[\w.-]*|\w+)",
        text,
        re.IGNORECASE,
    )
    if after and after[1].lower() not in ("is", "of", "the", "a", "an", "for", "in", "to", "and", "from", "with"):
        return [after[1]]
    return _places(text)


def _numbers(text: str, part: Mapping[str, Any]) -> list[int | float]:
    whole = part.get("type") == "integer"
    found = [each.replace(",", "") for each in _NUMBER.findall(text)]
    return [float(each) if "." in each and not whole else int(float(each)) for each in found]


def _share_numbers(members: Mapping[str, Mapping[str, Any]], found: dict[str, list[Any]], text: str) -> None:
    """Give each numeric parameter its number: the one beside its name, else the next that is left."""
    numeric = {name: part for name, part in members.items() if part.get("type") in _NUMERIC and "enum" not in part}
    if not numeric:
        return
    places = [(match.start(), match.end()) for match in _NUMBER.finditer(text)]
    free = list(range(len(places)))
    for name, part in numeric.items():
        at = _beside(_plain(name), text, places, free)
        if at is not None:
            free.remove(at)
            found[name] = _numbers(text, part)[at : at + 1]
    for name, part in numeric.items():
        if not found[name] and free:
            found[name] = [_numbers(text, part)[free.pop(0)]]


def _beside(name: str, text: str, places: list[tuple[int, int]], free: list[int]) -> int | None:
    """The free number that stands right after or before one of the words of *name*."""
    for word in sorted(name.split(), key=len, reverse=True):
        if len(word) < 3:
            continue
        stem = re.escape(word.removesuffix("s"))
        for at in free:
            start, end = places[at]
            if re.search(
                rf"\b{stem}\w*\W+(?:(?:is|of|to|at|=|:)\W*)*$", text[max(0, start - 40) : start], re.IGNORECASE
            ):
                return at
            if re.match(rf"\W*(?:\w+\W+)?{stem}", text[end : end + 40], re.IGNORECASE):
                return at
    return None


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z\d])(?=[A-Z])", " ", name)).strip().lower()
