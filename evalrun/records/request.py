"""What is asked of whom, and its key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalrun.records.suite import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, before any wire form. Token figures are estimates, for booking quota before it is sent."""

    key: str
    provider: str
    dialect: str
    model: str
    messages: tuple[Message, ...]
    params: Mapping[str, Any]
    sample: int
    input_tokens: int = 0
    output_tokens: int = 0


def request_key(
    *,
    provider: str,
    dialect: str,
    version: int,
    model: str,
    messages: tuple[Message, ...],
    params: Mapping[str, Any],
    sample: int,
) -> str:
    """The sha256 of what is asked of whom, in canonical JSON.

    Host, port, API key and wire bytes are no part of it, so the same question keeps its key when an endpoint moves.
    *version* is the dialect's wire version: raising it makes every answer in that dialect be asked again.
    """
    said = [provider, dialect, version, model, [[m.role, m.content] for m in messages], dict(params), sample]
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
