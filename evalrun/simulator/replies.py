"""A right answer in words: in the form that was asked for, or with the errors of a weaker mind.  (pure)"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from evalrun.simulator.answer import NOT_SURE, Answer
from evalrun.simulator.draws import Draws
from evalrun.simulator.families.formats import Format

# How an error shows itself, by share: a wrong answer, the form ignored, no answer at all; the rest is idle talk.
_WRONG, _FORM, _EMPTY = 0.72, 0.16, 0.05


def render(answer: Answer, form: Format, *, talks: bool) -> str:
    """*answer* in the form that was asked for; where it is free, *talks* makes it a sentence."""
    if form.json_keys is not None:
        return _as_json(answer, form.json_keys)
    if form.listing and answer.items:
        text = _as_list(answer.items, form.listing)
    elif form.sentence or (talks and not (form.brevity or answer.exact or form.listing)):
        bare = form.sentence and answer.sentence.strip(".") == "{}" and not answer.exact
        text = ("The answer is {}." if bare else answer.sentence).replace("{}", answer.text)
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
    short = plain(answer)
    if not keys:
        said = dict(facts) if answer.family == "extraction" else {"answer": short}
    else:
        known = {key: facts.get(key, facts.get(key.lower())) for key in keys}
        said = {key: short if known[key] is None and len(keys) == 1 else known[key] for key in keys}
    return json.dumps(said, ensure_ascii=False)


def plain(answer: Answer) -> Any:
    """The short answer as JSON has it: a number, a text, or null where nothing is known."""
    if answer is NOT_SURE:
        return None
    return int(answer.text) if re.fullmatch(r"-?\d{1,15}", answer.text) else answer.text


def erring(answer: Answer, form: Format, draws: Draws, *, talks: bool) -> str:
    """*answer* as a model gives it that errs: wrong, in another form, empty, or in too many words."""
    kind = draws.number("kind of error")
    if kind < _WRONG or (kind < _WRONG + _FORM and not form.asks):
        return render(mistaken(answer, draws), form, talks=talks)
    if kind < _WRONG + _FORM:
        return _formless(answer, form, draws)
    if kind < _WRONG + _FORM + _EMPTY:
        return ""
    said = render(mistaken(answer, draws), replace(form, brevity=None, json_keys=None), talks=True)
    return f"That is a good question, and there is a lot to say about it. Step by step, then. {said} I hope this helps!"


def mistaken(answer: Answer, draws: Draws) -> Answer:
    """*answer* with something wrong in it."""
    if answer.wrong_facts:
        facts = answer.wrong_facts[draws.index("wrong", len(answer.wrong_facts))]
        return replace(answer, text=json.dumps(facts, ensure_ascii=False), facts=facts)
    if not answer.wrong:
        return NOT_SURE
    text = answer.wrong[draws.index("wrong", len(answer.wrong))]
    items = tuple(text.split(", ")) if answer.items else ()
    wrong: Any = list(items) if items else text
    if re.fullmatch(r"-?\d{1,15}", text):
        wrong = int(text)
    right = {answer.text, plain(answer)}
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
