"""A provider made ready to be asked: where it is, how it is reached, and its key. Keys live here only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from yarl import URL

from evalrun import __version__
from evalrun.catalog import PROVIDERS
from evalrun.clock import Clock
from evalrun.errors import UsageError
from evalrun.keys import ENTRA, Secret, forbidden_header, is_loopback, origin_of, read_key, refusal
from evalrun.providers.dialect import Dialect
from evalrun.providers.entra import EntraTokens
from evalrun.providers.proxies import proxy_for, proxy_secrets
from evalrun.providers.tls import tls_context
from evalrun.providers.transport import ACCEPT_ENCODING, Route
from evalrun.records.suite import Provider

KEY_HEADERS: Mapping[str, tuple[str, str]] = {
    "bearer": ("authorization", "Bearer "),
    "api-key": ("api-key", ""),
    "x-api-key": ("x-api-key", ""),
    ENTRA: ("authorization", "Bearer "),
}
"""How a key is sent, by the name of the way: the header, and what stands before the key in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A provider made ready.

    *headers* go along with every request and hold the key, which is why they are never shown; where there are *tokens*
    the key is one of these instead. *secrets* are to be taken out of texts.
    """

    provider: Provider
    dialect: Dialect
    base: str
    headers: Mapping[str, str] = field(repr=False)
    route: Route = field(repr=False)
    tokens: EntraTokens | None
    secrets: tuple[Secret, ...] = field(repr=False)

    def url(self, path: str) -> URL:
        """The address of a path, put together from the origin that was checked, so that nothing else can be meant."""
        return URL(self.base + path, encoded=True)

    def spelled(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body with the vendor's own names for its members, and without those for which that is empty."""
        return spelled_for(self.provider, body)

    def with_token(self, token: Secret) -> Endpoint:
        """The endpoint with a token for a key."""
        headers = {**self.headers, **_key_header(ENTRA, token)}
        return replace(self, headers=headers, secrets=(*self.secrets, token))


def endpoint_of(
    provider: Provider,
    dialect: Dialect,
    *,
    environ: Mapping[str, str],
    clock: Clock,
    allowed: Collection[tuple[str, str]],
) -> Endpoint:
    """Make *provider* ready. Raises UsageError where its key is missing or may not go there, or its proxy is none.

    Its key is read from *environ*, and so are proxies; *allowed* holds the pairs of (variable, origin) that the user
    allowed.
    """
    why = refusal(provider, allowed)
    if why:
        raise UsageError(why)
    key = read_key(provider, environ)
    try:
        origin = origin_of(provider.base_url)
    except ValueError as error:
        raise UsageError(f"provider {provider.id}: {error}") from error
    scheme = provider.auth or dialect.AUTH
    if scheme not in KEY_HEADERS:
        raise UsageError(f"provider {provider.id}: unknown way to send a key: {scheme}")
    return Endpoint(
        provider=provider,
        dialect=dialect,
        base=base_of(provider),
        headers=own_headers(provider)
        | {"accept-encoding": ACCEPT_ENCODING}
        | (_key_header(scheme, key) if key else {}),
        route=_route(provider, origin, environ),
        tokens=EntraTokens(provider.id, clock) if scheme == ENTRA else None,
        secrets=(*([key] if key else ()), *proxy_secrets(environ)),
    )


def _key_header(scheme: str, key: Secret) -> dict[str, str]:
    header, prefix = KEY_HEADERS[scheme]
    return {header: prefix + key.reveal()}


def base_of(provider: Provider) -> str:
    """What the addresses of a provider begin with. Raises ValueError where its base_url has no origin."""
    return origin_of(provider.base_url) + urlsplit(provider.base_url).path.rstrip("/")


def spelled_for(provider: Provider, body: Mapping[str, Any]) -> dict[str, Any]:
    """A body with the provider's own names for its members, and without those for which that is empty."""
    known = PROVIDERS.get(provider.id)
    spelling = known.spelling if known else {}
    named = {spelling.get(name, name): value for name, value in body.items()}
    return {name: value for name, value in named.items() if name}


def own_headers(provider: Provider) -> dict[str, str]:
    """The headers that go to a provider besides its dialect's and the key. Raises UsageError for one that may not."""
    headers = {"user-agent": f"evalrun/{__version__}"}
    for name, value in provider.headers.items():
        if forbidden_header(name) or not (name.isascii() and value.isascii() and value.isprintable()):
            raise UsageError(f"provider {provider.id}: the header {name!r} cannot be set in a suite")
        headers[name.lower()] = value
    return headers


def _route(provider: Provider, origin: str, environ: Mapping[str, str]) -> Route:
    """Through the proxy that the environment names; the simulator on this machine is asked without any."""
    at_home = provider.simulated and is_loopback(origin)
    proxy = None if at_home else proxy_for(origin, environ)
    tls = origin.startswith("https:") or (proxy is not None and proxy.url.startswith("https:"))
    context = tls_context(environ, ca_file=provider.ca_file, insecure=provider.insecure) if tls else None
    return Route.through(proxy, context)
