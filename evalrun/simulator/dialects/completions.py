"""OpenAI's legacy completions: a prompt is answered, or gone on with where the answer begins as it does.  (pure)

Source: the OpenAI API reference, "Create completion".
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from evalrun.simulator.body import number
from evalrun.simulator.complaints import BadBody, missing, unknown, wrong_type
from evalrun.simulator.dialects.chat import broken, same_error
from evalrun.simulator.dialects.wire import EVERY_STYLE, Asked, Dialect, Event
from evalrun.simulator.engine import PROVIDER_PREFIX, Reply
from evalrun.simulator.models import MODELS
from evalrun.simulator.pieces import alternatives, chunks, logprob, pieces

USUAL_MAX_TOKENS = 16
MOST_LOGPROBS = 5
MOST_BEST_OF = 20
_SAME = ("model", "temperature", "top_p", "stream", "stream_options", "stop", "presence_penalty", "frequency_penalty",
         "logit_bias", "user", "seed")  # fmt: skip
_KNOWN = frozenset([*_SAME, "prompt", "suffix", "max_tokens", "n", "logprobs", "echo", "best_of"])


def translate(asked: Asked) -> dict[str, Any]:
    """The prompt as one user message. Raises BadBody."""
    said = asked.body
    if not isinstance(said, Mapping):
        raise BadBody("The request body is not a JSON object.")
    if strange := sorted(str(name) for name in said if name not in _KNOWN):
        raise unknown(strange[0])
    model = said.get("model")
    if isinstance(model, str) and (mind := MODELS.get(model.removeprefix(PROVIDER_PREFIX))) and mind.reasons:
        message = "This is a chat model and not supported in the v1/completions endpoint. "
        raise BadBody(f"{message}Did you mean to use v1/chat/completions?", "model", status=404)
    wanted, best_of = _count(said)
    number(said, "logprobs", (0, MOST_LOGPROBS, True))
    for name, kind in (("echo", bool), ("suffix", str)):
        if said.get(name) is not None and not isinstance(said[name], kind):
            raise wrong_type(name, "a boolean" if kind is bool else "a string")
    if said.get("echo") and said.get("suffix"):
        raise BadBody("'echo' and 'suffix' cannot be used together.", "echo", "invalid_value")
    if said.get("stream") and best_of > wanted:
        raise BadBody("Results cannot be streamed when 'best_of' is greater than 'n'.", "stream", "invalid_value")
    limit = number(said, "max_tokens", (1, float("inf"), True))
    return {
        **{name: said[name] for name in _SAME if said.get(name) is not None},
        "messages": [{"role": "user", "content": _prompt(said)}],
        "max_tokens": USUAL_MAX_TOKENS if limit is None else limit,
        "n": best_of,
    }


def _count(said: Mapping[str, Any]) -> tuple[int, int]:
    """How many answers are wanted, and out of how many."""
    wanted = int(number(said, "n", (1, 128, True)) or 1)
    best_of = int(number(said, "best_of", (1, MOST_BEST_OF, True)) or wanted)
    if best_of < wanted:
        message = f"You requested that the server return more choices than it will generate: set 'n' (now {wanted}) "
        raise BadBody(f"{message}to be at most 'best_of' (now {best_of}).", "best_of", "invalid_value")
    return wanted, best_of


def _prompt(said: Mapping[str, Any]) -> str:
    prompt = said.get("prompt")
    if prompt is None:
        raise missing("prompt")
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if isinstance(prompt, list):
        raise BadBody("The simulator takes one prompt at a time, as text.", "prompt", "unsupported_value")
    if not isinstance(prompt, str):
        raise wrong_type("prompt", "a string")
    return prompt


def whole(asked: Asked, reply: Reply) -> dict[str, Any]:
    """A text completion."""
    frame, choices = _framed(asked, reply)
    return {**frame, "choices": choices, "usage": (reply.body or {})["usage"]}


def _framed(asked: Asked, reply: Reply) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    body, said = reply.body or {}, asked.said
    frame = {
        "id": body["id"].replace("chatcmpl-", "cmpl-"),
        "object": "text_completion",
        "created": body["created"],
        "model": body["model"],
        "system_fingerprint": body["system_fingerprint"],
    }
    wanted, best_of = _count(said)
    answers = body["choices"]
    if best_of > wanted:
        answers = sorted(answers, key=lambda each: -_likely(each["message"]["content"]))[:wanted]
    return frame, [_choice(said, index, answer) for index, answer in enumerate(answers)]


def _likely(text: str) -> float:
    """The mean logarithm of the probability of its tokens, by which the best of several is found."""
    size = len(pieces(text))
    return sum(logprob(text, at) for at in range(size)) / size if size else -100.0


def _choice(said: Mapping[str, Any], index: int, answer: Mapping[str, Any]) -> dict[str, Any]:
    prompt, text = _prompt(said), answer["message"]["content"] or ""
    begun = prompt.strip()
    if begun and text.lower().startswith(begun.lower()) and len(text) > len(begun):
        text = text[len(begun) :]  # the prompt is gone on with
    suffix = (said.get("suffix") or "").strip()
    if suffix and suffix in text:
        text = text[: text.index(suffix)]
    text = prompt + text if said.get("echo") else text
    top = said.get("logprobs")
    logprobs = None if top is None else _logprobs(text, top)
    return {"text": text, "index": index, "logprobs": logprobs, "finish_reason": answer["finish_reason"]}


def _logprobs(text: str, top: int) -> dict[str, Any]:
    row = pieces(text)
    offsets = [sum(map(len, row[:at])) for at in range(len(row))]
    likeliest = [dict(alternatives(text, at, piece, top)) for at, piece in enumerate(row)]
    return {
        "tokens": row,
        "token_logprobs": [logprob(text, at) for at in range(len(row))],
        "top_logprobs": likeliest if top else None,
        "text_offset": offsets,
    }


def events(asked: Asked, reply: Reply) -> list[Event]:
    """The texts of the choices in pieces, in turn; then the usage where that was asked for."""
    frame, choices = _framed(asked, reply)
    with_usage = (asked.said.get("stream_options") or {}).get("include_usage") is True
    more: dict[str, Any] = {"usage": None} if with_usage else {}
    found = []
    for row in zip_longest(*(_pieces(choice) for choice in choices)):
        chunks_of_all = ({**frame, "choices": [each], **more} for each in row if each is not None)
        found += [Event(data=data, beat=data["choices"][0]["finish_reason"] is None) for data in chunks_of_all]
    if with_usage:
        found.append(Event(data={**frame, "choices": [], "usage": (reply.body or {})["usage"]}))
    return [*found, Event(data="[DONE]", ends=True)]


def _pieces(choice: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A choice in chunks: each with the probabilities of its own tokens, the last with the reason that it ends."""
    row, at, probable = [], 0, choice["logprobs"]
    for chunk in chunks(choice["text"]):
        logprobs = probable and {name: each and each[at : at + len(chunk)] for name, each in probable.items()}
        row.append({"text": "".join(chunk), "index": choice["index"], "logprobs": logprobs, "finish_reason": None})
        at += len(chunk)
    ending = {"text": "", "index": choice["index"], "logprobs": None, "finish_reason": choice["finish_reason"]}
    return [*row, ending]


COMPLETIONS = Dialect(
    translate=translate,
    reply=whole,
    events=events,
    error=same_error,
    broken=broken,
    styles=EVERY_STYLE,
)
