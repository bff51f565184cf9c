"""Arithmetic: expressions, percentages, averages and the like. Exact, in fractions."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction

from evalrun.simulator.answer import Answer, number_text, number_value, wrong_numbers
from evalrun.simulator.families import stories

NUMBER = r"-?\$?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|-?\$?\d+(?:\.\d+)?"
LARGEST_POWER = 64
LARGEST_BITS = 512
LONGEST_EXPRESSION = 200

_WORDS = (
    (r"\bdivided by\b", "/"),
    (r"\b(?:multiplied by|times)\b", "*"),
    (r"\bplus\b", "+"),
    (r"\bminus\b", "-"),
    (r"\bto the power of\b", "^"),
    (r"\bsquared\b", "^2"),
    (r"\bcubed\b", "^3"),
    (r"(?<=\d)\s*x\s*(?=\d)", "*"),
    (r"\*\*", "^"),
    (r"[×·]", "*"),
    (r"[÷:](?=\s*\d)", "/"),
    (r"[−–]", "-"),
)
_EXPRESSION = re.compile(r"[(\d$-][\d\s.,$+*/^()-]{0,300}[\d)]")
_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d\d?/\d\d?/\d{4}")
_TOO_LONG = re.compile(r"[\d,]{40}")
_TOKEN = re.compile(r"\$?(\d[\d,]*(?:\.\d+)?)|([-+*/^()])")


def answer(question: str) -> Answer | None:
    """The answer to a question of arithmetic; None where *question* is none."""
    if _TOO_LONG.search(question):
        return None
    for rule in (_percent, _list_of_numbers, _comparison, _single, _expression):
        found = rule(question)
        if found is not None:
            return found
    story = stories.solve(question)
    return story if story is None else _answer(story, "The answer is {}.", difficulty=1.6)


def numbers(text: str) -> list[Fraction]:
    """The numbers that *text* mentions, in order."""
    return [value_of(found) for found in re.findall(NUMBER, text)]


def value_of(text: str) -> Fraction:
    """The value of a number as written: with thousands' commas and a dollar sign, or without."""
    return Fraction(text.replace(",", "").replace("$", ""))


def _answer(value: Fraction, sentence: str, *, difficulty: float, wrong: tuple[str, ...] = ()) -> Answer:
    said = number_value(value)
    names = ("answer", "result", "value", "number", "total", "sum")
    return Answer(
        family="arithmetic",
        text=number_text(value),
        sentence=sentence,
        wrong=wrong or wrong_numbers(value),
        facts=dict.fromkeys(names, said),
        difficulty=difficulty,
    )


def _percent(question: str) -> Answer | None:
    percent = rf"({NUMBER})\s*(?:%|percent|per cent)"
    text = question.lower()
    if found := re.search(rf"{percent}\s+of\s+({NUMBER})", text):
        part, whole = map(value_of, found.groups())
        sentence = f"{number_text(part)}% of {number_text(whole)} is {{}}."
        return _answer(part * whole / 100, sentence, difficulty=1.1)
    if found := re.search(rf"percent(?:age)?\s+of\s+({NUMBER})\s+is\s+({NUMBER})", text):
        whole, part = map(value_of, found.groups())
        return _answer(part * 100 / whole, "It is {} percent.", difficulty=1.3) if whole else None
    rate = re.search(percent, text)
    if rate is None:
        return None
    others = [value_of(n) for n in re.findall(NUMBER, text[: rate.start()] + text[rate.end() :])]
    if len(others) != 1:
        return None
    share = value_of(rate[1]) / 100
    if re.search(r"\b(?:off|discount|reduced|decreas\w+|less|cheaper|falls?|fell|drops?)\b", text):
        share = -share
    elif not re.search(r"\b(?:increas\w+|rais\w+|more|rises?|rose|add\w*|grows?|grew|tax|tip)\b", text):
        return _answer(others[0] * share, "The answer is {}.", difficulty=1.3)
    return _answer(others[0] * (1 + share), "The answer is {}.", difficulty=1.4)


def _list_of_numbers(question: str) -> Answer | None:
    head = re.search(
        r"\b(average|mean|sum|total|product|difference|largest|biggest|greatest|smallest|lowest|maximum|minimum)\s+"
        r"(?:number\s+)?(?:of|between|among)\b",
        question.lower(),
    )
    values = numbers(question[head.end() :]) if head else []
    if head is None or len(values) < 2:
        return None
    name = head[1]
    rules: dict[str, Callable[[list[Fraction]], Fraction]] = {
        "average": lambda v: sum(v, Fraction(0)) / len(v),
        "sum": lambda v: sum(v, Fraction(0)),
        "product": lambda v: math.prod(v, start=Fraction(1)),
        "difference": lambda v: abs(v[0] - v[1]),
        "largest": max,
        "smallest": min,
    }
    same = {"mean": "average", "total": "sum", "biggest": "largest", "greatest": "largest", "maximum": "largest"}
    rule = {**same, "lowest": "smallest", "minimum": "smallest"}.get(name, name)
    wrong = tuple(map(number_text, values)) if rule in ("largest", "smallest") else ()
    right = rules[rule](values)
    others = tuple(text for text in wrong if text != number_text(right))
    return _answer(right, f"The {name} is {{}}.", difficulty=0.6 + 0.15 * len(values), wrong=others)


