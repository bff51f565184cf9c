"""Which case and which column of one run is which of another, whose suite may have changed since.  (pure)"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import combinations
from typing import Any

from evalrun.errors import UsageError
from evalrun.records.plan import Cell, Column
from evalrun.records.run_comparison import CaseChange
from evalrun.records.suite import Case

_NUMBERED = re.compile(r"case-\d+|.*-\d{4,}", re.DOTALL)
"""Ids that the suite's reader gives where it says none: they tell a case's place, which a new case above it changes."""


@dataclass(frozen=True, slots=True)
class CaseSeen:
    """A case without its texts: its id, hashes of its variables and of its expected value, and its cells' positions."""

    id: str
    vars_hash: bytes
    expected_hash: bytes
    start: int
    stop: int

    @property
    def content(self) -> tuple[bytes, bytes]:
        """The same for cases that ask and expect the same."""
        return self.vars_hash, self.expected_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseMatch:
    """A case of A and the same one of B; *change* is None where nothing differs."""

    a: CaseSeen
    b: CaseSeen
    change: CaseChange | None

    @property
    def changed(self) -> bool:
        """Whether its variables or its expected value differ: an id alone is no other case."""
        return self.a.content != self.b.content


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMatch:
    """A column of A and one of B, by index, under one label."""

    label: str
    a: int
    b: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSeen:
    """A plan without texts: its cases, how many cells each column has (by index), and the most samples of a case."""

    cases: tuple[CaseSeen, ...]
    cells: Mapping[int, int]
    samples: int


def plan_seen(cases: Iterable[Case], cells: Iterable[Cell]) -> PlanSeen:
    """What there is to match in a run: its cases in order, each with where its cells stand, which is together."""
    spans: dict[int, tuple[int, int]] = {}
    of_column: Counter[int] = Counter()
    samples = 1
    for cell in cells:
        start, _ = spans.get(cell.case, (cell.position, 0))
        spans[cell.case] = (start, cell.position + 1)
        of_column[cell.column] += 1
        samples = max(samples, cell.sample + 1)
    seen = (
        CaseSeen(case.id, _hash(dict(case.vars)), _hash(case.expected), *spans.get(number, (0, 0)))
        for number, case in enumerate(cases)
    )
    return PlanSeen(cases=tuple(seen), cells=of_column, samples=samples)


def match_cases(a: Sequence[CaseSeen], b: Sequence[CaseSeen]) -> list[CaseMatch]:
    """The cases that both have, in the order of A.

    The same id is the same case, unless the id is a number of order and the variables differ. The cases that are left
    are the same where their variables and expected values are.
    """
    by_id = {case.id: case for case in b}
    found: dict[str, CaseSeen] = {}
    for case in a:
        twin = by_id.get(case.id)
        if twin is not None and (case.vars_hash == twin.vars_hash or not _NUMBERED.fullmatch(case.id)):
            found[case.id] = twin
    taken = {twin.id for twin in found.values()}
    left: dict[tuple[bytes, bytes], deque[CaseSeen]] = defaultdict(deque)
    for case in b:
        if case.id not in taken:
            left[case.content].append(case)
    for case in a:
        if case.id not in found and left[case.content]:
            found[case.id] = left[case.content].popleft()
    return [CaseMatch(a=case, b=found[case.id], change=_change(case, found[case.id])) for case in a if case.id in found]


def match_columns(
    a: Sequence[Column], b: Sequence[Column], *, only: Sequence[str] = (), mapping: Sequence[str] = ()
) -> list[ColumnMatch]:
    """The columns that both have, in the order of A: the same prompt, model and parameters, else the same label.

    *mapping* are words ``old=new``, labels of A and B that belong together whatever else does; *only* keeps the pairs
    with one of these labels. Raises UsageError for a label that there is not.
    """
    given = dict(_mapped(word, a, b) for word in mapping)
    pairs = dict(given)
    for same in (column_identity, _label):
        by = {same(column): index for index, column in enumerate(b)}
        for index, column in enumerate(a):
            twin = by.get(same(column))
            if index not in pairs and twin is not None and twin not in pairs.values():
                pairs[index] = twin
    _check_labels(only, [*a, *b])
    return [
        ColumnMatch(label=_joint(a[index].label, b[pairs[index]].label), a=index, b=pairs[index])
        for index in sorted(pairs)
        if not only or {a[index].label, b[pairs[index]].label} & set(only)
    ]


def pair_columns(
    columns: Sequence[Column], *, only: Sequence[str] = (), mapping: Sequence[str] = ()
) -> list[ColumnMatch]:
    """One run's columns in pairs: all of them; with one of *only* that one and each other, with several these.

    With *mapping*, words ``first=second``, those pairs alone. Raises UsageError for a label that there is not.
    """
    _check_labels(only, columns)
    if mapping:
        pairs = [_mapped(word, columns, columns) for word in mapping]
    elif len(only) == 1:
        place = next(index for index, column in enumerate(columns) if column.label == only[0])
        pairs = [(place, other) for other in range(len(columns)) if other != place]
    else:
        chosen = [index for index, column in enumerate(columns) if not only or column.label in only]
        pairs = list(combinations(chosen, 2))
    return [ColumnMatch(label=f"{columns[x].label} | {columns[y].label}", a=x, b=y) for x, y in pairs]


def column_identity(column: Column) -> str:
    """The same for columns of the same prompt, model and parameters."""
    return json.dumps([column.prompt, column.model, dict(column.params)], sort_keys=True, default=str)


def _label(column: Column) -> str:
    return column.label


def _joint(a: str, b: str) -> str:
    return a if a == b else f"{a} → {b}"


def _mapped(word: str, a: Sequence[Column], b: Sequence[Column]) -> tuple[int, int]:
    """The columns that ``old=new`` names; a label may hold ``=`` itself."""
    old = {column.label: index for index, column in enumerate(a)}
    new = {column.label: index for index, column in enumerate(b)}
    places = [place for place, letter in enumerate(word) if letter == "="]
    for place in places:
        if word[:place] in old and word[place + 1 :] in new:
            return old[word[:place]], new[word[place + 1 :]]
    if not places:
        raise UsageError(f"--map {word}: this is not OLD=NEW")
    first, _, second = word.partition("=")
    _check_labels([first], a)
    _check_labels([second], b)
    raise UsageError(f"--map {word}: no such columns")


def _check_labels(labels: Sequence[str], columns: Sequence[Column]) -> None:
    known = dict.fromkeys(column.label for column in columns)
    for label in labels:
        if label not in known:
            near = get_close_matches(label, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the columns are {', '.join(known)}"
            raise UsageError(f"{label}: no such column ({hint})")


def _change(a: CaseSeen, b: CaseSeen) -> CaseChange | None:
    differs = {
        "id": a.id != b.id,
        "variables": a.vars_hash != b.vars_hash,
        "expected": a.expected_hash != b.expected_hash,
    }
    what = tuple(name for name, differing in differs.items() if differing)
    return CaseChange(a=a.id, b=b.id, what=what) if what else None


def _hash(value: Any) -> bytes:
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=_other)
    except TypeError:  # keys of several kinds cannot be sorted
        text = repr(value)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _other(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else [type(value).__name__, str(value)]
