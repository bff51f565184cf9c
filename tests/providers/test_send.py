from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import aiohttp
import pytest

from evalrun import __version__
from evalrun.errors import UsageError
from evalrun.providers import send as send_module
from evalrun.providers.send import Send, open_send
from evalrun.providers.transport import Limits
from evalrun.records.outcome import Failure, FailureKind, Outcome, Response, TokensMethod
from evalrun.records.suite import Provider
from tests.providers.makers import HandClock, request
from tests.providers.rawserver import Say, chat, chunked, raw_server, reply

CERTIFICATE = Path(__file__).with_name("self_signed.pem")
KEY = "sk-canary-0123456789abcdef"
PARIS = reply(chat("Paris"))


@pytest.fixture
def clock() -> HandClock:
    """A clock that stands still."""
    return HandClock()


@asynccontextmanager
async def opened(
    url: str, clock: HandClock, *, environ: Mapping[str, str] | None = None, limits: Limits | None = None, **more: Any
) -> AsyncIterator[Send]:
    """A `send` whose provider ``lab`` is at *url*; *limits* replaces the transport's own."""
    provider = Provider(id="lab", dialect="openai-chat", base_url=url, **({"timeout_s": 5.0} | more))
    real = send_module.open_transport
    with mock.patch.object(send_module, "open_transport", lambda *a, **k: real(*a, **(k | {"limits": limits}))):
        async with open_send({"lab": provider}, {}, environ=environ or {}, clock=clock) as send:
            yield send


def kind(outcome: Outcome) -> str:
    """``response`` or the kind of failure."""
    return outcome.kind.value if isinstance(outcome, Failure) else "response"


async def test_there_and_back(clock: HandClock) -> None:
    """A request goes out as the dialect says, with the key and the suite's headers, and comes back as a Response."""
    async with (
        raw_server(Say(PARIS)) as server,
        opened(server.url, clock, environ={"LAB_KEY": KEY}, api_key_env="LAB_KEY", headers={"X-Team": "one"}) as send,
    ):
        outcome = await send(request())

    assert isinstance(outcome, Response)
    assert (outcome.text, outcome.finish_reason, outcome.model) == ("Paris", "stop", "m-1")
    assert (outcome.usage.prompt_tokens, outcome.usage.completion_tokens) == (11, 2)
    assert outcome.usage.method is TokensMethod.API
    head = server.requests[0].split(b"\r\n\r\n")[0].decode().lower()
    assert head.startswith("post /v1/chat/completions http/1.1")
    for line in (f"authorization: bearer {KEY}", f"user-agent: evalrun/{__version__}", "x-team: one"):
        assert line in head
    assert "accept-encoding: gzip, deflate\r\n" in head + "\r\n"
    assert server.bodies == [
        {
            "model": "m-1",
            "messages": [{"role": "user", "content": "Capital of France?"}],
            "temperature": 0,
            "seed": 7,
        }
    ]


async def test_no_variable_no_key(clock: HandClock) -> None:
    """A provider without api_key_env sends no key, whatever the environment holds."""
    async with (
        raw_server(Say(PARIS)) as server,
        opened(server.url, clock, environ={"OPENAI_API_KEY": KEY, "LAB_KEY": KEY}) as send,
    ):
        await send(request())

    assert b"authorization" not in server.requests[0].lower()
    assert KEY.encode() not in server.requests[0]


async def test_the_simulators_figures_are_marked(clock: HandClock) -> None:
    """What the simulator says about tokens is marked as simulated."""
    async with raw_server(Say(PARIS)) as server, opened(server.url, clock, simulated=True) as send:
        outcome = await send(request())

    assert isinstance(outcome, Response)
    assert outcome.usage.method is TokensMethod.SIMULATED


async def test_latency_is_from_send_to_last_byte(clock: HandClock) -> None:
    """Latency is what the clock says between the request and the end of the reply."""

    def later() -> None:
        clock.now += 2.5

    async with raw_server(Say(PARIS, before=later)) as server, opened(server.url, clock) as send:
        outcome = await send(request())

    assert outcome.latency_s == 2.5


