"""The dialect openai-chat: OpenAI's Chat Completions, as the many services that imitate it speak it.  (pure)

Source: the OpenAI API reference, "Create chat completion"; error shapes are in classify.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalrun import tokens
from evalrun.providers.classify import EXCERPT, failure_of
from evalrun.providers.dialect import Auth
from evalrun.providers.ratelimits import facts_of
from evalrun.providers.reply import NotJson, Reply, read_json, text_of
from evalrun.records.outcome import Failure, FailureKind, Outcome, Response, TokensMethod, Usage
from evalrun.records.request import Request
from evalrun.records.suite import Provider
from evalrun.redact import Redactor

AUTH: Auth = "bearer"

_MOST_TOKENS = 10**12  # a figure beyond this is a fault of the server's, and no database holds it
_METHODS_FROM_BEST = (TokensMethod.EXACT, TokensMethod.ESTIMATE)


def path(_request: Request, _provider: Provider) -> str:
    """See Dialect."""
    return "/chat/completions"


def headers(_request: Request, _provider: Provider) -> Mapping[str, str]:
    """See Dialect."""
    return {"accept": "application/json"}


def build(request: Request) -> dict[str, Any]:
    """The body to send: model, messages, and the parameters as the request has them."""
    messages = [{"role": message.role, "content": message.content} for message in request.messages]
    return {**request.params, "model": request.model, "messages": messages}


def parse(reply: Reply, request: Request, *, now: float, redact: Redactor, simulated: bool = False) -> Outcome:
    """What the reply is: a Response, or a Failure with its kind. Any bytes are a reply; nothing is raised.

    *now* (Unix time, seconds) is what a date in Retry-After is compared with where the reply has no date. *redact*
    masks secrets before anything is kept. *simulated* marks the reply's own token figures as such.
    """
    if not 200 <= reply.status < 300:
        return failure_of(reply, now=now, redact=redact)
    text = redact.known(text_of(reply.body))
    try:
        said = read_json(text)
    except NotJson as reason:
        kind = FailureKind.CUT if reason.cut else FailureKind.GARBAGE
        return _unreadable(reply, redact(text), kind, str(reason), now)
    if not isinstance(said, dict):
        return _unreadable(reply, redact(text), FailureKind.GARBAGE, "not a JSON object", now)
    if said.get("error"):
        return failure_of(reply, now=now, redact=redact, said=said)
    return _answer(reply, request, said, text, now=now, redact=redact, simulated=simulated)


def _answer(
    reply: Reply,
    request: Request,
    said: dict[str, Any],
    text: str,
    *,
    now: float,
    redact: Redactor,
    simulated: bool,
) -> Outcome:
    choices = said.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        return _unreadable(reply, redact(text), FailureKind.GARBAGE, "no choices in the reply", now)
    if choice.get("error"):
        return failure_of(reply, now=now, redact=redact, said=choice)
    message = choice.get("message")
    if not isinstance(message, dict):
        return _unreadable(reply, redact(text), FailureKind.GARBAGE, "no message in the reply", now)
    finish_reason = _text(choice.get("finish_reason"))
    if finish_reason == "error":
        return _unreadable(reply, redact(text), FailureKind.SERVER, "the server broke off its answer", now)
    try:
        content = _content(message.get("content"))
    except ValueError as reason:
        return _unreadable(reply, redact(text), FailureKind.GARBAGE, str(reason), now)
    content = redact.known(content) if content else content
    refusal = _text(message.get("refusal"))
    return Response(
        text=content,
        usage=_usage(said.get("usage"), request, (content or "") + (refusal or ""), simulated=simulated),
        latency_s=reply.latency_s,
        finish_reason=finish_reason,
        refusal=redact.known(refusal) if refusal else None,
        model=_text(said.get("model")),
        system_fingerprint=_text(said.get("system_fingerprint")),
        body=text,
        rate=facts_of(reply.status, reply.headers, None, now),
    )


def _content(content: Any) -> str | None:
    """The answer's text: a string, nothing, or a list of parts of which those of type text count."""
    if content is None or isinstance(content, str):
        return content
    if isinstance(content, list) and all(isinstance(part, dict) for part in content):
        texts = [part.get("text") for part in content if part.get("type") == "text"]
        if all(isinstance(text, str) for text in texts):
            return "".join(texts) if texts else None
    raise ValueError("the answer is not a text")


def _usage(said: Any, request: Request, answer: str, *, simulated: bool) -> Usage:
    """The reply's own token figures; what it does not say is counted, and the whole marked as counted."""
    usage: Mapping[str, Any] = said if isinstance(said, dict) else {}
    prompt_tokens, completion_tokens = _figure(usage, "prompt_tokens"), _figure(usage, "completion_tokens")
    methods: set[TokensMethod] = set()
    if prompt_tokens is None:
        prompt_tokens, method = tokens.count_messages(request.messages, request.model)
        methods.add(method)
    if completion_tokens is None:
        completion_tokens, method = tokens.count(answer, request.model)
        methods.add(method)
    if not methods:
        counted = TokensMethod.SIMULATED if simulated else TokensMethod.API
    else:
        counted = max(methods, key=_METHODS_FROM_BEST.index)
    return Usage(
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        method=counted,
        cached_tokens=_figure(usage.get("prompt_tokens_details"), "cached_tokens"),
        reasoning_tokens=_figure(usage.get("completion_tokens_details"), "reasoning_tokens"),
    )


def _figure(holder: Any, name: str) -> int | None:
    value = holder.get(name) if isinstance(holder, dict) else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _unreadable(reply: Reply, text: str, kind: FailureKind, reason: str, now: float) -> Failure:
    """A reply of status 2xx without an answer in it: the reason, and how the body begins."""
    begins = text.strip()[:EXCERPT]
    return Failure(
        kind=kind,
        message=f"HTTP {reply.status} without an answer: {reason}" + (f": {begins}" if begins else ""),
        latency_s=reply.latency_s,
        http_status=reply.status,
        body=begins or None,
        rate=facts_of(reply.status, reply.headers, None, now),
    )
