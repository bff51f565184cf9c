from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from evalrun.conduct.choices import shared
from evalrun.records.outcome import (
    Attempt,
    Choice,
    Exchange,
    Failure,
    FailureKind,
    Response,
    TokensMethod,
    Usage,
)

ATTEMPT = Attempt(sent_at=1.0, latency_s=0.5, result="ok")


def exchange(*texts: str, prompt: int | None = 7, completion: int | None = 30) -> Exchange:
    """An exchange whose reply has these answers."""
    usage = Usage(prompt_tokens=prompt, completion_tokens=completion, method=TokensMethod.API, cached_tokens=3)
    reply = Response(
        text=texts[0],
        usage=usage,
        latency_s=0.5,
        body="{}",
        finish_reason="stop",
        choices=tuple(Choice(text=text, finish_reason="length") for text in texts[1:]),
    )
    return Exchange(request_key="k", outcome=reply, attempts=(ATTEMPT,), queue_s=2.0, retry_wait_s=1.0)


@given(st.lists(st.text(max_size=40), min_size=1, max_size=8), st.integers(0, 10_000))
def test_parts_add_up_to_what_was_paid(texts: list[str], completion: int) -> None:
    """Tokens, attempts and waits of all parts together are those of the one request."""
    parts = shared(exchange(*texts, completion=completion), range(len(texts)), len(texts))
    usages = [part.outcome.usage for part in parts if isinstance(part.outcome, Response)]

    assert [part.outcome.text for part in parts if isinstance(part.outcome, Response)] == texts
    assert sum(usage.completion_tokens or 0 for usage in usages) == completion
    assert sum(usage.prompt_tokens or 0 for usage in usages) == 7
    assert sum(usage.cached_tokens or 0 for usage in usages) == 3
    assert [len(part.attempts) for part in parts] == [1] + [0] * (len(texts) - 1)
    assert sum(part.queue_s + part.retry_wait_s for part in parts) == 3.0


def test_each_part_has_its_own_ending() -> None:
    """An answer that was cut does not make its neighbour one."""
    parts = shared(exchange("a", "b"), range(2), 2)

    assert [part.outcome.finish_reason for part in parts if isinstance(part.outcome, Response)] == ["stop", "length"]


def test_what_nobody_counted_stays_unknown() -> None:
    """Unknown figures are not divided into zeros."""
    first = shared(exchange("a", "b", prompt=None, completion=None), range(2), 2)[0].outcome

    assert isinstance(first, Response)
    assert (first.usage.prompt_tokens, first.usage.completion_tokens) == (None, None)


def test_an_answer_that_is_missing_is_a_failure() -> None:
    """A reply with fewer answers than were asked for fails the cells that get none."""
    *_, last = shared(exchange("a", "b"), range(3), 3)

    assert isinstance(last.outcome, Failure)
    assert (last.outcome.kind, last.outcome.message) == (FailureKind.GARBAGE, "the reply has 2 of 3 answers")


def test_more_answers_than_cells_are_left() -> None:
    """A server that gives more than it was asked for changes nothing."""
    assert len(shared(exchange("a", "b", "c"), range(2), 2)) == 2


def test_a_failure_is_everybodys() -> None:
    """Of a request that failed every cell has the failure, and one has the attempts."""
    failed = Exchange(
        request_key="k", outcome=Failure(kind=FailureKind.SERVER, message="it broke"), attempts=(ATTEMPT, ATTEMPT)
    )
    parts = shared(failed, range(3), 3)

    assert [part.outcome for part in parts] == [failed.outcome] * 3
    assert [len(part.attempts) for part in parts] == [2, 0, 0]


def test_what_is_paid_again_is_paid_by_who_waits() -> None:
    """Where other cells have their answers already, those that were asked again for have all that the reply took."""
    (only,) = shared(exchange("a", "b", "c"), [2], 3)

    assert isinstance(only.outcome, Response)
    assert (only.outcome.text, only.outcome.usage.prompt_tokens, only.outcome.usage.completion_tokens) == ("c", 7, 30)
    assert only.attempts == (ATTEMPT,)
