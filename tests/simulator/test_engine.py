from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalrun import tokens
from evalrun.simulator.engine import Engine, Received, Reply, Rules, go_duration
from tests.virtual import START, VirtualClock, run_virtual


def body(text: str = "What is the capital of France?", **more: Any) -> dict[str, Any]:
    """A request body with one user message, at temperature 0."""
    return {"model": "large", "messages": [{"role": "user", "content": text}], "temperature": 0, **more}


def ask(rules: Rules, *bodies: object, log: list[Received] | None = None) -> list[Reply]:
    """Send bodies one after the other."""

    async def main() -> list[Reply]:
        engine = Engine(rules, VirtualClock(), None if log is None else log.append)
        return [await engine.chat(each) for each in bodies]

    return run_virtual(main)


def text_of(reply: Reply) -> str:
    """What the model said."""
    assert reply.body is not None
    return str(reply.body["choices"][0]["message"]["content"])


def test_a_reply_is_a_chat_completion() -> None:
    """A reply has OpenAI's shape, its usage adds up, and its id depends on the request alone."""
    first, second = ask(Rules(), body("What is 2 + 2?"), body("What is 2 + 2?"))
    assert first.body is not None
    assert second.body is not None

    assert first.status == 200
    assert first.body["object"] == "chat.completion"
    assert first.body["id"] == second.body["id"]
    assert first.body["choices"][0]["finish_reason"] == "stop"
    assert first.body["system_fingerprint"]
    usage = first.body["usage"]
    assert usage["prompt_tokens"] == 3 + 3 + 1 + tokens.estimate("What is 2 + 2?")
    assert usage["completion_tokens"] == tokens.estimate(text_of(first))
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


@pytest.mark.parametrize("model", ["large", "simulator/large"])
def test_a_model_has_two_names(model: str) -> None:
    """With the provider's name before it, it is the same model."""
    assert "Rome" in text_of(ask(Rules(), body("What is the capital of Italy?", model=model))[0])


def test_mistakes_get_openais_errors() -> None:
    """An unknown model is 404, a bad body 400, a prompt beyond the context 400: each with its code."""
    replies = ask(
        Rules(),
        body(model="gpt-4o"),
        body(temperature=9),
        5,
        body("word " * 9000, model="small"),
        body(max_tokens=10**6),
    )
    found = [(reply.status, reply.body["error"]["code"]) for reply in replies if reply.body is not None]

    assert found == [
        (404, "model_not_found"),
        (400, "decimal_above_max_value"),
        (400, None),
        (400, "context_length_exceeded"),
        (400, "context_length_exceeded"),
    ]


def test_max_tokens_cuts_and_says_so() -> None:
    """A reply is cut to max_tokens, with finish_reason length; one that fits is not."""
    long, short = ask(
        Rules(), body("List the planets as a numbered list.", max_tokens=8), body("What is 2 + 2?", max_tokens=50)
    )
    assert long.body is not None
    assert short.body is not None

    assert long.body["choices"][0]["finish_reason"] == "length"
    assert 0 < long.body["usage"]["completion_tokens"] <= 8
    assert short.body["choices"][0]["finish_reason"] == "stop"


def test_stop_ends_the_text() -> None:
    """The text ends before the first of the stop words."""
    reply = ask(Rules(), body("List the days of the week as a bulleted list.", stop=["- Thursday", "- Tuesday"]))[0]

    assert text_of(reply) == "- Monday\n"


def test_limits_are_announced_and_kept() -> None:
    """Remaining figures count down; the request over the limit is a 429 that says when, and then fits."""

    async def main() -> tuple[list[Reply], Reply]:
        clock = VirtualClock()
        engine = Engine(Rules(rpm=2, tpm=1000, latency_s=0), clock)
        replies = [await engine.chat(body()) for _ in range(3)]
        await clock.sleep(float(replies[-1].headers["retry-after-ms"]) / 1000)
        return replies, await engine.chat(body())

    replies, later = run_virtual(main)
    refused = replies[2]
    assert refused.body is not None

    assert [reply.status for reply in (*replies, later)] == [200, 200, 429, 200]
    assert [reply.headers["x-ratelimit-remaining-requests"] for reply in replies] == ["1", "0", "0"]
    assert replies[0].headers["x-ratelimit-limit-requests"] == "2"
    assert replies[0].headers["x-ratelimit-limit-tokens"] == "1000"
    assert replies[0].headers["x-ratelimit-reset-requests"] == "1m0s"
    assert refused.headers["retry-after"] == "60"
    assert refused.headers["retry-after-ms"] == "60000"
    assert refused.body["error"]["code"] == "rate_limit_exceeded"
    assert refused.body["error"]["type"] == "requests"
    assert (
        "requests per min (RPM): Limit 2, Used 2, Requested 1. Please try again in 1m0s."
        in refused.body["error"]["message"]
    )


def test_a_token_limit_charges_what_may_come() -> None:
    """max_tokens is charged when it is more than the prompt; what can never fit is told so, without a wait."""
    small, waits, never = ask(Rules(tpm=100), body(max_tokens=60), body(max_tokens=60), body(max_tokens=101))

    assert (small.status, waits.status, never.status) == (200, 429, 429)
    assert "retry-after" in waits.headers
    assert "retry-after" not in never.headers
    assert never.body is not None
    assert "Request too large" in never.body["error"]["message"]
    assert never.body["error"]["type"] == "tokens"


