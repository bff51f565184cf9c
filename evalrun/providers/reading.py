"""What the dialects share in reading a reply: texts, figures, events, and a 200 without an answer.  (pure)"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from evalrun import tokens
from evalrun.providers import sse
from evalrun.providers.classify import EXCERPT, failure_of
from evalrun.providers.ratelimits import facts_of
from evalrun.providers.reply import NotJson, Reply, read_json, text_of
from evalrun.records.message import ToolCall
from evalrun.records.outcome import Choice, Failure, FailureKind, Outcome, Response, TokensMethod, Usage
from evalrun.records.request import Request
from evalrun.redact import Redactor

DONE = "[DONE]"
"""The type of the event that ends OpenAI's streams; it has no data."""

_MOST_TOKENS = 10**12  # a figure beyond this is a fault of the server's, and no database holds it
_METHODS_FROM_BEST = (TokensMethod.EXACT, TokensMethod.ESTIMATE)


def figure(holder: Any, name: str) -> int | None:
    """The number of tokens that *holder* has under *name*; None where it has none that can be believed."""
    value = holder.get(name) if isinstance(holder, dict) else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS else None


def text(value: Any) -> str | None:
    """The text that *value* is; None for an empty one and for anything else."""
    return value if isinstance(value, str) and value else None


def string(value: Any) -> str:
    """The text that *value* is, however short; empty for anything else."""
    return value if isinstance(value, str) else ""


def dicts(value: Any, what: str) -> list[dict[str, Any]]:
    """The list of objects that *value* is. Raises NotJson, "no *what* in the reply", for anything else."""
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        raise NotJson(f"no {what} in the reply")
    return value


def dumped(value: Any) -> str:
    """The value as JSON text, in ASCII. Raises NotJson where it is nested too deeply."""
    try:
        return json.dumps(value, separators=(",", ":"))
    except RecursionError:
        raise NotJson("the JSON is nested too deeply") from None


