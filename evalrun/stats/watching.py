"""Which comparisons of a run are decided, while its answers come back in any order.

`stopping` may be asked after every case, but only of cases in an order that has nothing to do with their answers. In
the order in which answers come back it would be wrong: quick answers are not like slow ones (short, easy, not tried
again), so the first cases to come back are no fair sample, and what looks decided among them need not be. So cases are
fed in the order in which they are asked, which was drawn before anything was known: a case counts when every cell of
both columns is settled, and so is every case before it. One that failed for good in either column is passed over, as in
every paired comparison. For the same reason nothing counts that comes back after the decision, neither in it nor in any
figure of its columns, and a run that is gone on with finds the same decision at the same case: it depends on the plan
and the answers alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import fmean
from typing import Literal

from evalrun.records.comparison import Interval
from evalrun.records.outcome import Status
from evalrun.records.plan import Cell, Plan, pairs_of
from evalrun.records.row import Row
from evalrun.stats.stopping import Decision, Stopping, feed, interval, start


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Two columns, by index, and what is known of them.

    *planned* is how many cases both have, *cases* how many counted so far: until the decision, where there is one.
    *interval* is the difference, first less second, with its anytime-valid interval after those; None before any.
    *alpha* is this pair's part of the run's, *figure* what is compared: ``pass_rate`` or ``score``.
    """

    first: int
    second: int
    planned: int
    cases: int
    decision: Decision
    interval: Interval | None
    alpha: float
    min_effect: float = 0.0
    figure: Literal["pass_rate", "score"] = "pass_rate"


@dataclass(slots=True, kw_only=True)
class _Pair:
    """One comparison, of the cases that both columns have: *order*, and *places* of them among all cases.

    Mutable: *front* is how many cases in the order are through, *whole* how many of them are settled in each column.
    """

    columns: tuple[int, int]
    order: tuple[int, ...]
    places: tuple[int, ...]
    state: Stopping
    front: int = 0
    differences: list[float] = field(default_factory=list)
    whole: Counter[int] = field(default_factory=Counter)

    @property
    def is_open(self) -> bool:
        return self.state.decision is Decision.OPEN

    def before(self, place: int) -> int:
        """How many of its cases come before that place."""
        return bisect_left(self.places, place)

    def has(self, place: int) -> bool:
        """Whether the case at that place is one of its."""
        at = self.before(place)
        return at < len(self.places) and self.places[at] == place


