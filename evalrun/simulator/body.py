"""The body of a chat request, checked as OpenAI checks it: what is asked, or the error that is sent back.

Source of the names, limits and the error's shape: OpenAI's published API description. Pure.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalrun.records.message import Message

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
MOST_STOPS = 4
# Numbers that are checked: name -> (least, most, whole).
_NUMBERS: Mapping[str, tuple[float, float, bool]] = {
    "temperature": (0, 2, False),
    "top_p": (0, 1, False),
    "frequency_penalty": (-2, 2, False),
    "presence_penalty": (-2, 2, False),
    "max_tokens": (1, math.inf, True),
    "max_completion_tokens": (1, math.inf, True),
    "seed": (-(2**63), 2**63 - 1, True),
    "n": (1, 128, True),
}
# Known to the API and without meaning to a rule-based model.
_IGNORED = frozenset(
    ["user", "metadata", "store", "service_tier", "logit_bias", "prompt_cache_key", "safety_identifier", "verbosity"]
)
_KNOWN = frozenset(["model", "messages", "stop", "stream", "response_format", *_NUMBERS]) | _IGNORED


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A valid request. *key* is the sha256 of the body's canonical JSON; without *max_tokens* there is no limit."""

    key: str
    model: str
    messages: tuple[Message, ...]
    temperature: float = 1.0
    seed: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    json_only: bool = False


class BadBody(ValueError):
    """What the API answers with status 400: a message, the parameter at fault and a code."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.code = code


def body_key(body: object) -> str:
    """The sha256 of *body*'s canonical JSON: the same request has the same key, however it was written."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def last_user_text(body: object) -> str:
    """What the user said last, as far as *body* has such a thing; it need not be valid."""
    messages = body.get("messages") if isinstance(body, Mapping) else None
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, Mapping) and message.get("role") == "user":
            content = message.get("content")
            return content if isinstance(content, str) else json.dumps(content)
    return ""


def error_body(message: str, kind: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    """An error as the API words it: all four keys, always."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def read(body: object) -> Call:
    """The request that *body* (parsed JSON) makes. Raises BadBody."""
    if not isinstance(body, Mapping):
        raise BadBody("The request body is not a JSON object.")
    if unknown := sorted(str(name) for name in body if name not in _KNOWN):
        raise BadBody(f"Unknown parameter: '{unknown[0]}'.", unknown[0], "unknown_parameter")
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise BadBody("Missing required parameter: 'model'.", "model", "missing_required_parameter")
    messages = body.get("messages")
    if not isinstance(messages, list):
        raise BadBody("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    if not messages:
        raise BadBody("Invalid 'messages': empty array. Expected at least one message.", "messages", "empty_array")
    if body.get("stream"):
        raise BadBody("The simulator does not stream yet: leave 'stream' out.", "stream", "unsupported_value")
    numbers = {name: _number(body, name) for name in _NUMBERS}
    if numbers["n"] not in (None, 1):
        raise BadBody("The simulator answers with one choice: 'n' must be 1.", "n", "unsupported_value")
    temperature = numbers["temperature"]
    return Call(
        key=body_key(body),
        model=model,
        messages=tuple(_message(message, f"messages[{at}]") for at, message in enumerate(messages)),
        temperature=1.0 if temperature is None else float(temperature),
        seed=_whole(numbers["seed"]),
        max_tokens=_whole(numbers["max_completion_tokens"] or numbers["max_tokens"]),
        stop=_stop(body.get("stop")),
        json_only=_json_only(body.get("response_format")),
    )


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)


def _number(body: Mapping[str, Any], name: str) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    least, most, whole = _NUMBERS[name]
    kind = "integer" if whole else "decimal"
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        got = {str: "a string", bool: "a boolean", float: "a decimal", list: "an array"}.get(type(value), "an object")
        raise BadBody(f"Invalid type for '{name}': expected {_a(kind)}, but got {got} instead.", name, "invalid_type")
    if value < least:
        message = f"Invalid '{name}': {kind} below minimum value. Expected a value >= {least}, but got {value} instead."
        raise BadBody(message, name, f"{kind}_below_min_value")
    if not value <= most:
        message = f"Invalid '{name}': {kind} above maximum value. Expected a value <= {most}, but got {value} instead."
        raise BadBody(message, name, f"{kind}_above_max_value")
    return value


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _message(message: object, path: str) -> Message:
    if not isinstance(message, Mapping):
        raise BadBody(f"Invalid type for '{path}': expected an object.", path, "invalid_type")
    role = message.get("role")
    if role not in ROLES:
        allowed = ", ".join(f"'{name}'" for name in ROLES)
        raise BadBody(f"Invalid value: '{role}'. Supported values are: {allowed}.", f"{path}.role", "invalid_value")
    return Message(role=str(role), content=_content(message.get("content"), f"{path}.content", role == "assistant"))


def _content(content: object, path: str, may_be_null: bool) -> str:
    if isinstance(content, str):
        return content
    if content is None and may_be_null:
        return ""
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, Mapping) and part.get("type") == "text"]
        said = [text for text in texts if isinstance(text, str)]
        if len(said) == len(content):
            return "".join(said)
        raise BadBody("The simulator reads text only.", path, "unsupported_value")
    raise BadBody(f"Invalid type for '{path}': expected a string or an array of parts.", path, "invalid_type")


def _stop(stop: object) -> tuple[str, ...]:
    if stop is None:
        return ()
    stops = [stop] if isinstance(stop, str) else stop
    if not isinstance(stops, list) or not all(isinstance(word, str) for word in stops):
        raise BadBody("Invalid type for 'stop': expected a string or an array of strings.", "stop", "invalid_type")
    if len(stops) > MOST_STOPS:
        raise BadBody(f"Invalid 'stop': array too long. At most {MOST_STOPS}.", "stop", "array_above_max_length")
    return tuple(filter(None, stops))


def _json_only(response_format: object) -> bool:
    kind = response_format.get("type") if isinstance(response_format, Mapping) else response_format
    if kind not in (None, "text", "json_object"):
        raise BadBody(
            "The simulator knows the response formats 'text' and 'json_object'.", "response_format", "unsupported_value"
        )
    return kind == "json_object"
