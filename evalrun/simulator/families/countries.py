"""Countries: capital, currency, language and continent, asked from either end."""

from __future__ import annotations

import re
from collections.abc import Mapping

from evalrun.simulator.answer import Answer, one_of
from evalrun.simulator.families.country_table import ALIASES, COUNTRIES, Country

_BY_NAME = {country.name.lower(): country for country in COUNTRIES}
_BY_ALIAS = {**_BY_NAME, **{alias: _BY_NAME[name.lower()] for alias, name in ALIASES.items()}}
_BY_CAPITAL = {country.capital.lower(): country for country in COUNTRIES}
_COUNTRY = re.compile(rf"(?<!\w)(?:the )?({one_of(list(_BY_ALIAS))})(?!\w)")
_CAPITAL = re.compile(rf"(?<!\w)({one_of(list(_BY_CAPITAL))})(?!\w)")
_CURRENCY = re.compile(rf"\b({one_of(sorted({c.currency.lower() for c in COUNTRIES}))})s?\b")
_CONTINENT = re.compile(rf"\b({one_of(sorted({c.continent.lower() for c in COUNTRIES}))})\b")

_ASKED = {
    "capital": re.compile(r"\bcapitals?\b(?! letter)|\bseat of government\b"),
    "currency": re.compile(r"\bcurrenc(?:y|ies)\b|\bmoney\b|\bpa(?:y|id) with\b"),
    "language": re.compile(r"\blanguages?\b|\b(?:speak|spoken|speaks)\b"),
    "continent": re.compile(r"\bcontinents?\b|\bpart of the world\b"),
}
_SENTENCES = {
    "capital": "The capital of {} is {{}}.",
    "currency": "The currency of {} is the {{}}.",
    "language": "The official language of {} is {{}}.",
    "continent": "{} is in {{}}.",
}
_DIFFICULTY = {"capital": 0.8, "currency": 1.1, "language": 0.9, "continent": 0.7}
_FAMOUS = frozenset(["France", "Germany", "Italy", "Japan", "Spain", "United Kingdom", "United States"])
_WITH_THE = ("Netherlands", "Philippines", "United Kingdom", "United States", "Czech Republic")
_SHOWN_WRONG = 4


def answer(question: str, instructions: str = "") -> Answer | None:
    """The answer to a question about a country; what is asked of it may stand in *instructions*. None: it is none."""
    text = question.lower()
    country = _country_in(text)
    if re.match(r"\W*(?:is|are|does|do)\b", text):
        return _yes_or_no(text, country)
    if country is None or _asks_for_country(text):
        return _from_the_other_end(text)
    if len(set(_COUNTRY.findall(text))) > 1 and (choice := _choice(text)):
        return choice
    asked = _asked(text) or _asked(instructions.lower())
    if asked is None:
        return None
    return _about(country, asked)


def country_named(text: str) -> str | None:
    """The country that *text* names first; None where it names none."""
    country = _country_in(text.lower())
    return country.name if country else None


def attribute_asked(text: str) -> str | None:
    """What of a country *text* asks for: ``capital``, ``currency``, ``language``, ``continent``; None: nothing."""
    return _asked(text.lower())


def _asked(text: str) -> str | None:
    found = [(match.start(), name) for name, pattern in _ASKED.items() if (match := pattern.search(text))]
    return min(found)[1] if found else None


def _country_in(text: str) -> Country | None:
    found = _COUNTRY.search(text)
    return _BY_ALIAS[found[1]] if found else None


def _asks_for_country(text: str) -> bool:
    return bool(re.search(r"\b(?:which|what|name the|in which|of which|of what) (?:\w+ )?(?:country|nation)\b", text))


def _article(country: Country) -> str:
    return f"the {country.name}" if country.name in _WITH_THE else country.name


def _facts(country: Country) -> Mapping[str, str]:
    kinds = {"capital": country.capital, "currency": country.currency, "language": country.language}
    return {"country": country.name, "name": country.name, **kinds, "continent": country.continent}


def _neighbours(country: Country) -> list[Country]:
    """Other countries, those of the same continent first, beginning after this one in the table."""
    at = COUNTRIES.index(country)
    others = COUNTRIES[at + 1 :] + COUNTRIES[:at]
    return sorted(others, key=lambda other: other.continent != country.continent)


def _about(country: Country, asked: str) -> Answer:
    right = _facts(country)[asked]
    said = [_facts(other)[asked] for other in _neighbours(country)]
    sentence = _SENTENCES[asked].format(_article(country))
    return Answer(
        family="countries",
        text=right,
        sentence=sentence[0].upper() + sentence[1:],
        wrong=tuple(dict.fromkeys(other for other in said if other != right))[:_SHOWN_WRONG],
        facts=_facts(country),
        difficulty=_DIFFICULTY[asked] - (0.5 if country.name in _FAMOUS else 0),
    )


def _from_the_other_end(text: str) -> Answer | None:
    if found := _CAPITAL.search(text):
        country = _BY_CAPITAL[found[1]]
        sentence = (
            f"{country.capital} is the capital of {{}}." if "capital" in text else f"{country.capital} is in {{}}."
        )
        if re.search(r"\bcontinent\b", text):
            return _about(country, "continent")
        return _which(country, sentence, 0.9)
    found = _CURRENCY.search(text)
    if found and re.search(r"\bcountry\b|\bwhere\b|\bused\b", text):
        country = next(c for c in COUNTRIES if c.currency.lower() == found[1])
        return _which(country, f"The {country.currency} is the currency of {{}}.", 1.2)
    return None


def _which(country: Country, sentence: str, difficulty: float) -> Answer:
    return Answer(
        family="countries",
        text=country.name,
        sentence=sentence,
        wrong=tuple(other.name for other in _neighbours(country)[:_SHOWN_WRONG]),
        facts=_facts(country),
        difficulty=difficulty,
    )


def _choice(text: str) -> Answer | None:
    """Which of some countries lies on a continent, or uses a currency or a language."""
    named = [_BY_ALIAS[name] for name in dict.fromkeys(_COUNTRY.findall(text))]
    rest = _COUNTRY.sub(" ", text)
    wanted = _CONTINENT.search(rest) or _CURRENCY.search(rest)
    if wanted is None:
        return None
    fits = [country for country in named if wanted[1] in (country.continent.lower(), country.currency.lower())]
    others = tuple(country.name for country in named if country not in fits)
    if not fits:
        return None
    names = tuple(country.name for country in fits)
    return Answer(family="countries", text=", ".join(names), items=names, wrong=others, facts=_facts(fits[0]))


def _yes_or_no(text: str, country: Country | None) -> Answer | None:
    if country is None:
        return None
    rest = _COUNTRY.sub(" ", text, count=1)
    claims = [_CAPITAL.search(rest), _CONTINENT.search(rest), _CURRENCY.search(rest)]
    claim = next((found[1] for found in claims if found), None)
    if claim is None:
        claim = next((c.language.lower() for c in COUNTRIES if c.language.lower() in rest), None)
    if claim is None and not re.search(r"\bthe capital\b", rest):  # the capital is never a place that is no capital
        return None
    yes = claim in {value.lower() for value in _facts(country).values()}
    right, wrong = ("Yes", "No") if yes else ("No", "Yes")
    return Answer(family="countries", text=right, sentence="{}.", wrong=(wrong,), facts={"answer": right})