def test_a_day_limit_tells_a_long_wait() -> None:
    """A day's limit refuses until the day is over; without a minute's limit it is the one announced."""
    first, second = ask(Rules(rpd=1, window="fixed", latency_s=0), body(), body())

    assert (first.status, second.status) == (200, 429)
    assert int(second.headers["retry-after"]) == 86400 - START % 86400
    assert re.fullmatch(r"\d+h\d+m\d+s", first.headers["x-ratelimit-reset-requests"])


def test_concurrency_is_kept() -> None:
    """Of three requests at one moment with two places the third is refused; later it is not."""

    async def main() -> list[int]:
        engine = Engine(Rules(concurrency=2, latency_s=1), VirtualClock())
        replies = await asyncio.gather(*(engine.chat(body(f"What is {n} + 1?")) for n in range(3)))
        return [reply.status for reply in (*replies, await engine.chat(body()))]

    assert run_virtual(main) == [200, 200, 429, 200]


def test_a_request_that_is_given_up_frees_its_place() -> None:
    """A cancelled request holds no place any more."""

    async def main() -> int:
        clock = VirtualClock()
        engine = Engine(Rules(concurrency=1, latency_s=10), clock)
        task = asyncio.create_task(engine.chat(body()))
        await clock.sleep(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return (await engine.chat(body())).status

    assert run_virtual(main) == 200


@pytest.mark.parametrize(
    ("latency_s", "least", "most"), [(None, 0.04, 0.12), (3.0, 3.0, 3.0), ((1.0, 2.0), 1.0, 2.0), (0, 0, 0)]
)
def test_a_reply_takes_its_time(latency_s: Any, least: float, most: float) -> None:
    """The latency is the model's own, or what the rules say, on the clock that was given."""

    async def main() -> float:
        clock = VirtualClock()
        await Engine(Rules(latency_s=latency_s), clock).chat(body())
        return clock.monotonic()

    assert least - 1e-9 <= run_virtual(main) <= most + 1e-9


def test_faults_come_and_go_with_the_attempt() -> None:
    """A fault is drawn for each sending of a body; a body that is sent again gets through sooner or later."""

    def statuses() -> list[int]:
        return [reply.status for reply in ask(Rules(faults={"500": 0.5}), *[body()] * 20)]

    assert set(statuses()) == {200, 500}
    assert statuses() == statuses()


@pytest.mark.parametrize("name", ["reset", "cut", "hang", "garbage", "empty"])
def test_a_fault_on_the_wire_is_named(name: str) -> None:
    """What only a socket can do is left to who has one: the reply is whole and names the fault."""
    reply = ask(Rules(faults={name: 1}), body())[0]

    assert (reply.status, reply.fault) == (200, name)
    assert reply.body is not None


def test_each_request_is_logged_once() -> None:
    """Good, bad and refused requests leave one record each, with what was asked and the answer's status."""
    log: list[Received] = []
    ask(Rules(rpm=1), body("First?"), body("Second?"), body("Third?", model="none"), None, log=log)

    assert [(r.text, r.model, r.status) for r in log] == [
        ("First?", "large", 200),
        ("Second?", "large", 429),
        ("Third?", "none", 404),
        ("", "", 400),
    ]
    assert log[0].at == START
    assert len({received.key for received in log}) == 4


def test_the_log_comes_before_the_wait() -> None:
    """A request is in the log before its latency begins, so that who dies meanwhile is in it."""

    async def main() -> list[Received]:
        log: list[Received] = []
        clock = VirtualClock()
        task = asyncio.create_task(Engine(Rules(latency_s=60), clock, log.append).chat(body()))
        await clock.sleep(1)
        seen = list(log)
        await task
        return seen

    assert len(run_virtual(main)) == 1


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"rpm": 0}, "rpm must be over 0"),
        ({"concurrency": -1}, "concurrency must be over 0"),
        ({"tpm": float("inf")}, "tpm must be over 0"),
        ({"window": "sliding"}, "unknown window 'sliding'"),
        ({"latency_s": -1}, "latency must be"),
        ({"latency_s": (2, 1)}, "latency must be"),
        ({"faults": {"boom": 0.1}}, "unknown fault 'boom'"),
    ],
)
def test_rules_that_make_no_sense_are_refused(rules: dict[str, Any], words: str) -> None:
    """A rule that cannot be kept is a ValueError with words."""
    with pytest.raises(ValueError, match=words):
        Rules(**rules)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.012, "12ms"),
        (0.0001, "1ms"),
        (1, "1s"),
        (1.5, "1.5s"),
        (60, "1m0s"),
        (360, "6m0s"),
        (3600, "1h0m0s"),
        (77177.041, "21h26m17.041s"),
    ],
)
def test_durations_as_go_writes_them(seconds: float, text: str) -> None:
    """Milliseconds under a second, then hours, minutes and seconds."""
    assert go_duration(seconds) == text


@settings(max_examples=60)
@given(
    st.sampled_from(["fixed", "rolling", "bucket"]),
    st.integers(1, 6),
    st.lists(st.integers(0, 40), min_size=1, max_size=40),
)
def test_an_engine_never_admits_more_than_it_announces(window: Any, rpm: int, gaps: list[int]) -> None:
    """Over hours of virtual time, no minute holds more answers than the limit (a bucket's: its fill more)."""

    async def main() -> list[float]:
        clock = VirtualClock()
        engine = Engine(Rules(rpm=rpm, window=window, latency_s=0), clock)
        answered = []
        for gap in gaps:
            await clock.sleep(gap)
            if (await engine.chat(body())).status == 200:
                answered.append(clock.time())
        return answered

    answered = run_virtual(main)
    for at in answered:
        start = at // 60 * 60 if window == "fixed" else at
        assert sum(start <= other < start + 60 for other in answered) <= (2 * rpm if window == "bucket" else rpm)
