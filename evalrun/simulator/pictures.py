"""What can be seen in a picture's bytes: its kind, its size, a description in it, and the colours of a small PNG.

Sources: the PNG specification (third edition), RFC 9649 (WebP), GIF89a, and the JPEG frame header of ITU T.81.  (pure)
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from evalrun.records.message import Image

MOST_PIXELS = 1 << 18  # beyond this, only the size of a PNG is looked at
LONGEST_TEXT = 4000
LONGEST_KEPT = 1 << 18  # of a data URL, whose sight is then kept for the next time
_PNG = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by PNG colour type
_INDEXED = 3
_DATA_URL = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(?:;[\w-]+=[\w-]+)*;base64,(?P<data>[A-Za-z0-9+/=\s]*)")
_COLOURS = {
    "red": (220, 30, 30), "green": (30, 160, 50), "blue": (30, 60, 220), "yellow": (250, 220, 30),
    "orange": (250, 140, 20), "purple": (130, 40, 160), "pink": (250, 150, 190), "brown": (120, 70, 30),
    "black": (0, 0, 0), "white": (255, 255, 255), "grey": (128, 128, 128), "turquoise": (40, 200, 200),
}  # fmt: skip
COLOURS = tuple(_COLOURS)

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What is seen. *kind* is ``PNG`` and the like; *subject*, *shape* and *background* are words, or empty."""

    kind: str
    width: int
    height: int
    description: str = ""
    subject: str = ""
    shape: str = ""
    background: str = ""


class NoPicture(ValueError):
    """The bytes are no picture that the models can read."""


def look(url: str) -> Sight | None:
    """What a data URL shows; None for any other URL, which nobody fetches. Raises NoPicture."""
    if not url.startswith("data:"):
        return None
    return _look_again(url) if len(url) <= LONGEST_KEPT else _look(url)


def _look(url: str) -> Sight:
    found = _DATA_URL.fullmatch(url)
    try:
        data = base64.b64decode(re.sub(r"\s", "", found["data"]), validate=True) if found else b""
    except (binascii.Error, ValueError):
        data = b""
    if not data:
        raise NoPicture("Invalid base64 image_url.")
    sight = _seen(data)
    if sight is None or not (sight.width and sight.height):
        raise NoPicture("the bytes are no PNG, JPEG, GIF or WebP")
    return sight


_look_again = lru_cache(maxsize=64)(_look)


def _seen(data: bytes) -> Sight | None:
    try:
        if data.startswith(_PNG):
            return _png(data)
        if data[:6] in (b"GIF87a", b"GIF89a"):
            width, height = struct.unpack_from("<HH", data, 6)
            return Sight(kind="GIF", width=width, height=height)
        if data.startswith(b"\xff\xd8"):
            return _jpeg(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
    except (struct.error, IndexError):
        return None
    return None


def _jpeg(data: bytes) -> Sight | None:
    at = 2
    while at + 9 < len(data):
        marker, size = data[at + 1], struct.unpack_from(">H", data, at + 2)[0]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a frame; those are tables
            height, width = struct.unpack_from(">HH", data, at + 5)
            return Sight(kind="JPEG", width=width, height=height)
        at += 2 + size
    return None


def _webp(data: bytes) -> Sight | None:
    form = data[12:16]
    if form == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    elif form == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    return Sight(kind="WebP", width=width, height=height)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_PNG)
    while at + 12 <= len(data):
        size = struct.unpack_from(">I", data, at)[0]
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        at += 12 + size


def _png(data: bytes) -> Sight | None:
    header = palette = b""
    packed: list[bytes] = []
    description = ""
    for name, content in _chunks(data):
        if name == b"IHDR":
            header = content
        elif name == b"PLTE":
            palette = content
        elif name == b"IDAT":
            packed.append(content)
        elif name in (b"tEXt", b"iTXt") and content.startswith(b"Description\0"):
            description = _text(name, content.removeprefix(b"Description\0"))
    width, height, depth, kind, _, _, interlaced = struct.unpack_from(">IIBBBBB", header)
    sight = Sight(kind="PNG", width=width, height=height, description=description)
    if depth != 8 or kind not in _CHANNELS or interlaced or width * height > MOST_PIXELS:
        return sight
    rows = _rows(b"".join(packed), width, height, _CHANNELS[kind])
    if rows is None:
        return sight
    return _coloured(sight, [_colours(row, kind, palette) for row in rows])


