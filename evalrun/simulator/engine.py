"""The simulator without a socket: models, limits and faults behind one async call. All time is the clock's."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from evalrun import tokens
from evalrun.clock import Clock
from evalrun.records.message import Image, Message
from evalrun.simulator import faults
from evalrun.simulator.audit import Received as Received
from evalrun.simulator.body import Call, body_key, check_for_model, last_user_text, read
from evalrun.simulator.complaints import BadBody, error_body
from evalrun.simulator.completion import complete
from evalrun.simulator.draws import Draws
from evalrun.simulator.embeddings import Wanted, embed, wanted
from evalrun.simulator.faults import FAULTS as FAULTS
from evalrun.simulator.models import MODELS, speak
from evalrun.simulator.pictures import sized
from evalrun.simulator.rules import Rules as Rules
from evalrun.simulator.rules import Style, range_of
from evalrun.simulator.styles import announced, date_header, refusal
from evalrun.simulator.styles import go_duration as go_duration
from evalrun.simulator.windows import Admitted, Refused, ScopeLimits, Size, admit, release

PROVIDER_PREFIX = "simulator/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What goes back. *fault* names the fault that was made, if any: those of `faults.ON_THE_WIRE` spoil this reply.

    *left_s* is how much of its latency is still to pass. *stop* is the stop word that ended it, *thoughts* what a model
    that reasons says of its thinking; a chat completion has no place for either, other dialects have.
    """

    status: int
    headers: Mapping[str, str]
    body: dict[str, Any] | None
    fault: str | None = None
    left_s: float = 0.0
    stop: str | None = None
    thoughts: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """A valid request to a model that exists. *make* is its reply's body, made of the server's time."""

    key: str
    said: object
    model: str
    name: str
    size: Size
    latency_s: float
    stream: bool
    style: Style
    output_tokens: int
    make: Callable[[int], dict[str, Any]] = field(repr=False)
    stop: str | None = None
    thoughts: str = ""


