"""Three simulated models of the same knowledge: what they are asked they work out from the prompt, or they err.

Whether and how a model errs is drawn by a hash of the model, the messages, the temperature and (above temperature 0)
the seed. The same request gets the same reply whenever, wherever and after whatever else it is asked.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from evalrun.records.message import Message
from evalrun.simulator.answer import Answer
from evalrun.simulator.families import arithmetic, countries, extraction, formats, strings
from evalrun.simulator.families.formats import Format

ATTENTION = 8000  # characters of a message that are read


@dataclass(frozen=True, slots=True, kw_only=True)
class Mind:
    """A model's character. *error_rate* is for an ordinary question at temperature 0; *talk* is how often it answers in
    a whole sentence when the form is free; *latency_s* is the shortest and the longest reply time."""

    error_rate: float
    talk: float
    latency_s: tuple[float, float]
    context_tokens: int


MODELS: Mapping[str, Mind] = {
    "large": Mind(error_rate=0.045, talk=0.9, latency_s=(0.040, 0.120), context_tokens=128_000),
    "medium": Mind(error_rate=0.20, talk=0.5, latency_s=(0.020, 0.070), context_tokens=32_000),
    "small": Mind(error_rate=0.30, talk=0.1, latency_s=(0.010, 0.040), context_tokens=8_000),
}

_EASIEST, _HARDEST = 0.3, 2.0
_MOST_WRONG = 0.9
_NOT_SURE = Answer(family="unknown", text="I am not sure.", sentence="{}", exact=True)
# How an error shows itself, by share: a wrong answer, the form ignored, no answer at all; the rest is idle talk.
_WRONG, _FORM, _EMPTY = 0.72, 0.16, 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What a model says, before anything cuts it. *erred* tells that it meant to be wrong, or ill-mannered."""

    text: str
    family: str
    erred: bool
    latency_s: float


class Draws:
    """Numbers in [0, 1) that depend on nothing but what was asked and what they are for."""

    def __init__(self, *said: Any) -> None:
        self._said = hashlib.sha256(json.dumps(said, sort_keys=True).encode("ascii")).digest()

    def number(self, what_for: str) -> float:
        """The draw for this purpose."""
        digest = hashlib.sha256(self._said + what_for.encode("ascii")).digest()
        return int.from_bytes(digest[:7], "big") / (1 << 56)

    def index(self, what_for: str, size: int) -> int:
        """A place in a row of *size*."""
        return int(self.number(what_for) * size)


def speak(
    model: str,
    messages: Sequence[Message],
    *,
    temperature: float = 1.0,
    seed: int | None = None,
    json_only: bool = False,
    latency_s: tuple[float, float] | None = None,
) -> Spoken:
    """The reply of *model*, one of `MODELS`, to a conversation.

    *json_only* asks for a JSON object in any case; *latency_s* is a shortest and a longest time instead of the model's.
    """
    mind = MODELS[model]
    said = [[message.role, message.content] for message in messages]
    draws = Draws(model, said, temperature, seed if temperature > 0 else None)
    answer, form = understand(messages)
    if json_only and form.json_keys is None:
        form = replace(form, json_keys=())
    difficulty = min(_HARDEST, max(_EASIEST, answer.difficulty + 0.1 * form.asks))
    chance = min(_MOST_WRONG, mind.error_rate * difficulty * (1 + temperature / 3))
    erred = answer is not _NOT_SURE and draws.number("erring") < chance
    talks = draws.number("talk") < mind.talk
    text = _erring(answer, form, draws, talks=talks) if erred else render(answer, form, talks=talks)
    low, high = latency_s or mind.latency_s
    return Spoken(text=text, family=answer.family, erred=erred, latency_s=low + (high - low) * draws.number("latency"))


def understand(messages: Sequence[Message]) -> tuple[Answer, Format]:
    """What is asked, with its right answer, and the form that system and user texts ask for."""
    system = "\n".join(m.text[:ATTENTION] for m in messages if m.role in ("system", "developer"))
    spoken = [m.text[:ATTENTION] for m in messages if m.role == "user"] or [m.text[:ATTENTION] for m in messages]
    user = spoken[-1] if spoken else ""
    return _understood(system, user)


