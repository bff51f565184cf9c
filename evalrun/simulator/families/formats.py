"""Following instructions: what form a reply must have, and tasks that are nothing but form (lists, saying a thing)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from evalrun.simulator.answer import Answer, one_of, quoted

_QUOTE = "\"'“”‘’`"
_INSTRUCTION = re.compile(
    r"\b(?:answer|reply|respond|return|output|give|use|write|end|finish|start|begin|do not|don't)\b.*"
    r"\b(?:words?|numbers?|only|just|json|sentences?|upper|lower|case|capitals?|bullet\w*|list|with|explain|explanation|yes)\b",
    re.IGNORECASE,
)
_NAME = rf"[{_QUOTE}]?[A-Za-z_]\w*[{_QUOTE}]?"
_NAMES = re.compile(
    r"\b(?:keys?|fields?|properties|attributes)(?:\s+(?:named|called))?\s*:?\s+"
    rf"({_NAME}(?:(?:\s*,\s*and\s+|\s*,\s*|\s+and\s+){_NAME})*)"
)
_FORM_HEAD = re.compile(r"\s*(?:answer|reply|respond)\b(?!.*\bexactly\b)", re.IGNORECASE)
_SAY = re.compile(
    r"\W*(?:please )?(?:say|repeat|print|output|write|reply with|respond with|echo)\b([^\n]*)", re.IGNORECASE
)
_BEFORE_WORDS = re.compile(r"^\s*(?:(?:exactly|only|just|the words?|the text)\b\s*)*:?", re.IGNORECASE)
_AFTER_WORDS = re.compile(r"\s(?:and nothing else|in (?:upper|lower) ?case|in capitals?)\b.*$", re.IGNORECASE)
_SHORT = re.compile(
    r"\b(?:only|just) (?:with )?(?:the|a|its)\b|\bnothing (?:else|but)\b|\bno explanation|\bbrief(?:ly)?\b|"
    r"\bas short|\bterse|\bconcise"
)
LONGEST_SAYING = 200
_EXAMPLE_KEYS = re.compile(r"\"([A-Za-z_]\w*)\"\s*:")
_AFTER_FIELDS = frozenset(
    ["from", "of", "in", "for", "with", "and", "only", "to", "as", "are", "is", "an", "the", "object"]
)

LISTS = {
    "days of the week": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "months": "January February March April May June July August September October November December",
    "seasons": "spring summer autumn winter",
    "primary colours": "red yellow blue",
    "primary colors": "red yellow blue",
    "vowels": "a e i o u",
    "planets": "Mercury Venus Earth Mars Jupiter Saturn Uranus Neptune",
    "continents": "Africa Antarctica Asia Europe North-America Oceania South-America",
    "oceans": "Pacific Atlantic Indian Southern Arctic",
    "colours": "red green blue yellow orange purple black white",
    "colors": "red green blue yellow orange purple black white",
    "fruits": "apple banana cherry grape lemon mango orange pear",
    "animals": "cat dog horse cow lion tiger eagle whale",
    "metals": "iron copper gold silver tin zinc",
    "even numbers": "2 4 6 8 10 12 14 16 18 20",
    "odd numbers": "1 3 5 7 9 11 13 15 17 19",
    "prime numbers": "2 3 5 7 11 13 17 19 23 29",
}
_COUNTS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "ten": 10}
_LIST_NAME = re.compile(rf"\b({one_of(list(LISTS))})\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """What is asked of a reply's form. *json_keys* is None where no JSON is wanted, empty where keys are free."""

    json_keys: tuple[str, ...] | None = None
    brevity: Literal["word", "number", "short"] | None = None
    sentence: bool = False
    case: Literal["upper", "lower"] | None = None
    listing: Literal["bullets", "numbers", "commas", "lines"] | None = None
    beginning: str = ""
    ending: str = ""

    @property
    def asks(self) -> int:
        """How many things are asked of the form."""
        flags = (self.json_keys is not None, self.brevity, self.sentence, self.case, self.listing)
        return sum(map(bool, (*flags, self.beginning, self.ending)))


def read(instructions: str) -> Format:
    """The form that *instructions* (system and user text together) ask for."""
    text = instructions.lower()
    return Format(
        json_keys=_json_keys(instructions, text),
        brevity=_brevity(text),
        sentence=bool(re.search(r"\b(?:full|complete|whole|single|one|short) sentence\b|\bin a sentence\b", text)),
        case=_case(text),
        listing=_listing(text),
        beginning=_word_after(r"\b(?:start|begin)(?: \w+){0,3} with", instructions),
        ending=_word_after(r"\b(?:end|finish|close)(?: \w+){0,3} with", instructions),
    )


def question_of(text: str) -> str:
    """*text* without the sentences that are only about the form of the reply; all of it where nothing else is there."""
    parts = re.split(r"(?<=[.?!])[ \t]+|\n+", text)
    kept = [part for part in parts if not (_INSTRUCTION.search(part) and "?" not in part and ":" not in part)]
    question = "\n".join(kept) if "\n" in text else " ".join(kept)
    if len(kept) == len(parts) or not re.search(r"\w", question):
        question = text
    head, colon, tail = question.partition(":")
    if (
        colon
        and "\n" not in head
        and re.search(r"\w", tail)
        and re.fullmatch(r"[^?.]{0,80}", head)
        and _only_form(head)
    ):
        return tail.strip()
    return question.strip()


