"""PNG files made by hand: a shape on a background, with or without a description, of every filter and colour type."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable

Colour = tuple[int, int, int]
Shape = Callable[[int, int], bool]

RED, BLUE, WHITE, GREEN = (220, 30, 30), (30, 60, 220), (255, 255, 255), (30, 160, 50)


def square(side: int, size: int) -> Shape:
    """A square of *size* in the middle of *side*."""
    low, high = (side - size) // 2, (side + size) // 2
    return lambda x, y: low <= x < high and low <= y < high


def circle(side: int, radius: int) -> Shape:
    """A circle in the middle of *side*."""
    return lambda x, y: (x - side / 2 + 0.5) ** 2 + (y - side / 2 + 0.5) ** 2 <= radius * radius


def triangle(side: int) -> Shape:
    """A triangle that stands on its base, with a margin of 4."""
    return lambda x, y: 4 <= y < side - 4 and abs(x - side / 2) <= (y - 4) / 2


def chunk(name: bytes, content: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(
    width: int,
    height: int,
    shape: Shape,
    colour: Colour = RED,
    background: Colour = WHITE,
    *,
    filter_type: int = 0,
    kind: int = 2,
    extra: bytes = b"",
    level: int = 0,
) -> bytes:
    """A PNG of 8 bits a channel. *kind* is its colour type: 2 is RGB, 3 has a palette, 6 has transparency.

    At *level* 0 its bytes are the same whatever zlib is at hand.
    """
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    raw, above = b"", bytes(width * channels)
    for y in range(height):
        row = b"".join(_pixel(kind, colour if shape(x, y) else background, shape(x, y)) for x in range(width))
        raw += bytes([filter_type]) + _filtered(filter_type, row, above, channels)
        above = row
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    palette = chunk(b"PLTE", bytes([*background, *colour])) if kind == 3 else b""
    body = chunk(b"IHDR", header) + palette + extra + chunk(b"IDAT", zlib.compress(raw, level)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def described(text: str) -> bytes:
    """A chunk with a description."""
    return chunk(b"iTXt", b"Description\0\0\0\0\0" + text.encode())


def data_url(data: bytes, media_type: str = "image/png") -> str:
    """The bytes as a URL."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def _pixel(kind: int, colour: Colour, inside: bool) -> bytes:
    if kind == 3:
        return bytes([inside])
    if kind in (0, 4):
        return bytes([colour[0]]) + (b"\xff" if kind == 4 else b"")
    return bytes(colour) + (b"\xff" if kind == 6 else b"")


def _filtered(kind: int, row: bytes, above: bytes, channels: int) -> bytes:
    """Apply a filter of the PNG specification, section 9.2."""
    done = bytearray()
    for at, value in enumerate(row):
        left = row[at - channels] if at >= channels else 0
        corner = above[at - channels] if at >= channels else 0
        up = above[at]
        guess = (0, left, up, (left + up) // 2, _paeth(left, up, corner))[kind]
        done.append(value - guess & 0xFF)
    return bytes(done)


def _paeth(left: int, up: int, corner: int) -> int:
    start = left + up - corner
    return min((left, up, corner), key=lambda value: abs(start - value))