@lru_cache(maxsize=512)  # every model is asked the same
def _understood(system: str, user: str) -> tuple[Answer, Format]:
    instructions = f"{system}\n{user}"
    form = formats.read(instructions)
    question = formats.question_of(user)
    answer = (
        extraction.answer(user, system, form.json_keys)
        or strings.answer(question)
        or countries.answer(question, instructions)
        or arithmetic.answer(question)
        or formats.answer(question)
    )
    return answer or _NOT_SURE, form


def render(answer: Answer, form: Format, *, talks: bool) -> str:
    """*answer* in the form that was asked for; where it is free, *talks* makes it a sentence."""
    if form.json_keys is not None:
        return _as_json(answer, form.json_keys)
    if form.listing and answer.items:
        text = _as_list(answer.items, form.listing)
    elif form.sentence or (talks and not (form.brevity or answer.exact or form.listing)):
        plain = form.sentence and answer.sentence.strip(".") == "{}" and not answer.exact
        text = ("The answer is {}." if plain else answer.sentence).replace("{}", answer.text)
    else:
        text = answer.text
    if form.case:
        text = text.upper() if form.case == "upper" else text.lower()
    if form.beginning and not text.startswith(form.beginning):
        text = f"{form.beginning} {text}"
    return f"{text} {form.ending}" if form.ending and not text.endswith(form.ending) else text


def _as_list(items: Sequence[str], listing: str) -> str:
    if listing == "commas":
        return ", ".join(items)
    marks = {"bullets": "- ", "lines": ""}
    return "\n".join(f"{marks.get(listing, f'{place}. ')}{item}" for place, item in enumerate(items, start=1))


def _as_json(answer: Answer, keys: tuple[str, ...]) -> str:
    facts = answer.facts
    plain = _plain(answer)
    if not keys:
        said = dict(facts) if answer.family == "extraction" else {"answer": plain}
    else:
        known = {key: facts.get(key, facts.get(key.lower())) for key in keys}
        said = {key: plain if known[key] is None and len(keys) == 1 else known[key] for key in keys}
    return json.dumps(said, ensure_ascii=False)


def _plain(answer: Answer) -> Any:
    if answer is _NOT_SURE:
        return None
    return int(answer.text) if re.fullmatch(r"-?\d{1,15}", answer.text) else answer.text


def _erring(answer: Answer, form: Format, draws: Draws, *, talks: bool) -> str:
    kind = draws.number("kind of error")
    if kind < _WRONG or (kind < _WRONG + _FORM and not form.asks):
        return render(_mistaken(answer, draws), form, talks=talks)
    if kind < _WRONG + _FORM:
        return _formless(answer, form, draws)
    if kind < _WRONG + _FORM + _EMPTY:
        return ""
    said = render(_mistaken(answer, draws), replace(form, brevity=None, json_keys=None), talks=True)
    return f"That is a good question, and there is a lot to say about it. Step by step, then. {said} I hope this helps!"


def _mistaken(answer: Answer, draws: Draws) -> Answer:
    if answer.wrong_facts:
        facts = answer.wrong_facts[draws.index("wrong", len(answer.wrong_facts))]
        return replace(answer, text=json.dumps(facts, ensure_ascii=False), facts=facts)
    if not answer.wrong:
        return _NOT_SURE
    text = answer.wrong[draws.index("wrong", len(answer.wrong))]
    items = tuple(text.split(", ")) if answer.items else ()
    wrong: Any = list(items) if items else text
    if re.fullmatch(r"-?\d{1,15}", text):
        wrong = int(text)
    right = {answer.text, _plain(answer)}
    facts = {key: wrong if not isinstance(v, list) and v in right else v for key, v in answer.facts.items()}
    facts = {key: not value if isinstance(value, bool) else value for key, value in facts.items()}
    if items:
        facts = {key: wrong if isinstance(value, list) else value for key, value in facts.items()}
    return replace(answer, text=text, items=items, facts=facts)


def _formless(answer: Answer, form: Format, draws: Draws) -> str:
    """The right answer in a form that was not asked for."""
    if form.json_keys is not None:
        text = _as_json(answer, form.json_keys)
        broken = (text[:-1], text.replace('"', "'"), f"Sure, here is the JSON you asked for:\n{text}", f"```\n{text}")
        return broken[draws.index("broken", len(broken))]
    if form.listing:
        return " and ".join(answer.items) or answer.text
    sentence = "The answer is {}." if answer.sentence.strip(".") == "{}" else answer.sentence
    return answer.text if form.sentence else f"Sure! {sentence.replace('{}', answer.text)}"
