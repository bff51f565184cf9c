"""The ways to an endpoint over real sockets: directly, through a proxy, over TLS with somebody's certificates."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path
from typing import Any

import pytest

from evalrun.errors import UsageError
from evalrun.records.outcome import Failure, FailureKind, Response
from tests.providers.makers import HandClock, request
from tests.providers.proxyserver import proxy_server
from tests.providers.rawserver import Say, chat, raw_server, reply
from tests.providers.test_send import opened

HERE = Path(__file__).parent
AUTHORITY = str(HERE / "authority.pem")
PARIS = reply(chat("Paris"))
LOGIN = "Basic " + base64.b64encode(b"me:pass/word").decode()


@pytest.fixture
def clock() -> HandClock:
    """A clock that stands still."""
    return HandClock()


def certified(name: str) -> ssl.SSLContext:
    """A server's side of TLS, with the certificate of that file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(HERE / f"{name}.pem")
    return context


async def test_a_proxy_sees_plain_requests(clock: HandClock) -> None:
    """With HTTP_PROXY a request goes to the proxy, which is told the whole address and its own login."""
    async with raw_server(Say(PARIS, end="close")) as server, proxy_server(wants=LOGIN) as proxy:
        environ = {"HTTP_PROXY": f"http://me:pass%2Fword@{proxy.place}"}
        async with opened(server.url, clock, environ=environ) as send:
            outcome = await send(request())

    assert isinstance(outcome, Response)
    assert proxy.heads[0].startswith(f"POST {server.url}/chat/completions HTTP/1.1\r\n")
    assert len(server.requests) == 1
    assert b"proxy-authorization" not in server.requests[0].lower()


async def test_a_proxy_is_tunnelled_through(clock: HandClock) -> None:
    """With HTTPS_PROXY an https address is connected to through the proxy, which sees neither key nor request."""
    environ = {"LAB_KEY": "sk-canary-0123456789"}
    async with (
        raw_server(Say(PARIS), tls=certified("signed_here")) as server,
        proxy_server(wants=LOGIN) as proxy,
    ):
        environ["HTTPS_PROXY"] = f"http://me:pass%2Fword@{proxy.place}"
        async with opened(server.url, clock, environ=environ, ca_file=AUTHORITY, api_key_env="LAB_KEY") as send:
            outcomes = [await send(request(str(n))) for n in range(3)]

    assert all(isinstance(outcome, Response) for outcome in outcomes)
    assert proxy.tunnels == [f"127.0.0.1:{server.port}"]
    assert "canary" not in "".join(proxy.heads)
    assert b"authorization: bearer sk-canary" in server.requests[0].lower()
    assert b"proxy-authorization" not in server.requests[0].lower()


@pytest.mark.parametrize("no_proxy", ["127.0.0.1", "*", "localhost,127.0.0.0/8"])
async def test_no_proxy_is_gone_round(no_proxy: str, clock: HandClock) -> None:
    """What NO_PROXY names is asked directly: the proxy sees nothing."""
    async with raw_server(Say(PARIS)) as server, proxy_server() as proxy:
        environ = {"HTTP_PROXY": f"http://{proxy.place}", "ALL_PROXY": f"http://{proxy.place}", "NO_PROXY": no_proxy}
        async with opened(server.url, clock, environ=environ) as send:
            outcome = await send(request())

    assert isinstance(outcome, Response)
    assert proxy.heads == []


async def test_the_simulator_needs_no_proxy(clock: HandClock) -> None:
    """The simulator on this machine is asked directly, whatever the environment says."""
    async with raw_server(Say(PARIS)) as server, proxy_server() as proxy:
        environ = {"HTTP_PROXY": f"http://{proxy.place}"}
        async with opened(server.url, clock, environ=environ, simulated=True) as send:
            await send(request())

    assert proxy.heads == []
    assert len(server.requests) == 1


PROXY_FAULTS = {
    # https or not, what the proxy does, the kind of failure, words
    "wants a login": (False, {"wants": LOGIN}, FailureKind.AUTH, "wants a user and a password"),
    "wants a login for a tunnel": (True, {"wants": LOGIN}, FailureKind.AUTH, "wants a user and a password"),
    "makes no tunnel": (True, {"refuse": 403}, FailureKind.CONNECT, "makes no connection to 127.0.0.1"),
    "is overloaded": (True, {"refuse": 503}, FailureKind.CONNECT, "HTTP 503"),
}


