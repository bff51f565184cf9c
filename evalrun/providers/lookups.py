"""Questions to a provider besides prompts: what models it has, what its account has used. Same keys, same way out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from evalrun.clock import Clock
from evalrun.providers.classify import failure_of
from evalrun.providers.endpoint import endpoint_of
from evalrun.providers.entra import NoToken
from evalrun.providers.reply import NotJson, read_json, text_of
from evalrun.providers.send import dialect_of
from evalrun.providers.transport import open_transport
from evalrun.records.outcome import Failure, FailureKind
from evalrun.records.request import Request
from evalrun.records.suite import Provider
from evalrun.redact import Redactor

LookUp = Callable[[str], Awaitable[Any | Failure]]
"""Path -> the JSON that is there, or a Failure; raises nothing for the world's faults."""


@asynccontextmanager
async def open_lookup(
    provider: Provider,
    *,
    environ: Mapping[str, str],
    clock: Clock,
    allowed: Collection[tuple[str, str]] = frozenset(),
    timeout_s: float = 30.0,
) -> AsyncIterator[LookUp]:
    """A `look_up` for one provider, by the rules of `open_send`. Raises UsageError as that does."""
    dialect = dialect_of(provider)
    endpoint = endpoint_of(provider, dialect, environ=environ, clock=clock, allowed=allowed)
    nothing = Request(
        key="", provider=provider.id, dialect=provider.dialect, model="", messages=(), params={}, sample=0
    )

    async def look_up(path: str) -> Any | Failure:
        ready = endpoint
        if endpoint.tokens:
            try:
                ready = endpoint.with_token(await endpoint.tokens.get())
            except NoToken as why:
                return Failure(kind=FailureKind.AUTH, message=str(why))
        redact = Redactor(ready.secrets)
        headers = {**dialect.headers(nothing, provider), **ready.headers}
        reply = await transport.get(ready.url(path), headers, timeout_s=timeout_s, route=ready.route)
        if isinstance(reply, Failure):
            return replace(reply, message=redact(reply.message))
        if not 200 <= reply.status < 300:
            return failure_of(reply, now=clock.time(), redact=redact)
        try:
            return read_json(redact.known(text_of(reply.body)))
        except NotJson as reason:
            return Failure(kind=FailureKind.GARBAGE, message=f"the reply cannot be read ({reason})")

    async with open_transport(clock) as transport:
        yield look_up
