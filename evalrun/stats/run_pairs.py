"""A column of one run against one of another, cell by cell: what is added up, and the figures that follow."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from evalrun.records.comparison import Interval
from evalrun.records.outcome import Response
from evalrun.records.row import Row
from evalrun.records.run_comparison import VERDICTS, Call, CellNumbers, ComparedColumn, Measure
from evalrun.stats.calls import Shown, call_pairs, no_more_than
from evalrun.stats.effects import cohen_h
from evalrun.stats.intervals import design_effect, wilson
from evalrun.stats.means import mean_interval
from evalrun.stats.paired_scores import compare_scores, more_cases_for_scores
from evalrun.stats.pairs import FAILED, PASSED, UNSCORED, Paired, compare_pair, more_cases

UNKNOWN = math.nan
FIGURES = ("score", "tokens", "cost_usd", "latency_s")
TESTED = ("pass_rate", "score")
_SEED = 0
_BYTES = {"pass": PASSED, "fail": FAILED}


def numbers_of(row: Row, word: str) -> CellNumbers:
    """A row in numbers, under *word*: its verdict, or why there is none."""
    score = row.mark.score if row.mark is not None and word in VERDICTS else None
    if not isinstance(row.outcome, Response):
        return CellNumbers(word, _known(score), UNKNOWN, UNKNOWN, UNKNOWN)
    sent, received = row.prompt_tokens, row.completion_tokens
    tokens = UNKNOWN if sent is None or received is None else float(sent + received)
    return CellNumbers(word, _known(score), tokens, _known(row.cost_usd), _known(row.latency_s))


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

    def compared(self, label: str, labels: tuple[str, str], *, simulated: bool) -> ComparedColumn:
        """The pair in figures; what allows for other pairs is left to `called`."""
        first, second = (bytes(verdicts) for verdicts in self.verdicts)
        paired = compare_pair((labels[1], labels[0]), (second, first), self.samples)  # B first: B - A
        measures = [] if paired is None else [_pass_rate(paired, first, second, self.samples)]
        measures += [found for name in FIGURES if (found := self._measure(name)) is not None]
        pair = None if paired is None else paired.pair
        return ComparedColumn(
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

    def _measure(self, name: str) -> Measure | None:
        """A figure's means on both sides over the cells that have it on both, and the difference."""
        one, other = self.figures[name]
        a, b, differences = by_case(one, other, self.samples)
        mean_a, mean_b, difference = mean_interval(a), mean_interval(b), mean_interval(differences)
        if mean_a is None or mean_b is None or difference is None:
            return None
        measure = Measure(
            name=name,
            cells=difference.values,
            cases=difference.cases,
            a=mean_a.mean,
            b=mean_b.mean,
            difference=difference.mean,
            a_interval=_within_unit(mean_a.interval) if name == "score" else mean_a.interval,
            b_interval=_within_unit(mean_b.interval) if name == "score" else mean_b.interval,
            difference_interval=difference.interval,
        )
        graded = name == "score" and any(map(graded_by, self.verdicts, self.figures["score"]))
        tested = compare_scores(differences, seed=_SEED) if graded else None
        if tested is None:
            return measure
        more = more_cases_for_scores(tested)
        return replace(measure, p_value=tested.p_value, effect_size=tested.effect_size, more_cases=more)


def verdict_byte(numbers: CellNumbers) -> int:
    """A verdict as stats.pairs takes it."""
    return _BYTES.get(numbers.word, UNSCORED)


def called(columns: Sequence[ComparedColumn]) -> tuple[ComparedColumn, ...]:
    """The columns with every test's call, pass rates and scores each allowing for all the columns shown."""
    found = list(columns)
    for name in TESTED:
        measured = [(place, column.measure(name)) for place, column in enumerate(found)]
        tested = [(place, one) for place, one in measured if one is not None and one.p_value is not None]
        shown = [Shown(difference=one.difference, p_value=_tested(one), more_cases=one.more_cases) for _, one in tested]
        for (place, one), call in zip(tested, call_pairs(shown), strict=True):
            if one.difference_interval is not None:
                call = no_more_than(call, one.difference_interval, more_cases=one.more_cases)
            word: Call = call.call.value
            new = replace(one, p_adjusted=call.p_adjusted, call=word, more_cases=call.more_cases)
            kept = tuple(new if measure is one else measure for measure in found[place].measures)
            found[place] = replace(found[place], measures=kept)
    return tuple(found)


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
    """The share of verdicts that pass with its Wilson interval, several answers to a case by their design effect.

    *verdicts* hold a byte a cell, *samples* cells a case. None without a verdict.
    """
    passed, scored = verdicts.count(PASSED), len(verdicts) - verdicts.count(UNSCORED)
    if not scored:
        return None
    if samples == 1:
        return wilson(passed, scored)
    passes, sizes = [], []
    for start in range(0, len(verdicts), samples):
        cells = verdicts[start : start + samples]
        if size := len(cells) - cells.count(UNSCORED):
            passes.append(cells.count(PASSED))
            sizes.append(size)
    return wilson(passed, scored, effective=scored / design_effect(passes, sizes, passed))


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
        more_cases=more_cases(paired),
        effect_size=cohen_h(b.mean, a.mean),
    )


def _tested(measure: Measure) -> float:
    if measure.p_value is None:
        raise ValueError(f"{measure.name} was not tested")
    return measure.p_value


def graded_by(verdicts: bytes | bytearray, scores: Sequence[float]) -> bool:
    """Whether scores say more than the verdicts do, which are 0 and 1 themselves."""
    return any(verdict and score != (verdict == PASSED) for verdict, score in zip(verdicts, scores, strict=True))


def unknown(places: int) -> array[float]:
    """So many places of which nothing is known."""
    return array("d", [UNKNOWN]) * places


def _known(value: float | None) -> float:
    return UNKNOWN if value is None or not math.isfinite(value) else float(value)


def _within_unit(interval: Interval | None) -> Interval | None:
    """A score lies between 0 and 1, and so does what it may be."""
    if interval is None:
        return None
    return Interval(mean=interval.mean, low=max(0.0, interval.low), high=min(1.0, interval.high))
