"""A server on loopback that says exactly the bytes that a test gives it, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

End = Literal["keep", "close", "reset", "hang"]
Framing = Literal["length", "chunked", "close"]
"""What marks a body's end: its Content-Length, the last chunk, or the end of the connection."""


@dataclass(frozen=True)
class Say:
    """What to answer one request with, and what becomes of the connection after it.

    Each piece of *data* is a send of its own, which the client has had its turn to read when the next one comes.
    """

    data: bytes | Sequence[bytes] = b""
    end: End = "keep"
    before: Callable[[], None] = lambda: None


@dataclass
class RawServer:
    """*requests* holds every request as it came, headers and body; *connections* counts those made."""

    says: list[Say]
    scheme: str = "http"
    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/v1"

    @property
    def bodies(self) -> list[Any]:
        """The JSON bodies received."""
        return [json.loads(request.split(b"\r\n\r\n", 1)[1]) for request in self.requests]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.requests.append(await _request(reader))
                say = self.says[min(len(self.requests), len(self.says)) - 1]
                say.before()
                for piece in [say.data] if isinstance(say.data, bytes) else say.data:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)  # now the loop sees that there is something to read
                    await asyncio.sleep(0)  # and now the client has read it
                if say.end == "hang":
                    await reader.read()  # until the client goes
                if say.end == "reset":
                    raw = writer.get_extra_info("socket")
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    writer.transport.abort()
                if say.end != "keep":
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
    )
    return head + await reader.readexactly(length)


@asynccontextmanager
async def raw_server(*says: Say, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawServer]:
    """A server that answers the n-th request, over all connections, with the n-th say; the last one repeats."""
    server = RawServer(list(says) or [Say()], scheme="https" if tls else "http")
    tasks: set[asyncio.Task[None]] = set()

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await server.serve(reader, writer)
        finally:
            tasks.discard(task)

    listening = await asyncio.start_server(accepted, "127.0.0.1", 0, ssl=tls, backlog=512)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def reply(
    body: bytes | dict[str, Any], status: int = 200, headers: dict[str, str] | None = None, length: int | None = None
) -> bytes:
    """A whole HTTP reply; *length* is a Content-Length that lies."""
    content = json.dumps(body).encode() if isinstance(body, dict) else body
    told = {"content-type": "application/json", "content-length": str(len(content) if length is None else length)}
    lines = [f"HTTP/1.1 {status} Some Reason", *(f"{k}: {v}" for k, v in (told | (headers or {})).items()), "", ""]
    return "\r\n".join(lines).encode() + content


def chunked(*pieces: bytes, end: bytes = b"0\r\n\r\n", headers: str = "") -> bytes:
    """A whole reply in chunks; *end* is what closes it."""
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{headers}transfer-encoding: chunked\r\n\r\n"
    return head.encode() + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + end


def sends(
    body: bytes,
    framing: Framing = "length",
    *,
    status: int = 200,
    headers: Mapping[str, Sequence[str]] | None = None,
    cuts: Iterable[int] = (),
) -> list[bytes]:
    """A whole reply in pieces: its head, and its body cut at these places; in chunks, each piece is one."""
    ends = {"length": f"content-length: {len(body)}", "chunked": "transfer-encoding: chunked", "close": ""}
    said = [f"{name}: {value}" for name, values in (headers or {}).items() for value in values]
    head = "\r\n".join([f"HTTP/1.1 {status} Some Reason", *said, *filter(None, [ends[framing]]), "", ""]).encode()
    places = sorted({place for place in cuts if 0 < place < len(body)})
    pieces = [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]
    if framing == "chunked":
        pieces = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece] + [b"0\r\n\r\n"]
    return [head, *pieces]


def chat(text: str | None = "Paris", **more: Any) -> dict[str, Any]:
    """A chat completion."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "m-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 2, "total_tokens": 13},
        **more,
    }
