from __future__ import annotations

import asyncio
import io
import json
import os
import signal
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from evalrun.clock import SystemClock
from evalrun.simulator.engine import Rules
from evalrun.simulator.models import MODELS
from evalrun.simulator.server import BODY_CAP_BYTES, serve, start


def body(text: str = "What is the capital of France?", **more: Any) -> dict[str, Any]:
    """A request body with one user message, at temperature 0."""
    return {"model": "small", "messages": [{"role": "user", "content": text}], "temperature": 0, **more}


@asynccontextmanager
async def running(rules: Rules, log: Path | None = None):  # type: ignore[no-untyped-def]
    """A server on a free loopback port and a client session."""
    server = await start(rules, SystemClock(), log=log)
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            yield server, session
    finally:
        await server.close()


async def test_a_question_is_answered_over_http() -> None:
    """The shell passes a body on and gives back status, headers and JSON."""
    async with (
        running(Rules(rpm=10, latency_s=0)) as (server, session),
        session.post(f"{server.url}/chat/completions", json=body("What is 2 + 2?")) as response,
    ):
        reply = await response.json()

        assert response.status == 200
        assert response.headers["x-ratelimit-remaining-requests"] == "9"
        assert reply["choices"][0]["message"]["role"] == "assistant"


async def test_models_are_listed_and_the_root_says_what_this_is() -> None:
    """GET /v1/models names them all; GET / explains."""
    async with running(Rules()) as (server, session):
        async with session.get(f"{server.url}/models") as response:
            assert [model["id"] for model in (await response.json())["data"]] == list(MODELS)
        async with session.get(server.url.removesuffix("/v1") + "/") as response:
            assert "simulator" in await response.text()


async def test_it_listens_on_loopback_only() -> None:
    """Without a host the address is loopback's."""
    async with running(Rules()) as (server, _):
        assert server.url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b"NaN", b"[" * 100_000, b'{"model": 1' + b"0" * 5000 + b"}"])
async def test_what_is_no_json_is_refused(raw: bytes) -> None:
    """A body that cannot be parsed is a 400 in the API's shape."""
    async with (
        running(Rules()) as (server, session),
        session.post(f"{server.url}/chat/completions", data=raw) as response,
    ):
        assert response.status == 400
        assert "error" in await response.json()


async def test_a_body_over_the_cap_is_refused() -> None:
    """A body of more than the cap is a 413."""
    async with (
        running(Rules()) as (server, session),
        session.post(f"{server.url}/chat/completions", data=io.BytesIO(bytes(BODY_CAP_BYTES + 1))) as response,
    ):
        assert response.status == 413


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("reset", aiohttp.ClientError),
        ("cut", aiohttp.ClientPayloadError),
        ("hang", TimeoutError),
        ("garbage", json.JSONDecodeError),
        ("empty", json.JSONDecodeError),
    ],
)
async def test_faults_on_the_wire_are_real(name: str, error: Any) -> None:
    """The connection is reset, cut or left hanging, or the body is no JSON: a client sees just that."""
    async with running(Rules(faults={name: 1}, latency_s=0)) as (server, session):
        with pytest.raises(error):
            async with session.post(
                f"{server.url}/chat/completions", json=body(), timeout=aiohttp.ClientTimeout(total=0.3)
            ) as response:
                json.loads(await response.read())


async def test_status_faults_are_replies() -> None:
    """A status made to order arrives as that status, with the API's error."""
    async with (
        running(Rules(faults={"503": 1}, latency_s=0)) as (server, session),
        session.post(f"{server.url}/chat/completions", json=body()) as response,
    ):
        assert (response.status, (await response.json())["error"]["code"]) == (503, "server_is_overloaded")


async def test_a_client_that_goes_away_frees_its_place() -> None:
    """When a client hangs up, its request ends and its place is free."""
    async with running(Rules(concurrency=1, latency_s=(30, 30))) as (server, session):
        with pytest.raises(TimeoutError):
            await session.post(f"{server.url}/chat/completions", json=body(), timeout=aiohttp.ClientTimeout(total=0.1))
        await asyncio.sleep(0.05)
        with pytest.raises(TimeoutError):  # admitted, so it waits; a refusal would come at once
            await session.post(f"{server.url}/chat/completions", json=body(), timeout=aiohttp.ClientTimeout(total=0.1))


async def test_the_log_has_a_line_for_each_request(tmp_path: Path) -> None:
    """Each request is a JSON line as soon as it is decided; keys sent along are not in it; a log is gone on with."""
    log = tmp_path / "requests.log"
    log.write_text('{"earlier": true}\n')
    async with running(Rules(latency_s=0), log) as (server, session):
        headers = {"Authorization": "Bearer sk-secret"}
        await session.post(f"{server.url}/chat/completions", json=body("Grüße \ud800?"), headers=headers)
        lines = [json.loads(line) for line in log.read_text().splitlines()]

    assert lines[0] == {"earlier": True}
    assert (lines[1]["model"], lines[1]["status"], lines[1]["text"]) == ("small", 200, "Grüße \ud800?")
    assert len(lines[1]["key"]) == 64
    assert "sk-secret" not in log.read_text()


async def test_a_port_in_use_is_an_oserror(tmp_path: Path) -> None:
    """Where it cannot listen, start raises OSError."""
    async with running(Rules()) as (server, _):
        port = int(server.url.removesuffix("/v1").rpartition(":")[2])
        with pytest.raises(OSError, match="address already in use"):
            await start(Rules(), SystemClock(), port=port, log=tmp_path / "log")


async def test_serve_ends_by_signal() -> None:
    """serve announces its address and ends, closed, when it is told to stop."""
    announced: list[str] = []

    def announce(line: str) -> None:
        announced.append(line)
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)

    await asyncio.wait_for(serve(Rules(), host="127.0.0.1", port=0, log=None, announce=announce), 5)

    assert announced[0].startswith("simulator at http://127.0.0.1:")
