"""The simulator as an OpenAI-compatible HTTP server: sockets, and the faults that only a socket can have."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import IO

from aiohttp import web

from evalrun.clock import Clock, SystemClock
from evalrun.simulator.body import error_body
from evalrun.simulator.engine import Engine, Received, Reply, Rules
from evalrun.simulator.models import MODELS

BODY_CAP_BYTES = 4 << 20
SHUTDOWN_S = 0.5
GARBAGE = b"<!doctype html><title>Bad gateway</title><p>This is no reply to an API request.</p>\n"
ABOUT = "evalrun's simulator: rule-based models behind an OpenAI-compatible API. POST /v1/chat/completions with one of"


class Server:
    """A running simulator. *url* is what a client takes as its base URL, with ``/v1``."""

    def __init__(self, runner: web.AppRunner, url: str, log: IO[str] | None) -> None:
        self.url = url
        self._runner = runner
        self._log = log

    async def close(self) -> None:
        """Stop listening, give replies under way half a second, and close the log."""
        await self._runner.cleanup()
        if self._log is not None:
            self._log.close()


async def start(
    rules: Rules, clock: Clock, *, host: str = "127.0.0.1", port: int = 0, log: Path | None = None
) -> Server:
    """Listen on *host* and *port* (0: a free one). *log* gets a JSON line for each request, before its reply.

    Raises OSError where the address or the log cannot be had.
    """
    file = log.open("a", encoding="ascii", buffering=1) if log is not None else None
    engine = Engine(rules, clock, _writer(file) if file is not None else None)
    shell = _Shell(engine)
    app = web.Application(client_max_size=BODY_CAP_BYTES)
    app.router.add_post("/v1/chat/completions", shell.chat)
    app.router.add_get("/v1/models", _models)
    app.router.add_get("/", _about)
    # A client that goes away ends its request: a place of the concurrency is free again.
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_S)
    try:
        await runner.setup()
        site = web.TCPSite(runner, host, port, reuse_address=True)
        await site.start()
    except OSError:
        await runner.cleanup()
        if file is not None:
            file.close()
        raise
    bound_host, bound_port = runner.addresses[0][:2]
    shown = f"[{bound_host}]" if ":" in bound_host else bound_host
    return Server(runner, f"http://{shown}:{bound_port}/v1", file)


async def serve(rules: Rules, *, host: str, port: int, log: Path | None, announce: Callable[[str], None]) -> None:
    """Run until SIGINT or SIGTERM. *announce* is told the address once it is open. Raises OSError as `start`."""
    server = await start(rules, SystemClock(), host=host, port=port, log=log)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        announce(f"simulator at {server.url} (models {', '.join(MODELS)}; any key will do)")
        await ended.wait()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        await server.close()


def _writer(file: IO[str]) -> Callable[[Received], None]:
    def write(received: Received) -> None:
        line = {
            "time": received.at,
            "key": received.key,
            "model": received.model,
            "status": received.status,
            "fault": received.fault,
            "text": received.text,
            "weighed": received.weighed,
            "refused": received.refused,
            "in_flight": received.in_flight,
            "model_in_flight": received.model_in_flight,
            "input_tokens": received.input_tokens,
            "max_tokens": received.max_tokens,
            "output_tokens": received.output_tokens,
        }
        file.write(json.dumps(line) + "\n")
        file.flush()

    return write


class _Shell:
    """HTTP around one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/chat/completions."""
        try:
            raw = await request.read()
        except web.HTTPRequestEntityTooLarge:
            error = error_body(f"The body is over {BODY_CAP_BYTES} bytes.", "invalid_request_error")
            return web.json_response(error, status=413)
        try:
            body = json.loads(raw, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            body = None
        reply = await self._engine.chat(body, request.headers)
        if reply.fault in _FAULTS:
            return await _FAULTS[reply.fault](request, reply)
        return web.Response(
            body=_encoded(reply), status=reply.status, headers=reply.headers, content_type="application/json"
        )


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _encoded(reply: Reply) -> bytes:
    return json.dumps(reply.body, ensure_ascii=True, separators=(",", ":")).encode("ascii")


async def _reset(request: web.Request, _: Reply) -> web.StreamResponse:
    transport = request.transport
    if transport is not None:
        # A linger of 0 seconds makes the close a reset.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


async def _cut(request: web.Request, reply: Reply) -> web.StreamResponse:
    whole = _encoded(reply)
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    response.content_type = "application/json"
    response.content_length = len(whole)
    await response.prepare(request)
    await response.write(whole[: len(whole) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


async def _hang(_: web.Request, __: Reply) -> web.StreamResponse:
    await asyncio.Event().wait()  # ends when the client goes away or the server closes
    raise AssertionError


async def _garbage(_: web.Request, reply: Reply) -> web.StreamResponse:
    return web.Response(body=GARBAGE, headers=reply.headers, content_type="text/html")


async def _empty(_: web.Request, reply: Reply) -> web.StreamResponse:
    return web.Response(body=b"", headers=reply.headers, content_type="application/json")


_FAULTS = {"reset": _reset, "cut": _cut, "hang": _hang, "garbage": _garbage, "empty": _empty}


async def _models(_: web.Request) -> web.Response:
    models = [{"id": name, "object": "model", "created": 0, "owned_by": "evalrun"} for name in MODELS]
    return web.json_response({"object": "list", "data": models})


async def _about(_: web.Request) -> web.Response:
    return web.Response(text=f"{ABOUT} {', '.join(MODELS)}.\n")
