"""The schedule of somebody who knows everything beforehand: the yardstick for what the client achieves.

It has the same requests in the same lanes, the server's own windows (simulator/windows.py), the server's clock, and
every latency in advance. It sends each request at the first moment at which the server admits it, the lane that is
furthest behind first; the request counts at that moment, and its answer comes one latency later. Token limits charge it
exactly as they charge the client. Only the limits hold it: no uncertainty about when a request was counted, no polling,
no retries. Greedy by moments: where every request takes the same of a limit, no schedule is shorter; for token limits a
better packing than first come, first served may exist, and neither side looks for one.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalrun import tokens
from evalrun.records.message import Message
from evalrun.simulator.models import speak
from evalrun.simulator.rules import Rules, range_of
from evalrun.simulator.windows import Admitted, ScopeLimits, Size, admit, release
from tests.bench.harness import Ask

_STEP_S = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A request with all that is known of it beforehand."""

    model: str
    size: Size
    output_tokens: int
    latency_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When each request goes, seconds from the start, in the order of sending; and when the last answer is there."""

    sent_s: tuple[float, ...]
    took_s: float


def foresee(rules: Rules, ask: Ask) -> Known:
    """What the simulator will make of a request."""
    messages = (Message(role="user", content=ask.text),)
    spoken = speak(ask.model, messages, temperature=0, latency_s=range_of(rules.latency_s))
    size = Size(input_tokens=ask.input_tokens, max_tokens=ask.max_tokens or 0)
    text = spoken.text if ask.max_tokens is None else tokens.cut(spoken.text, ask.max_tokens)
    return Known(model=ask.model, size=size, output_tokens=tokens.estimate(text), latency_s=spoken.latency_s)


def schedule(rules: Rules, lanes: Mapping[str, Sequence[Ask]], start: float) -> Schedule:
    """The clairvoyant's schedule, from the client's time *start* on."""
    waiting = [[foresee(rules, ask) for ask in asks] for asks in lanes.values()]
    begun = [0] * len(waiting)
    account = ScopeLimits("", rules.account_quota)
    models = {
        known.model: ScopeLimits(known.model, quota)
        for lane in waiting
        for known in lane
        if (quota := rules.model_quota(known.model))
    }
    now = first = start + rules.clock_offset_s
    flying: list[tuple[float, int, Admitted, int]] = []  # (when it ends, a number that breaks ties, …)
    sent: list[float] = []
    ends = now
    while True:
        while flying and flying[0][0] <= now:
            ended_at, _, admitted, output_tokens = heapq.heappop(flying)
            release(admitted, ended_at, output_tokens)
        wake = flying[0][0] if flying else math.inf
        for lane in sorted(range(len(waiting)), key=lambda each: begun[each]):
            if begun[lane] == len(waiting[lane]):
                continue
            known = waiting[lane][begun[lane]]
            scopes = [account, *([models[known.model]] if known.model in models else [])]
            answer = admit(scopes, now, known.size)
            if isinstance(answer, Admitted):
                heapq.heappush(flying, (now + known.latency_s, len(sent), answer, known.output_tokens))
                sent.append(now - first)
                begun[lane] += 1
                ends = max(ends, now + known.latency_s)
                wake = now
                break
            if answer.limit is not None:
                wake = min(wake, now + answer.retry_after_s + _STEP_S)
        else:
            if wake == math.inf:
                break
        now = max(now, wake)
    return Schedule(sent_s=tuple(sent), took_s=ends - first)
