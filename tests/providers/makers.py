"""Requests and clocks for the tests of this folder."""

from __future__ import annotations

from typing import Any

from evalrun.records.message import Message
from evalrun.records.request import Request


class HandClock:
    """A clock that only tests move."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return 1_790_000_000.0 + self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def request(text: str = "Capital of France?", **more: Any) -> Request:
    """A request to provider ``lab``; *more* replaces fields."""
    fields: dict[str, Any] = {
        "key": "k",
        "provider": "lab",
        "dialect": "openai-chat",
        "model": "m-1",
        "messages": (Message(role="user", content=text),),
        "params": {"temperature": 0, "seed": 7},
        "sample": 0,
    }
    return Request(**(fields | more))
