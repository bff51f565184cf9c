"""The data of the case table, inert inside HTML: an index of numbers, and the texts in compressed blocks.

A page holds ``data`` (columns, tags, scorers, words, and how many cases each block has, as JSON), ``data-cases`` (ids,
and tags by place, deflated), ``data-shared`` (what the drawer shares, see cell_detail, deflated), ``data-numbers`` (see
cell_numbers), and ``block-0`` and so on (lines of cell_texts,
deflated). Nothing of a case but its numbers is kept in memory. Where the page would become larger than PAGE_LIMIT, it
holds the flips and a seeded sample of the other cases, as many as there is room for, or nearly.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalrun.records.plan import Cell, Plan
from evalrun.records.row import Row
from evalrun.report.block_spool import BlockSpool, deflated
from evalrun.report.cell_detail import CellDetails, WireOf
from evalrun.report.cell_numbers import CellNumbers
from evalrun.report.cell_texts import TEXT_LIMIT, case_line
from evalrun.report.dense_text import encode, encoded_size
from evalrun.report.fields import scorer_names
from evalrun.report.page_sample import Seen, Sieve, choose
from evalrun.report.side_by_side import Group
from evalrun.safe_text import visible

PAGE_LIMIT = 64_000_000
"""Bytes of a page, at most."""

_ROOM_FOR_THE_REST = 1_500_000
"""Bytes of a page that are not data: its head, charts, style and script."""

_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
_CAREFUL = 0.985
_A_BLOCKS_TAG = 64
_TOKENS_OF_AN_ANSWER = 60
_ENOUGH_BLOCKS = 8
_NEARLY_FULL = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a page holds: cases, of all cases; flips, of all flips."""

    cases: int
    of: int
    flips: int
    of_flips: int

    @property
    def left_out(self) -> int:
        """How many cases it has no room for."""
        return self.of - self.cases

    @property
    def words(self) -> str:
        """Which of the cases these are, where some were left out."""
        if self.flips < self.of_flips:
            return f"a seeded sample of the {self.of_flips:,} flips"
        others = "a seeded sample" if self.cases > self.flips else "none"
        return f"all {self.of_flips:,} flips and {others} of the rest" if self.flips else "a seeded sample"


