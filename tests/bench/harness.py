"""The dispatcher and the simulator's engine in one process and in virtual time: what a scenario comes to.

The client is all there: lanes, ledger, retries, the dialect that writes requests and reads replies. Only the sockets
are left out. The server's own log says afterwards what reached it.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalrun import tokens
from evalrun.clock import Clock
from evalrun.providers import openai_chat
from evalrun.providers.reply import Reply
from evalrun.records.message import Message
from evalrun.records.outcome import Exchange, Failure, FailureKind, Outcome, Response
from evalrun.records.quota import Quota, Refusal, Scope
from evalrun.records.request import Request
from evalrun.redact import Redactor
from evalrun.scheduler.dispatch import Dispatcher
from evalrun.scheduler.jobs import Job, LaneView, Ledger, Send, Sink
from evalrun.scheduler.ledger import MemoryLedger
from evalrun.scheduler.pressure import Pressure
from evalrun.scheduler.quota import Book, Charge
from evalrun.scheduler.retry import RetryPolicy
from evalrun.simulator.audit import Received
from evalrun.simulator.engine import Engine
from evalrun.simulator.rules import Rules
from tests.virtual import START, VirtualClock, run_virtual

ENDPOINT = "simulator"
NEVER_S = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request: what is asked of which model, and the most that the answer may have (None: it does not say)."""

    model: str
    text: str
    max_tokens: int | None = 64

    @property
    def messages(self) -> tuple[Message, ...]:
        """As the wire has them."""
        return (Message(role="user", content=self.text),)

    @property
    def input_tokens(self) -> int:
        """Counted as the simulator counts."""
        return tokens.count_messages(self.messages, "simulator/")[0]

    @property
    def body(self) -> dict[str, Any]:
        """What is sent."""
        return openai_chat.build(self.request(""))

    def request(self, key: str) -> Request:
        """As the dispatcher has it."""
        params = {"temperature": 0} | ({} if self.max_tokens is None else {"max_tokens": self.max_tokens})
        return Request(
            key=key,
            provider=ENDPOINT,
            dialect="openai-chat",
            model=self.model,
            messages=self.messages,
            params=params,
            sample=0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A server, what is asked of it, and what the client knows of its limits.

    *account* and *models* are the client's word on limits: by default the server's own rules. *known* False is a client
    that knows nothing and finds out. *start* is the Unix time of the client's clock at the beginning.
    """

    rules: Rules
    lanes: Mapping[str, Sequence[Ask]]
    account: Quota | None = None
    models: Mapping[str, Quota] | None = None
    known: bool = True
    at_once: int = 64
    start: float = START
    max_wait_s: float = NEVER_S
    seed: int = 0
    clock: type[VirtualClock] = VirtualClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What came of a scenario: the server's log, each request's end, the lanes, and the seconds that it took."""

    log: tuple[Received, ...]
    exchanges: Mapping[str, Exchange]
    views: tuple[LaneView, ...]
    took_s: float

    @property
    def refused(self) -> int:
        """How many requests the server had no room for."""
        return sum(received.refused for received in self.log)


def play(scenario: Scenario) -> Played:
    """Run the client against the server until it ends by itself."""

    async def main() -> Played:
        clock = scenario.clock(scenario.start)
        log: list[Received] = []
        engine = Engine(scenario.rules, VirtualClock(scenario.start), log.append)
        exchanges: dict[str, Exchange] = {}
        last = clock.monotonic()

        async def keep(job: Job, exchange: Exchange) -> Sequence[Job]:
            nonlocal last
            assert job.request.key not in exchanges, "a cell was answered twice"
            exchanges[job.request.key] = exchange
            last = clock.monotonic()
            return ()

        dispatcher = dispatcher_of(scenario, ledger_of(scenario), clock, send=sender(engine, clock), keep=keep)
        await dispatcher.run()
        return Played(log=tuple(log), exchanges=exchanges, views=tuple(dispatcher.views()), took_s=last)

    return run_virtual(main)


def ledger_of(scenario: Scenario) -> MemoryLedger:
    """A ledger of this process alone, over the client's scopes."""
    scopes = scopes_of(scenario)
    return MemoryLedger(Book(scopes), scopes)


def dispatcher_of(scenario: Scenario, ledger: Ledger, clock: Clock, *, send: Send, keep: Sink) -> Dispatcher:
    """The one place that knows how a dispatcher is put together."""
    chance = random.Random(scenario.seed)
    return Dispatcher(
        {lane: _feed(lane, asks) for lane, asks in scenario.lanes.items()},
        send=send,
        sink=keep,
        ledger=ledger,
        clock=clock,
        draw=chance.random,
        settle=took,
        pressures={ENDPOINT: Pressure(adaptive=not scenario.known, most=scenario.at_once)},
        policy=RetryPolicy(max_wait_s=scenario.max_wait_s),
    )


def scopes_of(scenario: Scenario) -> dict[str, Scope]:
    """The client's scopes: the run's own, the account's, each model's."""
    rules = scenario.rules
    models = {ask.model for asks in scenario.lanes.values() for ask in asks}
    account, by_model = Quota(), {model: Quota() for model in models}
    if scenario.known:
        account = rules.account_quota if scenario.account is None else scenario.account
        said = {model: rules.model_quota(model) for model in models}
        by_model = {model: quota or Quota() for model, quota in said.items()}
        by_model |= scenario.models or {}
    run = Quota(concurrency=scenario.at_once)
    scopes = {"run": Scope(id="run", name="this run", quota=run, shared=False)}
    scopes["account"] = Scope(id="account", name="account", quota=account)
    for model, quota in by_model.items():
        scopes[model] = Scope(id=model, name=model, quota=quota)
    return scopes


def _feed(lane: str, asks: Sequence[Ask]) -> Iterator[Job]:
    for number, ask in enumerate(asks):
        request = ask.request(f"{lane}:{number}")
        charge = Charge(ask.input_tokens, ask.max_tokens or 0)
        yield Job(request, (lane, number), ("run", "account", ask.model), charge, ENDPOINT)


def took(job: Job, outcome: Outcome) -> Charge | None:
    """What a request took: nothing where it was refused, what its usage says, and nobody knows after a failure."""
    if isinstance(outcome, Response):
        return Charge(outcome.usage.prompt_tokens or 0, outcome.usage.completion_tokens or 0)
    refused = outcome.rate is not None and outcome.rate.refusal not in (None, Refusal.OVERLOAD)
    return Charge(0) if refused or outcome.kind is FailureKind.SKIPPED else None


def sender(engine: Engine, clock: Clock) -> Send:
    """The engine as the dispatcher's Send: the dialect writes and reads, the wire's faults are what a client sees."""
    redact = Redactor(())

    async def send(request: Request) -> Outcome:
        started = clock.monotonic()
        reply = await engine.chat(openai_chat.build(request))
        latency_s = clock.monotonic() - started
        if reply.fault in ("reset", "hang"):
            kind = FailureKind.RESET if reply.fault == "reset" else FailureKind.TIMEOUT
            return Failure(kind=kind, message=reply.fault, latency_s=latency_s)
        body = json.dumps(reply.body).encode()
        body = {"cut": body[: len(body) // 2], "empty": b"", "garbage": b"<p>no"}.get(reply.fault or "", body)
        headers = {name.lower(): value for name, value in reply.headers.items()}
        received = Reply(status=reply.status, headers=headers, body=body, latency_s=latency_s)
        return openai_chat.parse(received, request, now=clock.time(), redact=redact, simulated=True)

    return send


def questions(model: str, count: int, *, seed: int = 0, most: int = 0, long: int = 0) -> tuple[Ask, ...]:
    """So many different questions; *most* draws max_tokens up to it (0: 64 each), *long* pads up to so many words."""
    asks = []
    for number in range(count):
        drawn = hashlib.sha256(f"{seed}:{model}:{number}".encode()).digest()
        text = f"What is {number} + {seed + 7}?" + " please" * (int.from_bytes(drawn[:2], "big") * long // 65536)
        max_tokens = 16 + int.from_bytes(drawn[2:4], "big") * (most - 16) // 65536 if most else 64
        asks.append(Ask(model=model, text=text, max_tokens=max_tokens))
    return tuple(asks)
