"""Questions about pictures: what is in them, of which colour, how large. Only what came along can be seen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from evalrun.simulator.answer import NOT_SURE, Answer, quoted, wrong_numbers
from evalrun.simulator.pictures import COLOURS, Sight

UNSEEN = "I cannot see that picture: only its address was given, and I fetch nothing."
_ORDINALS = {"first": 0, "second": 1, "third": 2, "fourth": 3, "last": -1}
_ABOUT = re.compile(
    r"\b(?:picture|image|photo|photograph|drawing|screenshot|shape|square|circle|triangle|rectangle|background|colou?r|"
    r"wide|width|tall|high|height|size|dimensions?|resolution|format|pixels?|see|shows?|shown|describe|depict\w*|it|this|"
    r"there|says?|written)\b"
)
_NOT_THINGS = frozenset(
    re.findall(
        r"[\w']+",
        "is there a an the any in this that picture image photo do does you see show can it of what are some and or",
    )
)
_SHAPES = ("square", "circle", "triangle", "rectangle", "ellipse")


def answer(question: str, sights: Sequence[Sight | None]) -> Answer | None:
    """The answer to a question about pictures, None of which stands for one that cannot be seen; None: it is none."""
    text = question.lower()
    if not _ABOUT.search(text):
        return None
    if re.search(r"\bhow many (?:pictures|images|photos)\b", text):
        return _number(len(sights), "There are {} pictures.")
    seen = _meant(text, sights)
    if seen is None:
        return Answer(family="sights", text=UNSEEN, sentence="{}", wrong=(NOT_SURE.text,), exact=True)
    for rule in (_size, _yes_or_no, _colour, _words, _what):
        found = rule(text, seen)
        if found is not None:
            return found
    return None


def _meant(text: str, sights: Sequence[Sight | None]) -> Sight | None:
    for word, at in _ORDINALS.items():
        if re.search(rf"\b{word} (?:picture|image|photo|one)\b", text) and -len(sights) <= at < len(sights):
            return sights[at]
    return next(filter(None, reversed(sights)), None)


def _number(value: int, sentence: str) -> Answer:
    wrong = tuple(text for text in wrong_numbers(Fraction(value)) if not text.startswith("-"))
    return Answer(family="sights", text=str(value), sentence=sentence, wrong=wrong, facts={"answer": value})


def _size(text: str, seen: Sight) -> Answer | None:
    if re.search(r"\b(?:how wide|width)\b", text):
        return _number(seen.width, "It is {} pixels wide.")
    if re.search(r"\b(?:how (?:tall|high)|height)\b", text):
        return _number(seen.height, "It is {} pixels high.")
    if re.search(r"\bhow many pixels\b", text):
        return _number(seen.width * seen.height, "It has {} pixels.")
    if re.search(r"\b(?:how (?:large|big)|size|dimensions?|resolution)\b", text):
        said = f"{seen.width} × {seen.height} pixels"
        sizes = (f"{seen.height + 1} × {seen.width} pixels", f"{seen.width * 2} × {seen.height} pixels")
        facts = {"width": seen.width, "height": seen.height, "answer": said}
        return Answer(family="sights", text=said, sentence="It is {}.", wrong=sizes, facts=facts)
    if re.search(r"\b(?:format|file type|kind of file)\b", text):
        wrong = tuple(kind for kind in ("JPEG", "PNG", "GIF") if kind != seen.kind)
        return Answer(family="sights", text=seen.kind, sentence="It is a {}.", wrong=wrong)
    return None


def _colour(text: str, seen: Sight) -> Answer | None:
    if not re.search(r"\bcolou?rs?\b", text):
        return None
    right = seen.background if "background" in text and seen.background else seen.subject
    if seen.description:
        right = _described_colour(text, seen.description.lower()) or right
    if not right:
        return Answer(family="sights", text="I cannot tell its colour.", sentence="{}", wrong=("Red",), exact=True)
    return Answer(
        family="sights",
        text=right.capitalize(),
        sentence="It is {}.",
        wrong=tuple(colour.capitalize() for colour in COLOURS if colour != right)[:5],
        facts=dict.fromkeys(("colour", "color", "answer"), right),
        difficulty=0.8,
    )


def _described_colour(text: str, description: str) -> str:
    """The colour of the thing asked for, where the description gives it; else the only one that it names."""
    colours = "|".join(COLOURS)
    for thing in re.findall(r"\b(?:the|its) (\w+)", text):
        if found := re.search(rf"\b({colours}) (?:\w+ )?{re.escape(thing)}\b", description):
            return found[1]
    named = set(re.findall(rf"\b({colours})\b", description))
    return named.pop() if len(named) == 1 else ""


def _words(text: str, seen: Sight) -> Answer | None:
    if not re.search(r"\b(?:says?|written|text|words?|reads?)\b", text) or not (marked := quoted(seen.description)):
        return None
    said = marked[0]
    return Answer(family="sights", text=said, sentence='It says "{}".', wrong=(said[:-1] or "nothing", said[::-1]))


def _yes_or_no(text: str, seen: Sight) -> Answer | None:
    if not re.match(r"\W*(?:is|are|does|do|can)\b", text):
        return None
    things = [word for word in re.findall(r"[a-z]+", text) if word not in _NOT_THINGS]
    shown = set(re.findall(r"[a-z]+", f"{seen.description} {seen.subject} {seen.shape} {seen.background}".lower()))
    if not things:
        return None
    yes = all(thing in shown or thing.removesuffix("s") in shown for thing in things)
    right, wrong = ("Yes", "No") if yes else ("No", "Yes")
    return Answer(family="sights", text=right, sentence="{}.", wrong=(wrong,), facts={"answer": right})


def _what(text: str, seen: Sight) -> Answer | None:
    if "shape" in text and seen.shape:
        wrong = tuple(shape for shape in _SHAPES if shape != seen.shape)
        return Answer(family="sights", text=seen.shape, sentence="It is a {}.", wrong=wrong)
    if not re.search(r"\b(?:what|describe|see|shows?|shown|depict\w*)\b", text):
        return None
    said = seen.description.strip().rstrip(".") or _described(seen)
    wrong = ("A cat on a chair", "A page of text", "A map of Europe")
    return Answer(family="sights", text=said, sentence="The picture shows this: {}.", wrong=wrong, difficulty=0.7)


def _described(seen: Sight) -> str:
    if not seen.subject:
        return f"A {seen.kind} of {seen.width} × {seen.height} pixels"
    if not seen.shape:
        return f"Nothing but {seen.subject}"
    return f"A {seen.subject} {seen.shape} on a {seen.background} background"
