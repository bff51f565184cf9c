"""One exchange in a dialect without a socket: translated, asked of the core in virtual time, told in its own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalrun.simulator.complaints import BadBody
from evalrun.simulator.dialects.wire import Asked, Dialect, Event
from evalrun.simulator.engine import Engine, Reply, Rules
from tests.virtual import VirtualClock, run_virtual

WEATHER: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
NO_RULES = Rules()
ANTHROPIC = {"anthropic-version": "2023-06-01"}


def core(dialect: Dialect, asked: Asked, rules: Rules = NO_RULES) -> Reply:
    """The core's reply to what a dialect makes of a request."""

    async def main() -> Reply:
        engine = Engine(rules, VirtualClock())
        try:
            translated = dialect.translate(asked)
        except BadBody as complaint:
            return engine.refuse(asked.body, complaint)
        async with engine.ask(translated, dialect.style(rules.style)) as reply:
            return reply

    return run_virtual(main)


def whole(dialect: Dialect, body: Any, headers: Mapping[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """The body of a good reply."""
    asked = Asked(body=body, headers=headers or {}, **more)
    reply = core(dialect, asked)
    assert reply.status == 200, reply.body
    return dialect.reply(asked, reply)


def stream(dialect: Dialect, body: Any, headers: Mapping[str, str] | None = None, **more: Any) -> list[Event]:
    """The same as a stream's events."""
    asked = Asked(body={**body, "stream": True}, headers=headers or {}, **more)
    reply = core(dialect, asked)
    assert reply.status == 200, reply.body
    return dialect.events(asked, reply)


def refused(
    dialect: Dialect,
    body: Any,
    headers: Mapping[str, str] | None = None,
    rules: Rules = NO_RULES,
    **more: Any,
) -> tuple[int, dict[str, Any]]:
    """Status and body of a reply that is none of 200."""
    reply = core(dialect, Asked(body=body, headers=headers or {}, **more), rules)
    assert reply.status != 200, reply.body
    return dialect.error(reply.status, reply.body or {})


def datas(events: list[Event]) -> list[dict[str, Any]]:
    """What the events hold, without a plain text at the end."""
    return [event.data for event in events if isinstance(event.data, dict)]
