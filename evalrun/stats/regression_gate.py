"""The gate ``no_regression``: a run's cells beside the baseline's, by column, case and sample, never by index."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from evalrun.records.baseline import Baseline, BaselineCell
from evalrun.records.comparison import GateResult, Regressed
from evalrun.records.outcome import Status
from evalrun.records.plan import Column
from evalrun.records.row import Row
from evalrun.records.suite import Gate
from evalrun.stats.calls import holm
from evalrun.stats.gate_answers import UNDECIDED, Answer, Judged, columns_for, decides, is_for, told, worst
from evalrun.stats.regression import Drop, score_drop, verdict_drop

_MOST_CASES = 5  # cases, or columns, that a reason names one by one
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class _Both:
    """A cell that both have scored: what it was, and what it is now."""

    before: BaselineCell
    passes: bool
    score: float | None

    @property
    def lost(self) -> bool:
        return self.before.verdict == "pass" and not self.passes


class _Beside:
    """One column beside the baseline's. What changes: the cells seen so far."""

    def __init__(self, column: Column, before: Mapping[tuple[str, int], BaselineCell] | None) -> None:
        self.label = column.label
        self.known = before is not None
        self._before = dict(before or {})
        self.cases: dict[str, list[_Both]] = {}
        self.new = self.unscored = self.changed = self.spared = self.undecided = 0

    def add(self, row: Row, *, scored: bool) -> None:
        before = self._before.pop((row.case.id, row.cell.sample), None)
        if row.status is Status.SPARED:
            self.spared += 1
        elif before is None:
            self.new += 1
        elif not scored or row.mark is None:
            self.unscored += 1
        else:
            self.changed += before.key != key_of(row)
            self.undecided += not decides(row)
            found = _Both(before, row.mark.verdict == "pass", row.mark.score)
            self.cases.setdefault(row.case.id, []).append(found)

    @property
    def gone(self) -> list[str]:
        """The cases of the baseline's cells that did not come."""
        return [case for case, _ in self._before]

    def regressed(self) -> list[Regressed]:
        return [
            Regressed(column=self.label, case=case, sample=cell.before.sample)
            for case, cells in self.cases.items()
            for cell in cells
            if cell.lost
        ]

    def verdicts(self) -> list[list[tuple[bool, bool]]]:
        return [[(cell.before.verdict == "pass", cell.passes) for cell in cells] for cells in self.cases.values()]

    def scores(self) -> list[list[tuple[float, float]]]:
        """The scores; empty where they say no more than the verdicts do."""
        found = [
            [(c.before.score, c.score) for c in cells if c.before.score is not None and c.score is not None]
            for cells in self.cases.values()
        ]
        graded = any(
            cell.score not in (None, float(cell.passes))
            or cell.before.score not in (None, float(cell.before.verdict == "pass"))
            for cells in self.cases.values()
            for cell in cells
        )
        return [cells for cells in found if cells] if graded else []


