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
from evalrun.simulator.body_messages import read_messages
from evalrun.simulator.body_wants import json_only, read_wants
from evalrun.simulator.complaints import BadBody as BadBody
from evalrun.simulator.complaints import error_body as error_body
from evalrun.simulator.complaints import missing, unknown, wrong_type
from evalrun.simulator.wants import Wants

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
    "top_logprobs": (0, 20, True),
}
# Known to the API and without meaning to a rule-based model.
_IGNORED = frozenset(
    ["user", "metadata", "store", "service_tier", "logit_bias", "prompt_cache_key", "safety_identifier", "verbosity"]
)
_KNOWN = _IGNORED.union(
    ["model", "messages", "stop", "stream", "stream_options", "response_format", "reasoning_effort", "logprobs"],
    ["tools", "tool_choice", "parallel_tool_calls"],
    _NUMBERS,
)
# What a model that reasons refuses, and the one value that it takes all the same.
_NOT_FOR_REASONING: Mapping[str, float] = {
    "temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A valid request. *key* is the sha256 of the body's canonical JSON; without *max_tokens* there is no limit.

    *choices* is how many answers are asked for; *logprobs* is how many alternatives each token is to have, None where
    no probabilities are asked for.
    """

    key: str
    model: str
    messages: tuple[Message, ...]
    temperature: float = 1.0
    seed: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    json_only: bool = False
    wants: Wants = Wants()  # noqa: RUF009 - frozen
    choices: int = 1
    logprobs: int | None = None
    stream: bool = False


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


def read(body: object) -> Call:
    """The request that *body* (parsed JSON) makes. Raises BadBody."""
    if not isinstance(body, Mapping):
        raise BadBody("The request body is not a JSON object.")
    if strange := sorted(str(name) for name in body if name not in _KNOWN):
        raise unknown(strange[0])
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise missing("model")
    messages = read_messages(body.get("messages"))
    numbers = {name: number(body, name) for name in _NUMBERS}
    temperature = numbers["temperature"]
    stream = _flag(body, "stream")
    _check_stream_options(body.get("stream_options"), stream)
    return Call(
        key=body_key(body),
        model=model,
        messages=messages,
        temperature=1.0 if temperature is None else float(temperature),
        seed=_whole(numbers["seed"]),
        max_tokens=_whole(numbers["max_completion_tokens"] or numbers["max_tokens"]),
        stop=read_stop(body.get("stop")),
        json_only=json_only(body.get("response_format")),
        wants=read_wants(body),
        choices=_whole(numbers["n"]) or 1,
        logprobs=_logprobs(body, numbers["top_logprobs"]),
        stream=stream,
    )


def check_for_model(body: Mapping[str, Any], *, reasons: bool) -> None:
    """Raise BadBody for what a model may not be asked: one that *reasons* takes no sampling parameters."""
    if not reasons:
        if body.get("reasoning_effort") is not None:
            raise _not_with_model("reasoning_effort")
        return
    if body.get("max_tokens") is not None:
        raise _not_with_model("max_tokens", " Use 'max_completion_tokens' instead.")
    for name in ("logprobs", "top_logprobs", "logit_bias", "stop"):
        if body.get(name):
            raise _not_with_model(name)
    for name, usual in _NOT_FOR_REASONING.items():
        if body.get(name) not in (None, usual):
            message = f"Unsupported value: '{name}' does not support {body[name]} with this model. "
            raise BadBody(f"{message}Only the default ({usual}) value is supported.", name, "unsupported_value")


def _not_with_model(name: str, instead: str = "") -> BadBody:
    message = f"Unsupported parameter: '{name}' is not supported with this model.{instead}"
    return BadBody(message, name, "unsupported_parameter")


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def number(body: Mapping[str, Any], name: str, limits: tuple[float, float, bool] | None = None) -> float | None:
    """A number of *body* within (least, most, whole), by default those of the chat API; None where it is not said.

    Raises BadBody.
    """
    value = body.get(name)
    if value is None:
        return None
    least, most, whole = limits or _NUMBERS[name]
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
    return float(value) if not whole else value


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _flag(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise wrong_type(name, "a boolean")
    return bool(value)


def _logprobs(body: Mapping[str, Any], top: float | None) -> int | None:
    wanted = _flag(body, "logprobs")
    if top is not None and not wanted:
        raise BadBody("'top_logprobs' requires 'logprobs' to be true.", "top_logprobs", "invalid_value")
    return int(top or 0) if wanted else None


def _check_stream_options(options: object, stream: bool) -> None:
    if options is None:
        return
    if not stream:
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise BadBody(message, "stream_options")
    if not isinstance(options, Mapping):
        raise wrong_type("stream_options", "an object")


def read_stop(stop: object) -> tuple[str, ...]:
    """The texts that end an answer. Raises BadBody."""
    if stop is None:
        return ()
    stops = [stop] if isinstance(stop, str) else stop
    if not isinstance(stops, list) or not all(isinstance(word, str) for word in stops):
        raise wrong_type("stop", "a string or an array of strings")
    if len(stops) > MOST_STOPS:
        raise BadBody(f"Invalid 'stop': array too long. At most {MOST_STOPS}.", "stop", "array_above_max_length")
    return tuple(filter(None, stops))