@pytest.mark.parametrize(("tls", "does", "kind", "words"), PROXY_FAULTS.values(), ids=PROXY_FAULTS)
async def test_a_proxy_that_refuses(
    tls: bool, does: dict[str, Any], kind: FailureKind, words: str, clock: HandClock
) -> None:
    """A proxy's refusal is told as the proxy's, with the variable that names it."""
    context = certified("signed_here") if tls else None
    async with raw_server(Say(PARIS), tls=context) as server, proxy_server(**does) as proxy:
        environ = {"HTTPS_PROXY" if tls else "HTTP_PROXY": f"http://{proxy.place}"}
        async with opened(server.url, clock, environ=environ) as send:
            outcome = await send(request())

    assert isinstance(outcome, Failure)
    assert outcome.kind is kind
    assert words in outcome.message
    assert "_PROXY" in outcome.message
    assert server.requests == []


async def test_a_proxy_that_is_not_there(clock: HandClock) -> None:
    """A proxy that nobody answers for is named by host and port, never with its password."""
    async with raw_server(Say(PARIS)) as server, proxy_server() as proxy:
        place = proxy.place
    async with opened(server.url, clock, environ={"http_proxy": f"http://me:canary-word@{place}"}) as send:
        outcome = await send(request())

    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.CONNECT
    assert f"the proxy {place}" in outcome.message
    assert "http_proxy" in outcome.message
    assert "canary" not in repr(outcome)


async def test_a_proxy_of_another_kind_is_refused_at_once(clock: HandClock) -> None:
    """A proxy that is not spoken to ends it before anything is sent."""
    with pytest.raises(UsageError, match=r"ALL_PROXY: .*socks5"):
        async with opened("https://api.example.com/v1", clock, environ={"ALL_PROXY": "socks5://127.0.0.1:1"}):
            pass


TLS = {
    # certificate, settings, the kind of failure (None: an answer)
    "a file of authorities": ("signed_here", {"ca_file": AUTHORITY}, None),
    "nobody's word": ("signed_here", {}, FailureKind.TLS),
    "somebody else's word": ("self_signed", {"ca_file": AUTHORITY}, FailureKind.TLS),
    "another host's certificate": ("signed_elsewhere", {"ca_file": AUTHORITY}, FailureKind.TLS),
    "anyone": ("signed_elsewhere", {"insecure": True}, None),
    "anyone at all": ("self_signed", {"insecure": True}, None),
}


@pytest.mark.parametrize(("certificate", "settings", "kind"), TLS.values(), ids=TLS)
async def test_whose_word_is_taken(
    certificate: str, settings: dict[str, Any], kind: FailureKind | None, clock: HandClock
) -> None:
    """An endpoint's certificate must be for its host, from an authority that is trusted there, unless nobody checks."""
    async with (
        raw_server(Say(PARIS), tls=certified(certificate)) as server,
        opened(server.url, clock, **settings) as send,
    ):
        outcome = await send(request())

    assert (outcome.kind if isinstance(outcome, Failure) else None) is kind
    assert len(server.requests) == (kind is None)


async def test_an_authority_is_trusted_by_its_provider_alone(clock: HandClock) -> None:
    """ca_file takes the place of SSL_CERT_FILE for its provider."""
    environ = {"SSL_CERT_FILE": str(HERE / "self_signed.pem")}
    async with (
        raw_server(Say(PARIS), tls=certified("self_signed")) as server,
        opened(server.url, clock, environ=environ) as others,
        opened(server.url, clock, environ=environ, ca_file=AUTHORITY) as own,
    ):
        found = [await others(request()), await own(request())]

    assert isinstance(found[0], Response)
    assert isinstance(found[1], Failure)
    assert "ca_file" in found[1].message


@pytest.mark.parametrize("name", ["missing.pem", "proxyserver.py"])
async def test_a_file_that_cannot_be_read_any_more(name: str, clock: HandClock) -> None:
    """A ca_file that is gone, or changed, since the suite was read ends it before anything is sent."""
    with pytest.raises(UsageError, match=r"ca_file: .*cannot be read"):
        async with opened("https://127.0.0.1:1/v1", clock, ca_file=str(HERE / name)):
            pass
