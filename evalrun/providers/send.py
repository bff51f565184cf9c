"""The way out: a Request goes to its provider in its dialect, and an Outcome comes back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

from evalrun.catalog import foreign_dialect
from evalrun.clock import Clock
from evalrun.errors import UsageError
from evalrun.providers import (
    anthropic_messages,
    azure_ai_inference,
    azure_openai,
    openai_chat,
    openai_completions,
    openai_embeddings,
    openai_responses,
)
from evalrun.providers.dialect import Dialect, Unsupported, encode
from evalrun.providers.endpoint import Endpoint, endpoint_of
from evalrun.providers.entra import NoToken
from evalrun.providers.recorded import answer
from evalrun.providers.transport import Transport, open_transport
from evalrun.records.outcome import Failure, FailureKind, Outcome
from evalrun.records.request import Request
from evalrun.records.suite import Provider, Recorded
from evalrun.redact import Redactor

RECORDED = "recorded"

Send = Callable[[Request], Awaitable[Outcome]]


DIALECTS: Mapping[str, Dialect] = {
    "openai-chat": openai_chat,
    "azure-openai": azure_openai,
    "azure-ai-inference": azure_ai_inference,
    "openai-responses": openai_responses,
    "openai-completions": openai_completions,
    "openai-embeddings": openai_embeddings,
    "anthropic-messages": anthropic_messages,
}
"""The dialects that go over HTTP, by name."""


@asynccontextmanager
async def open_send(
    providers: Mapping[str, Provider],
    recorded: Mapping[str, Recorded],
    *,
    environ: Mapping[str, str],
    clock: Clock,
    allowed: Collection[tuple[str, str]] = frozenset(),
) -> AsyncIterator[Send]:
    """A `send` for one run: sessions are opened here and closed at the end.

    *providers* are those in use, by id; *recorded* holds the recorded answers by model label. Each key is read from
    *environ* once; *allowed* holds the pairs of (variable, origin) that the user allowed. Raises UsageError, before
    anything is sent, where a key is missing or may not go where it would. `send` itself never raises for the world's
    faults: it returns a Failure.
    """
    endpoints = {
        name: endpoint_of(provider, dialect_of(provider), environ=environ, clock=clock, allowed=allowed)
        for name, provider in providers.items()
        if provider.dialect != RECORDED
    }
    redact = Redactor(secret for endpoint in endpoints.values() for secret in endpoint.secrets)
    async with open_transport(clock) as transport:

        async def send(request: Request) -> Outcome:
            if request.dialect == RECORDED:
                return answer(request, recorded.get(request.model))
            endpoint = endpoints.get(request.provider)
            if endpoint is None:
                return Failure(kind=FailureKind.INTERNAL, message=f"provider {request.provider} was not opened")
            if endpoint.tokens is None:
                return await _ask(transport, endpoint, request, redact, clock)
            try:
                ready = endpoint.with_token(await endpoint.tokens.get())
            except NoToken as why:
                return Failure(kind=FailureKind.AUTH, message=redact(f"provider {endpoint.provider.id}: {why}"))
            return await _ask(transport, ready, request, Redactor(ready.secrets), clock)

        yield send


def unsayable(request: Request, provider: Provider) -> Failure | None:
    """Why the provider's dialect cannot say a request at all, known before anything is booked; None: it can."""
    if provider.dialect == RECORDED:
        return None
    try:
        dialect_of(provider).build(request)
    except Unsupported as lack:
        return Failure(kind=FailureKind.UNSUPPORTED, message=str(lack))
    except (ValueError, TypeError, RecursionError):
        return None  # it is told when it is sent
    return None


def dialect_of(provider: Provider) -> Dialect:
    """How to speak to it. Raises UsageError for a dialect that nobody has."""
    if provider.dialect in DIALECTS:
        return DIALECTS[provider.dialect]
    try:
        found: Dialect = foreign_dialect(provider.dialect)
    except KeyError:
        known = ", ".join(DIALECTS)
        raise UsageError(f"provider {provider.id}: unknown dialect {provider.dialect} (known: {known})") from None
    return found


async def _ask(transport: Transport, endpoint: Endpoint, request: Request, redact: Redactor, clock: Clock) -> Outcome:
    dialect, provider = endpoint.dialect, endpoint.provider
    try:
        body = encode(endpoint.spelled(dialect.build(request)))
        url = endpoint.url(dialect.path(request, provider))
        headers = {**dialect.headers(request, provider), **endpoint.headers, "content-type": "application/json"}
    except Unsupported as lack:
        return Failure(kind=FailureKind.UNSUPPORTED, message=str(lack))
    except (ValueError, TypeError, RecursionError) as error:
        return Failure(kind=FailureKind.BAD_REQUEST, message=f"the request cannot be written as JSON ({error})")
    reply = await transport.post(url, body, headers, timeout_s=provider.timeout_s, route=endpoint.route)
    if isinstance(reply, Failure):
        return replace(reply, message=redact(reply.message))
    try:
        outcome = dialect.parse(reply, request, now=clock.time(), redact=redact, simulated=provider.simulated)
    except Exception as error:  # noqa: BLE001 - a reply that no one foresaw must not end the run that paid for it
        return Failure(
            kind=FailureKind.INTERNAL,
            message=f"{type(error).__name__} while reading the reply",
            latency_s=reply.latency_s,
            http_status=reply.status,
        )
    if isinstance(outcome, Failure) and outcome.kind is FailureKind.AUTH:
        key = f"the key is the one in {provider.api_key_env}" if provider.api_key_env else "no api_key_env is set"
        return replace(outcome, message=f"{outcome.message} ({key})")
    return outcome
