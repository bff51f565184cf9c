from __future__ import annotations

import base64
import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.simulator.complaints import BadBody
from evalrun.simulator.embeddings import embed, vector, wanted
from evalrun.simulator.engine import Engine, Reply, Rules
from evalrun.simulator.models import MODELS
from tests.virtual import VirtualClock, run_virtual

TEXTS = ["The cat sat on the mat.", "A cat on a mat", "Stock prices fell in London", "The mat is blue"]


def cosine(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """How alike two directions are."""
    return sum(a * b for a, b in zip(one, other, strict=True))


def send(rules: Rules, *bodies: object) -> list[Reply]:
    """Embeddings, one request after the other."""

    async def main() -> list[Reply]:
        engine, replies = Engine(rules, VirtualClock()), []
        for body in bodies:
            async with engine.embed(body) as reply:
                replies.append(reply)
        return replies

    return run_virtual(main)


@pytest.mark.parametrize("model", [name for name, mind in MODELS.items() if mind.dimensions])
def test_the_nearest_text_has_the_most_words_in_common(model: str) -> None:
    """Of several texts, the one that shares the most words with the first is the closest to it."""
    reply = embed(wanted({"model": model, "input": TEXTS}), model, MODELS[model].dimensions or 0)
    first, *others = (tuple(each["embedding"]) for each in reply["data"])
    near = [cosine(first, other) for other in others]

    assert near[0] == max(near)
    assert near[1] == min(near)
    assert [each["index"] for each in reply["data"]] == [0, 1, 2, 3]


@given(st.text(max_size=80), st.sampled_from([1, 8, 128]))
def test_every_vector_has_length_one(text: str, dimensions: int) -> None:
    """Whatever the text is, its vector is as long as was asked for and of length 1, always the same."""
    found = vector(text, dimensions)

    assert len(found) == dimensions
    assert math.isclose(cosine(found, found), 1, abs_tol=1e-5)
    assert found == vector(text, dimensions)


def test_base64_is_the_same_in_floats() -> None:
    """Little-endian floats of four bytes, in base64."""
    plain = embed(wanted({"model": "small", "input": "a cat", "dimensions": 16}), "small", 128)
    packed = embed(
        wanted({"model": "small", "input": "a cat", "dimensions": 16, "encoding_format": "base64"}), "small", 128
    )
    unpacked = struct.unpack("<16f", base64.b64decode(packed["data"][0]["embedding"]))

    assert unpacked == pytest.approx(plain["data"][0]["embedding"], abs=1e-6)


def test_tokens_may_be_given_instead_of_texts() -> None:
    """A list of numbers is one input, a list of such lists several."""
    assert len(wanted({"model": "small", "input": [1, 2, 3]}).inputs) == 1
    assert len(wanted({"model": "small", "input": [[1, 2], [3]]}).inputs) == 2


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ([], None),
        ({"input": "x"}, "model"),
        ({"model": "small"}, "input"),
        ({"model": "small", "input": ""}, "input"),
        ({"model": "small", "input": []}, "input"),
        ({"model": "small", "input": [1, "x"]}, "input"),
        ({"model": "small", "input": ["x"] * 2049}, "input"),
        ({"model": "small", "input": "x", "dimensions": "8"}, "dimensions"),
        ({"model": "small", "input": "x", "encoding_format": "hex"}, "encoding_format"),
        ({"model": "small", "input": "x", "temperature": 1}, "temperature"),
    ],
)
def test_a_bad_request_is_refused_with_its_parameter(body: Any, param: str | None) -> None:
    """Each mistake names the parameter at fault."""
    with pytest.raises(BadBody) as raised:
        wanted(body)

    assert raised.value.param == param


def test_dimensions_have_a_most() -> None:
    """No more than the model has."""
    with pytest.raises(BadBody, match="between 1 and 128"):
        embed(wanted({"model": "small", "input": "x", "dimensions": 129}), "small", 128)


def test_embeddings_count_against_the_limits() -> None:
    """They share the account's requests and tokens; a model without embeddings is not found."""
    body = {"model": "large", "input": "word " * 40}
    first, over, unknown = send(Rules(tpm=50, latency_s=0), body, body, {"model": "thinker", "input": "x"})

    assert [reply.status for reply in (first, over, unknown)] == [200, 429, 404]
    assert first.body is not None
    assert first.body["usage"] == {"prompt_tokens": 41, "total_tokens": 41}
