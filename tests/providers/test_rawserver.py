from __future__ import annotations

import pytest
from yarl import URL

from evalrun.providers.reply import Reply
from evalrun.providers.transport import open_transport
from tests.providers.makers import HandClock
from tests.providers.rawserver import Framing, Say, raw_server, sends

BODY = bytes(range(256)) * 4


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
async def test_pieces_come_one_by_one(framing: Framing) -> None:
    """A body that is cut at some places comes in as many pieces, with those ends, whatever marks its end."""
    say = Say(sends(BODY, framing, cuts=(700, 1, 300, 301, 0, 5000)), end="close")
    async with raw_server(say) as server, open_transport(HandClock()) as transport:
        reply = await transport.post(URL(server.url), b"{}", {}, timeout_s=5)

    assert isinstance(reply, Reply)
    assert reply.body == BODY
    assert [size for size, _ in reply.arrivals] == [1, 300, 301, 700, 1024]
    assert reply.framed == (framing != "close")
