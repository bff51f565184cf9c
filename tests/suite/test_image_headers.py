from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.suite.image_headers import described, media_type_of, size_of

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 640, 480)
GIF = b"GIF89a" + struct.pack("<HH", 640, 480)
APP = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0" + b"\0" * 9
TABLE = b"\xff\xc4" + struct.pack(">H", 4) + b"\0\0"
FRAME = struct.pack(">HBHH", 17, 8, 480, 640)
JPEG = b"\xff\xd8" + APP + TABLE + b"\xff\xff\xc2" + FRAME


def webp(kind: bytes, chunk: bytes) -> bytes:
    """A WebP file of one chunk."""
    return b"RIFF\0\0\0\0WEBP" + kind + struct.pack("<I", len(chunk)) + chunk


SIZES = {
    "png": (PNG, "image/png"),
    "gif": (GIF, "image/gif"),
    "old gif": (GIF.replace(b"89a", b"87a"), "image/gif"),
    "jpeg": (JPEG, "image/jpeg"),
    "plain jpeg": (b"\xff\xd8\xff\xc0" + FRAME, "image/jpeg"),
    "lossy webp": (webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 640 | 1 << 14, 480)), "image/webp"),
    "lossless webp": (webp(b"VP8L", b"\x2f" + struct.pack("<I", 639 | 479 << 14 | 1 << 28)), "image/webp"),
    "extended webp": (
        webp(b"VP8X", b"\0\0\0\0" + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")),
        "image/webp",
    ),
}


@pytest.mark.parametrize(("content", "media_type"), SIZES.values(), ids=SIZES)
def test_kind_and_size_are_read(content: bytes, media_type: str) -> None:
    """Each kind of picture is known by its beginning, and says how large it is."""
    assert media_type_of(content) == media_type
    assert size_of(content + b"more", media_type) == (640, 480)


@pytest.mark.parametrize(("content", "media_type"), SIZES.values(), ids=SIZES)
def test_a_header_cut_anywhere_has_no_size(content: bytes, media_type: str) -> None:
    """No part of a header passes for the whole."""
    assert {size_of(content[:length], media_type) for length in range(len(content))} == {None}


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (PNG[:16] + struct.pack(">II", 0, 480), "image/png"),
        (PNG.replace(b"IHDR", b"CgBI"), "image/png"),
        (b"\xff\xd8\xff\xd9" + FRAME, "image/jpeg"),
        (b"\xff\xd8" + APP + b"\0\0\0", "image/jpeg"),
        (webp(b"VP8 ", b"\0" * 10), "image/webp"),
        (webp(b"ALPH", b"\0" * 10), "image/webp"),
    ],
)
def test_a_header_that_says_none_has_no_size(content: bytes, media_type: str) -> None:
    """A side of nothing, another chunk in front, an end before the frame."""
    assert size_of(content, media_type) is None


OTHERS = {
    b"": "an empty file",
    b"%PDF-1.7": "a PDF",
    b"BM\0\0": "a BMP picture",
    b"II*\0": "a TIFF picture",
    b"\0\0\0\x18ftypheic": "a HEIC picture, or a film",
    b"\0\0\0\x18ftypavif": "an AVIF picture",
    b"\xef\xbb\xbf<?xml version='1.0'?>\n<svg/>": "an SVG drawing",
    b"<!DOCTYPE html><p>Not found": "an HTML page",
    b"hello": "a text",
    b"\x7fELF\0\0": "a binary file of another kind",
    b"version https://git-lfs.github.com/spec/v1": "a Git LFS pointer: fetch the file itself",
}


@pytest.mark.parametrize(("content", "words"), OTHERS.items(), ids=OTHERS.values())
def test_what_is_no_picture_has_a_name(content: bytes, words: str) -> None:
    """A file of another kind is called what it is."""
    assert media_type_of(content) is None
    assert described(content) == words


@given(
    head=st.sampled_from([b"", *(content for content, _ in SIZES.values())]), cut=st.integers(0, 40), tail=st.binary()
)
def test_any_bytes_are_read_without_a_fault(head: bytes, cut: int, tail: bytes) -> None:
    """Whatever a file holds, there is a size or there is none."""
    content = head[:cut] + tail
    media_type = media_type_of(content)
    size = size_of(content, media_type) if media_type else None

    assert size is None or all(side > 0 for side in size)
    assert media_type or described(content)
