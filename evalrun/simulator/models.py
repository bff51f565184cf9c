"""Simulated models of the same knowledge: what they are asked they work out from the prompt, or they err.

Whether and how a model errs is drawn by a hash of the model, the messages, the temperature and (above temperature 0)
the seed. The same request gets the same reply whenever, wherever and after whatever else it is asked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from evalrun.records.message import Message, ToolCall
from evalrun.simulator import conversation
from evalrun.simulator.answer import NOT_SURE, Answer
from evalrun.simulator.draws import Draws as Draws
from evalrun.simulator.families import arithmetic, countries, extraction, formats, sights, strings
from evalrun.simulator.families.formats import Format
from evalrun.simulator.pictures import look
from evalrun.simulator.replies import erring, mistaken
from evalrun.simulator.replies import render as render
from evalrun.simulator.schemas import fill, keys_of
from evalrun.simulator.tools import results
from evalrun.simulator.tools.calls import called, planned
from evalrun.simulator.wants import Wants

ATTENTION = 8000  # characters of a message that are read


@dataclass(frozen=True, slots=True, kw_only=True)
class Mind:
    """A model's character. *error_rate* is for an ordinary question at temperature 0; *talk* is how often it answers in
    a whole sentence when the form is free; *latency_s* is the shortest and the longest reply time. One that *reasons*
    thinks before it answers, in tokens of its own. *dimensions* are those of its embeddings, None where it has none."""

    error_rate: float
    talk: float
    latency_s: tuple[float, float]
    context_tokens: int
    reasons: bool = False
    dimensions: int | None = None


MODELS: Mapping[str, Mind] = {
    "large": Mind(error_rate=0.045, talk=0.9, latency_s=(0.040, 0.120), context_tokens=128_000, dimensions=1536),
    "medium": Mind(error_rate=0.20, talk=0.5, latency_s=(0.020, 0.070), context_tokens=32_000, dimensions=512),
    "small": Mind(error_rate=0.30, talk=0.1, latency_s=(0.010, 0.040), context_tokens=8_000, dimensions=128),
    "thinker": Mind(error_rate=0.030, talk=0.6, latency_s=(0.080, 0.240), context_tokens=200_000, reasons=True),
}

EFFORTS: Mapping[str, tuple[int, float]] = {
    "none": (0, 2.5), "minimal": (1, 2.0), "low": (4, 1.4), "medium": (12, 1.0), "high": (36, 0.6), "xhigh": (72, 0.5),
    "max": (144, 0.4),
}  # fmt: skip
"""How hard a model may think: in steps of `STEP_TOKENS`, and what that makes of its error rate."""
STEP_TOKENS = 32
USUAL_EFFORT = "medium"
_EASIEST, _HARDEST = 0.3, 2.0
_MOST_WRONG = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What a model says, before anything cuts it. *erred* tells that it meant to be wrong, or ill-mannered.

    *calls* are the tools that it asks for. *thoughts* and *reasoning_tokens* are what went before, of one that reasons.
    """

    text: str
    family: str
    erred: bool
    latency_s: float
    calls: tuple[ToolCall, ...] = ()
    reasoning_tokens: int = 0
    thoughts: str = ""


def speak(
    model: str,
    messages: Sequence[Message],
    *,
    temperature: float = 1.0,
    seed: int | None = None,
    json_only: bool = False,
    latency_s: tuple[float, float] | None = None,
    wants: Wants = Wants(),  # noqa: B008 - frozen
    choice: int = 0,
) -> Spoken:
    """The reply of *model*, one of `MODELS`, to a conversation.

    *json_only* asks for a JSON object in any case; *latency_s* is a shortest and a longest time instead of the model's.
    *choice* (from 0) is which of several answers to one request this is: above temperature 0 they differ.
    """
    mind = MODELS[model]
    said = [[message.role, _said(message)] for message in messages]
    marks = wants.marks() + ([choice] if choice and temperature > 0 else [])
    draws = Draws(model, said, temperature, seed if temperature > 0 else None, *marks)
    steps, care = EFFORTS[wants.effort or USUAL_EFFORT] if mind.reasons else (0, 1.0)
    low, high = latency_s or mind.latency_s
    spoken = Spoken(
        text="",
        family="tools",
        erred=False,
        latency_s=low + (high - low) * draws.number("latency"),
        reasoning_tokens=STEP_TOKENS * round(steps * (0.5 + draws.number("thoughts"))),
    )
    plan = planned(messages, wants)
    error_rate = mind.error_rate * care * (1 + temperature / 3)
    if plan:
        difficulty = 0.8 + 0.2 * len(plan)
        erred = draws.number("erring") < min(_MOST_WRONG, error_rate * difficulty)
        made = called(plan, draws, erred=erred, must=wants.tool_choice == "required")
        return _thought(replace(spoken, text=made.text, calls=made.calls, erred=erred))
    answer, form = understand(messages, keys_of(wants.schema.schema) if wants.schema else None)
    if json_only and form.json_keys is None:
        form = replace(form, json_keys=())
    difficulty = min(_HARDEST, max(_EASIEST, answer.difficulty + 0.1 * form.asks))
    erred = answer is not NOT_SURE and draws.number("erring") < min(_MOST_WRONG, error_rate * difficulty)
    talks = draws.number("talk") < mind.talk or answer.family == results.FAMILY
    if wants.schema:
        text = _fitted(answer, form, wants, draws, messages, erred=erred)
    else:
        text = erring(answer, form, draws, talks=talks) if erred else render(answer, form, talks=talks)
    return _thought(replace(spoken, text=text, family=answer.family, erred=erred))


