"""Which tool a question calls for: the one whose name, description and parameters share the most words with it.

(pure)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from evalrun.records.message import Tool
from evalrun.simulator.families import arithmetic

_MOMENT = re.compile(r"\b(?:\d{4}-\d\d-\d\d|\d\d?/\d\d?/\d{2,4}|\d\d?:\d\d)\b")
_TIMES = re.compile(r"(?<=\d)\s+times\s+(?=\d)")
_NAME, _DESCRIPTION, _PARAMETER, _OPTION = 3.0, 1.0, 0.5, 0.5
ENOUGH = 1.0
LONGEST_TEXT = 4000
RECKONED = re.compile(r"(?:^|_)(?:expression|formula|equation|calculation)", re.IGNORECASE)
_EXPRESSION = re.compile(r"\(*-?\d[\d.,]*(?:\s*(?:[-+*/^×÷x]|\*\*)\s*\(*-?\d[\d.,]*\)*)+")
_IDLE = frozenset(
    re.findall(
        r"[\w']+",
        "a an and are at be by can could do does for from get give given has have how i if in into is it its "
        "me my of on or please set show tell that the then there this to use using value want was what when "
        "where which who will with you your fetch return find current whether based specific provide provided "
        "number name type some any all one two between about need also first",
    )
)
_SAME = {
    **dict.fromkeys(["warm", "cold", "hot", "rain", "rainy", "sunny", "forecast", "temperature", "climate"], "weather"),
    **dict.fromkeys(["sum", "plus", "addition", "total"], "add"),
    **dict.fromkeys(["product", "multiplication", "multiplied"], "multiply"),
    **dict.fromkeys(["reckon", "computation", "compute", "calculator", "calculation", "arithmetic"], "calculate"),
    **dict.fromkeys(["cost", "expensive", "cheap"], "price"),
    **dict.fromkeys(["lookup", "look", "query"], "search"),
    **dict.fromkeys(["email", "e-mail"], "mail"),
    **dict.fromkeys(["clock", "o'clock"], "time"),
    **dict.fromkeys(["conversion", "exchange"], "convert"),
    **dict.fromkeys(["reservation", "reserve"], "book"),
}


def words_of(text: str) -> frozenset[str]:
    """The words of *text* that mean something, without endings, one for those that mean the same."""
    split = re.sub(r"(?<=[a-z\d])(?=[A-Z])", " ", text[:LONGEST_TEXT])
    found = re.findall(r"[a-zà-ÿ][a-zà-ÿ'-]+|\d+", split.lower().replace("_", " "))
    return frozenset(_stem(_SAME.get(word, word)) for word in found if word not in _IDLE) - {""}


def _stem(word: str) -> str:
    for ending in ("ations", "ation", "ating", "ates", "ated", "ate", "ings", "ing", "ies", "es", "ed", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def fit(tool: Tool, asked: frozenset[str]) -> float:
    """How well *tool* fits a question of these words: 0 not at all, `ENOUGH` well enough to be called."""
    name, description, parameters, options = _words_of_tool(tool.name, tool.description, _spoken(tool.parameters))
    score: float = _NAME * len(name & asked) / max(1, len(name)) + _NAME / 4 * len(name & asked)
    score += _DESCRIPTION * len(description & asked) / max(2.0, len(description) ** 0.5)
    if score:
        score += _PARAMETER * len(parameters & asked) / max(1.0, len(parameters) ** 0.5) + _OPTION * len(
            options & asked
        )
    return score


def best(tools: Sequence[Tool], text: str) -> Tool | None:
    """The tool that fits *text* best; None where none fits. Of two that fit alike, the first.

    Something to reckon is for a tool that takes an expression, whatever its name.
    """
    asked = words_of(_TIMES.sub(" * ", text))
    score, _, tool = max(
        ((fit(tool, asked), -at, tool) for at, tool in enumerate(tools)),
        key=lambda each: each[:2],
        default=(0, 0, None),
    )
    if score >= ENOUGH:
        return tool
    reckons = next((each for each in tools if any(map(RECKONED.search, properties_of(each.parameters)))), None)
    return reckons if reckons and expressions(text) else None


def expressions(text: str) -> list[str]:
    """What *text* gives to reckon: ``3 * 4`` of "what is 3 times 4?"."""
    signed = arithmetic.signed(_MOMENT.sub(" ", text[:LONGEST_TEXT]))
    return [" ".join(found.split()).rstrip(".,") for found in _EXPRESSION.findall(signed)]


def properties_of(parameters: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """A schema's members by name; what is no schema counts as an empty one."""
    members = parameters.get("properties")
    if not isinstance(members, Mapping):
        return {}
    return {str(name): part if isinstance(part, Mapping) else {} for name, part in members.items()}


def _spoken(parameters: Mapping[str, Any]) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """Name, description and options of each parameter."""
    found = []
    for name, part in properties_of(parameters).items():
        options = part.get("enum")
        texts = tuple(map(str, options)) if isinstance(options, list) else ()
        found.append((name, str(part.get("description", "")), texts))
    return tuple(found)


@lru_cache(maxsize=256)
def _words_of_tool(
    name: str, description: str, parameters: tuple[tuple[str, str, tuple[str, ...]], ...]
) -> tuple[frozenset[str], frozenset[str], frozenset[str], frozenset[str]]:
    of_parameters = words_of(" ".join(f"{each} {about}" for each, about, _ in parameters))
    of_options = words_of(" ".join(option for _, _, options in parameters for option in options))
    return words_of(name), words_of(description), of_parameters, of_options
