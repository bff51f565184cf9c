"""About how many tokens a text is, by rule of thumb: the same everywhere, for it needs no file. Pure."""

from __future__ import annotations

import re

# Words with the blank or sign before them, a new word at each capital after a small letter; digits by threes; runs of
# signs with the line ends after them; blanks. Close to the pieces that o200k_base is cut into before merging.
_PIECE = re.compile(
    r"[^\w\r\n]?(?:[A-Z]*[^\W\d_A-Z]+|[A-Z]+)(?:'(?:[sdmt]|ll|ve|re))?"
    r"|\d{1,3}"
    r"| ?(?:[^\s\w]|_)+[\r\n/]*"
    r"|\s*[\r\n]+|\s+"
)
_ASCII_PIECE = 8
_ASCII_MORE = 4
_OTHER_BYTES_PER_TOKEN = 4.2


def estimate(text: str) -> int:
    """About how many tokens *text* is in a present-day vocabulary.

    A piece of ASCII is one token up to 8 characters and one more for each 4 beyond; other text is 4.2 UTF-8 bytes a
    token. Measured against o200k_base: English, code and JSON within about 10 %, Chinese 5 %, Russian +50 %.
    """
    return sum(map(_piece_tokens, _PIECE.findall(text)))


def cut(text: str, limit: int) -> str:
    """The longest beginning of *text*, in whole pieces, that `estimate` counts as at most *limit* tokens."""
    total = 0
    for match in _PIECE.finditer(text):
        total += _piece_tokens(match.group())
        if total > limit:
            return text[: match.start()]
    return text


def _piece_tokens(piece: str) -> int:
    if piece.isascii():
        size = len(piece)
        return 1 if size <= _ASCII_PIECE else 1 + (size - _ASCII_PIECE + _ASCII_MORE - 1) // _ASCII_MORE
    return max(1, round(len(piece.encode("utf-8", "surrogatepass")) / _OTHER_BYTES_PER_TOKEN))
