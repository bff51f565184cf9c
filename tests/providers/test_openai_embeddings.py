from __future__ import annotations

import base64
import json
import math
import re
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.providers.dialect import Unsupported
from evalrun.providers.openai_embeddings import LARGEST_BODY, build
from evalrun.providers.openai_embeddings import answer as answer_of
from evalrun.records.message import Message
from evalrun.records.outcome import Failure, Response, TokensMethod
from evalrun.records.request import Request
from tests.providers.dialects import ANYTHING, CANARY, LINKED, OBJECTS, WEATHER, answer, asked, failure, parsed, sent
from tests.providers.openapi import valid

NAME = "openai-embeddings"
THREE = tuple(Message(role="user", content=text) for text in ("cat", "dog", "kitten"))


def ask(*messages: Message, params: dict[str, Any] | None = None, **more: Any) -> Request:
    """A request in this dialect; three texts where none is given."""
    return asked(NAME, *(messages or THREE), params=params or {}, **more)


def said(*vectors: Any, **more: Any) -> dict[str, Any]:
    """A reply with these vectors, in their order."""
    data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)]
    return {
        "object": "list",
        "data": data,
        "model": "m-1-2026",
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
        **more,
    }


def packed(*figures: float) -> str:
    """A vector in base64."""
    return base64.b64encode(struct.pack(f"<{len(figures)}f", *figures)).decode()


# ── requests ───────────────────────────────────────────────────────────────────────────────────────────────────────

PLAIN = {"model": "m-1", "input": ["cat", "dog", "kitten"], "encoding_format": "float"}
REQUESTS: dict[str, tuple[Request, dict[str, Any]]] = {
    "plain": (ask(), {}),
    "one text": (ask(THREE[0]), {"input": ["cat"]}),
    "texts of any role": (
        ask(Message(role="system", content="a"), Message(role="assistant", content=("b", "c"))),
        {"input": ["a", "b\nc"]},
    ),
    "everything that it has": (
        ask(params={"dimensions": 256, "encoding_format": "base64", "user": "u-1"}),
        {"dimensions": 256, "encoding_format": "base64", "user": "u-1"},
    ),
    "nothing asked": (ask(params={"n": 1, "stream": False, "seed": None}), {}),
    "extra_body last": (ask(params={"extra_body": {"dimensions": 8}}), {"dimensions": 8}),
}


@pytest.mark.parametrize(("one", "more"), REQUESTS.values(), ids=REQUESTS)
def test_build(one: Request, more: dict[str, Any]) -> None:
    """Each thing that can be asked has its word in the body, nothing else is in it, and OpenAI's document agrees."""
    body = sent(one)

    assert body == {**PLAIN, **more}
    valid("CreateEmbeddingRequest", body)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (ask(params={"temperature": 0}), "openai-embeddings has no temperature"),
        (ask(params={"stream": True, "max_tokens": 5}), "openai-embeddings has no max_tokens, stream"),
        (ask(tools=(WEATHER,)), "openai-embeddings has no tools"),
        (ask(Message(role="user", content=("So", LINKED))), "openai-embeddings has no pictures"),
        (ask(messages=()), "nothing to say of no text"),
    ],
)
def test_what_it_cannot_say(one: Request, words: str) -> None:
    """What embeddings have no word for is refused in words, not left out."""
    with pytest.raises(Unsupported, match=words):
        build(one)


# ── answers ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("vectors", "expected"),
    [
        ([[1, 0], [0, 1], [1, 1]], {"nearest": 1, "similarities": [0.0, 0.707107], "dimensions": 2}),
        ([[2, 0], [5, 0]], {"nearest": 0, "similarities": [1.0], "dimensions": 2}),
        ([[1, 0], [-3, 0], [-1, 1e-9]], {"nearest": 0, "similarities": [-1.0, -1.0], "dimensions": 2}),
        ([[1, 2, 3]], {"dimensions": 3}),
        ([[1, 0], [0, 0]], {"nearest": 0, "similarities": [0.0], "dimensions": 2}),
        ([[1e300, 1e300], [1e-300, 1e-300]], {"nearest": 0, "similarities": [1.0], "dimensions": 2}),
        ([[1, 0], [-1e-9, 1]], {"nearest": 0, "similarities": [0.0], "dimensions": 2}),
    ],
)
def test_the_answer(vectors: list[list[float]], expected: dict[str, Any]) -> None:
    """The answer is how alike the first text is to each of the others, and which of them is nearest."""
    texts = [Message(role="user", content="t")] * len(vectors)

    response = answer(ask(*texts), said(*vectors))

    assert json.loads(response.text or "") == expected
    assert not re.search(r"-0\.0\b", response.text or "")


def test_a_whole_reply() -> None:
    """Model, token figures and a small reply itself are taken from it; an answer has no end to speak of."""
    body = said([1, 0], [0, 1], [1, 1])

    response = answer(ask(), body)

    assert (response.model, response.finish_reason, response.choices, response.latency_s) == ("m-1-2026", None, (), 2.0)
    assert (response.usage.prompt_tokens, response.usage.completion_tokens) == (3, 0)
    assert response.usage.method is TokensMethod.API
    assert json.loads(response.body or "") == body


