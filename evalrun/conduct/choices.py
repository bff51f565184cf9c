"""One reply with several answers (``n``) -> an outcome for each of the cells that share it.  (pure)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evalrun.records.outcome import Choice, Exchange, Failure, FailureKind, Outcome, Response, Usage


def shared(exchange: Exchange, wanted: Sequence[int], count: int) -> list[Exchange]:
    """The exchange of each cell that waits for an answer: *wanted* are their places among the *count* answers.

    The first one has the attempts, the waits and the prompt's tokens; the answer's tokens are divided by the length of
    the wanted answers, so that sums over cells are what was paid, even where the other answers are there already. A
    failure is everybody's; an answer that the reply does not have is a failure of its own.
    """
    mine = [exchange, *[replace(exchange, attempts=(), queue_s=0.0, retry_wait_s=0.0) for _ in wanted[1:]]]
    outcome = exchange.outcome
    found = [outcome] * len(wanted) if isinstance(outcome, Failure) else _divided(outcome, wanted, count)
    return [replace(one, outcome=part) for one, part in zip(mine, found, strict=False)]


def is_short(reply: Response, count: int) -> bool:
    """Whether a reply has fewer than the *count* answers that were asked for."""
    return 1 + len(reply.choices) < count


def _divided(reply: Response, wanted: Sequence[int], count: int) -> list[Outcome]:
    answers = [None, *reply.choices]
    there = [answers[place] for place in wanted if place < len(answers)]
    sizes = [_size(reply if answer is None else answer) for answer in there]
    shares = _shares(reply.usage.completion_tokens, sizes)
    reasoning = _shares(reply.usage.reasoning_tokens, sizes)
    parts: list[Outcome] = []
    for number, answer in enumerate(there):
        usage = Usage(
            prompt_tokens=reply.usage.prompt_tokens if number == 0 else 0,
            completion_tokens=shares[number],
            method=reply.usage.method,
            cached_tokens=reply.usage.cached_tokens if number == 0 else None,
            reasoning_tokens=reasoning[number],
        )
        part = replace(reply, usage=usage, choices=(), body=reply.body if number == 0 else None)
        parts.append(part if answer is None else _as_choice(part, answer))
    missing = Failure(
        kind=FailureKind.GARBAGE, message=f"the reply has {len(answers)} of {count} answers", latency_s=0.0
    )
    return parts + [missing] * (len(wanted) - len(there))


def _as_choice(reply: Response, choice: Choice) -> Response:
    return replace(
        reply,
        text=choice.text,
        finish_reason=choice.finish_reason,
        refusal=choice.refusal,
        tool_calls=choice.tool_calls,
        reasoning=choice.reasoning,
        carried=None,
    )


def _size(answer: Response | Choice) -> int:
    calls = sum(len(call.name) + len(call.arguments) for call in answer.tool_calls)
    return 1 + len(answer.text or "") + len(answer.refusal or "") + len(answer.reasoning or "") + calls


def _shares(total: int | None, sizes: list[int]) -> list[int | None]:
    """*total* in whole parts in proportion to *sizes*, which add up to it."""
    if total is None:
        return [None] * len(sizes)
    ends = [total * sum(sizes[: number + 1]) // sum(sizes) for number in range(len(sizes))]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]
