from __future__ import annotations

import asyncio
import json
import math
import re
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalrun import tokens
from evalrun.records.quota import Limit, Quota
from evalrun.simulator.audit import audit, peaks
from evalrun.simulator.engine import Engine, Received, Reply, Rules, go_duration
from evalrun.simulator.rules import Style
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


def refused(style: Style, **limits: Any) -> tuple[Reply, Reply]:
    """The first reply and the last, a refusal, of as many requests as a limit of two takes, and one more."""
    replies = ask(
        Rules(style=style, latency_s=0, **limits), body(max_tokens=50), body(max_tokens=50), body(max_tokens=50)
    )
    assert [reply.status for reply in replies] == [200, 200, 429]
    return replies[0], replies[2]


BY_MINUTE = {"models": {"*": Quota(limits=(Limit(axis="requests", amount=2, per_s=60),))}}


@pytest.mark.parametrize(
    ("style", "limits", "words", "headers"),
    [
        ("openai", {"rpm": 2}, "on requests per min (RPM): Limit 2, Used 2, Requested 1.", {"retry-after": "60"}),
        (
            "azure",
            {"rpm": 2},
            "exceeded call rate limit",
            {"retry-after": "60", "x-ratelimit-renewalperiod-requests": "60"},
        ),
        ("azure", {"tpm": 100}, "exceeded token rate limit", {"retry-after-ms": "60000"}),
        (
            "github",
            {"rpm": 2},
            "Rate limit of 2 per 60s exceeded for UserByMinute. Please wait 60",
            {"retry-after": "60"},
        ),
        ("github", {"rpd": 2}, "2 per 86400s exceeded for UserByDay", {"x-ratelimit-type": "UserByDay"}),
        ("github", BY_MINUTE, "2 per 60s exceeded for UserByModelByMinute", {"x-ratelimit-limit-requests": "20000"}),
        ("groq", {"rpm": 2, "rpd": 9}, "on requests per minute (RPM): Limit 2,", {"x-ratelimit-limit-requests": "9"}),
        (
            "anthropic",
            {"rpm": 2},
            "rate limit of 2 requests per minute",
            {"anthropic-ratelimit-requests-remaining": "0"},
        ),
        ("silent", {"rpm": 2}, "Too Many Requests", {}),
    ],
)
def test_each_vendor_refuses_in_its_own_words(
    style: Style, limits: dict[str, Any], words: str, headers: dict[str, str]
) -> None:
    """The reply that says no has the vendor's text and headers, and only a silent one does not say for how long."""
    _, no = refused(style, **limits)

    assert words in json.dumps(no.body)
    assert headers.items() <= no.headers.items()
    assert ("retry-after" in no.headers) == (style != "silent")


@pytest.mark.parametrize("style", ["openai", "azure", "github", "groq", "anthropic", "silent"])
def test_a_full_house_is_said_in_every_style(style: Style) -> None:
    """One request too many at once is refused by every vendor's simulation, none of which names a window."""

    async def main() -> list[Reply]:
        engine = Engine(Rules(style=style, concurrency=1, latency_s=1), VirtualClock())
        return list(await asyncio.gather(*(engine.chat(body(f"{n}?")) for n in range(2))))

    first, second = run_virtual(main)

    assert (first.status, second.status) == (200, 429)
    assert "per min" not in json.dumps(second.body)


def test_what_is_larger_than_a_request_may_be_is_refused_for_good() -> None:
    """A profile's limits on one request's tokens are a 413, and are counted nowhere."""
    rules = Rules(account=Quota(max_input_tokens=20, max_output_tokens=30), rpm=1)
    log: list[Received] = []
    replies = ask(rules, body("word " * 50), body(max_tokens=31), body(max_tokens=30), log=log)

    assert [reply.status for reply in replies] == [413, 413, 200]
    assert [received.weighed for received in log] == [False, False, True]


def test_every_reply_has_the_servers_date() -> None:
    """The Date header is a whole second of the server's clock, when the reply leaves, errors included."""
    rules = Rules(latency_s=2.7, clock_offset_s=-100.0, rpm=1)
    dates = [parsedate_to_datetime(reply.headers["date"]).timestamp() for reply in ask(rules, body(), body(), 5)]

    assert dates == [math.floor(START - 100 + 2.7)] * 3


def test_a_model_has_limits_besides_the_account() -> None:
    """Two models have two requests a minute each and three together."""
    rules = Rules(rpm=3, latency_s=0, models=BY_MINUTE["models"])
    models = ["large", "large", "large", "small", "small"]
    replies = ask(rules, *(body(model=model) for model in models))

    assert [reply.status for reply in replies] == [200, 200, 429, 200, 429]


def test_a_request_counts_when_it_arrives() -> None:
    """With a transit of its whole latency, a request sent within a minute may count in the next."""
    log: list[Received] = []
    reply = ask(Rules(latency_s=10, transit=0.75, rpm=1), body(), log=log)[0]

    assert reply.status == 200
    assert log[0].at == START + 7.5


def test_the_audit_finds_what_the_windows_let_through() -> None:
    """The worst window of the log, refused requests included, is told for each limit with its model."""
    log: list[Received] = []
    rules = Rules(rpm=2, tpm=100, latency_s=0, models={"large": Quota(concurrency=1)})
    ask(rules, *[body(max_tokens=40)] * 4, log=log)
    over = {(peak.scope, peak.limit.axis if peak.limit else ""): peak.over for peak in peaks(log, rules)}

    assert over == {("", "requests"): 2, ("", "tokens"): 60, ("large", ""): 0}
    assert audit(log, rules) == 60
    assert audit(log[:2], rules) == 0


@settings(max_examples=60)
@given(
    st.sampled_from(["fixed", "rolling", "bucket"]),
    st.integers(1, 6),
    st.lists(st.integers(0, 40), min_size=1, max_size=40),
)
def test_the_windows_and_the_audit_agree(window: Any, rpm: int, gaps: list[int]) -> None:
    """What was admitted is never over in the audit's own sums; together with what was refused it is, if any was."""

    async def main() -> list[Received]:
        clock = VirtualClock()
        log: list[Received] = []
        engine = Engine(Rules(rpm=rpm, window=window, latency_s=0), clock, log.append)
        for gap in gaps:
            await clock.sleep(gap)
            await engine.chat(body())
        return log

    log, rules = run_virtual(main), Rules(rpm=rpm, window=window)

    assert audit([received for received in log if not received.refused], rules) == 0
    assert (audit(log, rules) > 0) == any(received.refused for received in log)
