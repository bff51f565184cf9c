"""How replies of Anthropic's Messages API are read, whole or as a stream of events.  (pure)

Source: Anthropic's API reference, "Create a message", "Streaming messages" and "Errors"; anthropic-sdk-python 2.13. Why
an answer ended is told in the words of chat completions; ``refusal``, which these lack, is left as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from evalrun.providers.reading import Piece, Reading, dicts, dumped, figure, string, text
from evalrun.providers.reply import NotJson, Reply, read_json
from evalrun.records.message import ToolCall
from evalrun.records.outcome import Choice, Failure, FailureKind, Outcome, Usage
from evalrun.records.request import Request
from evalrun.redact import Redactor

_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "length",  # a long turn that the server breaks off, so that one asks it to go on
    "tool_use": "tool_calls",
}
_KINDS = {
    "permission_error": FailureKind.AUTH,
    "not_found_error": FailureKind.NOT_FOUND,
    "request_too_large": FailureKind.BAD_REQUEST,
}
_DELTAS = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("signature", "signature"),
    "input_json_delta": ("partial_json", "arguments"),
}
"""What a delta of some type holds, and which member of its block it makes longer."""


def parse(reply: Reply, request: Request, *, now: float, redact: Redactor, simulated: bool = False) -> Outcome:
    """See Dialect."""
    reading = Reading(reply=reply, request=request, now=now, redact=redact, simulated=simulated)
    outcome = reading.outcome(whole=_answer, stream=_stream)
    return _of_its_kind(outcome) if isinstance(outcome, Failure) else outcome


def input_of(arguments: str) -> dict[str, Any]:
    """A call's arguments as the object that the API wants back.

    What is no JSON object goes as the text that it is, under the name that Anthropic's guide to fine-grained tool
    streaming gives it.
    """
    try:
        said = read_json(arguments) if arguments.strip() else {}
    except NotJson:
        said = None
    return said if isinstance(said, dict) else {"INVALID_JSON": arguments}


def _of_its_kind(failure: Failure, *, otherwise: FailureKind = FailureKind.GARBAGE) -> Failure:
    """The failure inside a 200 with the kind of an error type that only Anthropic has, or else *otherwise*."""
    if failure.kind is not FailureKind.GARBAGE:
        return failure
    return replace(failure, kind=_KINDS.get(failure.code or "", otherwise))


# ── streams ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Block:
    """A content block that grows: how it began, and the pieces of its members that came since."""

    began: dict[str, Any]
    grown: dict[str, list[str]] = field(default_factory=dict)
    citations: list[Any] = field(default_factory=list)
    open: bool = True

    def whole(self) -> dict[str, Any]:
        """The block as a reply that is no stream has it; a call's arguments also as they were written."""
        block = dict(self.began)
        for name, pieces in self.grown.items():
            if grown := "".join(pieces):  # a call without arguments has an empty piece of them
                block[name] = string(block.get(name)) + grown
        if self.citations:
            block["citations"] = self.citations
        if "arguments" in block:
            block["input"] = input_of(block["arguments"])
        return block


class _Message:
    """A message that its events add up to."""

    def __init__(self) -> None:
        self.said: dict[str, Any] = {}
        self.usage: dict[str, Any] = {}
        self.blocks: dict[int, _Block] = {}

    def add(self, piece: Piece) -> bool:
        """Take one event; whether it holds a piece of the answer. Raises NotJson for one that cannot be placed."""
        said = piece.said
        if piece.type == "message_start":
            message = said.get("message")
            if not isinstance(message, dict):
                raise NotJson("no message in the stream's first event")
            self.said = {name: value for name, value in message.items() if name not in ("content", "usage")}
            self._count(message.get("usage"))
        elif piece.type == "message_delta":
            delta = said.get("delta")
            if isinstance(delta, dict):
                self.said |= {name: value for name, value in delta.items() if value is not None}
            self._count(said.get("usage"))
        elif piece.type == "content_block_start":
            began = said.get("content_block")
            if not isinstance(began, dict) or not isinstance(said.get("index"), int):
                raise NotJson("a content block without its type or place")
            self.blocks[said["index"]] = _Block(began)
            return began.get("type") == "tool_use" or bool(began.get("text"))
        elif piece.type == "content_block_delta":
            return self._grow(self._block(said), said.get("delta"))
        elif piece.type == "content_block_stop":
            self._block(said).open = False
        return False

    def _block(self, said: Mapping[str, Any]) -> _Block:
        index = said.get("index")
        block = self.blocks.get(index) if isinstance(index, int) else None
        if block is None:
            raise NotJson("a piece of a content block that never began")
        return block

    def _grow(self, block: _Block, delta: Any) -> bool:
        kind = delta.get("type") if isinstance(delta, dict) else None
        if not isinstance(kind, str):
            raise NotJson("a piece of a content block without its type")
        if kind == "citations_delta":
            block.citations.append(delta.get("citation"))
        if kind not in _DELTAS:
            return False
        holds, grows = _DELTAS[kind]
        if not isinstance(delta.get(holds), str):
            raise NotJson(f"a {kind} without its {holds}")
        block.grown.setdefault(grows, []).append(delta[holds])
        return kind in ("text_delta", "input_json_delta") and bool(delta[holds])

    def _count(self, usage: Any) -> None:
        """Figures are sums so far, so the last one of each counts."""
        if isinstance(usage, dict):
            self.usage |= {name: value for name, value in usage.items() if value is not None}

    @property
    def ended(self) -> bool:
        """Whether it says why it stopped, and no block is open."""
        return bool(self.said.get("stop_reason")) and not any(block.open for block in self.blocks.values())

    def whole(self) -> dict[str, Any]:
        """The message as a reply that is no stream has it."""
        content = [self.blocks[index].whole() for index in sorted(self.blocks)]
        return {**self.said, "content": content, "usage": self.usage}


