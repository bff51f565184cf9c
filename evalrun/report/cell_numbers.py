"""The figures of all cells of a page, a few bytes a cell: what filters, sorting and a first drawing look at."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Any

import numpy as np

from evalrun.records.outcome import Response, TokensMethod
from evalrun.records.row import Row
from evalrun.report.fields import verdict_of
from evalrun.safe_text import visible

FIELDS = (
    ("sent", "u4"), ("received", "u4"), ("time", "u4"), ("cost", "f4"),
    ("score", "u2"), ("word", "u1"), ("attempts", "u1"), ("requests", "u1"), ("flags", "u1"),
)  # fmt: skip
"""The arrays in the order of the page, as data.js reads them. 0 says "unknown", and figures are one more than they are:
tokens, tenths of a millisecond, scores in 1/65534. Costs are dollars, to four figures; -1 is unknown. *word* is a
place in the list of words."""

CACHED, TRUNCATED, ESTIMATED, STREAMED, CALLS = 1, 2, 4, 8, 16
"""Bits of *flags*."""

_CELL = Struct("<IIIfHBBBB")
"""A cell while it is collected: FIELDS, one behind the other."""

_SCORES = 65_534
_FAILED, _PASSED, _BROKEN = 1, 2, 3
_MOST = 255
_SIGN_AND_FOUR_FIGURES = np.uint32(0xFFFFF800)


class CellNumbers:
    """Takes the cells of a page case by case, *width* places a case, and gives their arrays as bytes."""

    def __init__(self, width: int, scorers: Sequence[str]) -> None:
        self.words = [""]
        self._width = width
        self._places = {"": 0}
        self._cells = bytearray()
        self._scorers: dict[str, bytearray] = {name: bytearray() for name in scorers}

    @property
    def scorers(self) -> tuple[str, ...]:
        """Names of the scorers that said something of some cell, in the order of the suite."""
        return tuple(name for name, said in self._scorers.items() if said)

    def add(self, places: Sequence[tuple[int, Row]]) -> None:
        """Take a case: its rows, each with its place of *width*."""
        start = len(self._cells) // _CELL.size
        self._cells += bytes(_CELL.size * self._width)
        for place, row in places:
            at = start + place
            _CELL.pack_into(self._cells, at * _CELL.size, *self._cell(row))
            for score in row.mark.scores if row.mark else ():
                said = self._scorers.get(score.name)
                if said is None:
                    said = self._scorers[score.name] = bytearray()
                said.extend(bytes(at + 1 - len(said)))
                said[at] = _BROKEN if score.passed is None else _PASSED if score.passed else _FAILED

    def packed(self, cases: Sequence[int] | None = None) -> bytes:
        """All arrays of the *cases* (None: all), one behind the other, each as planes of its bytes, lowest first.

        Then two lines of bits a scorer: where it failed, and where it passed.
        """
        cells = np.frombuffer(self._cells, np.dtype([(name, f"<{kind}") for name, kind in FIELDS]))
        count = len(cells) // max(1, self._width)
        kept = slice(None) if cases is None else np.asarray(cases, np.intp)
        parts = []
        for name, kind in FIELDS:
            values = np.ascontiguousarray(cells[name].reshape(count, self._width)[kept])
            if name == "cost":
                values = values.view("<u4") & _SIGN_AND_FOUR_FIGURES
            raw = values.view(np.uint8).reshape(-1, int(kind[1]))
            parts.append(raw.T.tobytes())
        for name in self.scorers:
            said = np.zeros(count * self._width, np.uint8)
            said[: len(self._scorers[name])] = np.frombuffer(self._scorers[name], np.uint8)
            shown = said.reshape(count, self._width)[kept].ravel()
            parts += [np.packbits(shown == code, bitorder="little").tobytes() for code in (_FAILED, _PASSED)]
        return b"".join(parts)

    def _cell(self, row: Row) -> tuple[Any, ...]:
        response = row.outcome if isinstance(row.outcome, Response) else None
        score = row.mark.score if row.mark else None
        seconds, cost = row.latency_s, row.cost_usd
        return (
            _one_more(row.prompt_tokens),
            _one_more(row.completion_tokens),
            0 if seconds is None else _one_more(round(seconds * 10_000)),
            -1.0 if cost is None else cost,
            0 if score is None else 1 + round(min(1.0, max(0.0, score)) * _SCORES),
            self._word(verdict_of(row)),
            min(row.attempts, _MOST),
            min(row.requests, _MOST),
            _flags(row, response),
        )

    def _word(self, word: str) -> int:
        if word not in self._places:
            self._places[word] = len(self.words)
            self.words.append(visible(word))
        return self._places[word]


def _one_more(figure: int | None) -> int:
    return 0 if figure is None else min(2**32 - 1, 1 + max(0, figure))


def _flags(row: Row, response: Response | None) -> int:
    flags = CACHED if row.from_cache else 0
    if response is None:
        return flags
    flags |= TRUNCATED if response.finish_reason == "length" else 0
    flags |= ESTIMATED if row.tokens_method == TokensMethod.ESTIMATE else 0
    flags |= STREAMED if response.ttft_s is not None else 0
    return flags | (CALLS if response.tool_calls else 0)
