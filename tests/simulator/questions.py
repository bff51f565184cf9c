"""Questions made by the hundred, each with what a right answer contains."""

from __future__ import annotations

import random

from evalrun.records.message import Message
from evalrun.simulator.families.country_table import COUNTRIES


def questions(count: int) -> list[tuple[str, str]]:
    """*count* questions of all families, always the same ones."""
    draw = random.Random(5)
    words = ("window", "paper", "quota", "banana", "evaluate", "garden", "simple", "orange", "letters", "mountain")
    made: list[tuple[str, str]] = []
    while len(made) < count:
        first, second = draw.randint(11, 99), draw.randint(11, 99)
        country, word = draw.choice(COUNTRIES), draw.choice(words)
        name = draw.choice(("Maria Lopez", "Ada Byron", "John Smith")), f"user{first}@example.org"
        made += [
            (f"What is {first} * {second}?", str(first * second)),
            (f"Tom has {first + 50} apples and gives {first} to Ann. How many apples are left?", "50"),
            (f"What is the capital of {country.name}? ({first})", country.capital),
            (f"Which country has the capital {country.capital}? ({second})", country.name),
            (f'Reverse the word "{word}{first}".', f"{word}{first}"[::-1]),
            (f'How many letters are in "{word} {word[: first % 5 + 1]}"?', str(len(word) + first % 5 + 1)),
            (f"Extract the email as JSON with the key email.\nText: {name[0]}, {name[1]}, room {second}.", name[1]),
            (f"Reply with exactly: OK {first} {second}", f"OK {first} {second}"),
        ]
    return made[:count]


def asked(question: str, system: str = "Be brief.") -> list[Message]:
    """A conversation of one question."""
    return [Message(role="system", content=system), Message(role="user", content=question)]
