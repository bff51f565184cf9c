"""HTTP: one request -> a whole Reply, or a Failure. Deadlines, a byte cap, proxies, no redirects, no cookies.

The pool has no limit of its own: how many requests are on their way at once is the scheduler's business, so no request
waits here and no wait gets into a latency.
"""

from __future__ import annotations

import asyncio
import io
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from types import SimpleNamespace

import aiohttp
from yarl import URL

from evalrun.clock import Clock
from evalrun.providers.faults import fault_of, login_wanted
from evalrun.providers.proxies import Proxy
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How one endpoint is reached: through which proxy, if any, and whose certificates are trusted on the way."""

    tls: ssl.SSLContext | None = None
    proxy: Proxy | None = None
    login: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def through(cls, proxy: Proxy | None, tls: ssl.SSLContext | None) -> Route:
        """A route with the proxy's credentials ready."""
        if proxy is None or proxy.user is None:
            return cls(tls=tls, proxy=proxy)
        password = proxy.password.reveal() if proxy.password else ""
        pair = b64encode(f"{proxy.user.reveal()}:{password}".encode()).decode("ascii")
        return cls(tls=tls, proxy=proxy, login={"proxy-authorization": f"Basic {pair}"})


DIRECT = Route()


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
    """Sends bytes and gives back whole replies. Made by `open_transport`; *clock* times the replies."""

    def __init__(
        self, session: aiohttp.ClientSession, fresh: aiohttp.ClientSession, clock: Clock, limits: Limits
    ) -> None:
        self._session = session
        self._fresh = fresh
        self._clock = clock
        self._limits = limits

    async def get(
        self, url: URL, headers: Mapping[str, str], *, timeout_s: float, route: Route = DIRECT
    ) -> Reply | Failure:
        """Ask for what is at *url*; otherwise as `post`."""
        return await self.post(url, None, headers, timeout_s=timeout_s, route=route)

    async def post(
        self,
        url: URL,
        body: bytes | None,
        headers: Mapping[str, str],
        *,
        timeout_s: float,
        route: Route = DIRECT,
    ) -> Reply | Failure:
        """Send *body* (None: ask without one) and read the reply to its end, all within *timeout_s* seconds.

        A connection that was kept open may have been closed by the server just as we send: then the request is sent
        once more at once, over a new connection. Raises CancelledError if, and only if, the caller's task is cancelled.
        """
        sending = _Sending(self._clock.monotonic())
        host = url.authority
        try:
            async with asyncio.timeout(timeout_s) as timer:
                try:
                    return await self._exchange(self._session, url, body, headers, route, sending, timer)
                except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                    if sending.answered or not sending.reused:
                        raise
                sending = _Sending(self._clock.monotonic())
                return await self._exchange(self._fresh, url, body, headers, route, sending, timer)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            kind, why = FailureKind.INTERNAL, "a library cancelled the request"
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a library throws is this request's failure, no one else's
            kind, why = fault_of(error, host, route.proxy)
            if kind is FailureKind.TIMEOUT:
                kind, why = self._too_late(host, sending, timeout_s)
        return Failure(kind=kind, message=why, latency_s=self._clock.monotonic() - sending.started_at)

    async def _exchange(
        self,
        session: aiohttp.ClientSession,
        url: URL,
        body: bytes | None,
        headers: Mapping[str, str],
        route: Route,
        sending: _Sending,
        timer: asyncio.Timeout,
    ) -> Reply | Failure:
        # Plain requests carry the proxy's login themselves; to a tunnel it opens the door.
        tunnelled = url.scheme == "https"
        async with session.request(
            "GET" if body is None else "POST",
            url,
            data=io.BytesIO(body) if body and len(body) >= _LARGE_BODY else body,
            headers=headers if tunnelled else {**headers, **route.login},
            allow_redirects=False,
            ssl=route.tls or True,
            proxy=route.proxy.url if route.proxy else None,
            proxy_headers=dict(route.login) if tunnelled and route.login else None,
            trace_request_ctx=sending,
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
            if response.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED and route.proxy:
                return Failure(
                    kind=FailureKind.AUTH, message=login_wanted(route.proxy), latency_s=latency_s, http_status=407
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
async def open_transport(clock: Clock, *, limits: Limits | None = None) -> AsyncIterator[Transport]:
    """A transport for one run, closed at the end."""
    limits = limits or Limits()
    async with (
        _session(aiohttp.TCPConnector(limit=0), clock, limits) as session,
        _session(aiohttp.TCPConnector(limit=0, force_close=True), clock, limits) as fresh,
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