def _stream(reading: Reading) -> Outcome:
    message = _Message()
    ttft_s: float | None = None
    for piece in reading.pieces():
        if piece.type == "error" or piece.said.get("error"):
            return _of_its_kind(reading.failed(piece.said), otherwise=FailureKind.SERVER)
        if message.add(piece) and ttft_s is None:
            ttft_s = reading.reply.seconds_until(piece.end)
        if piece.type == "message_stop":
            break
    else:
        if not (reading.reply.framed and message.ended):
            return reading.unreadable("the stream ended before its end", FailureKind.CUT)
    said = message.whole()
    body = {**said, "content": [{k: v for k, v in block.items() if k != "arguments"} for block in said["content"]]}
    return _answer(reading, said, dumped(body), ttft_s)


# ── the message ────────────────────────────────────────────────────────────────────────────────────────────────────


def _answer(reading: Reading, said: dict[str, Any], body: str, ttft_s: float | None = None) -> Outcome:
    blocks = dicts(said.get("content"), "content")
    choice = _choice(blocks, said)
    return reading.response(
        [choice],
        usage=_usage(reading, said.get("usage"), choice),
        body=body,
        model=said.get("model"),
        carried=_carried(blocks),
        ttft_s=ttft_s,
    )


def _choice(blocks: list[dict[str, Any]], said: Mapping[str, Any]) -> Choice:
    """The answer that the content blocks make. Raises NotJson for one that cannot be read."""
    texts = [block.get("text") for block in blocks if block.get("type") == "text"]
    if not all(isinstance(part, str) for part in texts):
        raise NotJson("the answer is not a text")
    thoughts = [string(block.get("thinking")) for block in blocks if block.get("type") == "thinking"]
    stop_reason = text(said.get("stop_reason"))
    return Choice(
        text="".join(map(str, texts)) if texts else None,
        finish_reason=_FINISH.get(stop_reason or "", stop_reason),
        refusal=_refusal(said) if stop_reason == "refusal" else None,
        tool_calls=tuple(_call(block) for block in blocks if block.get("type") == "tool_use"),
        reasoning="\n\n".join(filter(None, thoughts)) or None,
    )


def _refusal(said: Mapping[str, Any]) -> str:
    """Why the model refused, as far as it says."""
    details = said.get("stop_details")
    words = [text(details.get(name)) for name in ("explanation", "category")] if isinstance(details, dict) else []
    return next(filter(None, words), "refused")


def _call(block: Mapping[str, Any]) -> ToolCall:
    arguments = block.get("arguments")
    if not isinstance(arguments, str):
        try:
            arguments = json.dumps(block.get("input", {}), ensure_ascii=False)
        except RecursionError:
            raise NotJson("the JSON is nested too deeply") from None
    return ToolCall(id=string(block.get("id")), name=string(block.get("name")), arguments=arguments)


def _usage(reading: Reading, said: Any, choice: Choice) -> Usage:
    """Tokens of the prompt are those that were neither read from a cache nor written to one, and those that were."""
    fresh = figure(said, "input_tokens")
    written, read = figure(said, "cache_creation_input_tokens"), figure(said, "cache_read_input_tokens")
    details = said.get("output_tokens_details") if isinstance(said, dict) else None
    return reading.usage(
        prompt_tokens=None if fresh is None else fresh + (written or 0) + (read or 0),
        completion_tokens=figure(said, "output_tokens"),
        choices=[choice],
        cached_tokens=read,
        reasoning_tokens=figure(details, "thinking_tokens"),
    )


def _carried(blocks: list[dict[str, Any]]) -> str | None:
    """The blocks that must come back with the next request, where text and calls alone do not say all that is in them.

    Thinking comes back as it came, signature and place with it, or the request is refused.
    """
    if all(block.get("type") in ("text", "tool_use") for block in blocks):
        return None
    kept = [
        {name: value for name, value in block.items() if name != "arguments"}
        for block in blocks
        if block.get("type") != "text" or string(block.get("text")).strip()  # an empty text is refused
    ]
    return dumped(kept)
