"""A column in one run after another: its figures, and what of them drifted on requests that stayed the same."""

from __future__ import annotations

import hashlib
import math
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from evalrun.records.comparison import Interval
from evalrun.records.outcome import Response
from evalrun.records.row import Row
from evalrun.stats.calls import holm
from evalrun.stats.design import ALPHA
from evalrun.stats.drift import Drift, Measured, drifts
from evalrun.stats.intervals import percentile
from evalrun.stats.pairs import compare_pair
from evalrun.stats.run_pairs import FIGURES, by_case, graded_by, numbers_of, pass_rate, unknown, verdict_byte

LEAST_CHANGE = {"tokens": 0.02, "latency_s": 0.10}
"""Smaller changes of a mean are not worth a word, however sure they are."""

MOST_NAMES = 100
_SEED = 0
_NO_KEY = 0


class ColumnTrack:
    """One column of one run, in numbers. A place is a case and a sample; nan stands where nothing is known."""

    def __init__(self, cases: int, samples: int) -> None:
        self.samples = samples
        self.planned = 0
        self.unpriced = False
        self.keys = array("Q", [_NO_KEY]) * (cases * samples)
        self.judges = array("Q", [_NO_KEY]) * (cases * samples)
        self.expected = array("Q", [_NO_KEY]) * (cases * samples)
        self.verdicts = bytearray(cases * samples)
        self.figures = {name: unknown(cases * samples) for name in FIGURES}
        self.fingerprints: Counter[str] = Counter()
        self.models: Counter[str] = Counter()
        self._asked: Counter[str] = Counter()

    def add(self, case: int, row: Row, word: str, digest: str | None) -> None:
        """Count a row in. An answer from the cache is none of this run's: it shows no drift, but counts."""
        self.planned += 1
        place, numbers = case * self.samples + row.cell.sample, numbers_of(row, word)
        self.verdicts[place] = verdict_byte(numbers)
        for name in FIGURES:
            self.figures[name][place] = getattr(numbers, name)
        if isinstance(row.outcome, Response):
            self.unpriced |= math.isnan(numbers.cost_usd)
            _count(self.fingerprints, row.outcome.system_fingerprint)
            _count(self.models, row.outcome.model)
        asked = row.cell.key.partition("#")[0]  # another column's cells that ask the same make no difference
        if not row.from_cache:
            self.keys[place] = _hash(f"{asked}#{self._asked[asked]}")
        self._asked[asked] += 1
        self.judges[place] = _hash(digest) if digest else _NO_KEY
        self.expected[place] = _hash(repr(row.case.expected))

    @property
    def scored(self) -> int:
        """How many cells have a verdict."""
        return sum(map(bool, self.verdicts))

    @property
    def pass_rate(self) -> Interval | None:
        """Its pass rate, several answers to a case by their design effect."""
        return pass_rate(bytes(self.verdicts), self.samples)

    @property
    def score(self) -> float | None:
        """The mean score."""
        known = _known(self.figures["score"])
        return math.fsum(known) / len(known) if known else None

    @property
    def cost_usd(self) -> float | None:
        """What its answers cost; None where a price is unknown."""
        known = _known(self.figures["cost_usd"])
        return math.fsum(known) if known and not self.unpriced else None

    @property
    def latency_p50_s(self) -> float | None:
        """The median latency."""
        known = _known(self.figures["latency_s"])
        return percentile(sorted(known), 0.5) if known else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A column from one run to a later one.

    *same* cells asked the same, *judged* of them were scored alike. Of the others *expected* ones are scored against
    another expected value, by whichever scorers, and *scorers* ones by other scorers against the same.
    """

    same: int
    judged: int
    expected: int
    scorers: int
    cells: int
    drifts: tuple[Drift, ...]


def step(before: ColumnTrack, after: ColumnTrack, *, latency: bool = True) -> Step:
    """What changed on the cells whose request is the same in both; *latency* says whether that means anything.

    Verdicts and scores are compared where the same scorers gave them. P-values do not allow for other steps.
    """
    places = {key: place for place, key in enumerate(before.keys) if key != _NO_KEY}
    pairs = [(places[key], place) for place, key in enumerate(after.keys) if key != _NO_KEY and key in places]
    alike = [(old, new) for old, new in pairs if before.judges[old] == after.judges[new]]
    otherwise = [(old, new) for old, new in pairs if _NO_KEY != before.judges[old] != after.judges[new] != _NO_KEY]
    expected = sum(before.expected[old] != after.expected[new] for old, new in otherwise)
    verdicts = bytearray(len(after.verdicts)), bytearray(len(after.verdicts))
    for old, new in alike:
        verdicts[0][new], verdicts[1][new] = before.verdicts[old], after.verdicts[new]
    passed = compare_pair(("before", "after"), (bytes(verdicts[0]), bytes(verdicts[1])), after.samples)
    names = [
        *(["score"] if graded_by(after.verdicts, after.figures["score"]) else []),
        "tokens",
        *(["latency_s"] if latency else []),
    ]
    measured = [_measured(name, before, after, alike if name == "score" else pairs) for name in names]
    return Step(
        same=len(pairs),
        judged=len(alike),
        expected=expected,
        scorers=len(otherwise) - expected,
        cells=sum(key != _NO_KEY for key in after.keys),
        drifts=drifts(measured, passed=passed, seed=_SEED),
    )


def decide(found: Sequence[Drift], *, alpha: float = ALPHA) -> tuple[tuple[Drift, float, bool], ...]:
    """Each of all the drifts that are looked at, with its p-value allowing for the others and whether it is told."""
    adjusted = holm([one.p_value for one in found])
    return tuple((one, p, p < alpha and _matters(one)) for one, p in zip(found, adjusted, strict=True))


def _matters(one: Drift) -> bool:
    if one.before == one.after:
        return False
    least = LEAST_CHANGE.get(one.name)
    return least is None or not one.before or abs(one.after / one.before - 1) >= least


def _measured(name: str, before: ColumnTrack, after: ColumnTrack, pairs: Sequence[tuple[int, int]]) -> Measured:
    """Both runs' values of the paired cells, case by case in the order of the later run."""
    old = unknown(len(after.verdicts))
    for earlier, later in pairs:
        old[later] = before.figures[name][earlier]
    first, second, _ = by_case(old, after.figures[name], after.samples)
    return Measured(name=name, before=first, after=second)


def _known(values: array[float]) -> list[float]:
    return [value for value in values if not math.isnan(value)]


def _count(names: Counter[str], name: str | None) -> None:
    if name and (name in names or len(names) < MOST_NAMES):
        names[name] += 1


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()) or 1
