"""What is asked of whom, and its key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evalrun.records.message import Image, Message, Picture, Tool


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, before any wire form. Token figures are estimates, for booking quota before it is sent.

    *pictures* are the files that its messages show, by digest; what they hold is known to the key by that digest.
    """

    key: str
    provider: str
    dialect: str
    model: str
    messages: tuple[Message, ...]
    params: Mapping[str, Any]
    sample: int
    input_tokens: int = 0
    output_tokens: int = 0
    tools: tuple[Tool, ...] = ()
    pictures: Mapping[str, Picture] = field(default_factory=dict, repr=False, compare=False)


def request_key(
    *,
    provider: str,
    dialect: str,
    version: int,
    model: str,
    messages: tuple[Message, ...],
    params: Mapping[str, Any],
    sample: int,
    tools: tuple[Tool, ...] = (),
) -> str:
    """The sha256 of what is asked of whom, in canonical JSON.

    Host, port, API key and wire bytes are no part of it, so the same question keeps its key when an endpoint moves.
    *version* is the dialect's wire version: raising it makes every answer in that dialect be asked again.
    """
    said: list[Any] = [provider, dialect, version, model, [_said(m) for m in messages], dict(params), sample]
    if tools:
        said.append([[t.name, t.description, dict(t.parameters), t.strict] for t in tools])
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _said(message: Message) -> list[Any]:
    """What of a message is part of the key. A plain one is its role and text, so that its key stays what it was."""
    content = message.content
    if not isinstance(content, str):
        content = [_picture(part) if isinstance(part, Image) else part for part in content]  # type: ignore[assignment]
    calls = [[call.id, call.name, call.arguments] for call in message.tool_calls]
    more = (message.name, calls, message.tool_call_id, message.carried)
    return [message.role, content, *more] if any(more) else [message.role, content]


def _picture(image: Image) -> dict[str, str]:
    return {"image": image.source, "detail": image.detail}