async def test_many_at_once(clock: HandClock) -> None:
    """The pool has no limit of its own: nobody waits for a connection."""
    async with raw_server(Say(PARIS)) as server, opened(server.url, clock) as send:
        outcomes = await asyncio.gather(*(send(request(str(n))) for n in range(150)))

    assert {kind(outcome) for outcome in outcomes} == {"response"}


@pytest.mark.parametrize(
    "whole", [PARIS, chunked(b'{"choices": [{"message": ', b'{"content": "x"}}]}')], ids=["length", "chunked"]
)
@pytest.mark.parametrize("end", ["close", "reset"])
async def test_a_cut_reply_is_never_an_answer(whole: bytes, end: Any, clock: HandClock) -> None:
    """A reply that is cut after any of its bytes but the last is a failure that says so."""
    says = [Say(whole[:cut], end=end) for cut in range(len(whole))]
    async with raw_server(*says, Say(whole, end="close")) as server, opened(server.url, clock) as send:
        outcomes = [await send(request()) for _ in says]
        at_last = await send(request())

    assert {kind(outcome) for outcome in outcomes} <= {"reset", "cut", "garbage"}
    assert "cut" in {kind(outcome) for outcome in outcomes}
    assert isinstance(at_last, Response)
    assert len(server.requests) == len(whole) + 1


@pytest.mark.parametrize("end", ["close", "reset"])
async def test_until_the_connection_closes(end: Any, clock: HandClock) -> None:
    """Without a length the connection's end is the reply's end, and a cut shows only in the JSON: never an answer."""
    whole = b"HTTP/1.1 200 OK\r\n\r\n" + json.dumps(chat("Paris é", extra=[{"a": {}}])).encode()
    says = [Say(whole[:cut], end=end) for cut in range(19, len(whole))]
    async with raw_server(*says) as server, opened(server.url, clock) as send:
        outcomes = [await send(request()) for _ in says]

    assert {kind(outcome) for outcome in outcomes} <= {"reset", "cut"}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (reply(chat("Paris"), length=20), "cut garbage"),
        (reply(b"", length=20), "cut"),
        (reply(b""), "cut"),
        (reply(b"{}", length=0), "cut garbage"),
        (reply(b"<html>busy</html>"), "garbage"),
        (reply(b"", headers={"content-length": "-5"}), "garbage"),
        (reply(b"", headers={"content-length": "1x"}), "garbage"),
        (b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n{}", "garbage"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "garbage"),
        (b"HTTP/1.1 200 OK\r\nx-long: " + b"a" * 100_000 + b"\r\n\r\n", "garbage"),
        (b"HTTP/1.1 999 Odd\r\ncontent-length: 2\r\n\r\n{}", "server"),
        (reply(b"not gzip at all", headers={"content-encoding": "gzip"}), "garbage"),
        (reply(b"not brotli", headers={"content-encoding": "br"}), "garbage"),
        (chunked(b"{}", end=b"zz\r\n"), "cut garbage"),
        (reply(b"", status=204), "cut"),
    ],
)
async def test_broken_http(data: bytes, expected: str, clock: HandClock) -> None:
    """Whatever is wrong with the HTTP itself, the outcome is a failure of a fitting kind."""
    async with raw_server(Say(data, end="close")) as server, opened(server.url, clock) as send:
        outcome = await send(request())

    assert kind(outcome) in expected.split()
    assert isinstance(outcome, Failure)
    assert "127.0.0.1" not in (outcome.body or "")


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_compressed(coding: str, clock: HandClock) -> None:
    """Compressed replies are read."""
    plain = json.dumps(chat("Paris")).encode()
    body = gzip.compress(plain) if coding == "gzip" else zlib.compress(plain)
    async with (
        raw_server(Say(reply(body, headers={"content-encoding": coding}))) as server,
        opened(server.url, clock) as send,
    ):
        outcome = await send(request())

    assert isinstance(outcome, Response)


async def test_a_bomb_ends_at_the_cap(clock: HandClock) -> None:
    """A small reply that unpacks into a huge one is given up at the cap, after decompression."""
    packed = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packed.compress(bytes(2**20)) for _ in range(64)) + packed.flush()
    async with (
        raw_server(Say(reply(bomb, headers={"content-encoding": "gzip"}))) as server,
        opened(server.url, clock, limits=Limits(body_bytes=2**20)) as send,
    ):
        outcome = await send(request())

    assert kind(outcome) == "too_large"
    assert "1 MiB" in outcome.message  # type: ignore[union-attr]