class Watch:
    """The comparisons that a plan's suite wants decided, as far as they are.

    Mutable state: the values that came back (by column and case), how many cells each case still waits for, and the
    pairs; changed by `settle` alone. The error probability of the suite is shared equally by all pairs (Bonferroni).
    """

    def __init__(self, plan: Plan) -> None:
        when = plan.suite.stop_when
        pairs = pairs_of(when.decided, plan.columns) if when else ()
        columns = {column for pair in pairs for column in pair}
        self._left = Counter((cell.column, cell.case) for cell in plan.cells if cell.column in columns)
        self._values: dict[tuple[int, int], list[float]] = defaultdict(list)
        self._settled: set[int] = set()
        ordered = dict.fromkeys(plan.cells[position].case for position in plan.order)
        self._place = {case: place for place, case in enumerate(ordered)}
        self._pairs: list[_Pair] = []
        for first, second in pairs:
            order = tuple(case for case in ordered if self._left[first, case] and self._left[second, case])
            state = start(
                alpha=when.alpha / len(pairs) if when else 0.05,
                min_effect=when.min_effect if when else 0.0,
                cases=len(order),
            )
            places = tuple(self._place[case] for case in order)
            self._pairs.append(_Pair(columns=(first, second), order=order, places=places, state=state))
        self._of: dict[int, list[_Pair]] = defaultdict(list)
        for pair in self._pairs:
            for column in pair.columns:
                self._of[column].append(pair)
        self._figure: Literal["pass_rate", "score"] = when.figure if when else "pass_rate"

    def watches(self, column: int) -> bool:
        """Whether a column is compared at all."""
        return column in self._of

    def read(self, rows: Iterable[Row]) -> None:
        """Settle every cell that has its end among *rows*, which may come in any order."""
        for row in rows:
            if self.watches(row.cell.column) and row.status not in (Status.PENDING, Status.SPARED):
                self.settle(row)

    def settle(self, row: Row) -> bool:
        """A cell's end: its mark, or that it has none for good. Whether that decided something; twice is once."""
        cell = row.cell
        if not self.watches(cell.column) or cell.position in self._settled:
            return False
        self._settled.add(cell.position)
        place = (cell.column, cell.case)
        value = self._value(row)
        if value is not None:
            self._values[place].append(value)
        self._left[place] -= 1
        if self._left[place]:
            return False
        for pair in self._of[cell.column]:
            pair.whole[cell.column] += pair.has(self._place[cell.case])
        decided = [self._advance(pair) for pair in self._of[cell.column]]  # every one of them
        return any(decided)

    def is_decided(self, column: int) -> bool:
        """Whether nothing more is to be learned of a column: it is compared, and all its comparisons are decided."""
        return column in self._of and not any(pair.is_open for pair in self._of[column])

    def is_needed(self, cell: Cell) -> bool:
        """Whether a cell counts: not where its column was decided at an earlier case, whenever its answer came back.

        So figures hang on the plan and the answers, and not on what was in flight at the decision.
        """
        if not self.is_decided(cell.column):
            return True
        last = max((pair.order[pair.front - 1] for pair in self._of[cell.column]), key=self._place.__getitem__)
        return self._place[cell.case] <= self._place[last]

    def waits_for(self, cell: Cell, lead: int) -> tuple[int, ...]:
        """The columns that must catch up before it is worth asking *cell*: those more than *lead* cases behind it.

        An answer that has nothing to be compared with yet decides nothing, and may turn out not to be needed. Only
        cases that both columns have are counted: for one that another column lacks nobody would ever catch up.
        """
        place = self._place[cell.case]
        return tuple(
            other
            for pair in self._of.get(cell.column, ())
            if pair.is_open
            for other in pair.columns
            if other != cell.column and pair.whole[other] + lead <= pair.before(place)
        )

    def pairs(self) -> tuple[Watched, ...]:
        """Every comparison as it stands."""
        return tuple(
            Watched(
                first=pair.columns[0],
                second=pair.columns[1],
                planned=len(pair.order),
                cases=pair.state.cases,
                decision=pair.state.decision,
                interval=interval(pair.differences, alpha=pair.state.alpha, stakes=pair.state.stakes),
                alpha=pair.state.alpha,
                min_effect=pair.state.min_effect,
                figure=self._figure,
            )
            for pair in self._pairs
        )

    def fed(self) -> tuple[tuple[float, ...], ...]:
        """The differences that counted, pair by pair, in the order in which they did."""
        return tuple(tuple(pair.differences) for pair in self._pairs)

    def _value(self, row: Row) -> float | None:
        if not row.scored or row.mark is None:
            return None
        return row.mark.score if self._figure == "score" else float(row.mark.verdict == "pass")

    def _advance(self, pair: _Pair) -> bool:
        """Feed what can be fed; whether that decided the pair."""
        first, second = pair.columns
        while pair.is_open and pair.front < len(pair.order):
            case = pair.order[pair.front]
            if self._left[first, case] or self._left[second, case]:
                return False
            pair.front += 1
            one, other = self._values[first, case], self._values[second, case]
            if one and other:
                difference = max(-1.0, min(1.0, fmean(one) - fmean(other)))  # rounding may lead out
                pair.differences.append(difference)
                pair.state = feed(pair.state, difference)
                if pair.state.decision is not Decision.OPEN:
                    return True
        return False
