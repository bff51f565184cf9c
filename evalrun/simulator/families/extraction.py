"""Extraction: names, addresses, dates, numbers, prices and `key: value` pairs from a text, into the fields wanted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from evalrun.simulator.answer import Answer, quoted

_TASK = re.compile(
    r"\b(?:extract|pull out|identify|parse|fill in|convert|from the (?:text|message|email|note|order|sentence))\b"
)
_ASKS = re.compile(r"\b(?:find|what is|who|when|list|get|read|which)\b")
_LABELLED = re.compile(
    r"\b(?:text|message|note|email|invoice|order|input|letter|review|sentence)\s*:\s*\n?", re.IGNORECASE
)
_PAIR = re.compile(r"^[ \t]{0,8}[-*]?[ \t]{0,8}([A-Za-z][\w ]{0,30}?)[ \t]{0,8}[:=][ \t]{0,8}(\S.*)$", re.MULTILINE)
_MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_MONTH += r"|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.?"
_DATES = (
    r"\b\d{4}-\d{2}-\d{2}\b",
    rf"\b\d{{1,2}}(?:st|nd|rd|th)? (?:{_MONTH})(?: \d{{4}})?\b",
    rf"\b(?:{_MONTH}) \d{{1,2}}(?:st|nd|rd|th)?(?:, \d{{4}})?\b",
    r"\b\d{1,2}[/.]\d{1,2}[/.]\d{2,4}\b",
)
_PRICE = r"(?:[$€£]\s?(\d[\d,]*(?:\.\d+)?)|\b(\d[\d,]*(?:\.\d+)?)\s?(?:dollars|euros|pounds|USD|EUR|GBP))"
_CAPITALISED = r"(?<![\w’'-])[A-ZÀ-Þ][\w’'-]+"
_NAME = re.compile(rf"{_CAPITALISED}(?:[ ](?:{_CAPITALISED}|[A-Z]\.|van|de|von|der))*[ ]{_CAPITALISED}")
_BEFORE_NAMES = (
    r"[Nn]ame is|I am|I'm|[Cc]ontact|[Dd]ear|Mr\.?|Mrs\.?|Ms\.?|Dr\.?|[Cc]ustomer|[Ff]rom|[Bb]y|[Ww]ith|[Rr]egards,?"
)
_NAMED = re.compile(rf"\b(?:{_BEFORE_NAMES})\s+({_CAPITALISED}(?:\s{_CAPITALISED})*)")
_NOT_NAMES = frozenset(
    re.findall(
        r"\w+",
        "The This That Please On In At Our Your My We You It He She They I Extract Return Monday Tuesday Wednesday "
        "Thursday Friday Saturday Sunday Hello Hi Dear Thanks Regards Order Invoice Meeting Call Send Contact Text",
    )
)
_COMPANY = re.compile(
    rf"(?:{_CAPITALISED} ){{0,3}}{_CAPITALISED} (?:Inc|Ltd|GmbH|Corp|LLC|AG|Group|Company|Bank|University)\b\.?"
)
_PLACE = re.compile(rf"\b(?:in|to|at|near)\s+({_CAPITALISED}(?: {_CAPITALISED})*)")
_UNITS = {"age": r"\b(\d+)[ -]years?[ -]old|aged (\d+)|age (?:is |of )?(\d+)", "phone": r"(\+?\d[\d ()-]{6,20}\d)"}
_PATTERNS: Mapping[str, str] = {
    **_UNITS,
    "email": r"(?<![\w.+-])([\w.+-]+@[\w-]+(?:\.[\w-]+)+)",
    "url": r"(https?://[^\s,;]+?)(?=[.,;]?(?:\s|$))",
    "time": r"\b(\d{1,2}:\d{2}(?:\s?[ap]\.?m\.?)?|\d{1,2}\s?[ap]m)\b",
    "number": r"(?<![\w.-])(-?\d[\d,]*(?:\.\d+)?)(?![\w-])",
    "identifier": r"(?:#|\b(?:no\.?|number|id|order|invoice|ticket)\s*#?:?\s*)([A-Z]*-?\d[\w-]*)|\b([A-Z]{2,}-\d+)\b",
}
_KINDS = (
    ("email", "email|e-mail|mail"),
    ("phone", "phone|telephone|mobile"),
    ("url", "url|website|link"),
    ("date", "date|day|due|deadline|when"),
    ("time", "time|hour"),
    ("price", "price|amount|cost|total|sum|fee|salary|paid"),
    ("age", "age"),
    ("identifier", "id|order_number|invoice_number|ticket|order|invoice|reference|number_of_order"),
    ("number", "number|quantity|count|qty|items|people|guests|size"),
    ("company", "company|organisation|organization|employer"),
    ("place", "city|place|location|country|town|destination|venue"),
    ("name", "name|person|customer|sender|author|who|contact|employee|speaker"),
)
LONGEST_TEXT = 8000
LONGEST_NUMBER = 30


def answer(user: str, system: str = "", fields: tuple[str, ...] | None = None) -> Answer | None:
    """What is to be found in a text that *user* brings along; the task may stand in *system*.

    *fields* are the keys of the JSON that is wanted; None where no JSON is. Returns None where that is not the task.
    """
    text = _text_of(user)
    if text is None and _TASK.search(system.lower()):
        text = user[:LONGEST_TEXT]
    if text is None:
        return None
    task = f"{system}\n{user.replace(text, ' ')}".lower()
    if not (_TASK.search(task) or (_ASKS.search(task) and fields is None and _LABELLED.search(user))):
        return None
    if fields is not None:
        facts = {field: _value(field, text, as_json=True) for field in fields or _kinds_asked(task)}
        return _as_json(facts) if any(value is not None for value in facts.values()) else None
    return _one(_kinds_asked(task)[:1], text)


def kind_of(field: str) -> str | None:
    """What kind of thing a field holds by its name: ``date`` for "due date"; None where the name does not say."""
    return _kind(field.lower().replace("_", " ").strip())


def every(kind: str, text: str) -> list[str]:
    """Everything in *text* that looks like a *kind*, one of those of `kind_of`, in order."""
    return _all(kind, text[:LONGEST_TEXT])


def value(field: str, text: str) -> object:
    """What *text* says about *field*, as JSON has it; None where it says nothing."""
    return _value(field, text[:LONGEST_TEXT], as_json=True)


def _one(kinds: tuple[str, ...], text: str) -> Answer | None:
    known = [(kind, _value(kind, text, as_json=False)) for kind in kinds]
    for kind, value in known:
        if value is not None:
            return Answer(
                family="extraction",
                text=str(value),
                sentence=f"The {kind} is {{}}.",
                wrong=_others(kind, text, str(value)),
                facts={kind: value},
            )
    return None


def _text_of(question: str) -> str | None:
    """The text to be read: after a label or a first line, between quotation marks, or after a colon."""
    if found := _LABELLED.search(question):
        rest = question[found.end() :].strip()
        if len(rest.split()) > 2:
            return rest[:LONGEST_TEXT]
    if "\n" in question.strip():
        rest = question.strip().split("\n", 1)[1].strip()
        return rest.strip("\"'")[:LONGEST_TEXT] or None
    marked = [part for part in quoted(question) if len(part.split()) > 2]
    if marked:
        return max(marked, key=len)[:LONGEST_TEXT]
    if found := re.search(r"(?:from|in|json|following|this)[^:\n]{0,60}:\s+(\S.*)$", question, re.IGNORECASE):
        return found[1][:LONGEST_TEXT]
    return None


def _kinds_asked(task: str) -> tuple[str, ...]:
    found = []
    for kind, words in _KINDS:
        match = re.search(rf"\b(?:{words.replace('_', ' ')})(?:s|es)?\b", task)
        if match:
            found.append((match.start(), kind))
    return tuple(kind for _, kind in sorted(found))


def _value(field: str, text: str, *, as_json: bool) -> object:
    """What *text* says about *field*: of a line ``field: value``, else what looks like such a thing."""
    plain = field.lower().replace("_", " ").strip()
    pairs = {key.lower(): value.strip() for key, value in _PAIR.findall(text)}
    kind = _kind(plain)
    if plain in pairs:
        return _typed(pairs[plain], kind) if as_json else pairs[plain]
    if kind is None:
        return None
    found = next(iter(_all(kind, text)), None)
    return _typed(found, kind) if as_json and found is not None else found


def _kind(field: str) -> str | None:
    for kind, words in _KINDS:
        if re.search(rf"(?:^|\s)(?:{words.replace('_', ' ')})s?(?:\s|$)", field):
            return kind
    return None


def _typed(value: str, kind: str | None) -> object:
    number = re.fullmatch(r"[$€£]?\s?(-?\d[\d,]*(?:\.\d+)?)", value)
    if number is None or len(value) > LONGEST_NUMBER or kind in ("identifier", "phone", "date", "time"):
        return value
    digits = number[1].replace(",", "")
    return float(digits) if "." in digits else int(digits)


def _all(kind: str, text: str) -> list[str]:
    """Everything in *text* that looks like a *kind*, in order."""
    finders: Mapping[str, Callable[[str], list[str]]] = {
        "date": lambda t: [found for pattern in _DATES for found in re.findall(pattern, t)],
        "price": lambda t: [first or second for first, second in re.findall(_PRICE, t)],
        "company": _COMPANY.findall,
        "place": lambda t: [place for place in _PLACE.findall(t) if place not in _NOT_NAMES],
        "name": _names,
    }
    if kind in finders:
        return finders[kind](text)
    flags = re.IGNORECASE if kind in ("identifier", "time", "age") else 0
    return [next(filter(None, found.groups())) for found in re.finditer(_PATTERNS[kind], text, flags)]


def _names(text: str) -> list[str]:
    named = [found for found in _NAMED.findall(text) if found.split()[0] not in _NOT_NAMES]
    whole = []
    for match in _NAME.findall(text):
        words = match.split()
        while words and words[0] in _NOT_NAMES:
            words.pop(0)
        if len(words) > 1:
            whole.append(" ".join(words))
    return whole + [name for name in named if not any(name in other for other in whole)]


def _others(kind: str, text: str, right: str) -> tuple[str, ...]:
    others = [value for value in _all(kind, text) if value != right]
    return (*others, right[:-1] or "unknown", "not stated")


def _as_json(facts: Mapping[str, object]) -> Answer:
    wrong: list[Mapping[str, object]] = []
    for field, value in facts.items():
        if value is None:
            continue
        wrong.append({**facts, field: None})
        if isinstance(value, int | float):
            wrong.append({**facts, field: value + 10})
        elif isinstance(value, str) and " " in value:
            wrong.append({**facts, field: value.split(" ", maxsplit=1)[0]})
    return Answer(
        family="extraction",
        text=json.dumps(facts, ensure_ascii=False),
        sentence="{}",
        wrong=tuple(json.dumps(other, ensure_ascii=False) for other in wrong),
        facts=facts,
        wrong_facts=tuple(wrong),
        difficulty=0.5 + 0.25 * len(facts),
    )