@pytest.mark.parametrize("data", [reply(b"", length=2**40), chunked(*[bytes(2**16)] * 32)], ids=["length", "chunked"])
async def test_a_huge_body_ends_at_the_cap(data: bytes, clock: HandClock) -> None:
    """A reply over the cap is given up, at once where its length says so."""
    async with (
        raw_server(Say(data, end="hang")) as server,
        opened(server.url, clock, limits=Limits(body_bytes=2**20)) as send,
    ):
        outcome = await send(request())

    assert kind(outcome) == "too_large"


@pytest.mark.parametrize("data", [b"", PARIS[:20], PARIS[:-5]], ids=["silence", "in the head", "in the body"])
async def test_a_hang_ends_in_time(data: bytes, clock: HandClock) -> None:
    """A server that falls silent anywhere is given up after the provider's timeout."""
    async with raw_server(Say(data, end="hang")) as server, opened(server.url, clock, timeout_s=0.05) as send:
        outcome = await send(request())

    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.TIMEOUT


async def test_a_body_that_stands_still(clock: HandClock) -> None:
    """A body that stops between two pieces is given up long before the whole attempt would be."""
    async with (
        raw_server(Say(PARIS[:-5], end="hang")) as server,
        opened(server.url, clock, timeout_s=60, limits=Limits(idle_s=0.05)) as send,
    ):
        outcome = await send(request())

    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.TIMEOUT
    assert "stood still for 0.05 s" in outcome.message


async def test_refused(clock: HandClock) -> None:
    """A port where nobody listens is a failure to connect that names host and port."""
    async with raw_server() as server:
        url, port = server.url, server.port

    async with opened(url, clock) as send:
        outcome = await send(request())

    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.CONNECT
    assert f"127.0.0.1:{port} (ECONNREFUSED)" in outcome.message