def _thought(spoken: Spoken) -> Spoken:
    """With what a model that reasons says of its thoughts."""
    if not spoken.reasoning_tokens:
        return spoken
    what = f"calls for {spoken.calls[0].name}" if spoken.calls else f"is one of {spoken.family}"
    return replace(spoken, thoughts=f"The question {what}. I work it out, then I check the result.")


def _said(message: Message) -> Any:
    """What of a message is in the draws: of a plain one its text alone."""
    content: Any = message.content
    if not isinstance(content, str):
        content = [part if isinstance(part, str) else _mark(part.source) for part in content]
    calls = [[call.name, call.arguments] for call in message.tool_calls]
    return [content, calls] if calls else content


def _mark(source: str) -> str:
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()


def _fitted(
    answer: Answer, form: Format, wants: Wants, draws: Draws, messages: Sequence[Message], *, erred: bool
) -> str:
    """The answer in the schema that was sent along; one that is not strict is now and then ignored by who errs."""
    if wants.schema is None:
        raise AssertionError(wants)
    if erred and not wants.schema.strict and draws.number("ignores the schema") < 0.25:
        return erring(answer, form, draws, talks=False)
    said = mistaken(answer, draws) if erred else answer
    last = next((message.text[:ATTENTION] for message in reversed(messages) if message.role == "user"), "")
    return json.dumps(fill(wants.schema.schema, said, last), ensure_ascii=False)


def understand(messages: Sequence[Message], keys: tuple[str, ...] | None = None) -> tuple[Answer, Format]:
    """What is asked, with its right answer, and the form that system and user texts ask for.

    *keys* are the fields of a JSON object that is wanted in any case, where the messages need not say so.
    """
    system = "\n".join(m.text[:ATTENTION] for m in messages if m.role in ("system", "developer"))
    at = max((place for place, m in enumerate(messages) if m.role == "user"), default=len(messages) - 1)
    user = messages[at].text[:ATTENTION] if messages else ""
    form = _understood(system, user, keys)[1]
    if result := results.answer(messages, form):
        return result, form
    pictured = [look(image.source) for message in messages[: at + 1] for image in message.images]
    if pictured and (seen := sights.answer(formats.question_of(user), pictured)):
        return seen, form
    before = [_short(m) for m in messages[: max(at, 0)] if m.role in ("user", "assistant")]
    if any(m.role == "assistant" for m in before):
        for reading in conversation.readings(user, before):
            answer = _understood(system, reading[:ATTENTION], keys)[0]
            if answer is not NOT_SURE:
                return answer, form
    answer = _understood(system, user, keys)[0]
    if answer is NOT_SURE:
        answer = _otherwise(system, user, keys) or conversation.remembered(user, before) or answer
    return answer, form


def _short(message: Message) -> Message:
    return replace(message, content=message.text[:ATTENTION])


def _otherwise(system: str, user: str, keys: tuple[str, ...] | None) -> Answer | None:
    """The answer to an order to reckon, which is a question in other words."""
    question = conversation.order(user)
    answer = _understood(system, question, keys)[0] if question else NOT_SURE
    return None if answer is NOT_SURE else answer


@lru_cache(maxsize=512)  # every model is asked the same
def _understood(system: str, user: str, keys: tuple[str, ...] | None) -> tuple[Answer, Format]:
    instructions = f"{system}\n{user}"
    form = formats.read(instructions)
    if keys is not None:
        form = replace(form, json_keys=keys)
    question = formats.question_of(user)
    answer = (
        extraction.answer(user, system, form.json_keys)
        or strings.answer(question)
        or countries.answer(question, instructions)
        or arithmetic.answer(question)
        or formats.answer(question)
    )
    return answer or NOT_SURE, form
