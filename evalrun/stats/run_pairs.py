"""A column of one run against one of another, cell by cell: what is added up, and the figures that follow."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from evalrun.records.comparison import Interval
from evalrun.records.outcome import Response
from evalrun.records.row import Row
from evalrun.records.run_comparison import VERDICTS, CellNumbers, ComparedColumn, Measure
from evalrun.stats.calls import Call, Called, Shown, call_pairs, no_more_than
from evalrun.stats.design import ALPHA
from evalrun.stats.effects import cohen_h
from evalrun.stats.figures import score_interval, share_interval
from evalrun.stats.means import mean_interval
from evalrun.stats.paired_scores import PairedScores, compare_scores, more_cases_for_scores
from evalrun.stats.pairs import FAILED, PASSED, UNSCORED, Paired, compare_pair, more_cases

UNKNOWN = math.nan
FIGURES = ("score", "tokens", "cost_usd", "latency_s")
_SEED = 0
_BYTES = {"pass": PASSED, "fail": FAILED}


def numbers_of(row: Row, word: str) -> CellNumbers:
    """A row in numbers, under *word*: its verdict, or why there is none."""
    score = row.mark.score if row.mark is not None and word in VERDICTS else None
    if not isinstance(row.outcome, Response):
        return CellNumbers(word, _known(score), UNKNOWN, UNKNOWN, UNKNOWN)
    return CellNumbers(word, _known(score), _known(row.total_tokens), _known(row.cost_usd), _known(row.latency_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """A pair in figures, before it is called among the others, and the tests that it is called by."""

    column: ComparedColumn
    verdicts: Paired | None
    scores: PairedScores | None


class PairTally:
    """Two columns' matched cells, added up. A place is a case and a sample; nan stands where nothing is known."""

    def __init__(self, cases: int, samples: int) -> None:
        self.samples = samples
        self.matched = self.case_changed = self.request_changed = self.scorers_differ = 0
        self.verdicts = (bytearray(cases * samples), bytearray(cases * samples))
        self.figures = {name: (unknown(cases * samples), unknown(cases * samples)) for name in FIGURES}
        self.words: tuple[Counter[str], Counter[str]] = (Counter(), Counter())

    def add(self, case: int, sample: int, a: CellNumbers, b: CellNumbers) -> None:
        """Count a matched cell in; *case* is the match's number."""
        self.matched += 1
        place = case * self.samples + sample
        for side, numbers in enumerate((a, b)):
            self.verdicts[side][place] = verdict_byte(numbers)
            for name in FIGURES:
                self.figures[name][side][place] = getattr(numbers, name)
            if not numbers.judged:
                self.words[side][numbers.word] += 1

    def tested(self, label: str, labels: tuple[str, str], *, simulated: bool) -> Tested:
        """The pair in figures and its own tests; what allows for other pairs is left to `called`."""
        first, second = (bytes(verdicts) for verdicts in self.verdicts)
        paired = compare_pair((labels[1], labels[0]), (second, first), self.samples)  # B first: B - A
        measures = [] if paired is None else [_pass_rate(paired, first, second, self.samples)]
        measures += [found for name in FIGURES if (found := self._measure(name)) is not None]
        pair = None if paired is None else paired.pair
        column = ComparedColumn(
            label=label,
            label_a=labels[0],
            label_b=labels[1],
            simulated=simulated,
            matched=self.matched,
            compared=paired.cells if paired else 0,
            cases=paired.cases if paired else 0,
            both=pair.both if pair else 0,
            only_a=pair.only_second if pair else 0,
            only_b=pair.only_first if pair else 0,
            neither=pair.neither if pair else 0,
            no_verdict_a=dict(self.words[0].most_common()),
            no_verdict_b=dict(self.words[1].most_common()),
            case_changed=self.case_changed,
            request_changed=self.request_changed,
            scorers_differ=self.scorers_differ,
            measures=tuple(measures),
        )
        return Tested(column=column, verdicts=paired, scores=self._scores())

    def _scores(self) -> PairedScores | None:
        """The test of scores, where they say more than the verdicts."""
        if not any(map(graded_by, self.verdicts, self.figures["score"])):
            return None
        return compare_scores(by_case(*self.figures["score"], self.samples)[2], seed=_SEED)

    def _measure(self, name: str) -> Measure | None:
        """A figure's means on both sides over the cells that have it on both, and the difference."""
        one, other = self.figures[name]
        a, b, differences = by_case(one, other, self.samples)
        mean_a, mean_b, difference = mean_interval(a), mean_interval(b), mean_interval(differences)
        if mean_a is None or mean_b is None or difference is None:
            return None
        return Measure(
            name=name,
            cells=difference.values,
            cases=difference.cases,
            a=mean_a.mean,
            b=mean_b.mean,
            difference=difference.mean,
            a_interval=score_interval(a) if name == "score" else mean_a.interval,
            b_interval=score_interval(b) if name == "score" else mean_b.interval,
            difference_interval=difference.interval,
        )


