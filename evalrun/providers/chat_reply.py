"""How replies of chat completions are read, whole or as a stream.  (pure)

Source: the OpenAI API reference, "The chat completion object"; error shapes are in classify.py. Other vendors add
members, leave members out and say the answer in parts, so only what is used must be right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from evalrun.providers.chat_stream import is_error, join
from evalrun.providers.reading import Reading, dumped, figure, string, text
from evalrun.providers.reply import NotJson, Reply, read_json
from evalrun.records.message import ToolCall
from evalrun.records.outcome import Choice, FailureKind, Outcome, Usage
from evalrun.records.request import Request
from evalrun.redact import Redactor

_OBJECT = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{")
_EVENTS = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:data|event|id|retry)?:")

_SENT_BACK = ("reasoning_content", "reasoning_details")
"""Members of a message with tool calls that go back with it, as DeepSeek and OpenRouter want it."""


def parse(reply: Reply, request: Request, *, now: float, redact: Redactor, simulated: bool = False) -> Outcome:
    """What the reply is: a Response, or a Failure with its kind. Any bytes are a reply; nothing is raised.

    *now* (Unix time, seconds) is what a date in Retry-After is compared with where the reply has no date. *redact*
    masks secrets before anything is kept. *simulated* marks the reply's own token figures as such.
    """
    reading = Reading(reply=reply, request=request, now=now, redact=redact, simulated=simulated)
    if not (200 <= reply.status < 300 and _is_stream(reply)):
        return reading.outcome(whole=_whole)
    try:
        return _stream(reading)
    except NotJson as reason:
        return reading.unreadable(reason)


def _is_stream(reply: Reply) -> bool:
    """Whether the reply is a stream: by how its body begins, and where that tells nothing by its content-type."""
    if _EVENTS.match(reply.body):
        return True
    return "event-stream" in reply.headers.get("content-type", "").lower() and not _OBJECT.match(reply.body)


def _stream(reading: Reading) -> Outcome:
    joined = join(reading.reply.body)
    if joined.failed:
        return reading.failed(joined.said)
    if not joined.done and not (joined.finished and reading.reply.framed):
        return reading.unreadable("the stream ended before its end", FailureKind.CUT)
    ttft_s = None if joined.answer_at is None else reading.reply.seconds_until(joined.answer_at)
    body = reading.redact.known(dumped(joined.said))
    return _whole(reading, read_json(body), body, ttft_s)


def _whole(reading: Reading, said: dict[str, Any], body: str, ttft_s: float | None = None) -> Outcome:
    """What the completion *said* is, whose text is *body*."""
    if is_error(said):
        return reading.failed(said)
    choices = said.get("choices")
    choices = [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
    if not choices:
        raise NotJson("no choices in the reply")
    if len(choices) > 1:
        choices = [choice for _, choice in sorted(enumerate(choices), key=_place)]
    first = choices[0]
    if first.get("error"):
        return reading.failed(first)
    if first.get("finish_reason") == "error":
        return reading.unreadable("the server broke off its answer", FailureKind.SERVER)
    answers = [_choice(first), *_further(choices[1:])]
    return reading.response(
        answers,
        usage=_usage(reading, said, answers),
        body=body,
        model=said.get("model"),
        system_fingerprint=said.get("system_fingerprint"),
        carried=_carried(first) if answers[0].tool_calls else None,
        ttft_s=ttft_s,
    )


def _place(numbered: tuple[int, dict[str, Any]]) -> tuple[int, int]:
    position, choice = numbered
    index = choice.get("index")
    return (index if type(index) is int else position), position


def _further(choices: list[dict[str, Any]]) -> list[Choice]:
    """The second answer and those after it, without what is none: whoever asked for so many sees that some lack."""
    found = []
    for choice in choices:
        if not choice.get("error") and choice.get("finish_reason") != "error":
            try:
                found.append(_choice(choice))
            except NotJson:
                continue
    return found


def _choice(choice: Mapping[str, Any]) -> Choice:
    """An answer. Raises NotJson where there is none that can be read."""
    finish_reason, message = text(choice.get("finish_reason")), choice.get("message")
    if message is None and finish_reason == "content_filter":
        message = {}  # Azure says nothing at all where it filtered everything
    if not isinstance(message, dict):
        raise NotJson("no message in the reply")
    content, thought = _content(message.get("content"))
    return Choice(
        text=content,
        finish_reason=finish_reason,
        refusal=text(message.get("refusal")),
        tool_calls=_tool_calls(message),
        reasoning=text(message.get("reasoning_content")) or text(message.get("reasoning")) or thought,
    )


def _content(content: Any) -> tuple[str | None, str | None]:
    """The answer's text and the thoughts in it: a string, nothing, or a list of parts, as Mistral has it."""
    if content is None or isinstance(content, str):
        return content, None
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise NotJson("the answer is not a text")
    texts = [part.get("text") for part in content if part.get("type") == "text"]
    if not all(isinstance(said, str) for said in texts):
        raise NotJson("the answer is not a text")
    thoughts = [part.get("thinking") for part in content if part.get("type") == "thinking"]
    thought = "".join(said for thinking in thoughts for said in _thought(thinking))
    return ("".join(texts) if texts else None), thought or None


