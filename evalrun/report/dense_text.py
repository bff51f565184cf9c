"""Bytes as printable ASCII without ``<``, ``>``, ``&`` and white space: inert in a page, and a byte a character there.

Thirteen bits are two of 91 symbols, so that text is 1.231 times as long as its bytes (base64: 1.333), and a page
decodes it about as fast, pair by pair. assets/data.js reads it back.
"""

from __future__ import annotations

import numpy as np

SYMBOLS = bytes(code for code in range(0x21, 0x7F) if code not in b"<>&")
_BITS, _VALUES = 13, 1 << 13
_GROUP = 8
"""Values of 13 bits that end where a byte ends: 8 of them are 13 bytes."""

_VALUE = np.arange(_VALUES)
_TABLE = np.frombuffer(SYMBOLS, np.uint8)
_PAIRS = np.stack((_TABLE[_VALUE % len(SYMBOLS)], _TABLE[_VALUE // len(SYMBOLS)]), axis=1)


def encode(data: bytes) -> str:
    """The text of *data*. Bits come lowest first; one more symbol at the end says that the last whole byte is none."""
    pairs = -(-8 * len(data) // _BITS)
    padded = np.frombuffer(data + bytes(-len(data) % _BITS), np.uint8).reshape(-1, _BITS).astype(np.uint32)
    values = np.zeros((len(padded), _GROUP), np.uint32)
    for place in range(_GROUP):
        byte, shift = divmod(_BITS * place, 8)
        for step in range(-(-(shift + _BITS) // 8)):
            values[:, place] |= padded[:, byte + step] << (8 * step) >> shift
    text = _PAIRS[values.ravel()[:pairs] % _VALUES].tobytes().decode("ascii")
    return text + "!" * (pairs * _BITS // 8 - len(data))


def encoded_size(size: int) -> int:
    """How many characters *size* bytes take, at most."""
    return 2 * -(-8 * size // _BITS) + 1
