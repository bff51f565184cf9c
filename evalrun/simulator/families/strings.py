"""Work on words: turn round, change case, count, sort, pick letters, find palindromes."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

from evalrun.simulator.answer import Answer, quoted, wrong_numbers

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_AFTER_NOUN = re.compile(
    r"\b(?:word|words|phrase|sentence|string|text|letters of|name|list)\s*:?\s+([^\s\"'“‘`:?.!,]+)"
)
_VOWELS = "aeiou"
LONGEST_OPERAND = 2000
_NOT_WORDS = frozenset(
    ["in", "of", "is", "the", "this", "that", "has", "have", "are", "a", "an", "list", "with", "backwards", "from"]
)


def answer(question: str) -> Answer | None:
    """The answer to a question about a word or a text; None where *question* is none."""
    text = question.lower()
    if not re.search(
        r"revers|backward|upper|lower|capital letter|title case|how many|number of|count|sort|alphabetical|"
        r"\bletters?\b|\bwords?\b|palindrome|repeat|replace|remove|without|acronym|initials|vowel|hyphen",
        text,
    ):
        return None
    for rule in (_palindrome, _count, _replaced, _picked, _sorted, _changed):
        found = rule(question, text)
        if found is not None:
            return found
    return None


def _operand(question: str) -> str | None:
    """What is to be worked on: the last quoted part, what follows a colon, or the word after "word"."""
    marked = quoted(question)
    if marked:
        return marked[-1][:LONGEST_OPERAND]
    if found := re.search(r":\s*(\S[^\n]*)\s*$", question):
        return found[1].strip().rstrip(".?!")[:LONGEST_OPERAND] or None
    named = [word for word in _AFTER_NOUN.findall(question) if word.lower() not in _NOT_WORDS]
    if named:
        return str(named[-1])
    last = re.search(
        r"\b(?:in|of|does|reverse|spell|capitalize)\s+([^\W\d_]+)(?:\s+(?:backwards|have|contain))?\s*[?.!]*$", question
    )
    return last[1] if last and last[1].lower() not in _NOT_WORDS else None


def _difficulty(operand: str, factor: float) -> float:
    return min(2.0, factor * (0.5 + len(operand) / 14))


def _text(result: str, operand: str, sentence: str, wrong: list[str], factor: float = 1.0) -> Answer:
    others = tuple(dict.fromkeys(other for other in wrong if other and other != result))
    return Answer(
        family="strings",
        text=result,
        sentence=sentence,
        wrong=others or (result + result[-1:],),
        facts=dict.fromkeys(("answer", "result", "word", "text", "output", "reversed"), result),
        difficulty=_difficulty(operand, factor),
    )


def _number(result: int, operand: str, sentence: str, factor: float = 1.0) -> Answer:
    from_zero = tuple(text for text in wrong_numbers(Fraction(result)) if not text.startswith("-"))
    return Answer(
        family="strings",
        text=str(result),
        sentence=sentence,
        wrong=from_zero[:3],
        facts=dict.fromkeys(("answer", "result", "count", "number"), result),
        difficulty=_difficulty(operand, factor),
    )


def _slips(result: str) -> list[str]:
    """The text with two neighbours swapped, one letter lost, or one doubled."""
    middle = len(result) // 2
    swapped = result[: middle - 1] + result[middle : middle + 1] + result[middle - 1 : middle] + result[middle + 1 :]
    return [
        swapped if middle else "",
        result[:middle] + result[middle + 1 :],
        result[:middle] + result[middle:][:1] + result[middle:],
    ]


def _palindrome(question: str, text: str) -> Answer | None:
    operand = _operand(question) if "palindrome" in text else None
    if operand is None:
        named = re.search(r"\bis\s+([^\W\d_]+)\s+a palindrome", text)
        if named is None:
            return None
        operand = named[1]
    letters = [char for char in operand.lower() if char.isalnum()]
    right, wrong = ("Yes", "No") if letters == letters[::-1] else ("No", "Yes")
    facts = {"answer": right, "palindrome": right == "Yes", "is_palindrome": right == "Yes"}
    return Answer(family="strings", text=right, sentence="{}.", wrong=(wrong,), facts=facts, difficulty=0.9)


def _count(question: str, text: str) -> Answer | None:
    if not re.search(r"\bhow many\b|\bcount\b|\bnumber of\b|\bhow often\b", text):
        return None
    operand = _operand(question)
    if operand is None:
        return None
    lower = operand.lower()
    one = re.search(
        r"\bletter\s+[\"'“‘`]?([a-z])\b|\bmany\s+[\"'“‘`]?([a-z])['’\"”`]?s?\b(?!\w)|[\"'“‘`]([a-z])[\"'”’`]", text
    )
    if one:
        letter = next(filter(None, one.groups()))
        return _number(lower.count(letter), operand, f"The letter {letter} appears {{}} times.", 1.3)
    things: tuple[tuple[str, int], ...] = (
        ("vowel", sum(char in _VOWELS for char in lower)),
        ("consonant", sum(char.isalpha() and char not in _VOWELS for char in lower)),
        ("word", len(operand.split())),
        ("letter", sum(map(str.isalpha, operand))),
        ("character", len(operand)),
    )
    asked = re.search(
        r"(?:how many|count|number of)\s+(?:the\s+)?(?:number of\s+)?(vowel|consonant|word|letter|character)", text
    )
    if asked is None:
        return None
    number = dict(things)[asked[1]]
    return _number(number, operand, f"There are {{}} {asked[1]}s.", 1.1)


def _replaced(question: str, text: str) -> Answer | None:
    marked = quoted(question)
    if found := re.search(r"\breplace\b.*\bwith\b", text):
        letters = re.search(
            r"replace (?:every|each|all|the)?\s*(?:letter\s+)?\W?(\w)\W?s?\s+with\s+(?:the letter\s+)?\W?(\w)\W?\s",
            text,
        )
        operand = _operand(question)
        if found and letters and operand:
            result = operand.replace(letters[1], letters[2])
            return _text(result, operand, "{}", [operand, *_slips(result)])
        return None
    if re.search(r"\bremove\b.*\bvowels\b|\bwithout (?:its |the )?vowels\b", text) and (operand := _operand(question)):
        result = "".join(char for char in operand if char.lower() not in _VOWELS)
        return _text(result, operand, "{}", [operand, *_slips(result)], 1.1)
    if re.search(r"\bremove\b.*\bspaces\b", text) and marked:
        return _text(marked[-1].replace(" ", ""), marked[-1], "{}", [marked[-1]])
    return None


def _picked(question: str, text: str) -> Answer | None:
    operand = _operand(question)
    if operand is None:
        return None
    which = re.search(rf"\b({'|'.join(_ORDINALS)}|last|longest|shortest)\s+(letter|character|word)\b", text)
    if which:
        parts = operand.split() if which[2] == "word" else [char for char in operand if not char.isspace()]
        name = which[1]
        if name in ("longest", "shortest"):
            chosen = (max if name == "longest" else min)(parts, key=len)
        else:
            at = -1 if name == "last" else _ORDINALS.index(name)
            if at >= len(parts):
                return None
            chosen = parts[at]
        return _text(
            chosen, operand, f"The {name} {which[2]} is {{}}.", [part for part in parts if part != chosen], 0.8
        )
    if re.search(r"\b(?:acronym|initials|first letters of)\b", text):
        result = "".join(word[0].upper() for word in operand.split())
        return _text(result, operand, "{}", _slips(result))
    return None


def _sorted(question: str, text: str) -> Answer | None:
    if not re.search(r"\bsort\b|\balphabetical", text):
        return None
    operand = _operand(question)
    if operand is None:
        return None
    back = bool(re.search(r"\b(?:descending|reverse|z to a|largest to smallest)\b", text))
    if "letters" in text and not re.search(r"[\s,]", operand):
        result = "".join(sorted(operand, key=str.lower, reverse=back))
        return _text(result, operand, "{}", _slips(result), 1.2)
    parts = [part for part in re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+|\s+", operand.strip()) if part]
    numeric = all(re.fullmatch(r"-?\d+(?:\.\d+)?", part) for part in parts)
    key: Callable[[str], tuple[float, str]] = lambda part: (float(part) if numeric else 0.0, part.lower())  # noqa: E731
    ordered = sorted(parts, key=key, reverse=back)
    if len(ordered) < 2:
        return None
    swapped = [ordered[1], ordered[0], *ordered[2:]]
    last = [*ordered[:-2], ordered[-1], ordered[-2]]
    return Answer(
        family="strings",
        text=", ".join(ordered),
        sentence="{}",
        wrong=(", ".join(swapped), ", ".join(last)),
        items=tuple(ordered),
        facts=dict.fromkeys(("sorted", "result", "answer", "words", "numbers", "items"), ordered),
        difficulty=_difficulty(operand, 0.8),
    )


def _changed(question: str, text: str) -> Answer | None:
    operand = _operand(question)
    if operand is None:
        return None
    if re.search(r"\brevers|\bbackward", text):
        if re.search(r"\b(?:order of (?:the )?words|words in reverse|word order)\b", text):
            result = " ".join(reversed(operand.split()))
        else:
            result = operand[::-1]
        return _text(result, operand, "{}", [*_slips(result), operand], 1.3)
    cases: tuple[tuple[str, Callable[[str], str]], ...] = (
        (r"\bupper[- ]?case\b|\bcapital letters\b|\ball caps\b", str.upper),
        (r"\blower[- ]?case\b|\bsmall letters\b", str.lower),
        (r"\btitle case\b|\bcapitalize\b", str.title),
        (r"\bhyphens?\b", lambda words: "-".join(words.split())),
    )
    for pattern, change in cases:
        if re.search(pattern, text) and quoted(question):
            return _text(change(operand), operand, "{}", [operand, *_slips(change(operand))], 0.6)
    if found := re.search(r"\brepeat\b.*?\b(\d|twice|two|three|four|five)\b", text):
        times = {"twice": 2, "two": 2, "three": 3, "four": 4, "five": 5}.get(found[1]) or int(found[1])
        result = " ".join([operand] * times)
        return _text(result, operand, "{}", [" ".join([operand] * (times + 1)), operand], 0.6)
    return None
