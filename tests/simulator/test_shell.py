from __future__ import annotations

import io
import json
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from evalrun.clock import SystemClock
from evalrun.simulator.rules import Rules
from evalrun.simulator.server import Server, start
from evalrun.simulator.shell import BODY_CAP_BYTES, PATHS
from tests.simulator.dialects.exchange import ANTHROPIC, WEATHER

TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}}
QUESTION = "List the planets as a numbered list."
CHAT = {"model": "small", "messages": [{"role": "user", "content": QUESTION}], "temperature": 0}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": {"model": "small", "prompt": QUESTION, "max_tokens": 100, "temperature": 0},
    "/v1/responses": {"model": "small", "input": QUESTION, "temperature": 0},
    "/v1/messages": {**CHAT, "max_tokens": 100},
    "/v1/embeddings": {"model": "small", "input": QUESTION},
    "/openai/deployments/small/chat/completions?api-version=1": CHAT,
    "/openai/deployments/small/completions?api-version=1": {"prompt": QUESTION, "max_tokens": 100, "temperature": 0},
    "/openai/deployments/small/embeddings?api-version=1": {"input": QUESTION},
    "/openai/v1/chat/completions": CHAT,
    "/openai/v1/completions": {"model": "small", "prompt": QUESTION},
    "/openai/v1/embeddings": {"model": "small", "input": QUESTION},
    "/openai/v1/responses": {"model": "small", "input": QUESTION},
    "/models/chat/completions?api-version=1": CHAT,
    "/models/embeddings?api-version=1": {"model": "small", "input": QUESTION},
}
STREAMS = {
    "/v1/chat/completions": "[DONE]",
    "/v1/completions": "[DONE]",
    "/v1/responses": '"response.completed"',
    "/v1/messages": '"message_stop"',
    "/openai/deployments/small/chat/completions?api-version=1": "[DONE]",
    "/models/chat/completions?api-version=1": "[DONE]",
}


class NoWait(SystemClock):
    """A clock whose sleeps are over at once and are counted."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@asynccontextmanager
async def running(rules: Rules, clock: Any = None, log: Path | None = None):  # type: ignore[no-untyped-def]
    """A server on a free loopback port and a client session that speaks to it."""
    server: Server = await start(rules, clock or NoWait(), log=log)
    try:
        async with aiohttp.ClientSession(
            server.origin, headers=ANTHROPIC, timeout=aiohttp.ClientTimeout(total=5)
        ) as session:
            yield session
    finally:
        await server.close()


async def post(session: aiohttp.ClientSession, path: str, **more: Any) -> tuple[int, dict[str, str], str]:
    """Status, headers by lower-case name, and body of what comes back."""
    async with session.post(path, json={**BODIES[path], **more}) as response:
        headers = {name.lower(): value for name, value in response.headers.items()}
        return response.status, headers, await response.text()


def test_every_path_is_tried_here() -> None:
    """There is a body for each route."""
    tried = {path.partition("?")[0].replace("/small/", "/{deployment}/") for path in BODIES}

    assert tried == set(PATHS)


@pytest.mark.parametrize("path", BODIES)
async def test_every_dialect_is_answered(path: str) -> None:
    """Each path answers 200 with JSON, and a second request finds the limit that all share, with a wait and a body."""
    async with running(Rules(rpm=1)) as session:
        good, headers, body = await post(session, path)
        over, refused, error = await post(session, path)

    assert (good, over) == (200, 429)
    assert json.loads(body)
    assert int(refused["retry-after"]) > 0
    assert json.loads(error)["error"]["message"]
    anthropic = path == "/v1/messages"
    assert ("anthropic-ratelimit-requests-remaining" in headers) == anthropic
    assert ("x-ratelimit-remaining-requests" in headers) != anthropic
    assert ("x-ratelimit-renewalperiod-requests" in headers) == path.startswith(("/openai", "/models"))


@pytest.mark.parametrize("path", STREAMS)
async def test_a_stream_takes_its_time(path: str) -> None:
    """Its pieces are spread over the latency, on the server's clock, and it ends with its mark."""
    clock = NoWait()
    async with running(Rules(latency_s=3.0), clock) as session:
        status, headers, text = await post(session, path, stream=True)

    assert (status, headers["content-type"].partition(";")[0]) == (200, "text/event-stream")
    assert STREAMS[path] in text.strip().rpartition("\n\n")[2]
    assert sum(clock.slept) == pytest.approx(3.0)
    assert len(clock.slept) > 3
    assert clock.slept[0] == max(clock.slept)


