"""What a model says when its tools have answered: a sentence that holds their results.  (pure)"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from evalrun.records.message import Message, ToolCall
from evalrun.simulator.answer import Answer, wrong_numbers
from evalrun.simulator.families.formats import Format

LONGEST_RESULT = 1000
FAMILY = "results"
_DEEPEST = 4
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?")


def answer(messages: Sequence[Message], form: Format) -> Answer | None:
    """The answer out of the results that came since the last question; None where the last message is no result."""
    if not messages or messages[-1].role != "tool":
        return None
    at = max((place for place, message in enumerate(messages) if message.role == "user"), default=-1)
    since = messages[at + 1 :]
    calls = {call.id: call for message in since for call in message.tool_calls}
    results = [
        (_label(calls.get(message.tool_call_id or "")), message.text.strip()[:LONGEST_RESULT])
        for message in since
        if message.role == "tool"
    ]
    said = [_read(text) for _, text in results]
    if len(results) == 1:
        label, text = results[0][0], _flat(said[0])
        sentence = f"For {label}: {{}}." if label else "The result is {}."
    else:
        parts = [
            f"{label}: {_flat(value)}" if label else _flat(value)
            for (label, _), value in zip(results, said, strict=True)
        ]
        text, sentence = "; ".join(parts), "{}."
    numbers = _NUMBER.findall(text)
    if form.brevity == "number" and numbers:
        text = numbers[-1]
    return Answer(
        family=FAMILY,
        text=text,
        sentence=sentence if text else "The tool answered nothing{}.",
        wrong=_wrong(text),
        facts=_facts(said, text),
        difficulty=0.5,
    )


def _label(call: ToolCall | None) -> str:
    """What a call was about: its arguments that are texts."""
    arguments = _read(call.arguments) if call else None
    if not isinstance(arguments, Mapping):
        return ""
    return ", ".join(value for value in arguments.values() if isinstance(value, str))


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _flat(value: Any, depth: int = 0) -> str:
    """A result in words: ``temperature 18, sky clear``."""
    if isinstance(value, str):
        return value.rstrip(".")
    if not isinstance(value, Mapping | list) or depth > _DEEPEST:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return ", ".join(_flat(each, depth + 1) for each in value)
    return ", ".join(f"{str(name).replace('_', ' ')} {_flat(each, depth + 1)}" for name, each in value.items())


def _wrong(text: str) -> tuple[str, ...]:
    found = _NUMBER.search(text)
    if found is None:
        return ("I could not find out.",)
    return tuple(text[: found.start()] + other + text[found.end() :] for other in wrong_numbers(Fraction(found[0])))


def _facts(said: Sequence[Any], text: str) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for value in said:
        facts |= {str(name): each for name, each in value.items()} if isinstance(value, Mapping) else {}
    return {"answer": said[0] if len(said) == 1 and not isinstance(said[0], Mapping) else text, **facts}
