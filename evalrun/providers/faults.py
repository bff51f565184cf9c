"""What goes wrong below HTTP: an exception of the sockets or of aiohttp -> a FailureKind and words for it."""

from __future__ import annotations

import errno
import ssl
from http import HTTPStatus

import aiohttp

from evalrun.providers.proxies import Proxy
from evalrun.records.outcome import FailureKind

_CA_HINT = "if it is your own authority's, name its file in `ca_file` or in the variable SSL_CERT_FILE"


def fault_of(error: BaseException, host: str, proxy: Proxy | None = None) -> tuple[FailureKind, str]:
    """The kind of failure and what to tell people. *host* is all that is told of where the request went.

    *proxy* is what it went through.
    """
    if proxy is not None:
        if isinstance(error, aiohttp.ClientProxyConnectionError):
            why = f"no connection to the proxy {proxy.place} ({_reason(error)}); {_named(proxy)}"
            return FailureKind.CONNECT, why
        if isinstance(error, aiohttp.ClientHttpProxyError):
            if error.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
                return FailureKind.AUTH, login_wanted(proxy)
            why = f"the proxy {proxy.place} makes no connection to {host} (HTTP {error.status}); {_named(proxy)}"
            return FailureKind.CONNECT, why
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        why = getattr(error.certificate_error, "verify_message", "") or str(error.certificate_error)
        return FailureKind.TLS, f"the certificate of {host} is not trusted ({why}); {_CA_HINT}"
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return FailureKind.TLS, f"no TLS with {host} ({_reason(error)}); does it speak https?"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return FailureKind.CONNECT, f"the name of {host} is not found"
    if isinstance(error, aiohttp.ClientConnectorError):
        return FailureKind.CONNECT, f"no connection to {host} ({_reason(error)})"
    if isinstance(error, TimeoutError):
        return FailureKind.TIMEOUT, f"no whole reply from {host} in time"
    if isinstance(error, aiohttp.http_exceptions.ContentEncodingError):
        return FailureKind.GARBAGE, "the reply's compression is damaged, or of a kind that was not asked for"
    if isinstance(error, aiohttp.ClientPayloadError):
        if isinstance(error.__cause__, aiohttp.http_exceptions.ContentEncodingError):
            return fault_of(error.__cause__, host)
        return FailureKind.CUT, "the reply ended before its end"
    if isinstance(error, aiohttp.ClientResponseError):
        return FailureKind.GARBAGE, f"{host} does not answer in HTTP that can be read"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return FailureKind.RESET, f"{host} closed the connection without a reply"
    if isinstance(error, (aiohttp.ClientConnectionError, OSError)):
        return FailureKind.RESET, f"the connection to {host} broke ({_reason(error)})"
    return FailureKind.INTERNAL, f"{type(error).__name__} while sending"


def login_wanted(proxy: Proxy) -> str:
    """What to tell people of a proxy's 407."""
    how = "refuses the user and password" if proxy.user else "wants a user and a password"
    return f"the proxy {proxy.place} {how} (HTTP 407): {proxy.variable}=http://user:password@host:port"


def _named(proxy: Proxy) -> str:
    return f"{proxy.variable} names it, and NO_PROXY the hosts to go to without it"


def _reason(error: BaseException) -> str:
    """The system's word for the fault, without addresses."""
    below = getattr(error, "os_error", error)
    number = getattr(below, "errno", None)
    if isinstance(below, ssl.SSLError):
        return (below.reason or "handshake failed").lower().replace("_", " ")
    return errno.errorcode.get(number, type(below).__name__) if isinstance(number, int) else type(below).__name__