def verdict_byte(numbers: CellNumbers) -> int:
    """A verdict as stats.pairs takes it."""
    return _BYTES.get(numbers.word, UNSCORED)


def called(found: Sequence[Tested]) -> tuple[ComparedColumn, ...]:
    """The columns with what each is called, pass rates and scores each allowing for all the columns shown.

    As in a run's own report a pair is told apart only where its interval does not hold 0 either, and what more would
    tell is for the level at which Holm would test next.
    """
    columns = [one.column for one in found]
    for name, tests in (("pass_rate", [one.verdicts for one in found]), ("score", [one.scores for one in found])):
        places = [place for place, test in enumerate(tests) if test is not None]
        shown = [_shown(columns[place].measure(name), tests[place]) for place in places]
        intervals = [_interval(columns[place].measure(name)) for place in places]
        calls = [no_more_than(*one) for one in zip(call_pairs(shown), intervals, strict=True)]
        open_pairs = sum(call.call is Call.NOT_DISTINGUISHABLE for call in calls)
        for place, call in zip(places, calls, strict=True):
            new = _told(tests[place], call, alpha=ALPHA / max(1, open_pairs))
            measures = tuple(replace(one, **new) if one.name == name else one for one in columns[place].measures)
            columns[place] = replace(columns[place], measures=measures)
    return tuple(columns)


Test = Paired | PairedScores | None


def _shown(measure: Measure | None, test: Test) -> Shown:
    p_value = 1.0 if test is None else test.p_value if isinstance(test, PairedScores) else test.pair.p_value
    return Shown(difference=measure.difference if measure else 0.0, p_value=p_value, more_cases=None)


def _interval(measure: Measure | None) -> Interval | None:
    return measure.difference_interval if measure else None


def _told(test: Test, called: Called, *, alpha: float) -> dict[str, Any]:
    """What a test adds to its measure."""
    told: dict[str, Any] = {"p_adjusted": called.p_adjusted, "call": called.call.value, "more_cases": None}
    is_open = called.call is Call.NOT_DISTINGUISHABLE
    if isinstance(test, PairedScores):
        told |= {"p_value": test.p_value, "effect_size": test.effect_size}
        told["more_cases"] = more_cases_for_scores(test, alpha=alpha) if is_open else None
    elif test is not None and is_open:
        told["more_cases"] = more_cases(test, alpha=alpha)
    return told


def by_case(
    one: Sequence[float], other: Sequence[float], samples: int
) -> tuple[list[list[float]], list[list[float]], list[list[float]]]:
    """Each case's values on both sides, where both are known, and the second less the first."""
    first, second, differences = [], [], []
    for start in range(0, len(one), samples):
        pairs = [
            (x, y)
            for x, y in zip(one[start : start + samples], other[start : start + samples], strict=True)
            if not math.isnan(x) and not math.isnan(y)
        ]
        if pairs:
            first.append([x for x, _ in pairs])
            second.append([y for _, y in pairs])
            differences.append([y - x for x, y in pairs])
    return first, second, differences


def pass_rate(verdicts: bytes, samples: int) -> Interval | None:
    """The share of verdicts that pass with its interval; None without a verdict.

    *verdicts* hold a byte a cell, *samples* cells a case.
    """
    cases = (verdicts[start : start + samples] for start in range(0, len(verdicts), samples))
    return share_interval([[float(verdict == PASSED) for verdict in case if verdict] for case in cases])


def _pass_rate(paired: Paired, first: bytes, second: bytes, samples: int) -> Measure:
    both = bytes.maketrans(bytes([FAILED, PASSED]), bytes([1, 1]))
    scored = [one and other for one, other in zip(first.translate(both), second.translate(both), strict=True)]
    a, b = (
        pass_rate(bytes(verdict if kept else UNSCORED for verdict, kept in zip(side, scored, strict=True)), samples)
        for side in (first, second)
    )
    if a is None or b is None:
        raise ValueError("a pair without a cell")
    pair = paired.pair
    return Measure(
        name="pass_rate",
        cells=paired.cells,
        cases=paired.cases,
        a=a.mean,
        b=b.mean,
        difference=(pair.only_first - pair.only_second) / paired.cells,
        a_interval=a,
        b_interval=b,
        difference_interval=pair.difference,
        p_value=pair.p_value,
        effect_size=cohen_h(b.mean, a.mean),
    )


def graded_by(verdicts: bytes | bytearray, scores: Sequence[float]) -> bool:
    """Whether scores say more than the verdicts do, which are 0 and 1 themselves."""
    return any(verdict and score != (verdict == PASSED) for verdict, score in zip(verdicts, scores, strict=True))


def unknown(places: int) -> array[float]:
    """So many places of which nothing is known."""
    return array("d", [UNKNOWN]) * places


def _known(value: float | None) -> float:
    return UNKNOWN if value is None or not math.isfinite(value) else float(value)
