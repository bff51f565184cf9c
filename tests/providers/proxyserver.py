"""A proxy on loopback that does what proxies do, and remembers what it was asked: plain requests and CONNECT."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class ProxyServer:
    """*heads* holds the head of every request as it came, *tunnels* the hosts and ports that were connected to.

    *refuse* is a status to answer everything with; *wants* is the Proxy-Authorization without which it answers 407.
    """

    refuse: int = 0
    wants: str = ""
    port: int = 0
    heads: list[str] = field(default_factory=list)
    tunnels: list[str] = field(default_factory=list)

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            await _close(writer)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self.heads.append(head)
        method, target, _ = head.split(" ", 2)
        login = next((line for line in head.split("\r\n") if line.lower().startswith("proxy-authorization:")), "")
        status = 407 if self.wants and login.partition(": ")[2] != self.wants else self.refuse
        if status:
            writer.write(f"HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n".encode())
            await writer.drain()
        elif method == "CONNECT":
            await self._tunnel(target, reader, writer)
        else:
            await self._forward(head, target, reader, writer)

    async def _tunnel(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.tunnels.append(target)
        host, _, port = target.rpartition(":")
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))

    async def _forward(
        self, head: str, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        parts = urlsplit(target)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        lines = [line for line in head.split("\r\n") if not line.lower().startswith(("proxy-", "connection:"))]
        lines[0] = f"{lines[0].partition(' ')[0]} {path} HTTP/1.1"
        lines.insert(1, "connection: close")
        far_reader, far_writer = await asyncio.open_connection(parts.hostname, parts.port)
        far_writer.write("\r\n".join(lines).encode("latin-1"))
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while piece := await source.read(65536):
            sink.write(piece)
            await sink.drain()
    except ConnectionError:
        pass
    finally:
        await _close(sink)


async def _close(sink: asyncio.StreamWriter) -> None:
    sink.close()
    with contextlib.suppress(ConnectionError):
        await sink.wait_closed()


@asynccontextmanager
async def proxy_server(*, refuse: int = 0, wants: str = "") -> AsyncIterator[ProxyServer]:
    """A proxy for as long as the context lasts."""
    server = ProxyServer(refuse=refuse, wants=wants)
    tasks: set[asyncio.Task[None]] = set()

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(asyncio.CancelledError):
            await server.serve(reader, writer)
        tasks.discard(task)

    listening = await asyncio.start_server(accepted, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
