"""Servers of tests/providers in a thread of their own, for commands that run their own loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from typing import Any, TypeVar

Server = TypeVar("Server")


class Background:
    """A loop in a thread, and what was opened in it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, stack: AsyncExitStack) -> None:
        self._loop, self._stack = loop, stack

    def open(self, context: AbstractAsyncContextManager[Server]) -> Server:
        """Enter a context there; it is left at the end."""
        return self._run(self._stack.enter_async_context(context))

    def close(self) -> None:
        self._run(self._stack.aclose())

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=10)


@contextmanager
def background() -> Iterator[Background]:
    """A loop that runs in a thread for as long as the context lasts."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    servers = Background(loop, AsyncExitStack())
    try:
        yield servers
    finally:
        servers.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        loop.close()
