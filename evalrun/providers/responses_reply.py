"""How replies of OpenAI's Responses API are read, whole or as a stream of events.  (pure)

Source: the OpenAI API reference, "The response object" and "Streaming events". Why an answer ended
is told in the words of chat completions: stop, length, tool_calls, content_filter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evalrun.providers.reading import Reading, dicts, dumped, figure, string, text
from evalrun.providers.reply import NotJson, Reply
from evalrun.records.message import ToolCall
from evalrun.records.outcome import Choice, Failure, FailureKind, Outcome
from evalrun.records.request import Request
from evalrun.redact import Redactor

_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
_ANSWERS = frozenset(
    {"response.output_text.delta", "response.refusal.delta", "response.function_call_arguments.delta"},
)
_FINISH = {"max_output_tokens": "length", "content_filter": "content_filter"}
_FILTERED = frozenset({"bio_policy", "image_content_policy_violation"})
_ASKED_WRONGLY = frozenset({"invalid_prompt", "failed_to_download_image", "data_residency_mismatch"})


def parse(reply: Reply, request: Request, *, now: float, redact: Redactor, simulated: bool = False) -> Outcome:
    """See Dialect."""
    reading = Reading(reply=reply, request=request, now=now, redact=redact, simulated=simulated)
    outcome = reading.outcome(whole=_answer, stream=_stream)
    return _of_its_kind(outcome) if isinstance(outcome, Failure) else outcome


def _stream(reading: Reading) -> Outcome:
    """The last event holds the whole reply; those before it say only when its answer began."""
    ttft_s: float | None = None
    for piece in reading.pieces():
        if piece.type in _ANSWERS and ttft_s is None and piece.said.get("delta"):
            ttft_s = reading.reply.seconds_until(piece.end)
        if piece.type == "error" or piece.said.get("error"):
            return _of_its_kind(reading.failed(piece.said), otherwise=FailureKind.SERVER)
        if piece.type in _ENDS:
            said = piece.said.get("response")
            if not isinstance(said, dict):
                raise NotJson("no response in the stream's last event")
            if said.get("error"):
                return _of_its_kind(reading.failed(said), otherwise=FailureKind.SERVER)
            return _answer(reading, said, dumped(said), ttft_s)
    return reading.unreadable("the stream ended before its end", FailureKind.CUT)


def _of_its_kind(failure: Failure, *, otherwise: FailureKind = FailureKind.GARBAGE) -> Failure:
    """The failure inside a 200 with the kind of an error code that only the Responses API has, or else *otherwise*."""
    code = failure.code or ""
    if failure.kind is not FailureKind.GARBAGE:
        return failure
    if code in _FILTERED:
        return replace(failure, kind=FailureKind.FILTERED)
    if code in _ASKED_WRONGLY or "image" in code:
        return replace(failure, kind=FailureKind.BAD_REQUEST)
    return replace(failure, kind=otherwise)


def _answer(reading: Reading, said: dict[str, Any], body: str, ttft_s: float | None = None) -> Outcome:
    status = said.get("status")
    if status in ("failed", "cancelled"):
        return reading.unreadable(f"the server says that it {status}", FailureKind.SERVER)
    if status in ("queued", "in_progress"):
        return reading.unreadable(f"the reply is not there yet ({status}); leave out background", FailureKind.GARBAGE)
    items = dicts(said.get("output"), "output")
    choice = _choice(items, said)
    usage = said.get("usage")
    details = usage if isinstance(usage, dict) else {}
    return reading.response(
        [choice],
        usage=reading.usage(
            prompt_tokens=figure(usage, "input_tokens"),
            completion_tokens=figure(usage, "output_tokens"),
            choices=[choice],
            cached_tokens=figure(details.get("input_tokens_details"), "cached_tokens"),
            reasoning_tokens=figure(details.get("output_tokens_details"), "reasoning_tokens"),
        ),
        body=body,
        model=said.get("model"),
        carried=_carried(items, stored=said.get("store") is True),
        ttft_s=ttft_s,
    )


def _choice(items: list[dict[str, Any]], said: Mapping[str, Any]) -> Choice:
    """The answer that the output items make. Raises NotJson for one that cannot be read.

    Where a message is marked as the final answer, those marked as commentary are no part of it but of the reasoning.
    """
    messages = [item for item in items if item.get("type") == "message"]
    final = any(message.get("phase") == "final_answer" for message in messages)
    texts, refusals, thoughts = list[str](), list[str](), list[str]()
    calls = []
    for item in items:
        if item.get("type") == "message":
            commentary = final and item.get("phase") == "commentary"
            for part in dicts(item.get("content"), "content"):
                _take(part, thoughts if commentary else texts, refusals)
        elif item.get("type") == "function_call":
            calls.append(_call(item))
        elif item.get("type") == "reasoning":
            thoughts += _thoughts(item)
    return Choice(
        text="".join(texts) if texts else None,
        finish_reason=_finish_reason(said, calls),
        refusal="".join(refusals) or None,
        tool_calls=tuple(calls),
        reasoning="\n\n".join(filter(None, thoughts)) or None,
    )


def _take(part: Mapping[str, Any], texts: list[str], refusals: list[str]) -> None:
    if part.get("type") == "refusal":
        refusals.append(string(part.get("refusal")))
    elif part.get("type") == "output_text":
        if not isinstance(part.get("text"), str):
            raise NotJson("the answer is not a text")
        texts.append(part["text"])


def _call(item: Mapping[str, Any]) -> ToolCall:
    return ToolCall(
        id=text(item.get("call_id")) or string(item.get("id")),
        name=string(item.get("name")),
        arguments=string(item.get("arguments")),
    )


def _thoughts(item: Mapping[str, Any]) -> list[str]:
    """What a reasoning item says: its summary, or else the reasoning itself, which models with open weights show."""
    for member in ("summary", "content"):
        parts = item.get(member)
        said = [string(part.get("text")) for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
        if any(said):
            return said
    return []


def _finish_reason(said: Mapping[str, Any], calls: list[ToolCall]) -> str | None:
    details = said.get("incomplete_details")
    reason = text(details.get("reason")) if isinstance(details, dict) else None
    if said.get("status") == "incomplete" or reason:
        return _FINISH.get(reason or "", reason or "length")
    return "tool_calls" if calls else "stop"


def _carried(items: list[dict[str, Any]], *, stored: bool) -> str | None:
    """The items that must come back with the next request, where text and calls alone do not say all that is in them.

    A reasoning item that has nothing but an id would be looked up, and is not there unless the reply was *stored*.
    """
    kept = [
        item
        for item in items
        if item.get("type") != "reasoning" or stored or item.get("encrypted_content") or item.get("content")
    ]
    plain = all(
        item.get("type") == "function_call" or (item.get("type") == "message" and not item.get("phase"))
        for item in kept
    )
    return None if plain else dumped(kept)
