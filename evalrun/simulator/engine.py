"""The simulator without a socket: models, limits and faults behind one async call. All time is the clock's."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evalrun import tokens
from evalrun.clock import Clock
from evalrun.simulator import faults
from evalrun.simulator.body import BadBody, Call, body_key, error_body, last_user_text, read
from evalrun.simulator.faults import FAULTS as FAULTS
from evalrun.simulator.models import MODELS, speak
from evalrun.simulator.windows import Axis, LimitName, Limits, Refused, WindowKind

FINGERPRINT = "fp_simulator_1"
PROVIDER_PREFIX = "simulator/"
_WINDOW_NAMES = {
    "rpm": ("requests", "requests per min (RPM)"),
    "rpd": ("requests", "requests per day (RPD)"),
    "tpm": ("tokens", "tokens per min (TPM)"),
    "tpd": ("tokens", "tokens per day (TPD)"),
    "concurrency": ("requests", "concurrent requests"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How the endpoint behaves. Limits are one account's: all models and callers share them; None is no limit.

    *window* says how the limits count. *latency_s* is a time, or a shortest and a longest time to draw from; None is
    each model's own. *faults* maps a name of `FAULTS`, or an HTTP status, to a probability; *seed* changes which
    requests they befall. Raises ValueError with words.
    """

    rpm: float | None = None
    rpd: float | None = None
    tpm: float | None = None
    tpd: float | None = None
    concurrency: int | None = None
    window: WindowKind = "rolling"
    latency_s: float | tuple[float, float] | None = None
    faults: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("rpm", "rpd", "tpm", "tpd", "concurrency"):
            amount = getattr(self, name)
            if amount is not None and not 0 < amount < math.inf:
                raise ValueError(f"{name} must be over 0, not {amount}")
        if self.window not in ("fixed", "rolling", "bucket"):
            raise ValueError(f"unknown window {self.window!r} (allowed: fixed, rolling, bucket)")
        low, high = _range(self.latency_s) or (0.0, 0.0)
        if not 0 <= low <= high < math.inf:
            raise ValueError(f"latency must be a time, or a shorter and a longer one, not {self.latency_s}")
        faults.check(self.faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What goes back. *fault* names the fault that was made, if any: those of `faults.ON_THE_WIRE` spoil this reply."""

    status: int
    headers: Mapping[str, str]
    body: dict[str, Any] | None
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One line of the log, made as soon as the reply is decided. *at* is Unix time; *key* the body's sha256."""

    at: float
    key: str
    model: str
    text: str
    status: int
    fault: str | None


class Engine:
    """An endpoint that keeps its limits. *log* is called once for each request received."""

    def __init__(self, rules: Rules, clock: Clock, log: Callable[[Received], None] | None = None) -> None:
        self._rules = rules
        self._clock = clock
        self._log = log
        amounts: dict[LimitName, float | None] = {
            "rpm": rules.rpm,
            "rpd": rules.rpd,
            "tpm": rules.tpm,
            "tpd": rules.tpd,
        }
        # What changes: what is booked, and how often each body came (kept only where faults are drawn from it).
        self._limits = Limits(amounts, kind=rules.window, concurrency=rules.concurrency)
        self._attempts: dict[str, int] = {}

    async def chat(self, body: object, headers: Mapping[str, str] | None = None) -> Reply:
        """Answer the body of a chat completion, after the model's latency. Any key, or none, is accepted.

        *body* is parsed JSON of any kind; *headers* are not read now.
        """
        try:
            call = read(body)
        except BadBody as complaint:
            reply = _error(400, str(complaint), "invalid_request_error", complaint.param, complaint.code)
            return self._note(body_key(body), body, reply)
        name = call.model.removeprefix(PROVIDER_PREFIX)
        if name not in MODELS:
            message = f"The model `{call.model}` does not exist or you do not have access to it."
            return self._note(call.key, body, _error(404, message, "invalid_request_error", None, "model_not_found"))
        prompt_tokens = tokens.count_messages(call.messages, PROVIDER_PREFIX)[0]
        window = MODELS[name].context_tokens
        if prompt_tokens + (call.max_tokens or 0) > window:
            message = f"This model's maximum context length is {window} tokens, but {prompt_tokens} are in the messages"
            message += f" and {call.max_tokens} in the completion." if call.max_tokens else "."
            reply = _error(400, message, "invalid_request_error", "messages", "context_length_exceeded")
            return self._note(call.key, body, reply)
        return await self._admitted(call, name, prompt_tokens, body)

    async def _admitted(self, call: Call, name: str, prompt_tokens: int, body: object) -> Reply:
        now = self._clock.time()
        # OpenAI books the larger of max_tokens and the prompt's size when a request comes in, and does not settle it.
        admission = self._limits.admit(now, max(prompt_tokens, call.max_tokens or 0))
        if isinstance(admission, Refused):
            return self._note(call.key, body, self._too_many(call.model, admission, now))
        try:
            fault = self._fault(call.key)
            reply, latency_s = self._reply(call, name, prompt_tokens, now, fault)
            self._note(call.key, body, reply)
            await self._clock.sleep(latency_s)
        finally:
            self._limits.release()
        return reply

    def _fault(self, key: str) -> str | None:
        if not self._rules.faults:
            return None
        attempt = self._attempts[key] = self._attempts.get(key, 0) + 1
        return faults.drawn(self._rules.faults, seed=self._rules.seed, key=key, attempt=attempt)

    def _reply(self, call: Call, name: str, prompt_tokens: int, now: float, fault: str | None) -> tuple[Reply, float]:
        spoken = speak(
            name,
            call.messages,
            temperature=call.temperature,
            seed=call.seed,
            json_only=call.json_only,
            latency_s=_range(self._rules.latency_s),
        )
        headers = {**self._announced(now), "x-request-id": f"req_{call.key[:24]}"}
        if fault and fault not in faults.ON_THE_WIRE:
            status, more, error = faults.reply_to(fault)
            return Reply(status=status, headers={**headers, **more}, body=error, fault=fault), spoken.latency_s
        headers["openai-processing-ms"] = str(round(spoken.latency_s * 1000))
        completion = _completion(call, name, spoken.text, prompt_tokens, created=int(now))
        return Reply(status=200, headers=headers, body=completion, fault=fault), spoken.latency_s

    def _too_many(self, model: str, refused: Refused, now: float) -> Reply:
        axis, words = _WINDOW_NAMES[refused.kind]
        figures = f"Limit {refused.limit:g}, Requested {refused.requested:g}"
        if math.isinf(refused.retry_after_s):
            message = f"Request too large for {model} in organization simulator on {words}: {figures}. "
            message += "The input or output tokens must be reduced in order to run successfully."
            return _error(429, message, axis, None, "rate_limit_exceeded", self._announced(now))
        wait_ms = math.ceil(refused.retry_after_s * 1000)
        message = (
            f"Rate limit reached for {model} in organization simulator on {words}: "
            f"Limit {refused.limit:g}, Used {refused.used:g}, Requested {refused.requested:g}. "
            f"Please try again in {go_duration(wait_ms / 1000)}."
        )
        headers = {"retry-after": str(math.ceil(wait_ms / 1000)), "retry-after-ms": str(wait_ms)}
        return _error(429, message, axis, None, "rate_limit_exceeded", {**self._announced(now), **headers})

    def _announced(self, now: float) -> dict[str, str]:
        headers = {}
        axes: tuple[Axis, ...] = ("requests", "tokens")
        for axis in axes:
            standing = self._limits.standing(axis, now)
            if standing is not None:
                headers[f"x-ratelimit-limit-{axis}"] = f"{standing.limit:.0f}"
                headers[f"x-ratelimit-remaining-{axis}"] = f"{math.floor(standing.remaining)}"
                headers[f"x-ratelimit-reset-{axis}"] = go_duration(standing.reset_s)
        return headers

    def _note(self, key: str, body: object, reply: Reply) -> Reply:
        if self._log is not None:
            model = body.get("model") if isinstance(body, Mapping) else None
            received = Received(
                at=self._clock.time(),
                key=key,
                model=model if isinstance(model, str) else "",
                text=last_user_text(body),
                status=reply.status,
                fault=reply.fault,
            )
            self._log(received)
        return reply


def _range(latency_s: float | tuple[float, float] | None) -> tuple[float, float] | None:
    return (latency_s, latency_s) if isinstance(latency_s, int | float) else latency_s


def go_duration(seconds: float) -> str:
    """A duration as Go prints it, to the millisecond above: ``12ms``, ``1.5s``, ``6m0s``, ``21h26m17.041s``."""
    ms = max(0, math.ceil(round(seconds * 1000, 6)))
    if ms < 1000:
        return f"{ms}ms" if ms else "0s"
    minutes, ms = divmod(ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{ms / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


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
