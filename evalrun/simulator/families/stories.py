"""Word problems of one or two steps: what is had, what comes, what goes, what is shared or bought at a price each."""

from __future__ import annotations

import re
from fractions import Fraction

_SMALL = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_ASKS = re.compile(r"\bhow (?:many|much|far|long|old)\b")
_SHARES = re.compile(r"\b(?:shar\w+|split\w*|divid\w+|equally|evenly)\b")
_EACH = re.compile(
    r"\b(?:each|per|every|apiece|an hour|a day|a week|a piece)\b|"
    r"^(?:a|an|one) \w+ (?:holds?|has|contains?|costs?|weighs?)\b"
)
_GOES = re.compile(
    r"\b(?:gives?|gave|giving|eats?|ate|loses?|lost|sells?|sold|spends?|spent|uses?|used|breaks?|broke|drops?|dropped|"
    r"removes?|removed|takes?|took|taken|donat\w+|throws?|threw|fl(?:y|ies|ew) away|leaves?|left|dies?|died|fewer|less|"
    r"pays?|paid|rots?|rotten|lends?|lent|drinks?|drank|gets? off|got off|melt\w*|younger|burst)\b"
)
_BOUGHT = re.compile(
    r"\b(\d+)\s+(?:[a-z]+\s+){0,2}(?:at|for|costing)\s+\$?(\d+(?:\.\d+)?)\s+(?:dollars\s+|euros\s+)?(?:each|apiece)"
)
_PACKED = re.compile(r"\b(\d+)\s+([a-z]+)\s+(?:of|with|containing|holding|that hold)\s+(\d+)\b")
_TIMES = re.compile(r"\b(twice|(\d+) times) as (?:many|much)\b")


def solve(question: str) -> Fraction | None:
    """The number that a story asks for; None where it asks for none or is not understood."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", question.lower())
    for value, word in enumerate(_SMALL, start=2):
        text = re.sub(rf"\b{word}\b", str(value), text)
    text = re.sub(r"\ba dozen\b|\bdozen\b", "12", text)
    asks = _ASKS.search(text)
    if asks is None:
        return None
    if times := _TIMES.search(text):
        return _times(text, times)
    told = text
    if not (_SHARES.search(text) or _asks_for_packs(text)):
        text = _BOUGHT.sub(lambda found: _product(found[1], found[2]), text)
        text = _PACKED.sub(lambda found: f"{_product(found[1], found[3])} {found[2]}", text)
    values = [Fraction(found) for found in _NUMBER.findall(text)]
    if len(values) < 2:
        return values[0] if values and text != told else None  # all the story is one purchase
    if len(values) == 2 and (_SHARES.search(text) or _asks_for_packs(text)):
        return max(values) / min(values) if min(values) else None
    if len(values) == 2 and _EACH.search(text):
        return values[0] * values[1]
    return _running_total(text)


def _product(first: str, second: str) -> str:
    value = Fraction(first) * Fraction(second)
    return str(value.numerator) if value.denominator == 1 else f"{float(value):g}"


def _times(text: str, times: re.Match[str]) -> Fraction | None:
    factor = Fraction(times[2] or 2)
    others = [Fraction(found) for found in _NUMBER.findall(text[: times.start()] + text[times.end() :])]
    if len(others) != 1:
        return None
    together = re.search(r"\b(?:together|in all|altogether|in total)\b", text)
    return others[0] * factor + (others[0] if together else 0)


def _asks_for_packs(text: str) -> bool:
    """Whether the things counted are the packs themselves: "30 eggs, 6 to a box: how many boxes"."""
    asked = re.search(
        r"\bhow many (box|bag|pack|packet|row|table|bus|car|group|team|shel|crate|basket|jar|page|trip)", text
    )
    if asked is None:
        return False
    return bool(re.search(rf"\b(?:each|per|every|a|an|in|into) {asked[1]}\w*|{asked[1]}\w* (?:of|hold|carr)", text))


def _running_total(text: str) -> Fraction | None:
    total: Fraction | None = None
    goes = False
    for clause in re.split(r"(?<!\d)[.,;?!]|[.,;?!](?!\d)|\b(?:and|then|but)\b", text):
        found = _NUMBER.findall(clause)
        verb = _GOES.search(clause)
        if verb or re.search(r"\b(?:buys?|bought|gets?|got|finds?|found|receives?|more|adds?|joins?|picks?)\b", clause):
            goes = bool(verb)
        for number in found:
            if total is None:
                total = Fraction(number)
            else:
                total = total - Fraction(number) if goes else total + Fraction(number)
    return total