class RegressionTally:
    """What a gate against the baseline needs of the rows, and its answer."""

    def __init__(
        self,
        gate: Gate,
        columns: Sequence[Column],
        baseline: Baseline | str,
        left_out: Mapping[str, Collection[str]],
    ) -> None:
        self._gate = gate
        self._baseline = baseline
        matched = {} if isinstance(baseline, str) else _matched(columns, baseline)
        cells = {} if isinstance(baseline, str) else _cells_of(baseline)
        lost = [] if isinstance(baseline, str) else _lost(gate, baseline, matched.values())
        self._left_out = [column.label for column in lost if _is_left_out(column, left_out)]
        self._gone = [column.label for column in lost if not _is_left_out(column, left_out)]
        self._columns = {
            index: _Beside(column, cells[matched[index]] if index in matched else None)
            for index, column in columns_for(gate, columns).items()
        }

    def add(self, row: Row, *, scored: bool) -> None:
        """Count a row in where the gate is for it."""
        beside = self._columns.get(row.cell.column)
        if beside is not None and is_for(self._gate, row.case):
            beside.add(row, scored=scored)

    def result(self, *, complete: bool) -> GateResult:
        """The gate's answer: not decided while the run is not complete, else the worst of its columns'."""
        gate, columns = self._gate, list(self._columns.values())
        if isinstance(self._baseline, str):
            verdict: Answer = "not enough evidence"
            return GateResult(gate=gate, verdict=verdict if complete else "not decided", reason=self._baseline)
        regressed = tuple(one for beside in columns for one in beside.regressed())
        if not complete:
            return GateResult(gate=gate, verdict="not decided", reason="the run is not complete", regressed=regressed)
        judged = self._judged(columns)
        if not judged:
            return GateResult(gate=gate, verdict="fail", reason="no column and case that it is for")
        judged += [
            ("not enough evidence", f"{label} is in the baseline and not in the suite any more") for label in self._gone
        ]
        reason = "; ".join([*told(judged), *self._remarks(columns, self._baseline)])
        return GateResult(gate=gate, verdict=worst(judged), reason=reason, regressed=regressed)

    def _judged(self, columns: Sequence[_Beside]) -> list[Judged]:
        """Each column's answer; that any of them is a false alarm has a chance of at most alpha (Holm)."""
        verdicts, scores = [beside.verdicts() for beside in columns], [beside.scores() for beside in columns]
        tests = sum(map(bool, verdicts)) + sum(map(bool, scores))
        alpha = self._gate.alpha / max(1, tests)
        drops: list[list[Drop]] = []
        for passes, points in zip(verdicts, scores, strict=True):
            found = (
                verdict_drop(passes, alpha=alpha, min_effect=self._gate.min_effect),
                score_drop(points, alpha=alpha, min_effect=self._gate.min_effect),
            )
            drops.append([drop for drop in found if drop is not None])
        adjusted = iter(holm([drop.p_value for mine in drops for drop in mine]))
        judged = []
        for beside, mine in zip(columns, drops, strict=True):
            answers = [_judge(drop, next(adjusted), self._gate, alpha) for drop in mine]
            judged += (
                [_whole(beside, answers)] if beside.cases or beside.new or beside.unscored or beside.spared else []
            )
        return judged

    def _remarks(self, columns: Sequence[_Beside], baseline: Baseline) -> list[str]:
        """What was compared with what, and what could not be."""
        known = [beside for beside in columns if beside.known]
        cells = sum(len(cells) for beside in known for cells in beside.cases.values())
        changed = sum(beside.changed for beside in known)
        only = self._gate.only
        gone = [c for beside in known for c in beside.gone if c in only.get("case", (c,))] if "tag" not in only else []
        said = [
            (cells and cells == sum(beside.undecided for beside in known), UNDECIDED),
            (changed, f"{changed:,} of {cells:,} requests are others than then"),
            (sum(b.new for b in known), f"{sum(b.new for b in known):,} cells are not in the baseline"),
            (len(gone), f"{len(gone):,} cells are in the baseline only"),
            (len(self._left_out), f"{_some(self._left_out)} of the baseline left out of this run"),
            (sum(b.unscored for b in known), f"{sum(b.unscored for b in known):,} have no verdict now"),
            (sum(b.spared for b in known), f"{sum(b.spared for b in known):,} were not needed (stop_when)"),
        ]
        note = f" ({baseline.note})" if baseline.note else ""
        return [*(words for count, words in said if count), f"baseline {baseline.run} of {baseline.date[:10]}{note}"]


def key_of(row: Row) -> str:
    """What tells whether a cell asks the same as before: its key, whichever of several such cells it is."""
    return row.cell.key.partition("#")[0]


def _cells_of(baseline: Baseline) -> dict[str, dict[tuple[str, int], BaselineCell]]:
    """The baseline's cells of each of its columns, by label."""
    cells: dict[str, dict[tuple[str, int], BaselineCell]] = {column.label: {} for column in baseline.columns}
    for cell in baseline.cells:
        cells[cell.column][cell.case, cell.sample] = cell
    return cells