async def test_pieces_come_one_by_one() -> None:
    """A client has the first piece of an answer before the last is sent."""
    async with running(Rules(latency_s=0.2), SystemClock()) as session:
        arrivals = []
        async with session.post("/v1/chat/completions", json={**CHAT, "stream": True}) as response:
            async for _ in response.content.iter_any():
                arrivals.append(SystemClock().monotonic())  # noqa: PERF401

    assert len(arrivals) > 3
    assert arrivals[-1] - arrivals[0] > 0.1


@pytest.mark.parametrize("path", STREAMS)
async def test_a_stream_that_is_cut_ends_in_its_middle(path: str) -> None:
    """The connection breaks off within an event, so that HTTP itself shows it."""
    for fault in ("stream-cut", "cut"):
        async with running(Rules(faults={fault: 1})) as session:
            with pytest.raises(aiohttp.ClientPayloadError):
                await post(session, path, stream=True)


@pytest.mark.parametrize("path", STREAMS)
async def test_an_error_may_come_within_a_stream(path: str) -> None:
    """After status 200 and some of the answer, an error in the dialect's own shape, and no end."""
    async with running(Rules(faults={"stream-error": 1})) as session:
        status, _, text = await post(session, path, stream=True)
    last = text.strip().rpartition("\n\n")[2]
    data = json.loads(last.partition("data: ")[2])

    assert status == 200
    assert STREAMS[path] not in text
    assert data["message"] if path == "/v1/responses" else data["error"]["message"]
    assert last.startswith("event: error") == (path in ("/v1/responses", "/v1/messages"))


@pytest.mark.parametrize("path", STREAMS)
async def test_a_stream_may_lack_its_end(path: str) -> None:
    """Everything comes but the mark of the end."""
    async with running(Rules(faults={"stream-no-end": 1})) as session:
        status, _, text = await post(session, path, stream=True)

    assert status == 200
    assert STREAMS[path] not in text
    assert text.count("data: ") > 3


@pytest.mark.parametrize("fault", ["stream-cut", "stream-error", "stream-no-end"])
async def test_what_is_no_stream_is_spared(fault: str, tmp_path: Path) -> None:
    """A fault of streams does not touch a whole reply, and the log says that there was none."""
    log = tmp_path / "log"
    async with running(Rules(faults={fault: 1}), log=log) as session:
        status, _, text = await post(session, "/v1/chat/completions")

    assert status == 200
    assert json.loads(text)["choices"]
    assert json.loads(log.read_text())["fault"] is None


@pytest.mark.parametrize("name", ["reset", "garbage", "empty", "503"])
async def test_other_faults_befall_streams_too(name: str) -> None:
    """What befalls any reply befalls one that would have been a stream."""
    async with running(Rules(faults={name: 1})) as session:
        try:
            status, headers, text = await post(session, "/v1/messages", stream=True)
        except aiohttp.ClientError:
            assert name == "reset"
            return

    assert (status, headers["content-type"].partition(";")[0]) == {
        "garbage": (200, "text/html"),
        "empty": (200, "application/json"),
        "503": (529, "application/json"),
    }[name]
    assert "data: " not in text


async def test_a_stream_holds_its_place_to_the_end() -> None:
    """The concurrency counts a stream until its last piece, and one that is broken off by its client no longer."""
    async with running(Rules(concurrency=1, latency_s=30), SystemClock()) as session:
        async with session.post("/v1/chat/completions", json={**CHAT, "stream": True}) as response:
            await response.content.readany()
            assert (await post(session, "/v1/embeddings"))[0] == 429
        await SystemClock().sleep(0.05)
        with pytest.raises(TimeoutError):  # admitted, so it waits
            async with session.post(
                "/v1/embeddings", json=BODIES["/v1/embeddings"], timeout=aiohttp.ClientTimeout(0.2)
            ):
                pass


