"""A text in pieces, as a model makes it: tokens one by one, and the probability that each had.  (pure)"""

from __future__ import annotations

import math
from typing import Any

from evalrun import tokens
from evalrun.simulator.draws import Draws

CHUNK_PIECES = 4
_ALTERNATIVES = (" the", " a", ",", ".", " of", " and", "\n", " to", " in", " is", "0", "1", " not", " it", " I", "The",
                 " that", " as", " or", " for")  # fmt: skip


def pieces(text: str) -> list[str]:
    """*text* cut into as many pieces as `tokens.estimate` counts tokens."""
    found: list[str] = []
    while text:
        limit = 1
        while not (piece := tokens.cut(text, limit)):
            limit += 1
        found += _evenly(piece, limit)
        text = text[len(piece) :]
    return found


def _evenly(piece: str, count: int) -> list[str]:
    size = math.ceil(len(piece) / count)
    return [piece[at : at + size] for at in range(0, len(piece), size)]


def chunks(text: str) -> list[list[str]]:
    """The pieces of *text* as a stream brings them: a few words at a time."""
    every = pieces(text)
    return [every[at : at + CHUNK_PIECES] for at in range(0, len(every), CHUNK_PIECES)]


def logprob(text: str, at: int) -> float:
    """The logarithm of the probability of the piece at *at* of *text*: mostly close to 0."""
    share = Draws("logprob", text, at).number("of the piece")
    return round(-3.0 * share**4 - 1e-5, 6)


def token_logprobs(text: str, top: int) -> list[dict[str, Any]]:
    """Each piece of *text* with its probability and *top* of the likeliest in its place, as the chat API has them."""
    found = []
    for at, piece in enumerate(pieces(text)):
        likeliest = [_token(*each) for each in alternatives(text, at, piece, top)]
        found.append({**_token(piece, logprob(text, at)), "top_logprobs": likeliest})
    return found


def alternatives(text: str, at: int, piece: str, top: int) -> list[tuple[str, float]]:
    """The *top* likeliest pieces at this place, the one that was taken first."""
    own = logprob(text, at)
    rest = -math.expm1(own)  # what the others have together
    row: list[tuple[str, float]] = [(piece, own)]
    start = Draws("alternatives", text, at).index("first", len(_ALTERNATIVES))
    for offset in range(len(_ALTERNATIVES)):
        other = _ALTERNATIVES[(start + offset) % len(_ALTERNATIVES)]
        if other != piece:
            rest *= 0.5
            row.append((other, round(math.log(max(rest, 1e-9)), 6)))
    return row[:top]


def _token(piece: str, value: float) -> dict[str, Any]:
    return {"token": piece, "logprob": value, "bytes": list(piece.encode("utf-8", "replace"))}
