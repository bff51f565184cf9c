"""All recorded exchanges, through the real transport, from a server that says the recorded bytes."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from evalrun.providers.reply import Reply
from evalrun.providers.send import DIALECTS, open_send
from evalrun.providers.sse import Event, Splitter, events
from evalrun.records.message import Message
from evalrun.records.outcome import Failure, FailureKind, Outcome, Response, TokensMethod
from evalrun.records.request import Request
from evalrun.records.suite import Provider
from evalrun.redact import Redactor
from tests.providers import exchanges as recorded
from tests.providers.exchanges import ANSWER, TABLE, Exchange, Said
from tests.providers.makers import HandClock
from tests.providers.rawserver import Framing, Say, raw_server, sends

SPOKEN = [dialect for dialect in recorded.DIALECTS if dialect in DIALECTS]


def of(dialect: str, shared_data: Path) -> list[Exchange]:
    """The exchanges in this dialect."""
    return [exchange for exchange in recorded.exchanges(shared_data) if exchange.dialect == dialect]


def read_as(outcome: Outcome) -> Said:
    """A Response in the words of the recorded replies."""
    assert isinstance(outcome, Response), outcome
    usage = outcome.usage
    return Said(
        text=outcome.text,
        calls=[(call.id, call.name, call.arguments) for call in outcome.tool_calls],
        finish_reason=outcome.finish_reason,
        refusal=outcome.refusal,
        reasoning=outcome.reasoning,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cached_tokens=usage.cached_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        answers=1 + len(outcome.choices),
    )


async def replayed(asked: list[Exchange], says: Iterable[Say]) -> tuple[list[Outcome], list[str]]:
    """What comes of each exchange when a server says these replies, and which addresses it was asked at."""
    async with raw_server(*says) as server:
        origin = f"http://127.0.0.1:{server.port}"
        providers = {
            exchange.key: Provider(
                id=exchange.key,
                dialect=exchange.dialect,
                base_url=origin + exchange.base,
                api_version=exchange.api_version,
                timeout_s=20,
            )
            for exchange in asked
        }
        async with open_send(providers, {}, environ={}, clock=HandClock()) as send:
            outcomes = [await send(_request(exchange)) for exchange in asked]
    return outcomes, [head.split(b" ", 2)[1].decode() for head in server.requests]


def _request(exchange: Exchange) -> Request:
    return Request(
        key="k",
        provider=exchange.key,
        dialect=exchange.dialect,
        model=exchange.model,
        messages=(Message(role="user", content="Hello"),),
        params={"stream": True} if exchange.stream else {},
        sample=0,
    )


def say(exchange: Exchange, framing: Framing = "length", cuts: Iterable[int] = ()) -> Say:
    """The recorded reply, ended and cut like this."""
    data = sends(exchange.body, framing, status=exchange.status, headers=exchange.headers, cuts=cuts)
    return Say(data, end="close" if framing == "close" else "keep")


def test_the_table_has_them_all(shared_data: Path) -> None:
    """Each of the 91 exchanges has its row, and each row its exchanges."""
    keys = [exchange.key for exchange in recorded.exchanges(shared_data)]

    assert len(keys) == len(set(keys)) == 91
    assert set(keys) == {f"{file}#{i}" for file, (_, said) in TABLE.items() for i in range(len(said.split()))}


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
@pytest.mark.parametrize("dialect", SPOKEN)
async def test_as_recorded(dialect: str, framing: Framing, shared_data: Path) -> None:
    """Text, tool calls, end, usage or the kind of failure are what stands in the recorded reply."""
    asked = of(dialect, shared_data)

    outcomes, targets = await replayed(asked, [say(exchange, framing) for exchange in asked])

    for exchange, outcome, target in zip(asked, outcomes, targets, strict=True):
        if exchange.expected != ANSWER:
            assert isinstance(outcome, Failure), exchange.key
            assert outcome.kind.value == exchange.expected, exchange.key
            assert outcome.http_status == exchange.status, exchange.key
            continue
        assert target == exchange.target, exchange.key
        said, read = exchange.said, read_as(outcome)
        assert isinstance(outcome, Response)
        if said.prompt_tokens is None:  # some streams of Azure's were not asked for it: then it is counted
            assert outcome.usage.method is not TokensMethod.API, exchange.key
            assert (read.prompt_tokens or 0) > 0 < (read.completion_tokens or 0), exchange.key
            read = replace(read, prompt_tokens=None, completion_tokens=None)
        else:
            assert outcome.usage.method is TokensMethod.API, exchange.key
        assert read == said, exchange.key
        assert (outcome.ttft_s is not None) == exchange.stream, exchange.key


@pytest.mark.parametrize("dialect", SPOKEN)
async def test_streams_in_pieces(dialect: str, shared_data: Path) -> None:
    """A stream is the same when it comes event by event, a byte earlier or later, or cut in 50 places by chance."""
    asked = [exchange for exchange in of(dialect, shared_data) if exchange.stream]
    chance = random.Random(f"pieces of {dialect}")
    whole, _ = await replayed(asked, map(say, asked))

    for shift in (0, -1, 1, None):
        says = []
        for exchange in asked:
            ends = [event.end for event in events(exchange.body)]
            drawn = [chance.randrange(len(exchange.body)) for _ in range(50)]
            cuts = drawn if shift is None else [end + shift for end in ends]
            says.append(say(exchange, "length" if shift is None else "chunked", cuts))
        outcomes, _ = await replayed(asked, says)

        assert outcomes == whole


EVERY_BYTE = {"test_tools_streaming_variant_b#0", "test_user_id#0"}
REPLIES = {"stream": "test_tool_use_basic#0", "json": "test_call_with_tools/openai_gpt_4o_completions/sync#1"}


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
@pytest.mark.parametrize("key", REPLIES.values(), ids=REPLIES)
async def test_a_cut_reply_is_never_scored(key: str, framing: Framing, shared_data: Path) -> None:
    """A reply whose connection ends early is no answer, wherever it ends and whatever should have marked its end."""
    (exchange,) = (exchange for exchange in recorded.exchanges(shared_data) if exchange.key == key)
    ends = [event.end for event in events(exchange.body)]
    whole = b"".join(sends(exchange.body, framing, headers=exchange.headers, cuts=ends))
    head = whole.index(b"\r\n\r\n") + 4
    chance = random.Random(f"{key} {framing}")
    cuts = {*range(len(whole) - 12, len(whole)), *(chance.randrange(head, len(whole)) for _ in range(40))}
    cuts |= {place for end in ends for place in (head + end - 1, head + end, head + end + 1) if place < len(whole)}
    if framing == "close" and not exchange.stream:
        cuts -= set(range(head + len(exchange.body.rstrip()), len(whole)))  # line ends after the JSON are no part of it

    cut = [Say(whole[:place], end="close") for place in sorted(cuts)]
    outcomes, _ = await replayed([exchange] * (len(cut) + 1), [*cut, Say(whole, end="close")])

    assert {outcome.kind.value for outcome in outcomes[:-1] if isinstance(outcome, Failure)} == {"cut"}
    assert [type(outcome) for outcome in outcomes] == [Failure] * len(cut) + [Response]


def test_a_cut_body_is_never_read(shared_data: Path) -> None:
    """Recorded replies that end before their end are no answers: two at every byte, the others at places by chance."""
    answers = [e for e in recorded.exchanges(shared_data) if e.expected == ANSWER and e.dialect in SPOKEN]
    assert len(answers) >= 60
    for exchange in answers:
        size = len(exchange.body.rstrip())  # a JSON value is whole before the line ends after it
        chance = random.Random(exchange.key)
        places = range(size) if exchange.key in EVERY_BYTE else sorted(chance.randrange(size) for _ in range(25))
        for place in places:
            body = exchange.body[:place]
            reply = Reply(status=200, headers=_one(exchange.headers), body=body, latency_s=1, framed=False)
            outcome = DIALECTS[exchange.dialect].parse(
                reply, _request(exchange), now=0, redact=Redactor(()), simulated=False
            )
            assert isinstance(outcome, Failure), (exchange.key, place)
            assert outcome.kind is FailureKind.CUT, (exchange.key, place, outcome)


def _one(headers: Mapping[str, list[str]]) -> dict[str, str]:
    return {name: values[-1] for name, values in headers.items()}


@pytest.mark.slow
def test_streams_cut_at_every_offset(shared_data: Path) -> None:
    """Recorded streams give the same events byte by byte, and with any one cut."""
    streams = [exchange.body for exchange in recorded.exchanges(shared_data) if exchange.stream]
    assert len(streams) == 22
    for body in streams:
        whole, one = list(events(body)), Splitter()
        assert [event for byte in body for event in one.feed(bytes([byte]))] == whole
        # Past an event the splitter remembers nothing, so one cut needs no more than two events around it.
        starts = [0, *(event.end for event in whole)]
        for start, middle, end in zip(starts, starts[1:], starts[2:], strict=False):
            piece = body[start:end]
            two = [replace(event, end=event.end - start) for event in whole if start < event.end <= end]
            for cut in range(middle - start):
                assert _cut(piece, cut) == two


def _cut(piece: bytes, cut: int) -> list[Event]:
    splitter = Splitter()
    return splitter.feed(piece[:cut]) + splitter.feed(piece[cut:])
