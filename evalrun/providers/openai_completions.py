"""The dialect openai-completions: OpenAI's legacy Completions, which base models and local servers speak.  (pure)

The prompt is one text: that of the single message of the user. Messages of the system or the developer before it stand
above it, with an empty line between. A conversation is nothing that it can say, nor are tools, pictures or a
response_format. Where nothing says how long an answer may be, the vendor's own limit holds: 16 tokens at OpenAI's.

Source: the OpenAI API reference, "Create completion"; openai-openapi, CreateCompletionRequest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evalrun.providers.asking import accept, most_tokens, only_texts, spoken, with_extra
from evalrun.providers.dialect import Auth, Unsupported
from evalrun.providers.reading import DONE, Reading, dicts, dumped, figure, string, text
from evalrun.providers.reply import NotJson, Reply
from evalrun.records.message import Message
from evalrun.records.outcome import Choice, FailureKind, Outcome
from evalrun.records.request import Request
from evalrun.records.suite import Provider
from evalrun.redact import Redactor

AUTH: Auth = "bearer"

_AS_THEY_ARE = (
    *("temperature", "top_p", "n", "stop", "seed", "frequency_penalty", "presence_penalty", "logit_bias"),
    *("suffix", "echo", "best_of", "user", "stream"),
)
_KNOWN = frozenset(_AS_THEY_ARE) | {"max_tokens", "max_completion_tokens", "logprobs", "top_logprobs"}


def path(_request: Request, _provider: Provider) -> str:
    """See Dialect."""
    return "/completions"


def headers(request: Request, _provider: Provider) -> Mapping[str, str]:
    """See Dialect."""
    return accept(request)


def build(request: Request) -> dict[str, Any]:
    """The body to send; extra_body is merged last. Raises Unsupported for what Completions have no word for."""
    only_texts(request)
    said = spoken(request, _KNOWN)
    body: dict[str, Any] = {"model": request.model, "prompt": prompt_of(request.messages, request.dialect)}
    body |= {name: said[name] for name in _AS_THEY_ARE if name in said}
    if (most := most_tokens(said)) is not None:
        body["max_tokens"] = most
    if (logprobs := _logprobs(said)) is not None:
        body["logprobs"] = logprobs
    if said.get("stream"):
        body["stream_options"] = {"include_usage": True}
    return with_extra(body, request)


def prompt_of(messages: tuple[Message, ...], dialect: str) -> str:
    """The text to complete. Raises Unsupported where the messages are more than one of the user, after the system's."""
    above = ("system", "developer")
    if not messages or messages[-1].role != "user" or any(message.role not in above for message in messages[:-1]):
        raise Unsupported(
            f"{dialect} has no conversations: it takes one message of the user, and the system's before it"
        )
    return "\n\n".join(message.text for message in messages)


def _logprobs(said: Mapping[str, Any]) -> int | None:
    """How many alternatives to tell with each token's own probability; None: tell of none."""
    logprobs = said.get("logprobs")
    if isinstance(logprobs, int) and not isinstance(logprobs, bool):
        return logprobs  # as the wire has it
    most = said.get("top_logprobs")
    return most if most is not None else 0 if logprobs else None


def parse(reply: Reply, request: Request, *, now: float, redact: Redactor, simulated: bool = False) -> Outcome:
    """See Dialect."""
    reading = Reading(reply=reply, request=request, now=now, redact=redact, simulated=simulated)
    return reading.outcome(whole=_answer, stream=_stream)


@dataclass(slots=True)
class _Growing:
    """A choice that grows from chunk to chunk; of what is no text, the last that was said counts."""

    said: dict[str, Any]
    texts: list[str] = field(default_factory=list)
    logprobs: dict[str, Any] = field(default_factory=dict)

    def add(self, part: Mapping[str, Any]) -> None:
        self.texts.append(string(part.get("text")))
        self.said |= {name: value for name, value in part.items() if value is not None}
        logprobs = part.get("logprobs")
        for name, values in logprobs.items() if isinstance(logprobs, dict) else ():
            if isinstance(values, list):
                self.logprobs.setdefault(name, []).extend(values)

    def whole(self) -> dict[str, Any]:
        return {**self.said, "text": "".join(self.texts), "logprobs": self.logprobs or None}


def _stream(reading: Reading) -> Outcome:
    said: dict[str, Any] = {}
    growing: dict[int, _Growing] = {}
    ttft_s: float | None = None
    ended = False
    for piece in reading.pieces():
        if piece.type == DONE:
            ended = True
            break
        if piece.said.get("error"):
            return reading.failed(piece.said)
        said |= {name: value for name, value in piece.said.items() if name != "choices" and value is not None}
        for part in dicts(piece.said.get("choices") or [], "choices"):
            index = part.get("index", 0)
            if not isinstance(index, int):
                raise NotJson("a choice without its place")
            growing.setdefault(index, _Growing({})).add(part)
            if part.get("text") and ttft_s is None:
                ttft_s = reading.reply.seconds_until(piece.end)
    choices = [growing[index].whole() for index in sorted(growing)]
    if not ended and not (reading.reply.framed and choices and all(c.get("finish_reason") for c in choices)):
        return reading.unreadable("the stream ended before its end", FailureKind.CUT)
    whole = {**said, "choices": choices}
    return _answer(reading, whole, dumped(whole), ttft_s)


def _answer(reading: Reading, said: dict[str, Any], body: str, ttft_s: float | None = None) -> Outcome:
    parts = dicts(said.get("choices"), "choices")
    for part in parts:
        if part.get("error"):
            return reading.failed(part)
        if part.get("finish_reason") == "error":
            return reading.unreadable("the server broke off its answer", FailureKind.SERVER)
    if not parts:
        raise NotJson("no choices in the reply")
    choices = [_choice(part) for part in parts]
    usage = said.get("usage")
    details = usage if isinstance(usage, dict) else {}
    return reading.response(
        choices,
        usage=reading.usage(
            prompt_tokens=figure(usage, "prompt_tokens"),
            completion_tokens=figure(usage, "completion_tokens"),
            choices=choices,
            prompt="\n\n".join(message.text for message in reading.request.messages),
            cached_tokens=figure(details.get("prompt_tokens_details"), "cached_tokens"),
            reasoning_tokens=figure(details.get("completion_tokens_details"), "reasoning_tokens"),
        ),
        body=body,
        model=said.get("model"),
        system_fingerprint=said.get("system_fingerprint"),
        ttft_s=ttft_s,
    )


def _choice(part: Mapping[str, Any]) -> Choice:
    if not isinstance(part.get("text"), str):
        raise NotJson("the answer is not a text")
    return Choice(text=part["text"], finish_reason=text(part.get("finish_reason")))