def _only_form(head: str) -> bool:
    return _FORM_HEAD.match(head) is not None and _INSTRUCTION.search(head) is not None


def answer(question: str) -> Answer | None:
    """The answer to a task that is nothing but form: a list that everybody knows, or words to be said."""
    text = question.lower()
    if found := _LIST_NAME.search(text):
        return _list(text, found[1])
    said = _SAY.match(question)
    if said is None:
        return None
    marked = quoted(said[1])
    words = marked[0].strip() if marked else _AFTER_WORDS.sub("", _BEFORE_WORDS.sub("", said[1])).strip(" .")
    if not 0 < len(words) <= LONGEST_SAYING:
        return None
    wrong = (words + " " + words, words[:-1] or "no", f"Sure! {words}")
    return Answer(family="formats", text=words, sentence="{}", wrong=wrong, exact=True, difficulty=0.8)


def _list(text: str, name: str) -> Answer:
    every = tuple(item.replace("-", " ") for item in LISTS[name].split())
    count = re.search(rf"\b(\d{{1,2}}|{'|'.join(_COUNTS)})\s+(?:\w+\s+)?{name}", text)
    size = len(every) if count is None else _COUNTS.get(count[1]) or int(count[1])
    items = every[: max(1, size)]
    if re.search(r"\bhow many\b", text):
        return Answer(
            family="formats",
            text=str(len(every)),
            sentence="There are {}.",
            wrong=(str(len(every) - 1), str(len(every) + 1)),
        )
    if found := re.search(r"\b(first|last)\b", text):
        right, other = (every[0], every[-1]) if found[1] == "first" else (every[-1], every[0])
        if count is None:
            return Answer(family="formats", text=right, wrong=(other, every[1]))
    missing, more = items[:-1] or every[1:2], every[: len(items) + 1]
    return Answer(
        family="formats",
        text=", ".join(items),
        sentence="{}",
        wrong=tuple(", ".join(other) for other in (missing, more) if other != items),
        items=items,
        facts={key: list(items) for key in (name, name.split()[0], "items", "list", "answer", "result")},
        difficulty=0.7 + 0.05 * len(items),
    )


def _brevity(text: str) -> Literal["word", "number", "short"] | None:
    if re.search(r"\b(?:one|a single|single|exactly one)[- ]word\b|\b(?:yes or no|true or false)\b", text):
        return "word"
    number = r"(?:number|integer|digits?|numeral|figure|result)"
    if re.search(
        rf"\b(?:only|just|single|plain|bare)\b[\w ]{{0,24}}\b{number}\b|\b{number}s?(?: and nothing| only| alone)", text
    ):
        return "number"
    if _SHORT.search(text):
        return "short"
    return None


def _case(text: str) -> Literal["upper", "lower"] | None:
    if re.search(
        r"\b(?:in|use|using|all)\s+(?:only |all )?(?:upper[- ]?case|capital letters|capitals|caps|block letters)\b",
        text,
    ):
        return "upper"
    return (
        "lower"
        if re.search(r"\b(?:in|use|using|all)\s+(?:only |all )?(?:lower[- ]?case|small letters)\b", text)
        else None
    )


def _listing(text: str) -> Literal["bullets", "numbers", "commas", "lines"] | None:
    kinds: tuple[tuple[str, Literal["bullets", "numbers", "commas", "lines"]], ...] = (
        (r"\bbullet(?:s|ed)?\b|\bbullet points?\b", "bullets"),
        (r"\bnumbered list\b", "numbers"),
        (r"\bone (?:\w+ )?(?:per|on each|in each|a) line\b|\beach on (?:its|a) (?:own|new|separate) line\b", "lines"),
        (r"\bcomma[- ]separated\b|\bseparated by commas?\b", "commas"),
    )
    return next((kind for pattern, kind in kinds if re.search(pattern, text)), None)


def _word_after(pattern: str, instructions: str) -> str:
    found = re.search(rf"{pattern}\s+(?:the (?:word|words|phrase|sentence|text)\s+)?(.+)", instructions, re.IGNORECASE)
    if found is None:
        return ""
    marked = quoted(found[1])
    if marked and found[1].lstrip()[:1] in _QUOTE:
        return marked[0]
    word = re.match(r"[^\s.,;:]+", found[1])
    return word[0] if word and word[0].lower() not in ("a", "an", "the") else ""


def _json_keys(instructions: str, text: str) -> tuple[str, ...] | None:
    if not re.search(r"\bjson\b", text) or re.search(r"\b(?:no|not|without) json\b", text):
        return None
    names: list[str] = []
    for found in _NAMES.findall(instructions):
        names += [name for name in re.findall(r"[A-Za-z_]\w*", found) if name.lower() not in _AFTER_FIELDS]
        if names:
            return tuple(dict.fromkeys(names))
    if example := _EXAMPLE_KEYS.findall(instructions):
        return tuple(dict.fromkeys(example))
    asked = re.search(r"\bextract (?:the |a )?([\w ,]+?)\s+(?:from|as|in|of|and (?:return|reply))\b", text)
    words = re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+", asked[1]) if asked else []
    return tuple(re.sub(r"^(?:the|an?) ", "", word).strip().replace(" ", "_") for word in words if word.strip())
