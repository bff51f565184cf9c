"""The simulator without a socket: models, limits and faults behind one async call. All time is the clock's."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from evalrun import tokens
from evalrun.clock import Clock
from evalrun.simulator import faults
from evalrun.simulator.audit import Received as Received
from evalrun.simulator.body import BadBody, Call, body_key, error_body, last_user_text, read
from evalrun.simulator.faults import FAULTS as FAULTS
from evalrun.simulator.models import MODELS, Draws, speak
from evalrun.simulator.rules import Rules as Rules
from evalrun.simulator.rules import range_of
from evalrun.simulator.styles import announced, date_header, refusal
from evalrun.simulator.styles import go_duration as go_duration
from evalrun.simulator.windows import Admitted, Refused, ScopeLimits, Size, admit, release

FINGERPRINT = "fp_simulator_1"
PROVIDER_PREFIX = "simulator/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What goes back. *fault* names the fault that was made, if any: those of `faults.ON_THE_WIRE` spoil this reply."""

    status: int
    headers: Mapping[str, str]
    body: dict[str, Any] | None
    fault: str | None = None


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

        *body* is parsed JSON of any kind; *headers* are not read now.
        """
        reply = await self._chat(body)
        return replace(reply, headers={**reply.headers, "date": date_header(self._now())})

    async def _chat(self, body: object) -> Reply:
        try:
            call = read(body)
        except BadBody as complaint:
            reply = _error(400, str(complaint), "invalid_request_error", complaint.param, complaint.code)
            return self._note(body_key(body), body, reply)
        name = call.model.removeprefix(PROVIDER_PREFIX)
        if name not in MODELS:
            message = f"The model `{call.model}` does not exist or you do not have access to it."
            return self._note(call.key, body, _error(404, message, "invalid_request_error", None, "model_not_found"))
        size = Size(
            input_tokens=tokens.count_messages(call.messages, PROVIDER_PREFIX)[0], max_tokens=call.max_tokens or 0
        )
        too_large = self._too_large(call, name, size)
        if too_large is not None:
            return self._note(call.key, body, too_large)
        return await self._weighed(call, name, size, body)

    def _too_large(self, call: Call, name: str, size: Size) -> Reply | None:
        """What no wait can help: a request beyond the model's context, or beyond the most that one may have."""
        window = MODELS[name].context_tokens
        if size.input_tokens + size.max_tokens > window:
            message = (
                f"This model's maximum context length is {window} tokens, but {size.input_tokens} are in the messages"
            )
            message += f" and {call.max_tokens} in the completion." if call.max_tokens else "."
            return _error(400, message, "invalid_request_error", "messages", "context_length_exceeded")
        for scope in self._scopes(name):
            for most, asked in (
                (scope.quota.max_input_tokens, size.input_tokens),
                (scope.quota.max_output_tokens, size.max_tokens),
            ):
                if most is not None and asked > most:
                    message = f"Request body too large for {call.model} model. Max size: {most} tokens."
                    return _error(413, message, "invalid_request_error", None, "tokens_limit_reached")
        return None

    async def _weighed(self, call: Call, name: str, size: Size, body: object) -> Reply:
        """Hold it against the limits when it arrives, which is somewhere within its latency."""
        attempt = self._attempt(call.key)
        spoken = speak(
            name,
            call.messages,
            temperature=call.temperature,
            seed=call.seed,
            json_only=call.json_only,
            latency_s=range_of(self._rules.latency_s),
        )
        transit_s = spoken.latency_s * self._transit(call.key, attempt)
        if transit_s:
            await self._clock.sleep(transit_s)
        now = self._now()
        scopes = self._scopes(name)
        admission = admit(scopes, now, size)
        if isinstance(admission, Refused):
            said = refusal(self._rules.style, admission, call.model, now)
            headers = {**announced(self._rules.style, scopes, now), **said.headers}
            return self._note(
                call.key, body, Reply(status=said.status, headers=headers, body=said.body), name, size, admission
            )
        output_tokens: int | None = None
        try:
            fault = faults.drawn(self._rules.faults, seed=self._rules.seed, key=call.key, attempt=attempt)
            reply = self._reply(call, name, size, spoken.text, spoken.latency_s, fault)
            usage = (reply.body or {}).get("usage")
            self._note(call.key, body, reply, name, size, admission)
            await self._clock.sleep(spoken.latency_s - transit_s)
            output_tokens = usage["completion_tokens"] if usage else 0
        finally:
            release(admission, self._now(), output_tokens)
        return reply

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

    def _reply(self, call: Call, name: str, size: Size, text: str, latency_s: float, fault: str | None) -> Reply:
        now = self._now()
        headers = {**announced(self._rules.style, self._scopes(name), now), "x-request-id": f"req_{call.key[:24]}"}
        if fault and fault not in faults.ON_THE_WIRE:
            status, more, error = faults.reply_to(fault)
            return Reply(status=status, headers={**headers, **more}, body=error, fault=fault)
        headers["openai-processing-ms"] = str(round(latency_s * 1000))
        completion = _completion(call, name, text, size.input_tokens, created=int(now))
        return Reply(status=200, headers=headers, body=completion, fault=fault)

    def _note(
        self,
        key: str,
        body: object,
        reply: Reply,
        model: str = "",
        size: Size | None = None,
        admission: Admitted | Refused | None = None,
    ) -> Reply:
        if self._log is None:
            return reply
        said = body.get("model") if isinstance(body, Mapping) else None
        usage = (reply.body or {}).get("usage") or {}
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
                output_tokens=usage.get("completion_tokens", 0),
            )
        )
        return reply


def _error(
    status: int, message: str, kind: str, param: str | None, code: str | None, headers: Mapping[str, str] | None = None
) -> Reply:
    return Reply(status=status, headers=headers or {}, body=error_body(message, kind, param, code))


def _completion(call: Call, model: str, said: str, prompt_tokens: int, *, created: int) -> dict[str, Any]:
    stops = [at for at in (said.find(word) for word in call.stop) if at >= 0]
    said = said[: min(stops)] if stops else said
    text = said if call.max_tokens is None else tokens.cut(said, call.max_tokens)
    used = tokens.estimate(text)
    return {
        "id": f"chatcmpl-{hashlib.sha256(f'{call.key}:{model}'.encode()).hexdigest()[:24]}",
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "logprobs": None,
                "finish_reason": "stop" if text == said else "length",
            }
        ],
        "usage": {"prompt_tokens": prompt_tokens, "completion_tokens": used, "total_tokens": prompt_tokens + used},
        "system_fingerprint": FINGERPRINT,
    }