async def test_each_request_is_in_the_log_whatever_its_dialect(tmp_path: Path) -> None:
    """One line a request, with what was asked, its tokens and its status; also where it could not be translated."""
    log = tmp_path / "log"
    async with running(Rules(), log=log) as session:
        for path in STREAMS:
            await post(session, path, stream=True)
        await post(session, "/v1/responses", seed=1)
    lines = [json.loads(line) for line in log.read_text().splitlines()]

    assert [line["status"] for line in lines] == [200] * len(STREAMS) + [400]
    assert all(line["text"].endswith(QUESTION) or QUESTION in line["text"] for line in lines[:-1])
    assert all(line["output_tokens"] > 0 and line["model"] == "small" for line in lines[:-1])


@pytest.mark.parametrize(
    "path", ["/v1/responses", "/v1/messages", "/v1/completions", "/models/chat/completions?api-version=1"]
)
@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"', b"[" * 100_000, b'{"model": 1' + b"0" * 5000 + b"}"])
async def test_what_is_no_json_is_refused(path: str, raw: bytes) -> None:
    """A body that cannot be read is a 400 in every dialect."""
    async with running(Rules()) as session, session.post(path, data=raw) as response:
        assert response.status == 400
        assert (await response.json())["error"]["message"]


async def test_a_body_over_the_cap_is_refused_in_its_dialect() -> None:
    """A body of more than the cap is a 413 with the dialect's own word."""
    raw = bytes(BODY_CAP_BYTES + 1)
    async with running(Rules()) as session:
        async with session.post("/v1/messages", data=io.BytesIO(raw)) as response:
            assert (response.status, (await response.json())["error"]["type"]) == (413, "request_too_large")
        async with session.post("/v1/messages/count_tokens", data=io.BytesIO(raw)) as response:
            assert response.status == 413


async def test_tokens_are_counted_without_being_spent() -> None:
    """count_tokens says what a message will be charged, needs no max_tokens, and takes nothing of a limit."""
    asked = {"model": "large", "system": "Be brief.", "messages": CHAT["messages"]}
    async with running(Rules(rpm=1)) as session:
        async with session.post("/v1/messages/count_tokens", json=asked) as response:
            counted = (await response.json())["input_tokens"]
        async with session.post("/v1/messages/count_tokens", json={}) as response:
            refused = await response.json()
        async with session.post("/v1/messages", json={**asked, "max_tokens": 9}) as response:
            used = (await response.json())["usage"]["input_tokens"]

    assert counted == used
    assert refused["error"]["type"] == "invalid_request_error"


async def test_models_are_listed_in_both_shapes() -> None:
    """Anthropic's where its version header is sent, OpenAI's else; one model alone; Azure's description."""
    async with running(Rules()) as session:
        async with session.get("/v1/models") as response:
            listed = await response.json()
        async with session.get("/v1/models/large") as response:
            one = await response.json()
        async with session.get("/v1/models/none") as response:
            none = response.status, (await response.json())["error"]["type"]
        async with session.get("/models/info") as response:
            info = await response.json()

    assert (listed["first_id"], listed["has_more"], listed["data"][0]["type"]) == ("large", False, "model")
    assert one["id"] == "large"
    assert none == (404, "not_found_error")
    assert info["model_type"] == "chat-completion"


async def test_requests_have_names_in_their_dialects_header() -> None:
    """x-request-id, request-id or apim-request-id; Anthropic's errors repeat it."""
    async with running(Rules(faults={"500": 1})) as session:
        openai = (await post(session, "/v1/chat/completions"))[1]
        azure = (await post(session, "/openai/v1/chat/completions"))[1]
        _, anthropic, error = await post(session, "/v1/messages")

    assert openai["x-request-id"].startswith("req_")
    assert azure["apim-request-id"].startswith("req_")
    assert json.loads(error)["request_id"] == anthropic["request-id"]
