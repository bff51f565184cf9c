"""What follows from the figures, in at most three sentences."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from evalrun.records.comparison import ColumnFigures, Interval
from evalrun.stats.pairs import Paired, more_cases

SENTENCES = 3
COUNTABLE_CASES = 1_000_000

PairOf = Callable[[ColumnFigures, ColumnFigures], "Paired | None"]


def conclusion(
    columns: Sequence[ColumnFigures],
    ranked: Sequence[ColumnFigures],
    pair_of: PairOf,
    *,
    samples: int,
    complete: bool,
) -> tuple[str, ...]:
    """The sentences: who is ahead of the runner-up, then the rest, then what has no score or does not compete.

    *ranked* are the competing columns, the best first; *samples* is the most cells that a case has in a column. A
    difference is called one only where the paired test decides.
    """
    if not ranked:
        return (_nothing(columns),)
    opening = ("" if complete else "So far, ") + ("among simulated models, " if ranked[0].simulated else "")
    if len(ranked) == 1:
        sentences = [_alone(ranked[0], "case" if samples == 1 else "answer", complete=complete)]
    else:
        sentences = [_capital(opening + _versus(ranked[0], ranked[1], pair_of, complete=complete))]
        sentences += _rest(ranked, pair_of, complete=complete)
    sentences += [_unscored(one) for one in columns if not one.scored and not one.simulated and one.top_error][:1]
    simulated = [one.column.label for one in columns if one.simulated]
    if simulated and not ranked[0].simulated:
        verb = "is simulated and stays" if len(simulated) == 1 else "are simulated and stay"
        sentences.append(f"{_names(simulated)} {verb} out of the comparison.")
    return tuple(sentences[:SENTENCES])


def _alone(figures: ColumnFigures, noun: str, *, complete: bool) -> str:
    rate = figures.pass_rate or Interval(mean=0.0, low=0.0, high=0.0)
    name = figures.column.label + (" (simulated)" if figures.simulated else "")
    low, high = (f"{100 * bound:.{0 if figures.scored < 1000 else 1}f}" for bound in (rate.low, rate.high))
    so_far = "" if complete else "So far, "
    return f"{so_far}{name} passes {100 * rate.mean:.1f} % [{low}, {high}] of {_count(figures.scored, noun)}."


def _versus(first: ColumnFigures, second: ColumnFigures, pair_of: PairOf, *, complete: bool) -> str:
    """Two columns against each other; the better one on the paired cells is named first where that is decided."""
    paired = pair_of(first, second)
    names = f"{first.column.label} and {second.column.label}"
    if paired is None:
        return f"{names} have no scored case in common."
    pair, base = paired.pair, _base(paired)
    if not pair.decided:
        return f"{names} are not distinguishable ({_needed(paired)})."
    difference, winner, loser = pair.difference, pair.first, pair.second
    if difference.mean < 0:
        difference = Interval(mean=-difference.mean, low=-difference.high, high=-difference.low)
        winner, loser = loser, winner
    points = f"{100 * difference.mean:.1f} points [{_points(difference.low)}, {_points(difference.high)}]"
    verb = "beats" if complete else "is ahead of"
    return f"{winner} {verb} {loser} on pass rate by {points} (paired, {base})."


def _rest(ranked: Sequence[ColumnFigures], pair_of: PairOf, *, complete: bool) -> list[str]:
    """What is said of the third and later columns: of three the last two held together, of more a count."""
    if len(ranked) < 3:
        return []
    if len(ranked) == 3:
        return [_capital(_versus(ranked[1], ranked[2], pair_of, complete=complete))]
    others = [pair_of(ranked[0], other) for other in ranked[1:]]
    beaten = sum(one is not None and one.pair.decided and one.pair.difference.mean > 0 for one in others)
    verb = "beats" if complete else "is ahead of"
    many = "all" if beaten == len(others) else f"{beaten} of the" if beaten else "none of the"
    return [f"{ranked[0].column.label} {verb} {many} {len(others)} other columns (paired)."]


def _needed(paired: Paired) -> str:
    more = more_cases(paired)
    if more is None:
        return f"the same pass rate on {_base(paired)}"
    if more > COUNTABLE_CASES:
        return f"needs over {COUNTABLE_CASES:,} more cases"
    rounded = _two_digits(more)
    return f"needs about {rounded:,} more {'case' if rounded == 1 else 'cases'}"


def _base(paired: Paired) -> str:
    said = _count(paired.cases, "case")
    return said if paired.cells == paired.cases else f"{said}, {_count(paired.cells, 'answer')}"


def _unscored(figures: ColumnFigures) -> str:
    return f"{figures.column.label} has nothing scored: {figures.top_error.rstrip('.')}."


def _nothing(columns: Sequence[ColumnFigures]) -> str:
    """Why there is nothing to conclude: the most frequent error, where there is one."""
    columns = [figures for figures in columns if not figures.simulated] or columns
    replies = sum(figures.answered + figures.no_answer + figures.refused for figures in columns)
    failed = [figures for figures in columns if figures.top_error]
    by_whom = " by the simulated models" if all(figures.simulated for figures in columns) else ""
    if failed:
        worst = max(failed, key=lambda figures: figures.errors + figures.filtered + figures.unscored)
        what = "Nothing was scored" if replies else f"Nothing was answered{by_whom}"
        return f"{what}: {worst.top_error.rstrip('.')}."
    return f"Nothing was {'scored' if replies else 'answered'} yet."


def _names(labels: Sequence[str]) -> str:
    if len(labels) > 3:
        return f"{', '.join(labels[:2])} and {len(labels) - 2} others"
    return " and ".join(filter(None, (", ".join(labels[:-1]), labels[-1])))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _points(share: float) -> str:
    return f"{100 * share:.1f}".replace("-", "−").replace("−0.0", "0.0")


def _two_digits(number: int) -> int:
    """Rounded up to two significant digits: an estimate has no more."""
    unit = int(10 ** max(0, len(str(number)) - 2))
    return math.ceil(number / unit) * unit


def _capital(sentence: str) -> str:
    """A sentence that begins with one of our words begins large; a column's label stays as it is."""
    return sentence[:1].upper() + sentence[1:] if sentence.startswith(("so far", "among")) else sentence
