"""The way out: a Request goes to its provider in its dialect, and an Outcome comes back. Keys live here only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from yarl import URL

from evalrun import __version__
from evalrun.clock import Clock
from evalrun.errors import UsageError
from evalrun.keys import Secret, forbidden_header, origin_of, read_key, refusal
from evalrun.providers import (
    anthropic_messages,
    azure_ai_inference,
    azure_openai,
    openai_chat,
    openai_completions,
    openai_embeddings,
    openai_responses,
)
from evalrun.providers.dialect import Auth, Dialect, Unsupported, encode
from evalrun.providers.recorded import answer
from evalrun.providers.transport import ACCEPT_ENCODING, Transport, open_transport
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


_AUTH: Mapping[Auth, Callable[[str], dict[str, str]]] = {
    "bearer": lambda key: {"authorization": f"Bearer {key}"},
    "api-key": lambda key: {"api-key": key},
    "x-api-key": lambda key: {"x-api-key": key},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Endpoint:
    """A provider made ready: where it is, and the headers with the key in them, which is why they are never shown."""

    provider: Provider
    dialect: Dialect
    base: str
    headers: Mapping[str, str] = field(repr=False)


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
    keys: dict[str, Secret] = {}
    endpoints: dict[str, _Endpoint] = {}
    for name, provider in providers.items():
        if provider.dialect == RECORDED:
            continue
        why = refusal(provider, allowed)
        if why:
            raise UsageError(why)
        key = read_key(provider, environ)
        if key:
            keys[name] = key
        endpoints[name] = _endpoint(provider, key)
    redact = Redactor(keys.values())
    tls = any(endpoint.base.startswith("https:") for endpoint in endpoints.values())
    async with open_transport(clock, environ=environ, tls=tls) as transport:

        async def send(request: Request) -> Outcome:
            if request.dialect == RECORDED:
                return answer(request, recorded.get(request.model))
            endpoint = endpoints.get(request.provider)
            if endpoint is None:
                return Failure(kind=FailureKind.INTERNAL, message=f"provider {request.provider} was not opened")
            return await _ask(transport, endpoint, request, redact, clock)

        yield send


def _endpoint(provider: Provider, key: Secret | None) -> _Endpoint:
    dialect = DIALECTS.get(provider.dialect)
    if dialect is None:
        raise UsageError(f"provider {provider.id}: unknown dialect {provider.dialect} (known: {', '.join(DIALECTS)})")
    headers = {"user-agent": f"evalrun/{__version__}"}
    for name, value in provider.headers.items():
        if forbidden_header(name) or not (name.isascii() and value.isascii() and value.isprintable()):
            raise UsageError(f"provider {provider.id}: the header {name!r} cannot be set in a suite")
        headers[name.lower()] = value
    headers |= {"content-type": "application/json", "accept-encoding": ACCEPT_ENCODING}
    if key:
        headers |= _AUTH[provider.auth or dialect.AUTH](key.reveal())  # type: ignore[index]
    try:
        origin = origin_of(provider.base_url)
    except ValueError as error:
        raise UsageError(f"provider {provider.id}: {error}") from error
    # The address is put together from the origin that was checked, so that nothing else can be meant by it.
    base = origin + urlsplit(provider.base_url).path.rstrip("/")
    return _Endpoint(provider=provider, dialect=dialect, base=base, headers=headers)


async def _ask(transport: Transport, endpoint: _Endpoint, request: Request, redact: Redactor, clock: Clock) -> Outcome:
    dialect, provider = endpoint.dialect, endpoint.provider
    try:
        body = encode(dialect.build(request))
        url = URL(endpoint.base + dialect.path(request, provider), encoded=True)
        headers = {**dialect.headers(request, provider), **endpoint.headers}
    except Unsupported as lack:
        return Failure(kind=FailureKind.UNSUPPORTED, message=str(lack))
    except (ValueError, TypeError) as error:
        return Failure(kind=FailureKind.BAD_REQUEST, message=f"the request cannot be written as JSON ({error})")
    reply = await transport.post(url, body, headers, timeout_s=provider.timeout_s)
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
