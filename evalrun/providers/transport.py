"""HTTP: one POST -> a whole Reply, or a Failure. Deadlines, a byte cap, no redirects, no proxies, no cookies.

The pool has no limit of its own: how many requests are on their way at once is the scheduler's business, so no request
waits here and no wait gets into a latency.
"""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace

import aiohttp
from yarl import URL

from evalrun.clock import Clock
from evalrun.errors import UsageError
from evalrun.providers.faults import fault_of
from evalrun.providers.reply import Reply
from evalrun.records.outcome import Failure, FailureKind

ACCEPT_ENCODING = "gzip, deflate"

_LARGE_BODY = 1_000_000  # aiohttp wants a request body above this as a file


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds for making a connection and between two pieces of a body, and bytes of a body after decompression."""

    connect_s: float = 10.0
    idle_s: float = 60.0
    body_bytes: int = 16 * 1024 * 1024


@dataclass(slots=True)
class _Sending:
    """The mutable state of one sending, written by the trace callbacks and `_exchange` only.

    *started_at* is when the connection was there to be written to; *reused* whether it had served another request.
    """

    started_at: float
    connected: bool = False
    reused: bool = False
    answered: bool = False


class Transport:
    """Posts bytes and gives back whole replies. Made by `open_transport`; *clock* times the replies."""

    def __init__(
        self, session: aiohttp.ClientSession, fresh: aiohttp.ClientSession, clock: Clock, limits: Limits
    ) -> None:
        self._session = session
        self._fresh = fresh
        self._clock = clock
        self._limits = limits

    async def post(self, url: URL, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> Reply | Failure:
        """Send *body* and read the reply to its end, all within *timeout_s* seconds.

        A connection that was kept open may have been closed by the server just as we send: then the request is sent
        once more at once, over a new connection. Raises CancelledError if, and only if, the caller's task is cancelled.
        """
        sending = _Sending(self._clock.monotonic())
        host = url.authority
        try:
            async with asyncio.timeout(timeout_s) as timer:
                try:
                    return await self._exchange(self._session, url, body, headers, sending, timer)
                except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                    if sending.answered or not sending.reused:
                        raise
                sending = _Sending(self._clock.monotonic())
                return await self._exchange(self._fresh, url, body, headers, sending, timer)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            kind, why = FailureKind.INTERNAL, "a library cancelled the request"
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a library throws is this request's failure, no one else's
            kind, why = fault_of(error, host)
            if kind is FailureKind.TIMEOUT:
                kind, why = self._too_late(host, sending, timeout_s)
        return Failure(kind=kind, message=why, latency_s=self._clock.monotonic() - sending.started_at)

    async def _exchange(
        self,
        session: aiohttp.ClientSession,
        url: URL,
        body: bytes,
        headers: Mapping[str, str],
        sending: _Sending,
        timer: asyncio.Timeout,
    ) -> Reply | Failure:
        data = body if len(body) < _LARGE_BODY else io.BytesIO(body)
        async with session.post(
            url, data=data, headers=headers, allow_redirects=False, trace_request_ctx=sending
        ) as response:
            sending.answered = True
            arrivals: list[tuple[int, float]] = []
            received = await self._read(response, timer, sending, arrivals)
            latency_s = self._clock.monotonic() - sending.started_at
            if received is None:
                response.close()
                return Failure(
                    kind=FailureKind.TOO_LARGE,
                    message=f"the reply is larger than {self._limits.body_bytes // 2**20} MiB",
                    latency_s=latency_s,
                    http_status=response.status,
                )
            told = {name.lower(): value for name, value in response.headers.items()}
            return Reply(
                status=response.status,
                headers=told,
                body=received,
                latency_s=latency_s,
                arrivals=tuple(arrivals),
                framed="content-length" in told or "transfer-encoding" in told,
            )

    async def _read(
        self,
        response: aiohttp.ClientResponse,
        timer: asyncio.Timeout,
        sending: _Sending,
        arrivals: list[tuple[int, float]],
    ) -> bytes | None:
        """The decompressed body, read piece by piece; None as soon as it is over the cap. Pieces go to *arrivals*."""
        if (response.content_length or 0) > self._limits.body_bytes:
            return None
        content, loop, deadline = response.content, asyncio.get_running_loop(), timer.when() or 0.0
        pieces: list[bytes] = []
        size = 0
        while True:
            if not content.is_eof():  # more is to come over the wire
                timer.reschedule(min(deadline, loop.time() + self._limits.idle_s))
            piece = await content.readany()
            if not piece:
                return b"".join(pieces)
            size += len(piece)
            if size > self._limits.body_bytes:
                return None
            pieces.append(piece)
            arrivals.append((size, self._clock.monotonic() - sending.started_at))

    def _too_late(self, host: str, sending: _Sending, timeout_s: float) -> tuple[FailureKind, str]:
        if not sending.connected:
            limit_s = min(timeout_s, self._limits.connect_s)
            return FailureKind.CONNECT, f"no connection to {host} within {limit_s:g} s"
        if sending.answered and self._clock.monotonic() - sending.started_at < timeout_s:
            return FailureKind.TIMEOUT, f"the reply from {host} stood still for {self._limits.idle_s:g} s"
        return FailureKind.TIMEOUT, f"no whole reply from {host} within {timeout_s:g} s"


@asynccontextmanager
async def open_transport(
    clock: Clock, *, environ: Mapping[str, str], tls: bool = True, limits: Limits | None = None
) -> AsyncIterator[Transport]:
    """A transport for one run, closed at the end. *environ* may name other authorities (SSL_CERT_FILE, SSL_CERT_DIR).

    *tls* is False where no address is https, which saves reading the authorities. Raises UsageError where they cannot
    be read.
    """
    limits = limits or Limits()
    context: ssl.SSLContext | bool = _tls(environ) if tls else True
    async with (
        _session(aiohttp.TCPConnector(limit=0, ssl=context), clock, limits) as session,
        _session(aiohttp.TCPConnector(limit=0, ssl=context, force_close=True), clock, limits) as fresh,
    ):
        yield Transport(session, fresh, clock, limits)


def _session(connector: aiohttp.TCPConnector, clock: Clock, limits: Limits) -> aiohttp.ClientSession:
    async def made(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
        context.trace_request_ctx.started_at = clock.monotonic()
        context.trace_request_ctx.connected = True

    async def reused(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
        context.trace_request_ctx.started_at = clock.monotonic()
        context.trace_request_ctx.connected = context.trace_request_ctx.reused = True

    traces = aiohttp.TraceConfig()
    traces.on_connection_create_end.append(made)
    traces.on_connection_reuseconn.append(reused)
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, connect=limits.connect_s, sock_connect=limits.connect_s),
        trace_configs=[traces],
        trust_env=False,
    )


def _tls(environ: Mapping[str, str]) -> ssl.SSLContext:
    file, folder = environ.get("SSL_CERT_FILE") or None, environ.get("SSL_CERT_DIR") or None
    try:
        context = ssl.create_default_context(cafile=file, capath=folder)
    except OSError as error:
        raise UsageError(f"SSL_CERT_FILE={file}: the certificates cannot be read ({error})") from error
    context.set_alpn_protocols(["http/1.1"])
    return context
