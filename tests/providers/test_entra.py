"""Tokens of Microsoft Entra, with the library in the place of which a module of our own stands."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from evalrun.errors import UsageError
from evalrun.providers import entra
from evalrun.providers.entra import SCOPE
from evalrun.providers.send import open_send
from evalrun.records.outcome import Failure, FailureKind, Response
from evalrun.records.suite import Provider
from tests.providers.makers import HandClock, request
from tests.providers.rawserver import Say, chat, raw_server, reply

PARIS = reply(chat("Paris"))


class Library:
    """What azure.identity does here: a token an hour, each with a number."""

    def __init__(self, clock: HandClock) -> None:
        self.clock, self.asked, self.fault = clock, [], None  # type: ignore[var-annotated]

    def get_token(self, scope: str) -> Any:
        self.asked.append(scope)
        if self.fault:
            raise self.fault
        return SimpleNamespace(token=f"canary-token-{len(self.asked)}", expires_on=int(self.clock.time()) + 3600)


@pytest.fixture
def clock() -> HandClock:
    """A clock that stands still."""
    return HandClock()


@pytest.fixture
def library(clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> Library:
    """azure.identity, as if it were installed."""
    found = Library(clock)
    module = ModuleType("azure.identity")
    module.DefaultAzureCredential = lambda: found  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "azure.identity", module)
    monkeypatch.setattr(entra, "find_spec", lambda _name: object())
    return found


def provider(url: str) -> Provider:
    """An endpoint that takes tokens."""
    return Provider(id="lab", dialect="openai-chat", base_url=url, auth="entra", timeout_s=5)


async def test_a_token_goes_along_and_is_kept(library: Library, clock: HandClock) -> None:
    """One token serves many requests at once, for Azure's scope, until shortly before it ends."""
    async with raw_server(Say(PARIS)) as server:
        allowed = {("entra", server.url)}
        async with open_send({"lab": provider(server.url)}, {}, environ={}, clock=clock, allowed=allowed) as send:
            await asyncio.gather(*(send(request(str(n))) for n in range(4)))
            clock.now += 3290
            await send(request("later"))
            clock.now += 20
            await send(request("too late"))

    tokens = [head.partition(b"authorization: Bearer ")[2].split(b"\r\n")[0] for head in map(_lower, server.requests)]
    assert library.asked == [SCOPE, SCOPE]
    assert tokens == [b"canary-token-1"] * 5 + [b"canary-token-2"]


def _lower(head: bytes) -> bytes:
    return head.replace(b"Authorization:", b"authorization:")


async def test_a_token_is_a_secret(library: Library, clock: HandClock) -> None:
    """A token that a server echoes is in no outcome."""
    echo = reply({"error": {"message": "canary-token-1 is not welcome"}}, 401)
    async with raw_server(Say(echo), Say(reply(chat("canary-token-1")))) as server:
        allowed = {("entra", server.url)}
        async with open_send({"lab": provider(server.url)}, {}, environ={}, clock=clock, allowed=allowed) as send:
            outcomes = [await send(request()), await send(request())]

    assert isinstance(outcomes[1], Response)
    assert "canary" not in repr(outcomes)


async def test_no_token(library: Library, clock: HandClock) -> None:
    """Where nobody gives a token the failure is one of the key, in the library's first line, and nothing is sent."""
    library.fault = RuntimeError("DefaultAzureCredential failed to retrieve a token.\nAttempted credentials:\n…")
    async with raw_server(Say(PARIS)) as server:
        allowed = {("entra", server.url)}
        async with open_send({"lab": provider(server.url)}, {}, environ={}, clock=clock, allowed=allowed) as send:
            outcome = await send(request())

    assert isinstance(outcome, Failure)
    assert outcome.kind is FailureKind.AUTH
    assert outcome.message.endswith("failed to retrieve a token.")
    assert server.requests == []


async def test_a_token_goes_where_the_user_says(library: Library, clock: HandClock) -> None:
    """A token goes nowhere that only a suite names, not even on this machine."""
    with pytest.raises(UsageError, match=r"your Entra token .* --allow-origin entra=http://127\.0\.0\.1:1"):
        async with open_send({"lab": provider("http://127.0.0.1:1/v1")}, {}, environ={}, clock=clock):
            pass


async def test_the_extra_is_asked_for(clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra one message says how to get it."""
    monkeypatch.setattr(entra, "find_spec", lambda _name: None)
    url = "http://127.0.0.1:1/v1"

    with pytest.raises(UsageError, match=r"pip install 'evalrun\[azure\]'"):
        async with open_send({"lab": provider(url)}, {}, environ={}, clock=clock, allowed={("entra", url)}):
            pass
