from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun import tokens
from evalrun.records.message import Image
from evalrun.simulator.pictures import NoPicture, look, sized
from tests.simulator.png import BLUE, GREEN, RED, WHITE, chunk, circle, data_url, described, png, square, triangle

GIF = b"GIF89a" + struct.pack("<HH", 30, 20) + bytes(20)
JPEG = b"\xff\xd8" + b"\xff\xe0\x00\x04AB" + b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", 20, 30) + bytes(20)
VP8 = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 30, 20)
VP8L = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + (29 | 19 << 14).to_bytes(4, "little")
VP8X = b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0" + (29).to_bytes(3, "little") + (19).to_bytes(3, "little")


@pytest.mark.parametrize("filter_type", range(5))
@pytest.mark.parametrize("kind", [2, 3, 6])
def test_every_filter_and_colour_type_is_undone(filter_type: int, kind: int) -> None:
    """The colours of a PNG are seen whatever its lines are filtered by and however its pixels are stored."""
    seen = look(data_url(png(24, 24, square(24, 12), RED, WHITE, filter_type=filter_type, kind=kind)))

    assert seen is not None
    assert (seen.kind, seen.width, seen.height) == ("PNG", 24, 24)
    assert (seen.subject, seen.shape, seen.background) == ("red", "square", "white")


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        (square(40, 20), "square"),
        (circle(40, 14), "circle"),
        (triangle(40), "triangle"),
        (lambda x, y: 4 <= x < 36 and 10 <= y < 20, "rectangle"),
    ],
)
def test_shapes_are_told_by_how_they_fill_their_box(shape: object, name: str) -> None:
    """A square fills its box, a circle three quarters of it, a triangle half."""
    seen = look(data_url(png(40, 40, shape, BLUE, GREEN)))  # type: ignore[arg-type]

    assert seen is not None
    assert (seen.shape, seen.subject, seen.background) == (name, "blue", "green")


@pytest.mark.parametrize("kind", [0, 4])
def test_grey_pictures_have_colours_too(kind: int) -> None:
    """Of one channel, black and white are seen."""
    seen = look(data_url(png(16, 16, square(16, 8), (0, 0, 0), WHITE, kind=kind)))

    assert seen is not None
    assert (seen.subject, seen.background) == ("black", "white")


def test_a_picture_of_one_colour_is_nothing_but_that() -> None:
    """Without anything that stands out, the colour is that of all of it."""
    seen = look(data_url(png(8, 8, lambda x, y: True, BLUE)))

    assert seen is not None
    assert (seen.subject, seen.shape, seen.background) == ("blue", "", "")


@pytest.mark.parametrize(
    "extra",
    [
        described("A dog on a sofa."),
        chunk(b"tEXt", b"Description\0A dog on a sofa."),
        chunk(b"iTXt", b"Description\0\1\0\0\0" + zlib.compress(b"A dog on a sofa.")),
    ],
)
def test_a_description_is_read(extra: bytes) -> None:
    """The text that a PNG calls its Description, plain or packed."""
    seen = look(data_url(png(8, 8, square(8, 4), extra=extra)))

    assert seen is not None
    assert seen.description == "A dog on a sofa."


@pytest.mark.parametrize(
    ("data", "kind"), [(GIF, "GIF"), (JPEG, "JPEG"), (VP8, "WebP"), (VP8L, "WebP"), (VP8X, "WebP")]
)
def test_other_kinds_have_a_size(data: bytes, kind: str) -> None:
    """Of a JPEG, GIF or WebP, its size is known and no colour."""
    seen = look(data_url(data))

    assert seen is not None
    assert (seen.kind, seen.width, seen.height, seen.subject) == (kind, 30, 20, "")


def test_nothing_is_fetched() -> None:
    """What is behind a URL is not seen."""
    assert look("https://example.com/cat.png") is None


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64,",
        "data:image/png,abc",
        "data:image/png;base64,%%%",
        data_url(b"hello"),
        data_url(b"\xff\xd8"),
    ],
)
def test_what_is_no_picture_is_said(url: str) -> None:
    """Bytes that are no picture raise NoPicture."""
    with pytest.raises(NoPicture):
        look(url)


def test_a_bomb_is_not_unpacked() -> None:
    """A picture that says it is small, or huge, and unpacks to far more costs nothing and keeps its size."""
    packed = chunk(b"IDAT", zlib.compress(bytes(50_000_000), 9)) + chunk(b"IEND", b"")
    sizes = []
    for side in (16, 50_000):
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
        seen = look(data_url(b"\x89PNG\r\n\x1a\n" + header + packed))
        assert seen is not None
        sizes.append(seen.width)

    assert sizes == [16, 50_000]


WHOLE = png(12, 12, square(12, 6), extra=described("A thing"))


@given(st.integers(0, len(WHOLE)), st.binary(max_size=6))
def test_any_damage_is_survived(at: int, noise: bytes) -> None:
    """A PNG that is cut or overwritten anywhere is seen in part, or is none."""
    for damaged in (WHOLE[:at], WHOLE[:at] + noise + WHOLE[at + len(noise) :]):
        try:
            seen = look(data_url(damaged))
        except NoPicture:
            continue
        assert seen is not None


@pytest.mark.parametrize(
    ("side", "detail", "expected"), [(512, "high", 255), (64, "low", 85), (1024, "auto", 765), (100, "auto", 255)]
)
def test_pictures_are_counted_by_tiles(side: int, detail: str, expected: int) -> None:
    """By OpenAI's rule: a base, and a rate for each tile of 512 pixels after shrinking."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))

    seen = sized(Image(source=data_url(b"\x89PNG\r\n\x1a\n" + header), detail=detail))
    unseen = sized(Image(source="https://example.com/a.png", detail="high"))
    assert tokens.image_tokens(seen, "simulator/large")[0] == expected
    assert tokens.image_tokens(unseen, "simulator/large")[0] == 765
