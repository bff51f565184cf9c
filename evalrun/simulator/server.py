"""The simulator as a server: started and stopped, with a log. What it answers is in shell.py."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import IO

from aiohttp import web

from evalrun.clock import Clock, SystemClock
from evalrun.simulator.engine import Engine, Received, Rules
from evalrun.simulator.models import MODELS
from evalrun.simulator.shell import BODY_CAP_BYTES as BODY_CAP_BYTES
from evalrun.simulator.shell import Shell

SHUTDOWN_S = 0.5


class Server:
    """A running simulator. *url* is what a client takes as its base URL, with ``/v1``; *origin* is without."""

    def __init__(self, runner: web.AppRunner, origin: str, log: IO[str] | None) -> None:
        self.origin = origin
        self.url = f"{origin}/v1"
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
    app = web.Application(client_max_size=BODY_CAP_BYTES)
    app.add_routes(Shell(engine, rules.style, clock).routes())
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
    return Server(runner, f"http://{shown}:{bound_port}", file)


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
