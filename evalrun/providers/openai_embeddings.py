"""The dialect openai-embeddings: texts become vectors, and the answer says which of them are alike.  (pure)

The texts are those of the request's messages, in their order. The answer is JSON text: the cosine similarities of the
first text to each of the others (``similarities``, 6 decimals; to a vector of zeros it is 0), which of the others is
the most similar one (``nearest``, from 0, the first of equals), and how long the vectors are (``dimensions``). With a
single text it is the dimensions alone.

A Response's body is the reply as it came up to 64 kB, and a larger one is the reply without its vectors, so that a run
does not hold megabytes of figures that no one reads.

Source: the OpenAI API reference, "Create embeddings"; openai-openapi, CreateEmbeddingRequest.
"""

from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from evalrun.providers.asking import only_texts, spoken, with_extra
from evalrun.providers.dialect import Auth, Unsupported
from evalrun.providers.reading import Reading, dicts, dumped, figure
from evalrun.providers.reply import NotJson, Reply
from evalrun.records.outcome import Choice, Outcome
from evalrun.records.request import Request
from evalrun.records.suite import Provider
from evalrun.redact import Redactor

AUTH: Auth = "bearer"

LARGEST_BODY = 64 * 1024
"""How large a reply is kept with its vectors, in characters."""

_KNOWN = frozenset({"dimensions", "encoding_format", "user"})


def path(_request: Request, _provider: Provider) -> str:
    """See Dialect."""
    return "/embeddings"


def headers(_request: Request, _provider: Provider) -> Mapping[str, str]:
    """See Dialect."""
    return {"accept": "application/json"}


def build(request: Request) -> dict[str, Any]:
    """The body to send; extra_body is merged last. Raises Unsupported for what is no text, and for no text at all."""
    only_texts(request)
    said = spoken(request, _KNOWN)
    if not request.messages:
        raise Unsupported(f"{request.dialect} has nothing to say of no text")
    texts = [message.text for message in request.messages]
    return with_extra({"model": request.model, "input": texts, "encoding_format": "float", **said}, request)


def parse(reply: Reply, request: Request, *, now: float, redact: Redactor, simulated: bool = False) -> Outcome:
    """See Dialect."""
    reading = Reading(reply=reply, request=request, now=now, redact=redact, simulated=simulated)
    return reading.outcome(whole=_answer)


def _answer(reading: Reading, said: dict[str, Any], body: str) -> Outcome:
    messages = reading.request.messages
    choice = Choice(text=json.dumps(answer(_vectors(said, len(messages)))))
    usage = reading.usage(
        prompt_tokens=figure(said.get("usage"), "prompt_tokens"),
        completion_tokens=0,
        prompt="".join(message.text for message in messages),
    )
    if len(body) > LARGEST_BODY:
        body = dumped(_without_vectors(said))
    return reading.response([choice], usage=usage, body=body, model=said.get("model"))


def answer(vectors: Sequence[Sequence[float]]) -> dict[str, Any]:
    """What is said of the vectors (one or more, finite, of one length)."""
    first, *others = [_unit(vector) for vector in vectors]
    if not others:
        return {"dimensions": len(first)}
    alike = [_rounded(math.fsum(a * b for a, b in zip(first, other, strict=True))) for other in others]
    return {"nearest": alike.index(max(alike)), "similarities": alike, "dimensions": len(first)}


def _unit(vector: Sequence[float]) -> list[float]:
    """The vector at length 1, or as it is where it is all zeros. Scaled first, so that no square is too large."""
    largest = max(map(abs, vector))
    if not largest:
        return list(vector)
    scaled = [figure / largest for figure in vector]
    length = math.hypot(*scaled)
    return [figure / length for figure in scaled]


def _rounded(cosine: float) -> float:
    return round(min(1.0, max(-1.0, cosine)), 6) + 0.0  # no minus zero


def _vectors(said: Mapping[str, Any], count: int) -> list[list[float]]:
    """The vectors in the order of their texts. Raises NotJson where one is missing, double or no vector."""
    parts = dicts(said.get("data"), "vectors")
    if len(parts) != count:
        raise NotJson(f"{len(parts)} vectors for {count} texts")
    if all("index" not in part for part in parts):
        ordered = parts
    else:
        by_index = {part["index"]: part for part in parts if type(part.get("index")) is int}
        if sorted(by_index) != list(range(count)):
            raise NotJson("the vectors are not those of the texts, one each")
        ordered = [by_index[index] for index in range(count)]
    vectors = [_vector(part.get("embedding")) for part in ordered]
    if not vectors or not vectors[0] or any(len(vector) != len(vectors[0]) for vector in vectors):
        raise NotJson("the vectors are not of one length")
    return vectors


def _vector(said: Any) -> list[float]:
    """The figures of a vector: a list of them, or base64 of floats of 32 bits, the lowest byte first."""
    if not isinstance(said, str) and not (isinstance(said, list) and all(type(part) in (int, float) for part in said)):
        raise NotJson("a vector that is neither numbers nor base64")
    try:
        if isinstance(said, str):
            raw = base64.b64decode(said, validate=True)
            figures = list(struct.unpack(f"<{len(raw) // 4}f", raw))
        else:
            figures = list(map(float, said))
    except (ValueError, struct.error, OverflowError):
        raise NotJson("a vector that cannot be read") from None
    if not all(map(math.isfinite, figures)):
        raise NotJson("a vector with figures that are no numbers")
    return figures


def _without_vectors(said: Mapping[str, Any]) -> dict[str, Any]:
    data = [{name: value for name, value in part.items() if name != "embedding"} for part in said["data"]]
    return {**said, "data": data}