def _text(name: bytes, content: bytes) -> str:
    if name == b"tEXt":
        return content[:LONGEST_TEXT].decode("latin-1")
    compressed, rest = content[:1] == b"\1", content[2:].split(b"\0", 2)[-1]
    if compressed:
        rest = _inflated(rest, LONGEST_TEXT)
    return rest[:LONGEST_TEXT].decode("utf-8", "replace")


def _inflated(packed: bytes, most: int) -> bytes:
    """At most so many bytes, however much is packed."""
    try:
        return zlib.decompressobj().decompress(packed, most)
    except zlib.error:
        return b""


def _rows(packed: bytes, width: int, height: int, channels: int) -> list[bytearray] | None:
    """The lines of a picture of 8 bits a channel, without their filters; None where the data are not whole."""
    size = width * channels
    raw = _inflated(packed, height * (size + 1))
    if len(raw) < height * (size + 1):
        return None
    rows: list[bytearray] = []
    above = bytearray(size)
    for line in range(height):
        start = line * (size + 1)
        row = bytearray(raw[start + 1 : start + 1 + size])
        _unfilter(raw[start], row, above, channels)
        rows.append(row)
        above = row
    return rows


def _unfilter(kind: int, row: bytearray, above: bytearray, channels: int) -> None:
    """Undo one line's filter in place: none, sub, up, average, Paeth."""
    if kind == 0:
        return
    for at, value in enumerate(row):
        left = row[at - channels] if at >= channels else 0
        up, corner = above[at], above[at - channels] if at >= channels else 0
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = up
        elif kind == 3:
            guess = (left + up) // 2
        else:
            near = left + up - corner
            guess = min((abs(near - left), 0, left), (abs(near - up), 1, up), (abs(near - corner), 2, corner))[2]
        row[at] = value + guess & 0xFF


def _colours(row: bytearray, kind: int, palette: bytes) -> list[Colour]:
    if kind == _INDEXED:
        shades = [tuple(palette[at : at + 3]) for at in range(0, len(palette) - 2, 3)]
        return [shades[at] if at < len(shades) else (0, 0, 0) for at in row]  # type: ignore[misc]
    channels = _CHANNELS[kind]
    if channels < 3:
        return [(grey, grey, grey) for grey in row[::channels]]
    return list(zip(row[::channels], row[1::channels], row[2::channels], strict=True))


def _coloured(sight: Sight, rows: list[list[Colour]]) -> Sight:
    """The colour of the edge, and of what most stands out from it, with its shape by how much of its box it fills."""
    edge = Counter([*rows[0], *rows[-1], *(row[0] for row in rows), *(row[-1] for row in rows)])
    background = edge.most_common(1)[0][0]
    others = Counter(colour for row in rows for colour in row if colour != background)
    name = colour_name(background)
    if not others:
        return Sight(kind="PNG", width=sight.width, height=sight.height, description=sight.description, subject=name)
    subject = others.most_common(1)[0][0]
    places = [(x, y) for y, row in enumerate(rows) for x, colour in enumerate(row) if colour == subject]
    xs, ys = {x for x, _ in places}, {y for _, y in places}
    wide, high = max(xs) - min(xs) + 1, max(ys) - min(ys) + 1
    return Sight(
        kind="PNG",
        width=sight.width,
        height=sight.height,
        description=sight.description,
        subject=colour_name(subject),
        shape=_shape(len(places) / (wide * high), wide, high),
        background=name,
    )


def _shape(filled: float, wide: int, high: int) -> str:
    if filled > 0.97:
        return "square" if wide == high else "rectangle"
    if 0.70 < filled < 0.90:
        return "circle" if abs(wide - high) <= 1 else "ellipse"
    return "triangle" if 0.42 < filled < 0.62 else "shape"


def colour_name(colour: Colour) -> str:
    """The nearest of `COLOURS`."""
    return min(_COLOURS, key=lambda name: sum((a - b) ** 2 for a, b in zip(colour, _COLOURS[name], strict=True)))


def sized(image: Image) -> Image:
    """The picture with its width and height, where it can be seen."""
    sight = look(image.source)
    return replace(image, width=sight.width, height=sight.height) if sight else image
