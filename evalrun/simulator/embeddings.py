"""Embeddings as hashed bags of words: the more words two texts share, the closer they are.  (pure)

Source of the request's names and limits: OpenAI's published API description, "Create embeddings".
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from evalrun import tokens
from evalrun.simulator.complaints import BadBody, missing, unknown, wrong_type, wrong_value

MOST_INPUTS = 2048
ENCODINGS = ("float", "base64")
_KNOWN = frozenset(["model", "input", "dimensions", "encoding_format", "user", "input_type"])
_IDLE = frozenset(
    re.findall(
        r"[\w']+",
        "a an and are as at be by for from in is it its of on or that the this to was with",
    )
)
_DIGITS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A valid request for embeddings. *tokens* is what its inputs have together."""

    model: str
    inputs: tuple[str, ...]
    dimensions: int | None
    base64: bool
    tokens: int


def wanted(body: object) -> Wanted:
    """What *body* (parsed JSON) asks for. Raises BadBody."""
    if not isinstance(body, Mapping):
        raise BadBody("The request body is not a JSON object.")
    if strange := sorted(str(name) for name in body if name not in _KNOWN):
        raise unknown(strange[0])
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise missing("model")
    encoding = body.get("encoding_format") or "float"
    if encoding not in ENCODINGS:
        raise wrong_value("encoding_format", encoding, ENCODINGS)
    dimensions = body.get("dimensions")
    if dimensions is not None and (isinstance(dimensions, bool) or not isinstance(dimensions, int)):
        raise wrong_type("dimensions", "an integer")
    inputs = _inputs(body.get("input"))
    return Wanted(
        model=model,
        inputs=inputs,
        dimensions=dimensions,
        base64=encoding == "base64",
        tokens=sum(map(tokens.estimate, inputs)),
    )


def _inputs(said: object) -> tuple[str, ...]:
    """The texts; tokens, which are allowed too, are words of their own."""
    if said is None:
        raise missing("input")
    if isinstance(said, str):
        row: Sequence[object] = [said]
    elif isinstance(said, list) and said and all(_is_token(each) for each in said):
        row = [said]
    elif isinstance(said, list) and said:
        row = said
    else:
        raise BadBody("Invalid 'input': expected a text, or an array of texts that is not empty.", "input")
    if len(row) > MOST_INPUTS:
        raise BadBody(f"Invalid 'input': array too long. At most {MOST_INPUTS}.", "input", "array_above_max_length")
    texts = tuple(_text(each) for each in row)
    if not all(texts):
        raise BadBody("Invalid 'input': input cannot be an empty string.", "input")
    return texts


def _is_token(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(_is_token(each) for each in value):
        return " ".join(f"t{each}" for each in value)
    raise wrong_type("input", "a string, an array of strings, or an array of tokens")


def embed(want: Wanted, model: str, most: int) -> dict[str, Any]:
    """The reply: a vector for each input, of *most* dimensions or as many as were asked for. Raises BadBody."""
    dimensions = most if want.dimensions is None else want.dimensions
    if not 1 <= dimensions <= most:
        raise BadBody(
            f"Invalid value for 'dimensions' = {dimensions}. Must be between 1 and {most} for this model.",
            "dimensions",
            "invalid_value",
        )
    vectors = [vector(text, dimensions) for text in want.inputs]
    data = [
        {"object": "embedding", "index": at, "embedding": _packed(each) if want.base64 else list(each)}
        for at, each in enumerate(vectors)
    ]
    usage = {"prompt_tokens": want.tokens, "total_tokens": want.tokens}
    return {"object": "list", "data": data, "model": model, "usage": usage}


def _packed(values: tuple[float, ...]) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode("ascii")


@lru_cache(maxsize=1024)
def vector(text: str, dimensions: int) -> tuple[float, ...]:
    """The words of *text*, each once, as a direction of length 1: a word adds or takes 1 at a place of its own."""
    row = [0.0] * dimensions
    for word in _words(text):
        digest = hashlib.sha256(word.encode("utf-8", "surrogatepass")).digest()
        row[int.from_bytes(digest[:6], "big") % dimensions] += 1.0 if digest[6] & 1 else -1.0
    length = math.sqrt(sum(value * value for value in row))
    if not length:  # no word, or words that take each other away
        row[0] = length = 1.0
    return tuple(round(value / length, _DIGITS) for value in row)


def _words(text: str) -> list[str]:
    found = re.findall(r"\w+", text.lower())
    kept = [word for word in found if word not in _IDLE] or found
    return sorted({word[:-1] if len(word) > 3 and word.endswith("s") else word for word in kept})
