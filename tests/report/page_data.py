"""The data of a page as its script reads it: the index, the figures, and the texts out of their blocks."""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalrun.report.cell_numbers import FIELDS
from evalrun.report.dense_text import SYMBOLS

_ELEMENT = re.compile(r'<script type="[a-z/]+" id="([^"]+)">([^<]*)</script>')
_VALUES = {chr(code): value for value, code in enumerate(SYMBOLS)}


def decoded(text: str) -> bytes:
    """What dense_text.encode made of bytes, again."""
    odd, rest, bits, found = len(text) & 1, 0, 0, bytearray()
    for at in range(0, len(text) - odd, 2):
        rest |= (_VALUES[text[at]] + len(SYMBOLS) * _VALUES[text[at + 1]]) << bits
        bits += 13
        while bits >= 8:
            found.append(rest & 255)
            rest >>= 8
            bits -= 8
    return bytes(found[: len(found) - odd])


def without_data(html: str) -> str:
    """A page without its data, whose compressed bytes may spell anything."""
    return _ELEMENT.sub("", html)


@dataclass(frozen=True)
class PageData:
    """What a page holds: *head* is its JSON, *cases* ids and tags, *figures* an array a field, *lines* one a case."""

    head: dict[str, Any]
    cases: dict[str, Any]
    figures: dict[str, Any]
    failed: dict[str, Any]
    lines: tuple[list[Any], ...]

    @classmethod
    def of(cls, html: str) -> PageData:
        """Read it out of a page."""
        found = dict(_ELEMENT.findall(html))
        head = json.loads(found["data"])
        raw = {name: zlib.decompress(decoded(text), -15) for name, text in found.items() if name != "data"}
        lines = [json.loads(line) for at in range(len(head["blocks"])) for line in _lines(raw[f"block-{at}"])]
        figures, failed = _figures(head, raw["data-numbers"])
        return cls(head, json.loads(raw["data-cases"]), figures, failed, tuple(lines))

    @property
    def strings(self) -> list[str]:
        """Every text in it, as often as it is there."""
        return list(_strings([self.head, self.cases, list(self.lines)]))


def _lines(raw: bytes) -> list[str]:
    return raw.decode().split("\n")


def _figures(head: dict[str, Any], raw: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    shape = (head["cases"], head["samples"], len(head["columns"]))
    count, at, figures = int(np.prod(shape)), 0, {}
    for name, kind in FIELDS:
        size = int(kind[1])
        planes = np.frombuffer(raw, np.uint8, count * size, at).reshape(size, count)
        figures[name] = np.ascontiguousarray(planes.T).view(f"<{kind}").reshape(shape)
        at += count * size
    failed, step = {}, -(-count // 8)
    for name in head["scorers"]:
        bits = np.unpackbits(np.frombuffer(raw, np.uint8, step, at), bitorder="little")[:count]
        failed[name] = bits.reshape(shape)
        at += 2 * step
    assert at == len(raw)
    return figures, failed


def _strings(value: Any) -> Any:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield name
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)