def _comparison(question: str) -> Answer | None:
    text = question.lower()
    found = re.search(r"\b(larger|bigger|greater|higher|more|smaller|less|lower)\b", text)
    values = numbers(question)
    if found is None or len(values) != 2 or values[0] == values[1]:
        return None
    most = found[1] in ("larger", "bigger", "greater", "higher", "more")
    if asked := re.search(rf"\bis\s+({NUMBER})\s+(?:{found[1]})\s+than\s+({NUMBER})", text):
        first, second = map(value_of, asked.groups())
        yes = (first > second) == most
        return Answer(family="arithmetic", text="Yes" if yes else "No", sentence="{}.", wrong=("No" if yes else "Yes",))
    if re.search(r"\bhow (?:many|much)\b", text):
        return None
    right, other = (max(values), min(values)) if most else (min(values), max(values))
    return _answer(right, f"{{}} is {found[1]}.", difficulty=1.2, wrong=(number_text(other),))


def _single(question: str) -> Answer | None:
    text = question.lower()
    if found := re.search(rf"square root of\s+({NUMBER})", text):
        value = value_of(found[1])
        if value < 0:
            return None
        root = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
        exact = root if root * root == value else Fraction(math.sqrt(value))
        return _answer(exact, f"The square root of {found[1]} is {{}}.", difficulty=1.0)
    if found := re.search(rf"\b(half|twice|double|triple|a third|a quarter)\s+(?:of\s+)?({NUMBER})", text):
        factors = {"half": Fraction(1, 2), "twice": Fraction(2), "double": Fraction(2), "triple": Fraction(3)}
        factor = {**factors, "a third": Fraction(1, 3), "a quarter": Fraction(1, 4)}[found[1]]
        return _answer(value_of(found[2]) * factor, f"{found[0].capitalize()} is {{}}.", difficulty=0.8)
    if found := re.search(rf"remainder (?:when|of|if)\s+({NUMBER})\D+({NUMBER})", text):
        value, divisor = map(value_of, found.groups())
        return _answer(value % divisor, "The remainder is {}.", difficulty=1.4) if divisor else None
    if found := re.search(r"\bis\s+(\d{1,9})\s+(?:a\s+|an\s+)?(prime|even|odd)\b", text):
        number = int(found[1])
        yes = {"prime": _is_prime(number), "even": number % 2 == 0, "odd": number % 2 == 1}[found[2]]
        return Answer(family="arithmetic", text="Yes" if yes else "No", sentence="{}.", wrong=("No" if yes else "Yes",))
    return None


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % divisor for divisor in range(2, math.isqrt(number) + 1))


def signed(question: str) -> str:
    """*question* in small letters, with signs for the words of reckoning: ``3 * 4`` for "3 times 4"."""
    text = question.lower()
    for pattern, sign in _WORDS:
        text = re.sub(pattern, sign, text)
    return text


def _expression(question: str) -> Answer | None:
    text = signed(question)
    best: tuple[int, str, Fraction] | None = None
    for match in _EXPRESSION.finditer(text):
        expression = " ".join(match.group().split())
        tokens = [number or sign for number, sign in _TOKEN.findall(expression)]
        if (
            len(expression) > LONGEST_EXPRESSION
            or _DATE.fullmatch(expression)
            or not any(sign in tokens[1:] for sign in "+-*/^")
        ):
            continue
        value = _Reading(tokens).value()
        if value is not None and (best is None or len(tokens) > best[0]):
            best = (len(tokens), expression, value)
    if best is None:
        return None
    size, expression, value = best
    digits = sum(map(str.isdigit, expression))
    return _answer(value, f"{expression} = {{}}", difficulty=min(2.0, 0.2 + 0.1 * size + 0.1 * digits))


def _within(value: Fraction) -> Fraction:
    """The value itself, if it is of a size that a model would work out. Raises ValueError."""
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > LARGEST_BITS:
        raise ValueError(value)
    return value


class _Reading:
    """One expression, read from left to right by the usual precedence. The one thing that changes is `_at`."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0

    def value(self) -> Fraction | None:
        """What the whole expression is; None where it is none."""
        try:
            value = self._sum()
        except (ValueError, ArithmeticError, RecursionError):
            return None
        return value if self._at == len(self._tokens) else None

    def _next(self, signs: str) -> str | None:
        if self._at < len(self._tokens) and self._tokens[self._at] in signs:
            self._at += 1
            return self._tokens[self._at - 1]
        return None

    def _sum(self) -> Fraction:
        value = self._product()
        while sign := self._next("+-"):
            term = self._product()
            value = _within(value + term if sign == "+" else value - term)
        return value

    def _product(self) -> Fraction:
        value = self._power()
        while sign := self._next("*/"):
            factor = self._power()
            value = _within(value * factor if sign == "*" else value / factor)
        return value

    def _power(self) -> Fraction:
        if self._next("-"):
            return -self._power()
        base = self._atom()
        if not self._next("^"):
            return base
        exponent = self._power()
        if exponent.denominator != 1 or abs(exponent) > LARGEST_POWER:
            raise ValueError(exponent)
        return _within(Fraction(base**exponent.numerator))

    def _atom(self) -> Fraction:
        if self._next("("):
            value = self._sum()
            if not self._next(")"):
                raise ValueError(self._at)
            return value
        if self._at == len(self._tokens) or not self._tokens[self._at][0].isdigit():
            raise ValueError(self._at)
        self._at += 1
        return value_of(self._tokens[self._at - 1])
