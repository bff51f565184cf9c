"""Runs as large as a report must bear: texts of natural variety, made by a seed, as many as are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from random import Random


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ONSETS = _names("b c d f g h l m n p r s t w br ch cl dr fl gr pl pr sh sl st str th tr qu")
_VOWELS = _names("a e i o u ai ea ee io ou")
_CODAS = ("", "", "", "l", "n", "r", "s", "t", "nd", "ng", "nt", "rd", "ck", "ly")
_COMMON = _names(
    "the of and to a in is that it for was on are as with be at this from or by an have not but which one you we "
    "they all were when there can more if will each about how up out then so some her would make like has time two "
    "no way could than first been who its now find day part over new take only little work place year back most very"
)
VOCABULARY = 5_000
PHRASES = 1_200
SENTENCES = 24_000


class Language:
    """Words by Zipf's law, sentences of words and phrases, and texts of as many characters as wanted.

    Deflate makes 2.8 times less of it, which is what it makes of a good model's English.
    """

    def __init__(self, seed: int = 7) -> None:
        self._chance = Random(seed)
        words = list(_COMMON)
        known = set(words)
        while len(words) < VOCABULARY:
            word = "".join(self._syllable() for _ in range(self._chance.choice((1, 1, 2, 2, 2, 3))))
            if word not in known:
                known.add(word)
                words.append(word)
        weights = list(accumulate(1 / (place + 2.7) for place in range(len(words))))
        self._phrases = [
            self._chance.choices(words, cum_weights=weights, k=self._chance.randint(2, 4)) for _ in range(PHRASES)
        ]
        self._sentences = [self._sentence(words, weights) for _ in range(SENTENCES)]

    def text(self, characters: int) -> str:
        """A text of about so many characters."""
        parts: list[str] = []
        while characters > 0:
            parts.append(self._chance.choice(self._sentences))
            characters -= len(parts[-1]) + 1
        return " ".join(parts)[: characters or None]

    def answer(self) -> str:
        """An answer: 200 characters in the median, 4 kB in one of twenty."""
        if self._chance.random() < 0.05:
            return self.text(4_000)
        return self.text(round(self._chance.lognormvariate(5.27, 0.45)))

    def answers(self, count: int) -> Iterator[str]:
        """So many answers."""
        return (self.answer() for _ in range(count))

    def _syllable(self) -> str:
        return self._chance.choice(_ONSETS) + self._chance.choice(_VOWELS) + self._chance.choice(_CODAS)

    def _sentence(self, words: list[str], weights: list[float]) -> str:
        chosen = []
        for _ in range(self._chance.randint(3, 13)):
            if self._chance.random() < 0.5:
                chosen += self._chance.choice(self._phrases)
            else:
                chosen += self._chance.choices(words, cum_weights=weights)
        for place in range(len(chosen)):
            if self._chance.random() < 0.06:
                chosen[place] = str(self._chance.randint(2, 999))
        return " ".join(chosen).capitalize() + self._chance.choice("....?,")
