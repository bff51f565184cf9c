"""What a question means after what was said before it: "add 5 to that", "and its currency?", "the number I told you".

Earlier replies count as they were given, also where they were wrong.  (pure)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from evalrun.records.message import Message
from evalrun.simulator.answer import Answer, wrong_numbers
from evalrun.simulator.families import arithmetic, countries

_NUMBER = r"-?\d+(?:,\d{3})*(?:\.\d+)?"
_IT = re.compile(
    r"(?<![\"'“‘`])\b"
    r"(?:that|it|this|the (?:result|answer|sum|total|product|last|same)(?: (?:number|result|answer|word))?)\b",
    re.IGNORECASE,
)
_THERE = re.compile(r"\b(?:its|their|that country's|the country's)\b", re.IGNORECASE)
_ORDERS = (
    (rf"\badd\s+({_NUMBER})\s+to\s+({_NUMBER})", r"what is \2 + \1"),
    (rf"\b(?:subtract|take(?: away)?|deduct)\s+({_NUMBER})\s+from\s+({_NUMBER})", r"what is \2 - \1"),
    (rf"\bmultiply\s+({_NUMBER})\s+by\s+({_NUMBER})", r"what is \1 * \2"),
    (rf"\bdivide\s+({_NUMBER})\s+by\s+({_NUMBER})", r"what is \1 / \2"),
    (rf"\bhalve\s+({_NUMBER})", r"what is \1 / 2"),
    (rf"\bsquare\s+({_NUMBER})", r"what is \1 * \1"),
    (rf"\b({_NUMBER})\s+more than\s+({_NUMBER})", r"\2 + \1"),
    (rf"\b({_NUMBER})\s+less than\s+({_NUMBER})", r"\2 - \1"),
)
_SIGNS = {
    "plus": "+", "add": "+", "minus": "-", "subtract": "-", "times": "*", "multiply by": "*", "multiplied by": "*",
    "divide by": "/", "divided by": "/",
}  # fmt: skip
_GO_ON = re.compile(
    rf"\W*(?:(?:and|now|then|so|ok|okay|please|next)\b\W*)*({'|'.join(_SIGNS)})\s+({_NUMBER})(?!\s*(?:to|from|by)\b)",
    re.IGNORECASE,
)
_REMEMBER = re.compile(
    r"(?:^|[.!;,\n]|\bplease|\band)\W{0,8}(?:remember|keep in mind|note|memori[sz]e)\b", re.IGNORECASE
)
_TOLD_EARLIER = re.compile(
    r"\b(?:the|that|my) ((?:\w+ )?\w+) (?:that |which )?(?:i|you) (?:\w+ ){1,4}?(?:remember|earlier|before|about)\b",
    re.IGNORECASE,
)
_TOLD = (
    re.compile(r"\b(?:the|this|my|a) (\w+)\s*:\s*\"?([^\"\n.!?]{1,200})", re.IGNORECASE),
    re.compile(
        r"\b(?:my|the|our) ((?:\w+ ){0,2}\w+) (?:is|are) \"?([^\"\n!?]{1,200}?)\"?(?:[.!?,;]|\n|$)", re.IGNORECASE
    ),
    re.compile(r"\b(?:the|this|my) (\w+) \"?([\w.-]*\w)", re.IGNORECASE),
)
_ASKS_BACK = re.compile(r"\b(?:what|which|who|tell me|do you (?:know|remember))\b", re.IGNORECASE)


def readings(said: str, before: Sequence[Message]) -> Iterator[str]:
    """*said* with what it refers to put in its place, the likeliest reading first; none where it stands for itself."""
    told = _TOLD_EARLIER.search(said)
    if told and (fact := _told(told[1].lower(), before)):
        said = f"{said[: told.start()]}{fact[1]}{said[told.end() :]}"
        yield order(said) or said
    asked, country = countries.attribute_asked(said), countries.country_named(said)
    if asked and not country and (topic := _topic(before)):
        yield (
            _THERE.sub(f"{topic}'s", said)
            if _THERE.search(said)
            else f"{said} That is, what is the {asked} of {topic}?"
        )
    if country and not asked and (earlier := _asked_before(before)):
        yield f"{said} That is, what is the {earlier} of {country}?"
    number = _last_number(before)
    if number is not None:
        if found := _GO_ON.match(said):
            yield f"What is {number} {_SIGNS[found[1].lower()]} {found[2]}?{said[found.end() :]}"
        if _IT.search(said):
            replaced = _IT.sub(number, said, count=1)
            yield order(replaced) or replaced
    if _IT.search(said) and (last := _last_reply(before)):
        yield _IT.sub(lambda _: f'"{last}"', said, count=1)


def order(said: str) -> str | None:
    """An order to reckon as a question: "add 5 to 12" is "what is 12 + 5". None where it is none."""
    for pattern, question in _ORDERS:
        replaced = re.sub(pattern, question, said, count=1, flags=re.IGNORECASE)
        if replaced != said:
            return replaced
    return None


def remembered(said: str, before: Sequence[Message]) -> Answer | None:
    """What was said earlier and is asked back; or that something to be remembered was heard."""
    text = said.lower()
    if "?" not in said and (_REMEMBER.search(said) or re.match(r"\W*my \w+(?: \w+){0,2} (?:is|are) ", text)):
        return Answer(family="talk", text="OK", sentence="{}, I will remember that.", wrong=("I am not sure.",))
    mine = [message.text for message in before if message.role == "user"]
    if re.search(r"\bfirst (?:question|message)\b|\bask (?:you )?first\b", text) and mine:
        return _quote(mine[0])
    if re.search(r"\b(?:repeat|say)\b.*\b(?:again|your|last|that)\b|\bwhat did you (?:say|answer)\b", text):
        last = _last_reply(before)
        return _quote(last) if last else None
    if not _ASKS_BACK.search(said):
        return None
    fact = _told(text, before)
    return _fact(*fact) if fact else None


def _told(text: str, before: Sequence[Message]) -> tuple[str, str] | None:
    """The latest thing that a user told of and that *text*, in small letters, names: what it is, and its value."""
    for message in reversed(before):
        for noun, value in _facts(message.text) if message.role == "user" else ():
            if re.search(rf"\b{re.escape(noun)}\b", text):
                return noun, value
    return None


def _facts(text: str) -> Iterator[tuple[str, str]]:
    """What a user told of things: ("number", "42"), ("favourite colour", "green")."""
    heard = _REMEMBER.search(text)
    for at, pattern in enumerate(_TOLD):
        plainly = at == 1  # "my name is Ada" needs no order to remember it
        for found in pattern.finditer(text, heard.end() if heard and not plainly else 0):
            if heard or plainly:
                yield found[1].lower(), found[2].strip()


def _fact(noun: str, value: str) -> Answer:
    whole = re.fullmatch(r"-?\d{1,15}", value)
    wrong = wrong_numbers(Fraction(value)) if whole else (value[::-1], "I do not remember.")
    known = int(value) if whole else value
    names = (noun, noun.split()[-1], "answer", "value", "result")
    return Answer(
        family="talk", text=value, sentence=f"The {noun} is {{}}.", wrong=wrong, facts=dict.fromkeys(names, known)
    )


def _quote(text: str) -> Answer:
    return Answer(family="talk", text=text, sentence="{}", wrong=("I do not remember.",), exact=True)


def _topic(before: Sequence[Message]) -> str | None:
    """The country that was talked about last."""
    return next(filter(None, (countries.country_named(message.text) for message in reversed(before))), None)


def _asked_before(before: Sequence[Message]) -> str | None:
    users = [message.text for message in reversed(before) if message.role == "user"]
    return next(filter(None, map(countries.attribute_asked, users)), None)


def _last_number(before: Sequence[Message]) -> str | None:
    for message in reversed(before):
        if message.role in ("user", "assistant") and (found := re.findall(arithmetic.NUMBER, message.text)):
            return str(found[-1]).replace(",", "").replace("$", "")
    return None


def _last_reply(before: Sequence[Message]) -> str | None:
    replies = [message.text.strip() for message in before if message.role == "assistant" and message.text.strip()]
    return replies[-1].replace('"', "'").rstrip(".") if replies else None