class Island:
    """Takes the groups of all cases in plan order, then gives the page's data as elements."""

    def __init__(
        self,
        plan: Plan,
        *,
        text_limit: int = TEXT_LIMIT,
        page_limit: int = PAGE_LIMIT,
        real: Sequence[bool] = (),
        wire_of: WireOf | None = None,
        sifts: bool = True,
    ) -> None:
        """*real* says of each column whether it takes part in flips; without it, all that are not simulated do.

        *wire_of* gives the requests of rows, for the code that the drawer shows. *sifts*: cases that there will hardly
        be room for are let go as they come (see has_room).
        """
        self._plan = plan
        self._text_limit = text_limit
        self._room = page_limit - min(_ROOM_FOR_THE_REST, page_limit // 10)
        self._real = tuple(real) or real_columns(plan)
        self._samples = max([cell.sample for cell in plan.cells], default=plan.suite.samples - 1) + 1
        self._columns = {column.id: place for place, column in enumerate(plan.columns)}
        self._numbers = CellNumbers(self._samples * len(plan.columns), scorer_names(plan))
        self._spool = BlockSpool()
        self._sieve, self._sifts = Sieve(plan.suite.digest), sifts
        self._taken: list[int] = []
        self._each: float | None = None
        self._shared = 0
        self._details = CellDetails(plan, wire_of, text_limit=text_limit)
        self._ids: list[str] = []
        self._tags: dict[str, int] = {}
        self._tagged: list[list[int]] = []
        self._flips: list[int] = []
        self._case: int | None = None
        self._rows: list[Row] = []
        self._kept: list[int] | None = None
        self._index: dict[str, bytes] = {}
        self._all, self._done = sum(map(_work, plan.cells)), 0

    def add(self, group: Group) -> None:
        """Take a group; those of one case come one after the other."""
        if group.rows[0].cell.case != self._case:
            self._finish_case()
            self._case = group.rows[0].cell.case
        self._rows += group.rows

    @property
    def held(self) -> Held:
        """What of the run the page holds; no group may come after this."""
        self._seal()
        kept = range(len(self._ids)) if self._kept is None else self._kept
        flips = set(self._flips)
        return Held(
            cases=len(kept), of=len(self._ids), flips=sum(1 for case in kept if case in flips), of_flips=len(flips)
        )

    @property
    def has_room(self) -> bool:
        """Whether much room is left though cases were let go: what came later was smaller than what came before, or
        had fewer flips. Only an island that does not sift can then say which cases there is room for."""
        self._seal()
        return len(self._taken) < len(self._ids) and self._size() < _NEARLY_FULL * self._room

    def elements(self, more: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
        """Every element of data: its id, its type and its text. *more* goes into ``data``."""
        self._seal()
        said = {
            **more,
            "samples": self._samples,
            "words": self._numbers.words,
            "scorers": [visible(name) for name in self._numbers.scorers],
            "tags": list(self._tags),
            "cases": len(self._ids if self._kept is None else self._kept),
            "of": len(self._ids),
            "real": [int(one) for one in self._real],
            "blocks": [block.lines for block in self._spool.blocks],
        }
        yield "data", "application/json", _json(said).translate(_ESCAPES)
        for name, part in self._index.items():
            yield f"data-{name}", "text/plain", encode(part)
        for place, (_, data) in enumerate(self._spool.read()):
            yield f"block-{place}", "text/plain", encode(data)

    def close(self) -> None:
        """Give back what was kept on the disk."""
        self._spool.close()

    def _finish_case(self) -> None:
        if not self._rows:
            return
        width = len(self._plan.columns)
        places = sorted(
            ((row.cell.sample * width + self._columns[row.column.id], row) for row in self._rows),
            key=lambda placed: placed[0],
        )
        rows = [row for _, row in places]
        self._numbers.add(places)
        number, flip, case = len(self._ids), self._is_flip(places), rows[0].case
        if flip:
            self._flips.append(number)
        self._ids.append(visible(case.id))
        self._tagged.append([self._tags.setdefault(visible(tag), len(self._tags)) for tag in case.tags])
        if self._sieve.takes(flip=flip):
            self._spool.add(case_line(self._plan, rows, self._details, text_limit=self._text_limit))
            self._taken.append(number)
        self._rows = []
        self._done += sum([_work(row.cell) for row in rows])
        if self._sifts and len(self._spool.blocks) >= _ENOUGH_BLOCKS and self._sieve.is_due(self._share):
            self._look()

    @property
    def _share(self) -> float:
        """How much of the run has gone by; 0 where nobody knows how much there is."""
        return self._done / self._all if self._all else 0.0

    def _look(self) -> None:
        """Let the sieve know what has gone by. What it says must not hang on which thread was faster."""
        self._spool.settle()
        if self._each is None:  # once: what it takes to tell is the same for every case
            self._shared = encoded_size(len(deflated(_json(self._details.shared()))))
            self._each = sum(encoded_size(len(part)) for part in self._indexed().values()) / len(self._ids)
        weights = self._weights()
        flips_bytes = sum(weights[case] for case in self._flips)
        seen = Seen(
            share=self._share,
            flips_bytes=flips_bytes,
            others=len(self._ids) - len(self._flips),
            taken=len(self._taken) - len(self._flips),
            taken_bytes=sum(weights) - flips_bytes,
        )
        self._sieve.look(seen, self._room - self._shared)

    def _weights(self) -> list[float]:
        """Bytes of each case on the page, reckoned by how well all were compressed; 0 of those that were let go."""
        stored = sum(block.lines for block in self._spool.blocks)
        rate = encoded_size(self._spool.size) / max(1, sum(self._spool.lengths[:stored]))
        weights = [0.0] * len(self._ids)
        for case, length in zip(self._taken, self._spool.lengths, strict=True):
            weights[case] = (self._each or 0.0) + length * rate
        return weights

    def _is_flip(self, places: Sequence[tuple[int, Row]]) -> bool:
        """Whether, on the same sample, one column passes and another fails."""
        passed: set[int] = set()
        failed: set[int] = set()
        for place, row in places:
            sample, column = divmod(place, len(self._plan.columns))
            if self._real[column] and row.scored and row.mark is not None:
                (passed if row.mark.verdict == "pass" else failed).add(sample)
        return bool(passed & failed)

    def _seal(self) -> None:
        if self._index:
            return
        self._finish_case()
        self._spool.seal()
        shared = {"shared": deflated(_json(self._details.shared()))}
        self._index = self._indexed() | shared
        let_go = len(self._taken) < len(self._ids)
        if not let_go and self._size() <= self._room:
            return
        whole, most = self._spool, math.inf if let_go else self._room * _CAREFUL
        self._each = (self._size() - self._blocks_size() - encoded_size(len(shared["shared"]))) / max(1, len(self._ids))
        weights = self._weights()
        while True:
            self._kept = choose(weights, self._flips, most, self._sieve.drawn, self._sieve.below)
            if self._spool is not whole:
                self._spool.close()
            kept = frozenset(self._kept)
            self._spool = whole.only({line for line, case in enumerate(self._taken) if case in kept})
            self._index = self._indexed() | shared
            if self._size() <= self._room or not kept:
                break
            most = min(most, self._room) * _CAREFUL * self._room / self._size()
        whole.close()

    def _indexed(self) -> dict[str, bytes]:
        """All data but the blocks and what the drawer shares, compressed, by name."""
        return {"cases": deflated(self._cases()), "numbers": deflated(self._numbers.packed(self._kept))}

    def _size(self) -> int:
        """Bytes of the data, nearly."""
        return self._blocks_size() + sum(encoded_size(len(part)) for part in self._index.values())

    def _blocks_size(self) -> int:
        return sum(encoded_size(block.size) + _A_BLOCKS_TAG for block in self._spool.blocks)

    def _cases(self) -> str:
        kept = range(len(self._ids)) if self._kept is None else self._kept
        return _json({"ids": [self._ids[at] for at in kept], "tags": [self._tagged[at] for at in kept]})


def real_columns(plan: Plan) -> tuple[bool, ...]:
    """Whether each column takes part in flips: those that are not simulated, where there are two; else all."""
    simulated = {model.label: plan.suite.is_simulated(model) for model in plan.suite.models}
    real = tuple(not simulated.get(column.model, False) for column in plan.columns)
    return real if sum(real) > 1 else (True,) * len(plan.columns)


def _work(cell: Cell) -> int:
    """How much of a run a cell is, as far as its plan tells."""
    return cell.input_tokens + _TOKENS_OF_AN_ANSWER


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
