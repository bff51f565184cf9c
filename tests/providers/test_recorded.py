from __future__ import annotations

from evalrun.providers.recorded import answer
from evalrun.providers.send import open_send
from evalrun.records.outcome import Failure, FailureKind, Response, Status, TokensMethod, status_of
from evalrun.records.request import Request
from evalrun.records.suite import Provider, Recorded, RecordedAnswer
from tests.providers.makers import HandClock, request

FILE = Recorded(
    file="answers.jsonl",
    match="question",
    answers={
        "q1": RecordedAnswer(
            text="Paris", prompt_tokens=9, completion_tokens=1, latency_s=0.25, finish_reason="length", score=7.5
        ),
        "q2": RecordedAnswer(text="Rome"),
        "q3": RecordedAnswer(text=None),
    },
)


def asked(match: str, model: str = "6b") -> Request:
    """A request to a recorded model."""
    return request(provider="recorded", dialect="recorded", model=model, params={"match": match, "answer_sha256": None})


def test_what_the_file_says() -> None:
    """Text, tokens, latency, end and score are the file's, and the figures are marked as recorded."""
    response = answer(asked("q1"), FILE)

    assert isinstance(response, Response)
    assert (response.text, response.latency_s, response.finish_reason) == ("Paris", 0.25, "length")
    assert response.score == 7.5
    assert (response.usage.prompt_tokens, response.usage.completion_tokens) == (9, 1)
    assert response.usage.method is TokensMethod.RECORDED


def test_what_the_file_does_not_say() -> None:
    """Figures that the file does not have stay unknown."""
    response = answer(asked("q2"), FILE)

    assert isinstance(response, Response)
    assert (response.usage.prompt_tokens, response.usage.completion_tokens, response.latency_s) == (None, None, None)


def test_an_empty_answer_is_there() -> None:
    """An answer without text is no answer, but it is not missing."""
    assert status_of(answer(asked("q3"), FILE)) is Status.NO_ANSWER


def test_a_missing_answer_is_an_error() -> None:
    """A case without an answer is a failure that names the file, the field and the value."""
    failure = answer(asked("q9"), FILE)

    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.MISSING
    assert failure.message == "answers.jsonl has no answer with question = 'q9'"


async def test_sent_without_a_network() -> None:
    """Recorded models are found by label and need neither key nor address."""
    provider = Provider(id="recorded", dialect="recorded")
    async with open_send({"recorded": provider}, {"6b": FILE}, environ={}, clock=HandClock()) as send:
        found = await send(asked("q2"))
        unknown = await send(asked("q2", model="7b"))

    assert isinstance(found, Response)
    assert isinstance(unknown, Failure)
    assert unknown.kind is FailureKind.MISSING