async def test_no_such_name(clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is not found is a failure to connect."""

    async def not_found(*_args: object, **_kwargs: object) -> None:
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", not_found)
    async with opened("http://nowhere.invalid/v1", clock) as send:
        outcome = await send(request())

    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.CONNECT
    assert "nowhere.invalid" in outcome.message


async def test_a_certificate_that_nobody_trusts(clock: HandClock) -> None:
    """An untrusted certificate is told as such, with the variable that cures it, and nothing is sent."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    async with raw_server(Say(PARIS), tls=context) as server:
        async with opened(server.url, clock) as send:
            refused = await send(request())
        requests = len(server.requests)
        async with opened(server.url, clock, environ={"SSL_CERT_FILE": str(CERTIFICATE)}) as send:
            trusted = await send(request())

    assert isinstance(refused, Failure)
    assert refused.kind is FailureKind.TLS
    assert "SSL_CERT_FILE" in refused.message
    assert requests == 0
    assert isinstance(trusted, Response)


async def test_https_where_http_is_spoken(clock: HandClock) -> None:
    """TLS with a server that speaks plain HTTP is a TLS failure, not a refusal."""

    async def plain(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with server, opened(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", clock) as send:
        outcome = await send(request())

    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.TLS
    assert "does it speak https?" in outcome.message


async def test_a_connection_that_is_not_made_in_time(clock: HandClock) -> None:
    """Time that runs out before there is a connection is a failure to connect: nothing was sent."""
    async with (
        raw_server(Say(PARIS)) as server,
        opened(server.url.replace("http:", "https:"), clock, timeout_s=0.05) as send,
    ):
        outcome = await send(request())

    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.CONNECT
    assert "within 0.05 s" in outcome.message


async def test_unreadable_authorities(clock: HandClock, tmp_path: Path) -> None:
    """A file of authorities that cannot be read is a usage error, before anything is sent."""
    with pytest.raises(UsageError, match="SSL_CERT_FILE"):
        async with opened("https://127.0.0.1:1/v1", clock, environ={"SSL_CERT_FILE": str(tmp_path / "none.pem")}):
            pass


@pytest.mark.parametrize("end", ["close", "reset"])
async def test_a_stale_connection_is_replaced_once(end: Any, clock: HandClock) -> None:
    """A kept connection that the server closes as we send is replaced by a new one at once."""
    async with raw_server(Say(PARIS), Say(end=end), Say(PARIS)) as server, opened(server.url, clock) as send:
        first, second = await send(request()), await send(request())

    assert kind(first) == kind(second) == "response"
    assert len(server.requests) == 3
    assert server.connections == 2


async def test_a_fresh_connection_is_not_replaced(clock: HandClock) -> None:
    """A new connection that is closed without a reply is a failure: whether the request counted is unknown."""
    async with raw_server(Say(end="close")) as server, opened(server.url, clock) as send:
        outcome = await send(request())

    assert kind(outcome) == "reset"
    assert len(server.requests) == 1


async def test_a_stale_connection_is_replaced_only_once(clock: HandClock) -> None:
    """When the new connection is closed too, that is the end of it."""
    async with raw_server(Say(PARIS), Say(end="close")) as server, opened(server.url, clock) as send:
        await send(request())
        outcome = await send(request())

    assert kind(outcome) == "reset"
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(status: int, clock: HandClock) -> None:
    """A redirect is a failure that shows the target's host; the target sees no request and no key."""
    async with raw_server(Say(PARIS)) as foreign:
        location = {"location": f"http://user:pw@127.0.0.1:{foreign.port}/steal?x=1"}
        async with (
            raw_server(Say(reply(b"", status=status, headers=location))) as server,
            opened(server.url, clock, environ={"LAB_KEY": KEY}, api_key_env="LAB_KEY") as send,
        ):
            outcome = await send(request())

    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.REDIRECT
    assert "127.0.0.1" in outcome.message
    assert "pw" not in outcome.message
    assert foreign.connections == 0


async def test_cookies_are_not_kept(clock: HandClock) -> None:
    """What a server sets in one reply is not sent with the next request."""
    cookie = reply(chat("x"), headers={"set-cookie": "a=1"})
    async with raw_server(Say(cookie)) as server, opened(server.url, clock) as send:
        await send(request())
        await send(request())

    assert b"cookie" not in server.requests[1].lower()


async def test_proxies_of_the_environment_are_not_used(clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that the environment names sees nothing."""
    async with raw_server(Say(PARIS)) as proxy, raw_server(Say(PARIS)) as server:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        async with opened(server.url, clock) as send:
            outcome = await send(request())

    assert isinstance(outcome, Response)
    assert proxy.connections == 0


async def test_an_echoed_key_is_masked(clock: HandClock) -> None:
    """A server that repeats the key, in an error or in an answer, does not get it into what is kept."""
    spelled = f"{KEY} {KEY.encode().hex()}"
    says = [
        Say(reply({"error": {"message": f"bad key {KEY}", "code": KEY}}, status=401)),
        Say(reply(f"<html>{spelled}".encode(), status=500)),
        Say(reply(f"{'x' * 490}{KEY}".encode(), status=500)),
        Say(reply(f"<html>{spelled}".encode())),
        Say(reply(chat(f"your key is {spelled}", system_fingerprint=KEY, model=KEY))),
        Say(reply(b'{"choices": [{"message": {"content": "\\u0073k-canary-0123456789abcdef"}}]}')),
    ]
    async with (
        raw_server(*says) as server,
        opened(server.url, clock, environ={"LAB_KEY": KEY}, api_key_env="LAB_KEY") as send,
    ):
        outcomes = [await send(request()) for _ in says]

    assert "in LAB_KEY" in outcomes[0].message  # type: ignore[union-attr]
    for outcome in outcomes[:5]:
        assert "canary" not in repr(outcome)
        assert KEY.encode().hex() not in repr(outcome)
    assert "canary" not in (outcomes[5].text or "")  # type: ignore[union-attr]


async def test_a_key_for_a_foreign_origin_is_not_sent(clock: HandClock) -> None:
    """A key whose origin nobody allowed opens nothing: a usage error, and no connection is made."""
    provider = Provider(
        id="openai", dialect="openai-chat", base_url="https://evil.example/v1", api_key_env="OPENAI_API_KEY"
    )
    with (
        mock.patch.object(aiohttp.TCPConnector, "connect", side_effect=AssertionError("connected")),
        pytest.raises(UsageError, match=r"--allow-origin OPENAI_API_KEY=https://evil\.example"),
    ):
        async with open_send({"openai": provider}, {}, environ={"OPENAI_API_KEY": KEY}, clock=clock):
            pass

    allowed = {("OPENAI_API_KEY", "https://evil.example")}
    async with open_send({"openai": provider}, {}, environ={"OPENAI_API_KEY": KEY}, clock=clock, allowed=allowed):
        pass


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"api_key_env": "NONE"}, "NONE is not set"),
        ({"headers": {"Authorization": "Bearer x"}}, "'Authorization'"),
        ({"headers": {"X-Api-Key": "x"}}, "'X-Api-Key'"),
        ({"headers": {"x-team": "a\r\nx-evil: 1"}}, "'x-team'"),
        ({"dialect": "morse"}, "known: openai-chat"),
        ({"base_url": "http://a@127.0.0.1/"}, "user name"),
        ({"base_url": ""}, "base_url is empty"),
    ],
)
async def test_what_cannot_be_opened(more: dict[str, Any], said: str, clock: HandClock) -> None:
    """A provider that cannot be spoken to as the suite says is a usage error before anything is sent."""
    fields: dict[str, Any] = {"id": "lab", "dialect": "openai-chat", "base_url": "http://127.0.0.1:1/v1"}
    with pytest.raises(UsageError) as caught:
        async with open_send({"lab": Provider(**(fields | more))}, {}, environ={}, clock=clock):
            pass

    assert said in str(caught.value)


async def test_the_callers_own_cancellation_passes(clock: HandClock) -> None:
    """When the task that sends is cancelled, it is cancelled."""
    arrived = asyncio.Event()
    async with raw_server(Say(end="hang", before=arrived.set)) as server, opened(server.url, clock) as send:
        task = asyncio.ensure_future(send(request()))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert task.cancelled()


class Odd(BaseException):
    """What a library should not throw."""


@pytest.mark.parametrize("thrown", [asyncio.CancelledError(), Odd(), ValueError("x"), RecursionError()])
async def test_what_a_library_throws_is_a_failure(thrown: BaseException, clock: HandClock) -> None:
    """A cancellation or an exception that nobody here asked for is this request's failure, and no more."""
    async with opened("http://127.0.0.1:9/v1", clock) as send:
        with mock.patch.object(aiohttp.TCPConnector, "connect", side_effect=thrown):
            outcome = await send(request())

    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.INTERNAL


async def test_ctrl_c_passes(clock: HandClock) -> None:
    """KeyboardInterrupt is nobody's failure."""
    async with opened("http://127.0.0.1:9/v1", clock) as send:
        with (
            mock.patch.object(send_module.Transport, "_exchange", side_effect=KeyboardInterrupt),
            pytest.raises(KeyboardInterrupt),
        ):
            await send(request())


async def test_a_request_that_is_no_json(clock: HandClock) -> None:
    """Parameters that JSON cannot say fail their request and send nothing."""
    async with raw_server(Say(PARIS)) as server, opened(server.url, clock) as send:
        outcome = await send(request(params={"temperature": float("nan")}))

    assert kind(outcome) == "bad_request"
    assert server.requests == []


async def test_a_request_that_is_nested_too_deeply(clock: HandClock) -> None:
    """What a model wrote goes back to it, and may be nested too deeply for that: a failure of this request alone."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    async with raw_server(Say(PARIS)) as server, opened(server.url, clock) as send:
        outcome = await send(request(params={"extra_body": {"x": deep}}))

    assert kind(outcome) == "bad_request"
    assert server.requests == []


async def test_a_large_request(clock: HandClock) -> None:
    """A prompt of several megabytes, and one with a lone surrogate, arrive as they are."""
    text = "ä\ud800" + "x" * 3_000_000
    async with raw_server(Say(PARIS)) as server, opened(server.url, clock) as send:
        outcome = await send(request(text))

    assert isinstance(outcome, Response)
    assert server.bodies[0]["messages"][0]["content"] == text


async def test_an_unknown_provider(clock: HandClock) -> None:
    """A request for a provider that was not opened is a failure, not an exception."""
    async with open_send({}, {}, environ={}, clock=clock) as send:
        assert kind(await send(request())) == "internal"
        assert kind(await send(request(dialect="recorded"))) == "missing"