@dataclass(frozen=True, slots=True)
class Piece:
    """An event of a stream: its type, its data, and how many bytes of the stream had come when it was whole."""

    type: str
    said: dict[str, Any]
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A reply with all that it takes to read it; the members are the arguments of `Dialect.parse`."""

    reply: Reply
    request: Request
    now: float
    redact: Redactor
    simulated: bool = False

    @property
    def streamed(self) -> bool:
        """Whether the reply is a stream of events: by its content-type, or else because one was asked for."""
        kind = self.reply.headers.get("content-type", "").lower()
        if "event-stream" in kind or "json" in kind:
            return "event-stream" in kind
        return bool(self.request.params.get("stream")) and not self.reply.body.lstrip().startswith(b"{")

    def outcome(
        self,
        *,
        whole: Callable[[Reading, dict[str, Any], str], Outcome],
        stream: Callable[[Reading], Outcome] | None = None,
    ) -> Outcome:
        """What the reply means, any status and any bytes.

        *whole* reads the JSON object of a 2xx that says no ``error``, and is given its text too, without known secrets;
        *stream* reads a 2xx in events. What they raise as NotJson is a failure.
        """
        if not 200 <= self.reply.status < 300:
            return failure_of(self.reply, now=self.now, redact=self.redact)
        try:
            if stream is not None and self.streamed:
                return stream(self)
            body = self.redact.known(text_of(self.reply.body))
            said = read_json(body)
            if not isinstance(said, dict):
                raise NotJson("not a JSON object")
            return self.failed(said) if said.get("error") else whole(self, said, body)
        except NotJson as reason:
            return self.unreadable(reason)

    def pieces(self) -> Iterator[Piece]:
        """The events of the stream. Raises NotJson for one whose data is no JSON object."""
        for event in sse.events(self.reply.body):
            if event.data.strip() == DONE:
                yield Piece(DONE, {}, event.end)
                continue
            try:
                said = read_json(event.data)
            except NotJson as reason:
                raise NotJson(f"in an event, {reason}") from None
            if not isinstance(said, dict):
                raise NotJson("an event that is not a JSON object")
            yield Piece(text(said.get("type")) or event.name, said, event.end)

    def failed(self, said: Any) -> Failure:
        """The failure that the error body *said* is."""
        return failure_of(self.reply, now=self.now, redact=self.redact, said=said)

    def unreadable(self, reason: str | NotJson, kind: FailureKind = FailureKind.GARBAGE) -> Failure:
        """A reply of status 2xx without an answer in it: the reason, and how the body begins."""
        begins = self.redact(text_of(self.reply.body)).strip()[:EXCERPT]
        return Failure(
            kind=FailureKind.CUT if isinstance(reason, NotJson) and reason.cut else kind,
            message=f"HTTP {self.reply.status} without an answer: {reason}" + (f": {begins}" if begins else ""),
            latency_s=self.reply.latency_s,
            http_status=self.reply.status,
            body=begins or None,
            rate=facts_of(self.reply.status, self.reply.headers, None, self.now),
        )

    def usage(
        self,
        *,
        prompt_tokens: int | None,
        completion_tokens: int | None,
        choices: Sequence[Choice] = (),
        prompt: str | None = None,
        cached_tokens: int | None = None,
        reasoning_tokens: int | None = None,
    ) -> Usage:
        """The reply's own token figures; what it does not say (None) is counted, and the whole marked as counted.

        *choices* are the answers to count. *prompt* is the text to count where the request is no conversation.
        """
        methods: set[TokensMethod] = set()
        model = self.request.model
        if prompt_tokens is None:
            if prompt is None:
                prompt_tokens, method = tokens.count_request(self.request)
            else:
                prompt_tokens, method = tokens.count(prompt, model)
            methods.add(method)
        if completion_tokens is None:
            counts = [tokens.count(part, model) for part in _written(choices)]
            completion_tokens = sum(count for count, _ in counts)
            methods |= {method for _, method in counts}
        if methods:
            counted = max(methods, key=_METHODS_FROM_BEST.index)
        else:
            counted = TokensMethod.SIMULATED if self.simulated else TokensMethod.API
        return Usage(
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            method=counted,
            cached_tokens=cached_tokens,
            reasoning_tokens=reasoning_tokens,
        )

    def response(
        self,
        choices: Sequence[Choice],
        *,
        usage: Usage,
        body: str,
        model: Any = None,
        system_fingerprint: Any = None,
        carried: str | None = None,
        ttft_s: float | None = None,
    ) -> Response:
        """The Response of these answers (one or more), without known secrets in any of its texts."""
        first, *others = [self._clean(choice) for choice in choices]
        return Response(
            text=first.text,
            usage=usage,
            latency_s=self.reply.latency_s,
            finish_reason=first.finish_reason,
            refusal=first.refusal,
            model=self._known(model),
            system_fingerprint=self._known(system_fingerprint),
            body=self.redact.known(body),
            rate=facts_of(self.reply.status, self.reply.headers, None, self.now),
            tool_calls=first.tool_calls,
            ttft_s=ttft_s,
            reasoning=first.reasoning,
            carried=self.redact.known(carried) if carried else None,
            choices=tuple(others),
        )

    def _known(self, value: Any) -> str | None:
        said = text(value)
        return self.redact.known(said) if said else None

    def _clean(self, choice: Choice) -> Choice:
        known = self.redact.known
        calls = (ToolCall(id=known(c.id), name=known(c.name), arguments=known(c.arguments)) for c in choice.tool_calls)
        return Choice(
            text=known(choice.text) if choice.text else choice.text,
            finish_reason=choice.finish_reason,
            refusal=known(choice.refusal) if choice.refusal else None,
            tool_calls=tuple(calls),
            reasoning=known(choice.reasoning) if choice.reasoning else None,
        )


def _written(choices: Sequence[Choice]) -> list[str]:
    """What the model wrote, part by part, for counting."""
    return [
        part
        for choice in choices
        for part in (
            *(choice.reasoning or "", choice.text or "", choice.refusal or ""),
            *(said for call in choice.tool_calls for said in (call.name, call.arguments)),
        )
    ]
