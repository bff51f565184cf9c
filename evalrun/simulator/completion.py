"""What the models said as a chat completion: cut, counted and put into OpenAI's shape.  (pure)"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evalrun import tokens
from evalrun.simulator.body import Call
from evalrun.simulator.models import Spoken
from evalrun.simulator.pieces import token_logprobs

FINGERPRINT = "fp_simulator_1"
TOKENS_PER_CALL = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A chat completion. *stop* is the stop word that ended the first choice, *thoughts* what went before it."""

    body: dict[str, Any]
    output_tokens: int
    stop: str | None = None
    thoughts: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cut:
    """One answer as far as its limits let it come."""

    text: str
    finish_reason: str
    output_tokens: int
    reasoning_tokens: int
    stop: str | None
    whole: bool


def complete(call: Call, model: str, spoken: Sequence[Spoken], prompt_tokens: int, *, created: int) -> Completed:
    """The completion of *spoken*, one for each choice; *created* is Unix time."""
    cuts = [_cut(call, each) for each in spoken]
    used, thought = sum(cut.output_tokens for cut in cuts), sum(cut.reasoning_tokens for cut in cuts)
    usage: dict[str, Any] = {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": used,
        "total_tokens": prompt_tokens + used,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": thought,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
    body = {
        "id": f"chatcmpl-{hashlib.sha256(f'{call.key}:{model}'.encode()).hexdigest()[:24]}",
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [_choice(call, at, *each) for at, each in enumerate(zip(spoken, cuts, strict=True))],
        "usage": usage,
        "system_fingerprint": FINGERPRINT,
    }
    return Completed(body=body, output_tokens=used, stop=cuts[0].stop, thoughts=spoken[0].thoughts)


def _choice(call: Call, index: int, spoken: Spoken, cut: _Cut) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": cut.text, "refusal": None}
    if spoken.calls and cut.whole:
        message["content"] = cut.text or None
        message["tool_calls"] = [
            {"id": each.id, "type": "function", "function": {"name": each.name, "arguments": each.arguments}}
            for each in spoken.calls
        ]
    logprobs = None
    if call.logprobs is not None:
        logprobs = {"content": token_logprobs(cut.text, call.logprobs), "refusal": None}
    return {"index": index, "message": message, "logprobs": logprobs, "finish_reason": cut.finish_reason}


def _cut(call: Call, spoken: Spoken) -> _Cut:
    """The text up to the first stop word, and to what the limit leaves once the thoughts are paid."""
    text, stop = _stopped(spoken.text, call.stop)
    thoughts = spoken.reasoning_tokens
    asked = sum(TOKENS_PER_CALL + tokens.estimate(each.arguments) for each in spoken.calls)
    limit = call.max_tokens
    kept = text if limit is None else tokens.cut(text, max(0, limit - thoughts))
    used = min(thoughts, limit) if limit is not None else thoughts
    total = used + tokens.estimate(kept)
    whole = kept == text and (limit is None or total + asked <= limit) and used == thoughts
    if whole:
        total += asked
    elif spoken.calls and limit is not None:
        total = limit  # a call that is cut is none, but its tokens are spent
    reason = "length" if not whole else "tool_calls" if spoken.calls else "stop"
    return _Cut(
        text=kept,
        finish_reason=reason,
        output_tokens=total,
        reasoning_tokens=used,
        stop=stop if whole else None,
        whole=whole,
    )


def _stopped(text: str, words: Sequence[str]) -> tuple[str, str | None]:
    found = [(at, word) for word in words if (at := text.find(word)) >= 0]
    if not found:
        return text, None
    at, word = min(found)
    return text[:at], word