def _thought(thinking: Any) -> list[str]:
    if isinstance(thinking, list):
        return [string(part.get("text")) for part in thinking if isinstance(part, dict)]
    return [string(thinking)]


def _tool_calls(message: Mapping[str, Any]) -> tuple[ToolCall, ...]:
    calls, legacy = message.get("tool_calls"), message.get("function_call")
    if not calls:
        calls = [{"function": legacy}] if isinstance(legacy, dict) else []
    if not isinstance(calls, list):
        raise NotJson("the tool calls are not a list")
    return tuple(_tool_call(position, call) for position, call in enumerate(calls))


def _tool_call(position: int, call: Any) -> ToolCall:
    function = (call.get("function") or call.get("custom")) if isinstance(call, dict) else None
    name = text(function.get("name")) if isinstance(function, dict) else None
    if not isinstance(function, dict) or name is None:
        raise NotJson("a tool call without a name")
    arguments = function.get("arguments", function.get("input"))
    if arguments is None:
        arguments = ""
    elif not isinstance(arguments, str):
        arguments = dumped(arguments)
    return ToolCall(id=text(call.get("id")) or f"call_{position}", name=name, arguments=arguments)


def _carried(choice: Mapping[str, Any]) -> str | None:
    """What the vendor wants back with its tool calls: hidden reasoning, and what it hung on the calls (Gemini)."""
    message = choice["message"]
    carried = {name: message[name] for name in _SENT_BACK if message.get(name)}
    calls = message.get("tool_calls") or []
    more = [{k: v for k, v in call.items() if v and k not in ("index", "id", "type", "function")} for call in calls]
    if any(more):
        carried["tool_calls"] = more
    return dumped(carried) if carried else None


def _usage(reading: Reading, said: Mapping[str, Any], answers: list[Choice]) -> Usage:
    usage, groq = said.get("usage"), said.get("x_groq")
    if not isinstance(usage, dict):
        usage = groq.get("usage") if isinstance(groq, dict) else None  # where Groq's streams have it
    details = usage if isinstance(usage, dict) else {}
    cached_tokens = figure(details.get("prompt_tokens_details"), "cached_tokens")
    if cached_tokens is None:
        cached_tokens = figure(details, "prompt_cache_hit_tokens")  # DeepSeek's word
    return reading.usage(
        prompt_tokens=figure(details, "prompt_tokens"),
        completion_tokens=figure(details, "completion_tokens"),
        choices=answers,
        cached_tokens=cached_tokens,
        reasoning_tokens=figure(details.get("completion_tokens_details"), "reasoning_tokens"),
    )