class Engine:
    """An endpoint that keeps its limits. *log* is called once for each request received."""

    def __init__(self, rules: Rules, clock: Clock, log: Callable[[Received], None] | None = None) -> None:
        self._rules = rules
        self._clock = clock
        self._log = log
        # What changes: what is booked, for the account and for each model, and how often each body came
        # (kept only where something is drawn from it).
        self._account = ScopeLimits("", rules.account_quota)
        self._models: dict[str, ScopeLimits] = {}
        self._attempts: dict[str, int] = {}

    async def chat(self, body: object, headers: Mapping[str, str] | None = None) -> Reply:
        """Answer the body of a chat completion, after the model's latency. Any key, or none, is accepted.

        *body* is parsed JSON of any kind; *headers* are not read now. Where a stream is asked for, this is what its
        chunks add up to.
        """
        async with self.ask(body) as reply:
            await self._clock.sleep(reply.left_s)
        return self.dated(reply)

    def dated(self, reply: Reply) -> Reply:
        """*reply* as it leaves now."""
        return replace(reply, headers={**reply.headers, "date": date_header(self._now())})

    def refuse(self, body: object, complaint: BadBody) -> Reply:
        """The reply to a body that is none: nothing is counted."""
        reply = _error(complaint.status, str(complaint), "invalid_request_error", complaint.param, complaint.code)
        return self._note(body_key(body), body, reply)

    @asynccontextmanager
    async def ask(self, body: object, style: Style | None = None) -> AsyncIterator[Reply]:
        """The reply to the body of a chat completion, as soon as it is admitted; its place is held until the end.

        Who leaves early, by an exception, pays for no output. *style* is how limits are told, instead of the rules'.
        """
        async with self._answered(body, style, self._chat_work) as reply:
            yield reply

    @asynccontextmanager
    async def embed(self, body: object, style: Style | None = None) -> AsyncIterator[Reply]:
        """The reply to the body of an embeddings request, likewise."""
        async with self._answered(body, style, self._embedding_work) as reply:
            yield reply

    @asynccontextmanager
    async def _answered(
        self, body: object, style: Style | None, prepare: Callable[[object, Style], _Work | Reply]
    ) -> AsyncIterator[Reply]:
        try:
            work = prepare(body, style or self._rules.style)
        except BadBody as complaint:
            yield self.refuse(body, complaint)
            return
        if isinstance(work, Reply):
            yield self._note(body_key(body), body, work)
            return
        async with self._weighed(work) as reply:
            yield reply

    def _chat_work(self, body: object, style: Style) -> _Work | Reply:
        call = read(body)
        name = call.model.removeprefix(PROVIDER_PREFIX)
        if name not in MODELS:
            return _no_such_model(call.model)
        if isinstance(body, Mapping):
            check_for_model(body, reasons=MODELS[name].reasons)
        size = Size(input_tokens=input_tokens(call), max_tokens=call.max_tokens or 0)
        too_large = self._too_large(call.model, name, size)
        if too_large is not None:
            return too_large
        spoken = [
            speak(
                name,
                call.messages,
                temperature=call.temperature,
                seed=call.seed,
                json_only=call.json_only,
                latency_s=range_of(self._rules.latency_s),
                wants=call.wants,
                choice=choice,
            )
            for choice in range(call.choices)
        ]
        done = complete(call, name, spoken, size.input_tokens, created=0)
        return _Work(
            key=call.key,
            said=body,
            model=call.model,
            name=name,
            size=size,
            latency_s=max(each.latency_s for each in spoken),
            stream=call.stream,
            style=style,
            output_tokens=done.output_tokens,
            make=lambda created: {**done.body, "created": created},
            stop=done.stop,
            thoughts=done.thoughts,
        )

    def _embedding_work(self, body: object, style: Style) -> _Work | Reply:
        want: Wanted = wanted(body)
        name = want.model.removeprefix(PROVIDER_PREFIX)
        dimensions = MODELS[name].dimensions if name in MODELS else None
        if dimensions is None:
            return _no_such_model(want.model)
        reply = embed(want, name, dimensions)
        size = Size(input_tokens=want.tokens, max_tokens=0)
        too_large = self._too_large(want.model, name, size)
        if too_large is not None:
            return too_large
        low, high = range_of(self._rules.latency_s) or MODELS[name].latency_s
        key = body_key(body)
        return _Work(
            key=key,
            said=body,
            model=want.model,
            name=name,
            size=size,
            latency_s=low + (high - low) * Draws(key).number("latency"),
            stream=False,
            style=style,
            output_tokens=0,
            make=lambda _: reply,
        )

    def _too_large(self, model: str, name: str, size: Size) -> Reply | None:
        """What no wait can help: a request beyond the model's context, or beyond the most that one may have."""
        window = MODELS[name].context_tokens
        if size.input_tokens + size.max_tokens > window:
            message = (
                f"This model's maximum context length is {window} tokens, but {size.input_tokens} are in the messages"
            )
            message += f" and {size.max_tokens} in the completion." if size.max_tokens else "."
            return _error(400, message, "invalid_request_error", "messages", "context_length_exceeded")
        for scope in self._scopes(name):
            for most, asked in (
                (scope.quota.max_input_tokens, size.input_tokens),
                (scope.quota.max_output_tokens, size.max_tokens),
            ):
                if most is not None and asked > most:
                    message = f"Request body too large for {model} model. Max size: {most} tokens."
                    return _error(413, message, "invalid_request_error", None, "tokens_limit_reached")
        return None

    @asynccontextmanager
    async def _weighed(self, work: _Work) -> AsyncIterator[Reply]:
        """Hold it against the limits when it arrives, which is somewhere within its latency."""
        attempt = self._attempt(work.key)
        transit_s = work.latency_s * self._transit(work.key, attempt)
        if transit_s:
            await self._clock.sleep(transit_s)
        now = self._now()
        scopes = self._scopes(work.name)
        admission = admit(scopes, now, work.size)
        if isinstance(admission, Refused):
            said = refusal(work.style, admission, work.model, now)
            headers = {**announced(work.style, scopes, now), **said.headers}
            refused = Reply(status=said.status, headers=headers, body=said.body)
            yield self._note(work.key, work.said, refused, work.name, work.size, admission)
            return
        used: int | None = None
        try:
            fault = faults.drawn(self._rules.faults, seed=self._rules.seed, key=work.key, attempt=attempt)
            reply = self._reply(work, None if fault in faults.IN_STREAMS and not work.stream else fault)
            answered = reply.status == 200
            output_tokens = work.output_tokens if answered else 0
            self._note(work.key, work.said, reply, work.name, work.size, admission, output_tokens)
            yield replace(reply, left_s=work.latency_s - transit_s)
            used = output_tokens
        finally:
            release(admission, self._now(), used)

    def _attempt(self, key: str) -> int:
        if not self._rules.faults and not self._rules.transit:
            return 1
        attempt = self._attempts[key] = self._attempts.get(key, 0) + 1
        return attempt

    def _now(self) -> float:
        return self._clock.time() + self._rules.clock_offset_s

    def _scopes(self, model: str) -> tuple[ScopeLimits, ...]:
        quota = self._rules.model_quota(model)
        if quota is None:
            return (self._account,)
        if model not in self._models:
            self._models[model] = ScopeLimits(model, quota)
        return (self._account, self._models[model])

    def _transit(self, key: str, attempt: int) -> float:
        least, most = range_of(self._rules.transit) or (0.0, 0.0)
        if least == most:
            return most
        return least + (most - least) * Draws(self._rules.seed, key, attempt).number("transit")

    def _reply(self, work: _Work, fault: str | None) -> Reply:
        now = self._now()
        headers = {**announced(work.style, self._scopes(work.name), now), "x-request-id": f"req_{work.key[:24]}"}
        if fault and fault not in faults.ON_THE_WIRE:
            status, more, error = faults.reply_to(fault)
            return Reply(status=status, headers={**headers, **more}, body=error, fault=fault)
        headers["openai-processing-ms"] = str(round(work.latency_s * 1000))
        body = work.make(int(now))
        return Reply(status=200, headers=headers, body=body, fault=fault, stop=work.stop, thoughts=work.thoughts)

    def _note(
        self,
        key: str,
        body: object,
        reply: Reply,
        model: str = "",
        size: Size | None = None,
        admission: Admitted | Refused | None = None,
        output_tokens: int = 0,
    ) -> Reply:
        if self._log is None:
            return reply
        said = body.get("model") if isinstance(body, Mapping) else None
        scopes = self._scopes(model) if admission is not None else ()
        self._log(
            Received(
                at=self._now(),
                key=key,
                model=model or (said if isinstance(said, str) else ""),
                text=last_user_text(body),
                status=reply.status,
                fault=reply.fault,
                weighed=admission is not None,
                refused=isinstance(admission, Refused),
                in_flight=scopes[0].in_flight + isinstance(admission, Refused) if scopes else 0,
                model_in_flight=scopes[-1].in_flight + isinstance(admission, Refused) if scopes else 0,
                input_tokens=size.input_tokens if size else 0,
                max_tokens=size.max_tokens if size else 0,
                output_tokens=output_tokens,
            )
        )
        return reply


def input_tokens(call: Call) -> int:
    """Prompt tokens of a request: its messages, the calls and pictures in them, its tools and its schema."""
    total = tokens.count_messages(tuple(map(_seen, call.messages)), PROVIDER_PREFIX, call.wants.tools)[0]
    if call.wants.schema:
        total += tokens.estimate(json.dumps(dict(call.wants.schema.schema), ensure_ascii=False))
    return total


def _seen(message: Message) -> Message:
    """The message with the size of every picture that can be looked at."""
    if isinstance(message.content, str):
        return message
    return replace(message, content=tuple(sized(p) if isinstance(p, Image) else p for p in message.content))


def _no_such_model(model: str) -> Reply:
    message = f"The model `{model}` does not exist or you do not have access to it."
    return _error(404, message, "invalid_request_error", None, "model_not_found")


def _error(
    status: int, message: str, kind: str, param: str | None, code: str | None, headers: Mapping[str, str] | None = None
) -> Reply:
    return Reply(status=status, headers=headers or {}, body=error_body(message, kind, param, code))
