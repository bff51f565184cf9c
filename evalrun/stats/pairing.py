"""Pairs of columns, called better, worse or not distinguishable after all the pairs shown have been allowed for."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalrun.records.comparison import Flip, Interval, Pair, ScorePair
from evalrun.stats.calls import Call, Called, Shown, call_pairs, no_more_than
from evalrun.stats.design import ALPHA
from evalrun.stats.effects import cohen_h, odds_ratio
from evalrun.stats.figures import seed_of
from evalrun.stats.paired_scores import PairedScores, compare_scores, more_cases_for_scores
from evalrun.stats.pairs import PASSED, UNSCORED, Paired, compare_pair, more_cases
from evalrun.stats.watched_pairs import WatchedPairs, found_of
from evalrun.stats.watched_pairs import called as called_by_watch

ALL_PAIRS_UP_TO = 8
MOST_FLIPS_LISTED = 1_000
COUNTABLE_CASES = 1_000_000

PairOf = Callable[[str, str], Pair | None]
"""Finds the pair of two labels, whichever comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A column to be paired, cells by case, then sample.

    *verdicts* hold a byte a cell (pairs.UNSCORED, FAILED, PASSED), *scores* a row a case and nan where there is none;
    None where scores say no more than verdicts do.
    """

    label: str
    verdicts: bytes
    scores: NDArray[np.float64] | None = None


def chosen(columns: int) -> list[tuple[int, int]]:
    """Which of *columns* that stand in order, the best first, are held against each other: all pairs of 8 at most.

    Of more, the first with every other, and every other with the next: all pairs of 20 would be 190, and Holm's
    correction for so many would hide differences that anybody asks about.
    """
    if columns <= ALL_PAIRS_UP_TO:
        return list(itertools.combinations(range(columns), 2))
    return [(0, other) for other in range(1, columns)] + [(at, at + 1) for at in range(1, columns - 1)]


def pair_up(
    sides: Sequence[tuple[Side, Side]],
    *,
    cases: Sequence[str],
    samples: int,
    cases_a_day: Mapping[str, float] | None = None,
    watched: WatchedPairs | None = None,
) -> tuple[Pair, ...]:
    """Compare each two *sides* on the cells that both have scored, and call them; without such cells they are left out.

    *cases* are the ids, *cases_a_day* how many more cases a day each label's limits allow, where a limit counts days.
    Pass rates are called together (calls.call_pairs), and scores together, where either side has some. A pair is told
    apart only where its own interval does not hold 0 either, so that no sentence says more than its figures.
    Those *watched* are called by what was found then (watched_pairs), and no other has to allow for them.
    """
    found = [(two, paired) for two in sides if (paired := _paired(two, samples)) is not None]
    known = watched or {}
    calls = _calls([paired for _, paired in found], [_is_watched(two, known, "pass_rate") for two, _ in found])
    scored = [(place, two, scores) for place, (two, _) in enumerate(found) if (scores := _scores(two)) is not None]
    score_pairs = dict(
        zip(
            (place for place, _, _ in scored),
            _call_scores([one for _, _, one in scored], [_is_watched(two, known, "score") for _, two, _ in scored]),
            strict=True,
        )
    )
    pairs = []
    for place, (called, alpha) in enumerate(calls):
        two, paired = found[place]
        a_day = _slower(two, cases_a_day or {})
        pair = _called_pair(paired, called, alpha=alpha, a_day=a_day)
        score = score_pairs.get(place)
        if score is not None and not score.decided:
            score = replace(score, needs=_needs(score.more_cases, a_day) or _same("score", paired))
        pair = replace(pair, score=score, flips=tuple(_flips(two, cases, samples)))
        pairs.append(called_by_watch(pair, known))
    return tuple(pairs)


def base(pair: Pair) -> str:
    """What a pair stands on, in words: ``200 cases``, ``60 cases, 120 answers``."""
    if pair.watched:
        return pair.watched
    answers = "" if pair.cells == pair.cases else f", {_count(pair.cells, 'answer')}"
    return f"{_count(pair.cases, 'case')}{answers}{', stopped early' if pair.stopped_early else ''}"


def _paired(two: tuple[Side, Side], samples: int) -> Paired | None:
    first, second = two
    return compare_pair((first.label, second.label), (first.verdicts, second.verdicts), samples)


def _shown(paired: Paired) -> Shown:
    return Shown(difference=paired.pair.difference.mean, p_value=paired.pair.p_value, more_cases=None)


def _calls(found: Sequence[Paired], apart: Sequence[bool]) -> list[tuple[Called, float]]:
    return _call([_shown(paired) for paired in found], [paired.pair.difference for paired in found], apart)


def _call(shown: Sequence[Shown], intervals: Sequence[Interval], apart: Sequence[bool]) -> list[tuple[Called, float]]:
    """What each pair is called, and the level at which Holm would test next those that are not told apart.

    Those *apart* are called each by itself: they are somebody else's to tell, and the others need not allow for them.
    """
    together = [place for place, alone in enumerate(apart) if not alone]
    calls = [call_pairs([one])[0] for one in shown]
    for place, one in zip(together, call_pairs([shown[place] for place in together]), strict=True):
        calls[place] = one
    calls = [no_more_than(one, interval) for one, interval in zip(calls, intervals, strict=True)]
    still_open = sum(calls[place].call is Call.NOT_DISTINGUISHABLE for place in together)
    return [(one, ALPHA if alone else ALPHA / max(1, still_open)) for one, alone in zip(calls, apart, strict=True)]


def _is_watched(two: tuple[Side, Side], watched: WatchedPairs, figure: str) -> bool:
    return found_of(watched, two[0].label, two[1].label, figure) is not None


def _called_pair(paired: Paired, called: Called, *, alpha: float, a_day: float | None) -> Pair:
    pair = paired.pair
    decided = called.call is not Call.NOT_DISTINGUISHABLE
    more = None if decided else more_cases(paired, alpha=alpha)
    rates = ((pair.both + pair.only_first) / paired.cells, (pair.both + pair.only_second) / paired.cells)
    return replace(
        pair,
        decided=decided,
        p_adjusted=called.p_adjusted,
        effect_size=cohen_h(*rates),
        odds_ratio=odds_ratio(pair.only_first, pair.only_second),
        more_cases=more,
        needs="" if decided else _needs(more, a_day) or _same("pass rate", paired),
    )


def _scores(two: tuple[Side, Side]) -> PairedScores | None:
    """The comparison of scores, on the cells that both have scored; None where neither side has scores to tell of."""
    first, second = (side.scores for side in two)
    if first is None or second is None:
        return None
    scored = [np.frombuffer(side.verdicts, np.uint8).reshape(first.shape) != UNSCORED for side in two]
    differences = np.where(scored[0] & scored[1], first - second, np.nan)
    if differences.shape[1] == 1:  # the same without a numpy call for each of many cases
        by_case = [[value] if value == value else [] for value in differences[:, 0].tolist()]
    else:
        by_case = [row[~np.isnan(row)].tolist() for row in differences]
    return compare_scores(by_case, seed=seed_of("scores", two[0].label, two[1].label))


def _call_scores(found: Sequence[PairedScores], apart: Sequence[bool]) -> list[ScorePair]:
    """Scores of several pairs, called together; those *apart* each by itself."""
    shown = [Shown(difference=one.difference.mean, p_value=one.p_value, more_cases=None) for one in found]
    intervals = [_interval(one) for one in found]
    pairs = []
    for one, interval, (called, alpha) in zip(found, intervals, _call(shown, intervals, apart), strict=True):
        decided = called.call is not Call.NOT_DISTINGUISHABLE
        pairs.append(
            ScorePair(
                difference=interval,
                standard_error=one.difference.standard_error,
                p_value=one.p_value,
                p_permutation=one.p_permutation,
                p_adjusted=called.p_adjusted,
                decided=decided,
                effect_size=one.effect_size,
                more_cases=None if decided else more_cases_for_scores(one, alpha=alpha),
            )
        )
    return pairs


def _interval(found: PairedScores) -> Interval:
    """The difference with its interval, at most from -1 to 1; of a lone case it may be anything in there."""
    known = found.difference.interval or Interval(mean=found.difference.mean, low=-1.0, high=1.0)
    return Interval(mean=known.mean, low=max(-1.0, known.low), high=min(1.0, known.high))


def _flips(two: tuple[Side, Side], cases: Sequence[str], samples: int) -> Iterator[Flip]:
    """The first of the cells on which the two differ."""
    first, second = two
    differing = (
        (place, one == PASSED)
        for place, (one, other) in enumerate(zip(first.verdicts, second.verdicts, strict=True))
        if one != other and one != UNSCORED and other != UNSCORED
    )
    for place, is_first in itertools.islice(differing, MOST_FLIPS_LISTED):
        case, sample = divmod(place, samples)
        yield Flip(case=cases[case], sample=sample, passed=(first if is_first else second).label)


def _slower(two: tuple[Side, Side], cases_a_day: Mapping[str, float]) -> float | None:
    return min((cases_a_day[side.label] for side in two if side.label in cases_a_day), default=None)


def _needs(more: int | None, a_day: float | None) -> str:
    """``needs about 900 more cases: 6 days at 150 a day``; empty where nothing can be told."""
    if more is None:
        return ""
    if more > COUNTABLE_CASES:
        return f"needs over {COUNTABLE_CASES:,} more cases"
    rounded = _two_digits(more)
    said = f"needs about {_count(rounded, 'more case')}"
    if a_day is None or a_day <= 0:
        return said
    return f"{said}: {_count(math.ceil(rounded / a_day), 'day')} at {_pace(a_day)} a day"


def _pace(a_day: float) -> str:
    return f"{math.floor(a_day):,}" if a_day >= 10 or a_day == math.floor(a_day) else f"{a_day:.2g}"


def _same(what: str, paired: Paired) -> str:
    if paired.cases == 1 and what == "score":
        return "one case does not tell"
    return f"the same {what} on {base(paired.pair)}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _two_digits(number: int) -> int:
    """Rounded up to two significant digits: an estimate has no more."""
    unit = int(10 ** max(0, len(str(number)) - 2))
    return math.ceil(number / unit) * unit


def finder(pairs: Sequence[Pair]) -> PairOf:
    """What finds a pair among *pairs*."""
    known = {(pair.first, pair.second): pair for pair in pairs}

    def pair_of(first: str, second: str) -> Pair | None:
        return known.get((first, second)) or known.get((second, first))

    return pair_of