def _matched(columns: Sequence[Column], baseline: Baseline) -> dict[int, str]:
    """The label in the baseline of each column that it has: by prompt, model and parameters, or else by label."""
    labels = {column.label for column in baseline.columns}
    by_id = {column.id: column.label for column in baseline.columns}
    found = {index: by_id[column.id] for index, column in enumerate(columns) if column.id in by_id}
    for index, column in enumerate(columns):
        if index not in found and column.label in labels and column.label not in found.values():
            found[index] = column.label
    return found


def _lost(gate: Gate, baseline: Baseline, matched: Collection[str]) -> list[Column]:
    """The baseline's columns that the gate is for and nothing of the run is matched with: nothing compares them."""
    cases = gate.only.get("case")
    filled = {cell.column for cell in baseline.cells if cases is None or cell.case in cases}
    lost = [column for column in baseline.columns if column.label not in matched]
    return [column for column in columns_for(gate, lost).values() if column.label in filled]


def _is_left_out(column: Column, left_out: Mapping[str, Collection[str]]) -> bool:
    """Whether the command line left it out: its model or its prompt is still in the suite."""
    return column.model in left_out.get("model", ()) or column.prompt in left_out.get("prompt", ())


def _judge(drop: Drop, p_adjusted: float, gate: Gate, alpha: float) -> Judged:
    """One figure's answer, after Holm; *alpha* is what one test of them has where none is done yet."""
    shown = f"{drop.figure} {drop.now:.3f} after {drop.before:.3f}"
    least, aside = gate.min_effect, [f"{drop.lost:,} newly fail, {drop.gained:,} newly pass"]
    if drop.figure == "score" or not drop.lost + drop.gained:
        aside = []
    if drop.size > 0:
        aside.append(f"p = {p_adjusted:.2g}")
    beside = f" ({'; '.join(aside)})" if aside else ""
    sure = p_adjusted < gate.alpha and drop.size > 0
    if sure and drop.size >= least - _ROUNDING:
        return "fail", f"{shown}, {_size(drop.size, drop.figure)} worse on {_cases(drop.cases)}{beside}"
    shown += f" on {_cases(drop.cases)}{beside}"
    if drop.most < least or drop.most <= 0:
        return "pass", shown
    if sure:
        return "not enough evidence", f"{shown}: it is worse, and by {_size(least, drop.figure)} is not excluded"
    if drop.least_p >= alpha:
        return "not enough evidence", f"{shown}, too few to show any drop"
    if drop.needed is not None and drop.cases < drop.needed:
        wanted = f"a drop of {_size(least, drop.figure)} takes about {_cases(drop.needed)} to show"
        return "not enough evidence", f"{shown}: {wanted}"
    if not least and drop.visible is not None:
        shown += f", where drops from {_size(drop.visible, drop.figure)} on show"
    return "pass", shown


def _whole(beside: _Beside, answers: Sequence[Judged]) -> Judged:
    """A column's answer out of its figures'."""
    if not beside.known:
        return "not enough evidence", f"{beside.label} is not in the baseline"
    if not answers and beside.spared and not beside.unscored:
        return "not enough evidence", f"{beside.label}: no cell that it is for was needed (stop_when)"
    if not answers:
        return "not enough evidence", f"{beside.label}: no case has a verdict both then and now"
    answer = worst(answers)
    words = [words for one, words in answers if one == answer]
    cases = list(dict.fromkeys(one.case for one in beside.regressed()))
    named = f", now failing: {_some(cases)}" if answer == "fail" and cases else ""
    return answer, f"{beside.label}: {', '.join(words)}{named}"


def _some(names: Sequence[str]) -> str:
    """Names, of many the first."""
    more = f" and {len(names) - _MOST_CASES:,} more" if len(names) > _MOST_CASES else ""
    return f"{', '.join(names[:_MOST_CASES])}{more}"


def _cases(count: int) -> str:
    return f"{count:,} case{'' if count == 1 else 's'}"


def _size(effect: float, figure: str) -> str:
    """A drop in points of a hundred for a pass rate, as it is for a score."""
    return f"{effect * 100:.1f} points" if figure == "pass rate" else f"{effect:.3f}"