def test_usage_that_is_missing() -> None:
    """The tokens of the texts are counted where the reply does not say them, and marked so."""
    usage = answer(ask(), said([1], [1], [1], usage=None)).usage

    assert (usage.prompt_tokens, usage.completion_tokens, usage.method) == (2, 0, TokensMethod.ESTIMATE)


def test_a_large_reply_is_kept_without_its_vectors() -> None:
    """Megabytes of figures are not kept, and nothing else of the reply is lost."""
    body = said(*[[0.123456789] * 3072] * 3)

    response = answer(ask(), body)

    assert len(json.dumps(body)) > LARGEST_BODY
    assert json.loads(response.body or "") == {
        **body,
        "data": [{"object": "embedding", "index": index} for index in range(3)],
    }


@pytest.mark.parametrize(
    "data",
    [
        [{"index": 2, "embedding": [1, 1]}, {"index": 0, "embedding": [1, 0]}, {"index": 1, "embedding": [0, 1]}],
        [{"embedding": [1, 0]}, {"embedding": [0, 1]}, {"embedding": [1, 1]}],
        [{"index": index, "embedding": packed(*vector)} for index, vector in enumerate([(1, 0), (0, 1), (1, 1)])],
    ],
)
def test_order_and_form(data: list[dict[str, Any]]) -> None:
    """Vectors are joined to their texts by index, in order where none is given, and read in both forms."""
    expected = {"nearest": 1, "similarities": [0.0, 0.707107], "dimensions": 2}

    assert json.loads(answer(ask(), said(data=data)).text or "") == expected


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Log in</html>",
        b"[]",
        b"{}",
        said(data=None),
        said(data=["x"] * 3),
        said([1], [1]),
        said([1], [1], [1], [1]),
        said(data=[{"index": 0, "embedding": [1]}] * 3),
        said(data=[{"index": index, "embedding": [1]} for index in (1, 2, 3)]),
        said(data=[{"index": 0, "embedding": [1]}, {"index": True, "embedding": [1]}, {"index": 2, "embedding": [1]}]),
        said(data=[{"index": 0, "embedding": [1]}, {"embedding": [1]}, {"index": 2, "embedding": [1]}]),
        said([1], [1], [1, 2]),
        said([], [], []),
        said([1], [1], None),
        said([1], [1], ["1"]),
        said([1], [1], [True]),
        said([1], [1], [10**400]),
        b'{"data": [{"embedding": [1]}, {"embedding": [1]}, {"embedding": [1e999]}]}',
        said(packed(1), packed(1), packed(math.nan)),
        said(packed(1), packed(1), "%%%"),
        said(packed(1), packed(1), "é"),
        said(packed(1), packed(1), base64.b64encode(b"abc").decode()),
        said("", "", ""),
    ],
)
def test_vectors_that_are_none(body: Any) -> None:
    """A vector that is missing, double, of another length or no vector at all spoils the reply."""
    assert failure(ask(), body).kind.value == "garbage"


def test_a_reply_cut_anywhere() -> None:
    """A reply cut after any byte is a failure."""
    body = json.dumps(said([1, 0], [0, 1], [1, 1])).encode()

    outcomes = [parsed(ask(), body[:size]) for size in range(len(body))]

    assert {outcome.kind.value for outcome in outcomes if isinstance(outcome, Failure)} == {"cut"}
    assert not any(isinstance(outcome, Response) for outcome in outcomes)


def test_errors() -> None:
    """An error is of its kind, with its status or inside a 200."""
    error = {"error": {"message": "No such model", "type": "invalid_request_error", "code": "model_not_found"}}

    assert failure(ask(), error, 404).kind.value == "not_found"
    assert failure(ask(), error).kind.value == "not_found"


# ── whatever comes ─────────────────────────────────────────────────────────────────────────────────────────────────

FIGURES = st.floats(allow_nan=False, allow_infinity=False)


@given(st.integers(1, 5).flatmap(lambda n: st.lists(st.lists(FIGURES, min_size=n, max_size=n), min_size=2, max_size=4)))
def test_any_vectors(vectors: list[list[float]]) -> None:
    """Similarities lie between -1 and 1, and a vector is as like itself as can be, however large or small it is."""
    found = answer_of([*vectors, vectors[0]])

    assert all(-1 <= figure <= 1 for figure in found["similarities"])
    assert found["similarities"][-1] == (1 if any(vectors[0]) else 0)


@pytest.mark.slow
@given(body=ANYTHING | st.builds(lambda part, more: said(*[part] * 3, **more), ANYTHING, OBJECTS))
def test_any_json(body: Any) -> None:
    """Any JSON in the place of any part of a reply is a Response or a Failure."""
    assert isinstance(parsed(ask(), body), Response | Failure)


def test_a_secret_in_a_reply() -> None:
    """A key that a reply repeats is in nothing that is kept."""
    response = answer(ask(), said([1], [1], [1], model=CANARY), secret=CANARY)

    assert CANARY not in repr(response)
